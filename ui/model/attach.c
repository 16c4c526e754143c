/* SPDX-License-Identifier: MIT */
/* One connection at a time (struct wire), which is freed in its close callback and nowhere else; struct attach keeps
 * what outlives it. The one timer is the pause before the next try while there is no wire, the deadline of the oldest
 * question while there is. An engine that misses one is silent: it may be stopped, or its disk may hang. The wire
 * stays, with greeting and subscription still to be answered, so that its first word heals the link at once; only after
 * SILENT_TIMES as long another wire is tried. */
#include "ui/model/attach.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "station/control/client.h"
#include "station/control/rpc.h"

#define ANSWER_MS 10000
#define SILENT_TIMES 6
#define PAUSE_FIRST_MS 100
#define PAUSE_MOST_MS 60000
#define PAUSE_UNWATCHED_MS 1000
/* Lines read in REST_MS; then nothing is read for as long: a flood costs a bounded share of this process. */
#define LINES_MOST 64
#define REST_MS 100

struct wire {
	uv_pipe_t pipe;
	struct attach *attach;
	struct buf in;
	bool greeted, silent;
};
struct ask {
	int64_t id, deadline_ms;
	attach_on_answer *on_answer;
	void *arg;
};
struct attach {
	uv_loop_t *loop;
	struct attach_options o;
	char *state_dir;
	uv_timer_t timer, rest;
	struct wire *wire;
	enum link link;
	struct error why;
	bool was_up, watched, opening, closing;
	int handles; /* whose close callback is still to come */
	int lines;	 /* since lines_ms */
	int64_t lines_ms;
	int64_t pause_ms, next_id;
	struct ask asks[ATTACH_ASKS_MAX];
	size_t ask_n;
	void (*on_closed)(void *arg);
	void *on_closed_arg;
	char read_buffer[16384];
};
struct request {
	uv_write_t write;
	char *text;
};

static const struct error no_why = {.code = ERR_NONE};

enum link attach_link(const struct attach *a) { return a->link; }

/* --- the link's state --- */

static void link_set(struct attach *a, enum link link, const struct error *why) {
	bool same = a->link == link && strcmp(a->why.text, why->text) == 0;
	a->link = link;
	a->why = *why;
	if (!same && !a->opening && !a->closing) a->o.on_link(a->o.arg, link, why);
}

static void on_timer(uv_timer_t *t);

static void pause_start(struct attach *a) {
	int64_t most = a->watched ? PAUSE_MOST_MS : PAUSE_UNWATCHED_MS;
	a->pause_ms = MIN(MAX(a->pause_ms * 2, PAUSE_FIRST_MS), most);
	uv_timer_start(&a->timer, on_timer, (uint64_t)a->pause_ms, 0);
}

static void handle_released(struct attach *a) {
	if (--a->handles) return;
	void (*on_closed)(void *) = a->on_closed;
	void *arg = a->on_closed_arg;
	free(a->state_dir);
	free(a);
	if (on_closed) on_closed(arg);
}

static void on_wire_closed(uv_handle_t *h) {
	struct wire *w = h->data;
	struct attach *a = w->attach;
	buf_done(&w->in);
	free(w);
	handle_released(a);
}

static void wire_close(struct attach *a) {
	if (!a->wire) return;
	uv_close((uv_handle_t *)&TAKE(a->wire)->pipe, on_wire_closed);
	uv_timer_stop(&a->rest);
}

/* The connection is over: questions are answered with why, another try follows. */
static void wire_drop(struct attach *a, enum link link, const struct error *why) {
	struct ask asks[ATTACH_ASKS_MAX];
	size_t n = a->ask_n;
	memcpy(asks, a->asks, sizeof asks);
	a->ask_n = 0;
	wire_close(a);
	uv_timer_stop(&a->timer);
	if (a->closing) return;
	link_set(a, link, why);
	for (size_t i = 0; i < n; i++)
		if (asks[i].on_answer) asks[i].on_answer(asks[i].arg, NULL, why);
	if (!a->wire && !a->closing) pause_start(a);
}

static enum link link_without(const struct attach *a) { return a->was_up ? LINK_LOST : LINK_NONE; }

static void wire_bad(struct attach *a, const char *text) {
	struct error why = ERROR_INIT;
	error_set(&why, ERR_INPUT, "%s; it is connected to again", text);
	wire_drop(a, LINK_LOST, &why);
}

/* --- saying --- */

static void on_written(uv_write_t *write, int status) {
	struct request *r = write->data;
	(void)status; /* the reading side notices */
	free(r->text);
	free(r);
}

static void deadline_start(struct attach *a) {
	if (!a->ask_n) {
		uv_timer_stop(&a->timer);
		return;
	}
	int64_t left = a->asks[0].deadline_ms - clock_mono_ms();
	uv_update_time(a->loop);
	uv_timer_start(&a->timer, on_timer, (uint64_t)MAX(left, 1), 0);
}

static int64_t answer_ms(const struct attach *a) { return a->o.answer_ms ? a->o.answer_ms : ANSWER_MS; }

static void wire_say(struct attach *a, const char *method, cJSON *params, attach_on_answer *on_answer, void *arg) {
	struct ask ask = {a->next_id++, clock_mono_ms() + answer_ms(a), on_answer, arg};
	struct request *r = xcalloc(1, sizeof *r);
	r->text = rpc_request(ask.id, method, params);
	r->write.data = r;
	uv_buf_t bytes = uv_buf_init(r->text, (unsigned)strlen(r->text));
	a->asks[a->ask_n++] = ask;
	if (uv_write(&r->write, (uv_stream_t *)&a->wire->pipe, &bytes, 1, on_written)) on_written(&r->write, 0);
	deadline_start(a);
}

void attach_ask(struct attach *a, const char *method, cJSON *params, attach_on_answer *on_answer, void *arg) {
	struct error why = ERROR_INIT;
	if (a->link == LINK_UP && a->wire && a->ask_n < ATTACH_ASKS_MAX) {
		wire_say(a, method, params, on_answer, arg);
		return;
	}
	json_free(params);
	if (a->link == LINK_UP) error_set(&why, ERR_TIMEOUT, "the engine has not answered the last requests yet");
	else if (a->why.code) why = a->why;
	else error_set(&why, ERR_NOT_FOUND, "no engine runs; start one with: headgate run");
	if (on_answer) on_answer(arg, NULL, &why);
}

/* --- hearing --- */

static void on_subscribed(void *arg, const cJSON *result, const struct error *err) {
	(void)result;
	struct attach *a = arg;
	if (a->wire && err) wire_drop(a, LINK_REFUSED, err); /* an engine that knows no subscribe is too old */
}

static void on_hello(void *arg, const cJSON *result, const struct error *err) {
	struct attach *a = arg;
	struct error why = ERROR_INIT;
	if (!a->wire) return; /* it is dropped already */
	if (err) {
		wire_drop(a, LINK_REFUSED, err);
		return;
	}
	if (rpc_greeted(result, true, &why)) {
		if (why.code == ERR_INPUT) wire_bad(a, why.text);
		else wire_drop(a, LINK_REFUSED, &why);
		return;
	}
	a->was_up = a->wire->greeted = true;
	a->pause_ms = 0;
	wire_say(a, "subscribe", NULL, on_subscribed, a);
	link_set(a, LINK_UP, &no_why);
}

static bool answer_take(struct attach *a, int64_t id, struct ask *ret) {
	for (size_t i = 0; i < a->ask_n; i++) {
		if (a->asks[i].id != id) continue;
		*ret = a->asks[i];
		memmove(&a->asks[i], &a->asks[i + 1], (--a->ask_n - i) * sizeof *a->asks);
		deadline_start(a);
		return true;
	}
	return false;
}

/* Those of the console are answered with why; the link's own wait on. */
static void wire_silent(struct attach *a, const struct error *why) {
	struct ask asks[ATTACH_ASKS_MAX];
	size_t n = 0, kept = 0;
	for (size_t i = 0; i < a->ask_n; i++)
		if (a->asks[i].arg == a) a->asks[kept++] = a->asks[i];
		else asks[n++] = a->asks[i];
	a->ask_n = kept;
	a->wire->silent = true;
	uv_update_time(a->loop);
	uv_timer_start(&a->timer, on_timer, (uint64_t)(SILENT_TIMES * answer_ms(a)), 0);
	link_set(a, LINK_SILENT, why);
	for (size_t i = 0; i < n; i++)
		if (asks[i].on_answer) asks[i].on_answer(asks[i].arg, NULL, why);
}

static void wire_heard(struct attach *a, const char *line, size_t n) {
	AUTO(rpc_said_done) struct rpc_said said = {0};
	struct error err = ERROR_INIT;
	struct ask ask;
	if (rpc_said(&said, line, n, &err)) {
		wire_bad(a, "the engine says what is no message");
		return;
	}
	if (a->wire->silent) {
		a->wire->silent = false;
		if (a->wire->greeted) link_set(a, LINK_UP, &no_why);
		deadline_start(a);
	}
	if (said.method) {
		if (a->link == LINK_UP && said.params) a->o.on_notice(a->o.arg, said.method, said.params);
		return;
	}
	if (said.id < 0 || said.id >= a->next_id) {
		wire_bad(a, "the engine answers what was not asked");
		return;
	}
	if (!answer_take(a, said.id, &ask)) return; /* too late */
	if (ask.on_answer) ask.on_answer(ask.arg, said.result, said.result ? NULL : &said.refusal);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret) {
	(void)suggested;
	struct wire *w = h->data;
	*ret = uv_buf_init(w->attach->read_buffer, sizeof w->attach->read_buffer);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes);

static void on_rest_over(uv_timer_t *t) {
	struct attach *a = t->data;
	if (!a->wire) return;
	uv_read_start((uv_stream_t *)&a->wire->pipe, on_alloc, on_read);
	on_read((uv_stream_t *)&a->wire->pipe, 0, NULL);
}

/* false: enough for now. */
static bool wire_may_hear(struct attach *a, struct wire *w) {
	int64_t now = clock_mono_ms();
	if (uv_is_active((uv_handle_t *)&a->rest)) return false;
	if (now - a->lines_ms >= REST_MS) {
		a->lines_ms = now;
		a->lines = 0;
	}
	if (a->lines++ < LINES_MOST) return true;
	uv_read_stop((uv_stream_t *)&w->pipe);
	uv_update_time(a->loop);
	uv_timer_start(&a->rest, on_rest_over, REST_MS, 0);
	return false;
}

/* The lines that are there, as long as this wire is the present one. */
static void wire_lines(struct attach *a, struct wire *w) {
	const char *end;
	while (a->wire == w && w->in.len && (end = memchr(w->in.data, '\n', w->in.len))) {
		if (!wire_may_hear(a, w)) return;
		size_t n = (size_t)(end - w->in.data);
		wire_heard(a, w->in.data, n); /* w stays until its close callback */
		buf_consume(&w->in, n + 1);
	}
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes) {
	struct wire *w = stream->data;
	struct attach *a = w->attach;
	if (a->wire != w) return;
	if (n < 0) {
		struct error why = ERROR_INIT;
		error_set(&why, ERR_NOT_FOUND, "the engine closed the connection");
		wire_drop(a, link_without(a), &why);
		return;
	}
	if (n > 0) buf_add(&w->in, bytes->base, (size_t)n);
	if (!buf_ok(&w->in)) {
		wire_bad(a, "a line of the engine is too long");
		return;
	}
	wire_lines(a, w);
}

/* --- connecting --- */

static void attach_try(struct attach *a) {
	struct error why = ERROR_INIT;
	int fd = -1;
	if (a->wire || a->closing) return;
	uv_timer_stop(&a->timer);
	if (control_dial(a->state_dir, &fd, &why)) {
		bool gone = why.code == ERR_NOT_FOUND;
		link_set(a, gone ? link_without(a) : why.code == ERR_TIMEOUT ? LINK_SILENT : LINK_REFUSED, &why);
		pause_start(a);
		return;
	}
	struct wire *w = xcalloc(1, sizeof *w);
	w->attach = a;
	w->in = BUF_INIT(CONTROL_QUEUE_MAX);
	uv_pipe_init(a->loop, &w->pipe, 0);
	w->pipe.data = w;
	a->handles++;
	a->wire = w;
	if (uv_pipe_open(&w->pipe, fd)) {
		close(fd);
		wire_bad(a, "the engine's socket cannot be used");
		return;
	}
	uv_read_start((uv_stream_t *)&w->pipe, on_alloc, on_read);
	if (!a->was_up && a->link != LINK_SILENT) link_set(a, LINK_CONNECTING, &no_why);
	wire_say(a, "hello", rpc_hello(), on_hello, a);
}

static void on_timer(uv_timer_t *t) {
	struct attach *a = t->data;
	struct error why = ERROR_INIT;
	if (!a->wire) {
		attach_try(a);
		return;
	}
	error_set(&why, ERR_TIMEOUT,
		"the engine runs and does not answer: look at its log, at its disk, or whether it is stopped");
	if (a->wire->silent) wire_drop(a, LINK_SILENT, &why);
	else wire_silent(a, &why);
}

void attach_kick(struct attach *a) {
	if (a->wire || a->closing) return;
	a->pause_ms = 0;
	attach_try(a);
}

void attach_watched(struct attach *a, bool watched) { a->watched = watched; }

int attach_open(struct attach **ret, uv_loop_t *loop, const struct attach_options *o, struct error *err) {
	struct attach *a = xcalloc(1, sizeof *a);
	a->loop = loop;
	a->o = *o;
	a->state_dir = xstrdup(o->state_dir);
	a->handles = 2;
	if (uv_timer_init(loop, &a->timer) || uv_timer_init(loop, &a->rest)) {
		free(a->state_dir);
		free(a);
		return error_set(err, ERR_INTERNAL, "cannot set up the link to the engine");
	}
	a->timer.data = a->rest.data = a;
	signal(SIGPIPE, SIG_IGN); /* libuv writes without MSG_NOSIGNAL: an engine that goes must not end the console */
	a->opening = true;
	attach_try(a);
	a->opening = false;
	*ret = a;
	return 0;
}

static void on_timer_closed(uv_handle_t *h) { handle_released(h->data); }

void attach_close(struct attach *a, void (*on_closed)(void *arg), void *arg) {
	a->closing = true;
	a->on_closed = on_closed;
	a->on_closed_arg = arg;
	wire_close(a);
	struct error why = ERROR_INIT;
	error_set(&why, ERR_CANCELLED, "the console ends");
	for (size_t i = 0; i < a->ask_n; i++)
		if (a->asks[i].on_answer) a->asks[i].on_answer(a->asks[i].arg, NULL, &why);
	a->ask_n = 0;
	uv_close((uv_handle_t *)&a->timer, on_timer_closed);
	uv_close((uv_handle_t *)&a->rest, on_timer_closed);
}
