/* SPDX-License-Identifier: MIT */
/* The verdict whenever it says something else, the engine's coming and going, and each step of a session once. The same
 * source as the console's fills the model; a line is one write. Loop thread. */
#include "ui/plain.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "station/told/safe.h"
#include "ui/app_internal.h"

#define EVENTS_AT_ONCE 1000
#define LINE_MAX_BYTES 4096

struct plain {
	uv_loop_t loop;
	uv_signal_t signals[3];
	uv_poll_t output; /* tells when nobody reads any more */
	struct source *source;
	struct model model;
	int64_t last_event; /* told */
	bool primed;		/* what was before the start is known, and not told */
	char verdict[SAFE_TEXT], trouble[sizeof(struct error)];
	enum link link;
	bool closing;
	struct error ended; /* ERR_NONE: by a signal, or because nobody reads */
};

static void plain_end(struct plain *p);

/* "08:02:11  WHAT", made safe. */
static void plain_line(struct plain *p, int64_t at_ms, const char *text) {
	AUTO(buf_done) struct buf line = BUF_INIT(LINE_MAX_BYTES);
	char when[TIME_TEXT];
	if (p->closing) return;
	buf_fmt(&line, "%s  ", time_local_hms(when, at_ms));
	text_escape(&line, text, strlen(text));
	buf_char(&line, '\n');
	if (file_write_all(STDOUT_FILENO, line.data, line.len, "standard output", &p->ended) == 0) return;
	if (p->ended.os == EPIPE || p->ended.os == EIO) p->ended = ERROR_INIT; /* nobody reads any more */
	plain_end(p);
}

/* Without the time that is left, which changes with every second. */
static void plain_verdict(struct plain *p) {
	struct model *m = &p->model;
	char same[SAFE_TEXT], text[SAFE_TEXT];
	int64_t eta_ms = m->status.eta_ms;
	if (m->link == LINK_CONNECTING || (m->link == LINK_UP && !m->status.at_ms) || !m->summary.at_ms) return;
	m->now_ms = clock_wall_ms();
	model_safe(m, text, sizeof text);
	m->status.eta_ms = -1;
	model_safe(m, same, sizeof same);
	m->status.eta_ms = eta_ms;
	if (strcmp(same, p->verdict) == 0) return;
	text_copy(p->verdict, sizeof p->verdict, same);
	plain_line(p, m->now_ms, text);
}

static const char *const link_lines[] = {
	[LINK_NONE] = "no engine runs",
	[LINK_CONNECTING] = NULL,
	[LINK_UP] = "an engine runs",
	[LINK_LOST] = "the engine is gone",
	[LINK_SILENT] = "the engine does not answer",
	[LINK_REFUSED] = "the engine cannot be used",
};

static void plain_link(struct plain *p) {
	enum link link = p->model.link;
	if (link == p->link || !link_lines[link]) return;
	p->link = link;
	plain_line(p, clock_wall_ms(), link_lines[link]);
}

static void plain_trouble(struct plain *p) {
	const struct error *why = &p->model.journal_err;
	if (strcmp(why->text, p->trouble) == 0) return;
	text_copy(p->trouble, sizeof p->trouble, why->text);
	if (why->code && why->code != ERR_NOT_FOUND) plain_line(p, clock_wall_ms(), why->text); /* else: not yet */
}

static void plain_event(struct plain *p, const struct event_row *e) {
	AUTO(buf_done) struct buf text = BUF_INIT(LINE_MAX_BYTES);
	if (e->session && e->state < 0) return; /* a note, no change of state */
	if (e->session) buf_fmt(&text, "%s  %-9s  ", e->session_name, state_name((enum session_state)e->state));
	else buf_fmt(&text, "%-15s  %-9s  ", "station", e->level);
	buf_str(&text, e->message);
	plain_line(p, e->at_ms, buf_text(&text));
}

/* The model has the newest first. */
static void plain_events(struct plain *p) {
	const struct model *m = &p->model;
	int64_t newest = m->events.n ? m->events.rows[0].id : 0;
	if (p->primed && m->events.n == EVENTS_AT_ONCE && m->events.rows[m->events.n - 1].id > p->last_event + 1)
		plain_line(p, clock_wall_ms(), "more changed at once than is told here: headgate handover tells all");
	for (size_t i = m->events.n; p->primed && i > 0; i--)
		if (m->events.rows[i - 1].id > p->last_event) plain_event(p, &m->events.rows[i - 1]);
	p->last_event = MAX(p->last_event, newest);
	p->primed = true;
}

static void on_change(void *arg, unsigned changed) {
	struct plain *p = arg;
	if (p->model.journal_err.code == ERR_NOT_FOUND) p->primed = true; /* all that comes is new */
	plain_trouble(p);
	if (changed & part_bit(&p->model, &part_link)) plain_link(p);
	if (changed & part_bit(&p->model, &part_events) && !p->closing) plain_events(p);
	plain_verdict(p);
}

static void on_say(void *arg, bool failed, const char *text) {
	(void)failed;
	plain_line(arg, clock_wall_ms(), text);
}

/* --- start and end --- */

static void on_walk(uv_handle_t *h, void *arg) {
	(void)arg;
	if (!uv_is_closing(h)) uv_close(h, NULL);
}

static void on_source_closed(void *arg) { uv_walk(&((struct plain *)arg)->loop, on_walk, NULL); }

static void plain_end(struct plain *p) {
	p->closing = true;
	uv_stop(&p->loop);
}

static void on_signal(uv_signal_t *s, int number) {
	(void)number;
	plain_end(s->data);
}

static void on_output(uv_poll_t *poll, int status, int events) {
	(void)status, (void)events;
	uv_poll_stop(poll);
	plain_end(poll->data);
}

static void plain_handles(struct plain *p) {
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	static_assert(ARRAY_LEN(numbers) == ARRAY_LEN(p->signals), "a handle for each");
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		uv_signal_init(&p->loop, &p->signals[i]);
		p->signals[i].data = p;
		uv_signal_start(&p->signals[i], on_signal, numbers[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	p->output.data = p;
	int flags = fcntl(STDOUT_FILENO, F_GETFL);
	if (uv_poll_init(&p->loop, &p->output, STDOUT_FILENO) == 0) /* a file has no end to wait for */
		uv_poll_start(&p->output, UV_DISCONNECT, on_output);
	if (flags >= 0) fcntl(STDOUT_FILENO, F_SETFL, flags); /* libuv makes it non-blocking, for all who share it */
}

static int plain_open(struct plain *p, const struct app_options *o, struct error *err) {
	struct source_options so = app_source_options(o);
	so.on_change = on_change;
	so.on_say = on_say;
	so.arg = p;
	if (source_open(&p->source, &p->loop, &so, &p->model, err)) return -1;
	const int64_t events = EVENTS_AT_ONCE;
	source_show(p->source, &part_events, &events);
	p->link = LINK_CONNECTING;
	on_change(p, part_bit(&p->model, &part_link));
	return 0;
}

int plain_run(const struct app_options *o, struct error *err) {
	struct plain p = {.model = {.read_only = o->read_only, .parts = parts}};
	uv_loop_init(&p.loop);
	plain_handles(&p);
	int failed = plain_open(&p, o, err);
	if (!failed && !p.closing) uv_run(&p.loop, UV_RUN_DEFAULT);
	p.closing = true;
	if (p.source) source_close(p.source, on_source_closed, &p);
	else uv_walk(&p.loop, on_walk, NULL);
	while (uv_run(&p.loop, UV_RUN_DEFAULT)) continue; /* uv_stop may still be to be obeyed */
	uv_loop_close(&p.loop);
	if (failed || p.ended.code == ERR_NONE) return failed;
	*err = p.ended;
	return -1;
}
