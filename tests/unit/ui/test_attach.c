/* SPDX-License-Identifier: MIT */
/* The console's link to engines that are sound, old, silent, mad, gone and back. The engine is a listening socket on
 * the test's own loop; what it says is in each test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "station/control/client.h"
#include "ui/model/attach.h"

#define WAIT_MS 20000
#define HELLO_ANSWER "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"protocol\":1,\"version\":\"1\"}}\n"
#define EMPTY_ANSWER "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{}}\n"

struct fixture;
struct peer {
	uv_pipe_t pipe;
	struct fixture *f;
	struct buf in;
};
struct fixture {
	char dir[64];
	uv_loop_t loop;
	uv_timer_t guard;
	uv_pipe_t listener;
	bool listening;
	struct peer *peer;	 /* the last that came */
	int peers, requests; /* of all */
	int hellos, subscribes;
	bool silent;	   /* answers nothing */
	const char *hello; /* the answer to it; NULL: HELLO_ANSWER */
	struct attach *attach;
	/* heard from it */
	enum link link;
	struct error why;
	int links, notices, answers;
	struct error answer_err;
	char notice[32];
	bool closed;
};

/* --- the engine --- */

static void on_peer_closed(uv_handle_t *h) {
	struct peer *p = h->data;
	if (p->f->peer == p) p->f->peer = NULL;
	buf_done(&p->in);
	free(p);
}

static void on_said(uv_write_t *w, int status) {
	(void)status;
	free(w->data);
	free(w);
}

static void say(struct peer *p, const char *text, size_t n) {
	uv_write_t *w = xcalloc(1, sizeof *w);
	w->data = xcalloc(1, n);
	memcpy(w->data, text, n);
	uv_buf_t b = uv_buf_init(w->data, (unsigned)n);
	uv_write(w, (uv_stream_t *)&p->pipe, &b, 1, on_said);
}

static void say_id(struct peer *p, const char *format, int id) {
	AUTO(xfree) char *text = NULL;
	const char *at = strstr(format, "%d");
	text = at ? xasprintf("%.*s%d%s", (int)(at - format), format, id, at + 2) : xstrdup(format);
	say(p, text, strlen(text));
}

static void on_request(struct peer *p, const char *line, size_t n) {
	struct fixture *f = p->f;
	AUTO(json_free) cJSON *o = NULL;
	struct error err = ERROR_INIT;
	if (json_parse(line, n, &o, &err)) fail_msg("%s", err.text);
	const char *method = cJSON_GetObjectItem(o, "method")->valuestring;
	int id = cJSON_GetObjectItem(o, "id")->valueint;
	f->requests++;
	f->hellos += strcmp(method, "hello") == 0;
	f->subscribes += strcmp(method, "subscribe") == 0;
	if (f->silent) return;
	if (strcmp(method, "hello") == 0) say_id(p, f->hello ? f->hello : HELLO_ANSWER, id);
	else say_id(p, EMPTY_ANSWER, id);
}

static void on_alloc(uv_handle_t *h, size_t n, uv_buf_t *b) {
	(void)h;
	*b = uv_buf_init(xcalloc(1, n), (unsigned)n);
}

static void on_heard(uv_stream_t *stream, ssize_t n, const uv_buf_t *b) {
	struct peer *p = stream->data;
	const char *end;
	if (n > 0) buf_add(&p->in, b->base, (size_t)n);
	free(b->base);
	while (p->in.len && (end = memchr(p->in.data, '\n', p->in.len))) {
		size_t line = (size_t)(end - p->in.data);
		on_request(p, p->in.data, line);
		buf_consume(&p->in, line + 1);
	}
	if (n < 0 && !uv_is_closing((uv_handle_t *)stream)) uv_close((uv_handle_t *)stream, on_peer_closed);
}

static void on_connection(uv_stream_t *listener, int status) {
	struct fixture *f = listener->data;
	assert_int_equal(status, 0);
	struct peer *p = xcalloc(1, sizeof *p);
	p->f = f;
	p->in = BUF_INIT(1 << 20);
	uv_pipe_init(&f->loop, &p->pipe, 0);
	p->pipe.data = p;
	assert_int_equal(uv_accept(listener, (uv_stream_t *)&p->pipe), 0);
	uv_read_start((uv_stream_t *)&p->pipe, on_alloc, on_heard);
	f->peer = p;
	f->peers++;
}

static void engine_start(struct fixture *f) {
	AUTO(xfree) char *path = path_join(f->dir, CONTROL_SOCKET);
	unlink(path);
	uv_pipe_init(&f->loop, &f->listener, 0);
	f->listener.data = f;
	assert_int_equal(uv_pipe_bind(&f->listener, path), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&f->listener, 8, on_connection), 0);
	f->listening = true;
}

static void engine_stop(struct fixture *f) {
	if (f->listening) uv_close((uv_handle_t *)&f->listener, NULL);
	if (f->peer && !uv_is_closing((uv_handle_t *)&f->peer->pipe))
		uv_close((uv_handle_t *)&f->peer->pipe, on_peer_closed);
	f->listening = false;
	uv_run(&f->loop, UV_RUN_NOWAIT);
}

/* --- the console --- */

static void on_link(void *arg, enum link link, const struct error *err) {
	struct fixture *f = arg;
	f->link = link;
	f->why = *err;
	f->links++;
}
static void on_notice(void *arg, const char *method, const cJSON *params) {
	struct fixture *f = arg;
	f->notices++;
	snprintf(f->notice, sizeof f->notice, "%s %d", method, cJSON_GetArraySize(params));
}
static void on_answer(void *arg, const cJSON *result, const struct error *err) {
	struct fixture *f = arg;
	assert_true(!result == !!err);
	f->answers++;
	f->answer_err = err ? *err : ERROR_INIT;
}
static void on_closed(void *arg) { ((struct fixture *)arg)->closed = true; }
static void on_guard(uv_timer_t *t) {
	(void)t;
	fprintf(stderr, "it did not come within %d ms\n", WAIT_MS);
	abort();
}

#define UNTIL(f, condition)                                                                                            \
	do {                                                                                                               \
		uv_timer_start(&(f)->guard, on_guard, WAIT_MS, 0);                                                             \
		while (!(condition)) uv_run(&(f)->loop, UV_RUN_ONCE);                                                          \
		uv_timer_stop(&(f)->guard);                                                                                    \
	} while (0)

static void attach(struct fixture *f, int64_t answer_ms) {
	const struct attach_options o = {
		.state_dir = f->dir, .answer_ms = answer_ms, .on_link = on_link, .on_notice = on_notice, .arg = f};
	struct error err = ERROR_INIT;
	assert_int_equal(attach_open(&f->attach, &f->loop, &o, &err), 0);
	f->link = attach_link(f->attach);
}

static int set_up(void **state) {
	struct fixture *f = xcalloc(1, sizeof *f);
	snprintf(f->dir, sizeof f->dir, "/tmp/headgate-attach-XXXXXX");
	if (!mkdtemp(f->dir)) return -1;
	uv_loop_init(&f->loop);
	uv_timer_init(&f->loop, &f->guard);
	*state = f;
	return 0;
}

static int tear_down(void **state) {
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	if (f->attach) {
		attach_close(f->attach, on_closed, f);
		UNTIL(f, f->closed);
	}
	engine_stop(f);
	uv_close((uv_handle_t *)&f->guard, NULL);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	int busy = uv_loop_close(&f->loop), left = file_remove_tree(f->dir, &err);
	free(f);
	return busy || left;
}

/* --- sound engines --- */

static void greets_subscribes_and_hears(void **state) {
	struct fixture *f = *state;
	engine_start(f);
	attach(f, 0);
	assert_int_equal(f->link, LINK_CONNECTING);
	UNTIL(f, f->link == LINK_UP && f->subscribes == 1);
	const char notice[] = "{\"jsonrpc\":\"2.0\",\"method\":\"status\",\"params\":{\"a\":1,\"b\":2}}\n";
	for (size_t i = 0; i < strlen(notice); i += 7) say(f->peer, notice + i, MIN(7, strlen(notice) - i));
	UNTIL(f, f->notices == 1);
	assert_string_equal(f->notice, "status 2");
	attach_ask(f->attach, "rescan", NULL, on_answer, f);
	UNTIL(f, f->answers == 1);
	assert_int_equal(f->answer_err.code, ERR_NONE);
	assert_int_equal(f->peers, 1);
}

static void an_engine_that_goes_is_missed_and_found_again(void **state) {
	struct fixture *f = *state;
	attach(f, 0);
	assert_int_equal(f->link, LINK_NONE);
	attach_ask(f->attach, "rescan", NULL, on_answer, f);
	assert_int_equal(f->answers, 1);
	assert_non_null(strstr(f->answer_err.text, "headgate run"));
	engine_start(f);
	attach_kick(f->attach);
	UNTIL(f, f->link == LINK_UP);
	f->silent = true;
	attach_ask(f->attach, "rescan", NULL, on_answer, f);
	UNTIL(f, f->requests >= 3);
	engine_stop(f);
	UNTIL(f, f->link == LINK_LOST);
	assert_int_equal(f->answers, 2);
	assert_int_equal(f->answer_err.code, ERR_NOT_FOUND);
	f->silent = false;
	engine_start(f);
	UNTIL(f, f->link == LINK_UP); /* by itself: nothing watches the folder for it */
	assert_int_equal(f->hellos, 2);
}

static void without_an_engine_little_happens(void **state) {
	struct fixture *f = *state;
	attach(f, 0);
	attach_watched(f->attach, true);
	int64_t end = clock_mono_ms() + 1000;
	uv_timer_start(&f->guard, on_guard, WAIT_MS, 0);
	while (clock_mono_ms() < end) {
		uv_run(&f->loop, UV_RUN_NOWAIT);
		usleep(2000);
	}
	uv_timer_stop(&f->guard);
	assert_int_equal(f->links, 0); /* it was told at once, and nothing is news */
}

/* --- others --- */

static void another_protocol_is_refused_in_a_sentence(void **state) {
	struct fixture *f = *state;
	f->hello = "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"protocol\":7}}\n";
	engine_start(f);
	attach(f, 0);
	UNTIL(f, f->link == LINK_REFUSED);
	assert_non_null(strstr(f->why.text, "protocol 7"));
	assert_int_equal(f->subscribes, 0);
	f->hello = NULL; /* the right one comes in its place */
	attach_kick(f->attach);
	UNTIL(f, f->link == LINK_UP);
}

static void an_engine_that_refuses_says_why(void **state) {
	struct fixture *f = *state;
	f->hello = "{\"jsonrpc\":\"2.0\",\"id\":%d,\"error\":{\"code\":-32000,\"message\":\"use the same version\","
			   "\"data\":{\"code\":\"configuration\"}}}\n";
	engine_start(f);
	attach(f, 0);
	UNTIL(f, f->link == LINK_REFUSED);
	assert_string_equal(f->why.text, "use the same version");
	assert_int_equal(f->why.code, ERR_CONFIG);
}

static void silence_is_said_in_time(void **state) {
	struct fixture *f = *state;
	f->silent = true;
	engine_start(f);
	int64_t from = clock_mono_ms();
	attach(f, 200);
	UNTIL(f, f->link == LINK_SILENT);
	assert_in_range(clock_mono_ms() - from, 150, 10000);
	assert_int_equal(f->why.code, ERR_TIMEOUT);
	f->silent = false; /* what it was asked is lost: another wire is tried in the end */
	UNTIL(f, f->link == LINK_UP);
	assert_int_equal(f->peers, 2);
	f->silent = true;
	for (int i = 0; i < ATTACH_ASKS_MAX + 3; i++) attach_ask(f->attach, "rescan", NULL, on_answer, f);
	UNTIL(f, f->link == LINK_SILENT);
	assert_int_equal(f->answers, ATTACH_ASKS_MAX + 3);
}

/* As an engine does that was stopped and goes on: it answers everything, late. */
static void the_first_word_ends_the_silence(void **state) {
	struct fixture *f = *state;
	f->silent = true;
	engine_start(f);
	attach(f, 200);
	UNTIL(f, f->link == LINK_SILENT);
	attach_ask(f->attach, "rescan", NULL, on_answer, f);
	assert_int_equal(f->answers, 1);
	assert_int_equal(f->answer_err.code, ERR_TIMEOUT);
	f->silent = false;
	say_id(f->peer, HELLO_ANSWER, 0);
	UNTIL(f, f->link == LINK_UP && f->subscribes == 1);
	f->silent = true;
	attach_ask(f->attach, "rescan", NULL, on_answer, f);
	UNTIL(f, f->link == LINK_SILENT && f->answers == 2);
	say_id(f->peer, EMPTY_ANSWER, 2);
	UNTIL(f, f->link == LINK_UP);
	assert_int_equal(f->answers, 2);
	assert_int_equal(f->peers, 1);
}

static void garbage_drops_the_link_and_nothing_else(void **state) {
	static const char *const garbage[] = {
		"HTTP/1.1 400 Bad Request\r\n\r\n",
		"\n",
		"[]\n",
		"{}\n",
		"\xff\xfe\n",
		"{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{}}\n",
		"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}\n",
		"{\"jsonrpc\":\"2.0\",\"id\":1e300,\"result\":{}}\n",
		"{\"jsonrpc\":\"2.0\",\"id\":1}\n",
		"{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":7}\n",
	};
	struct fixture *f = *state;
	engine_start(f);
	attach(f, 0);
	for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
		attach_kick(f->attach);
		UNTIL(f, f->link == LINK_UP && f->subscribes == (int)i + 1);
		say(f->peer, garbage[i], strlen(garbage[i]));
		UNTIL(f, f->link == LINK_LOST);
		assert_non_null(strstr(f->why.text, "engine"));
	}
	assert_int_equal(f->notices, 0);
}

static void notices_of_no_shape_are_left_out(void **state) {
	struct fixture *f = *state;
	engine_start(f);
	attach(f, 0);
	UNTIL(f, f->link == LINK_UP && f->subscribes == 1);
	static const char text[] = "{\"method\":\"status\"}\n{\"method\":\"status\",\"params\":[]}\n"
							   "{\"method\":\"status\",\"params\":{}}\n";
	say(f->peer, text, strlen(text));
	UNTIL(f, f->notices == 1);
	assert_int_equal(f->link, LINK_UP);
}

static void an_endless_line_costs_bounded_memory(void **state) {
	struct fixture *f = *state;
	engine_start(f);
	attach(f, 0);
	UNTIL(f, f->link == LINK_UP && f->subscribes == 1);
	AUTO(xfree) char *text = xcalloc(1, CONTROL_QUEUE_MAX + 100000);
	memset(text, 'x', CONTROL_QUEUE_MAX + 100000);
	say(f->peer, text, CONTROL_QUEUE_MAX + 100000);
	UNTIL(f, f->link == LINK_LOST);
	assert_non_null(strstr(f->why.text, "too long"));
}

static void a_flood_is_heard_at_a_bounded_rate(void **state) {
	struct fixture *f = *state;
	static const char line[] = "{\"method\":\"status\",\"params\":{}}\n";
	enum { LINES = 400 };
	engine_start(f);
	attach(f, 0);
	UNTIL(f, f->link == LINK_UP && f->subscribes == 1);
	AUTO(buf_done) struct buf b = BUF_INIT(1 << 20);
	for (int i = 0; i < LINES; i++) buf_str(&b, line);
	int64_t from = clock_mono_ms();
	say(f->peer, b.data, b.len);
	UNTIL(f, f->notices == LINES);
	assert_in_range(clock_mono_ms() - from, 300, 10000); /* 64 in 100 ms */
	assert_int_equal(f->link, LINK_UP);
}

static void closing_answers_what_is_open(void **state) {
	struct fixture *f = *state;
	engine_start(f);
	attach(f, 0);
	UNTIL(f, f->link == LINK_UP && f->subscribes == 1);
	f->silent = true;
	attach_ask(f->attach, "rescan", NULL, on_answer, f);
	attach_close(TAKE(f->attach), on_closed, f);
	assert_int_equal(f->answers, 1);
	assert_int_equal(f->answer_err.code, ERR_CANCELLED);
	UNTIL(f, f->closed);
}

#define ATTACHED(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
int main(void) {
	const struct CMUnitTest tests[] = {
		ATTACHED(greets_subscribes_and_hears),
		ATTACHED(an_engine_that_goes_is_missed_and_found_again),
		ATTACHED(without_an_engine_little_happens),
		ATTACHED(another_protocol_is_refused_in_a_sentence),
		ATTACHED(an_engine_that_refuses_says_why),
		ATTACHED(silence_is_said_in_time),
		ATTACHED(the_first_word_ends_the_silence),
		ATTACHED(garbage_drops_the_link_and_nothing_else),
		ATTACHED(notices_of_no_shape_are_left_out),
		ATTACHED(an_endless_line_costs_bounded_memory),
		ATTACHED(a_flood_is_heard_at_a_bounded_rate),
		ATTACHED(closing_answers_what_is_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
