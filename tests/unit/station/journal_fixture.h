/* SPDX-License-Identifier: MIT */
/* A journal in a folder of its own, its loop, and the callbacks counted, for the journal's tests. */
#pragma once

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
#include "base/log.h"
#include "station/journal/journal.h"

#define WAIT_MS 60000

struct fixture {
	char dir[64];
	uv_loop_t loop;
	uv_timer_t guard;
	struct journal *j;
	int waiting, failures; /* callbacks still to come; those that came with an error */
	struct error last;	   /* the last error that one came with */
	int flushed;
	bool closed;
};

static inline void fixture_on_guard(uv_timer_t *t) {
	(void)t;
	fprintf(stderr, "no callback within %d ms\n", WAIT_MS);
	abort();
}

static inline int fixture_try_open(struct fixture *f, struct error *err) {
	const struct journal_options o = {.allow_volatile = true};
	f->closed = false;
	return journal_open(&f->j, &f->loop, f->dir, &o, err);
}

static inline void fixture_open(struct fixture *f) {
	struct error err = ERROR_INIT;
	if (fixture_try_open(f, &err)) fail_msg("%s", err.text);
}

static inline void fixture_on_closed(void *arg) { ((struct fixture *)arg)->closed = true; }

static inline void fixture_run(struct fixture *f, const int *left, bool until) {
	uv_timer_start(&f->guard, fixture_on_guard, WAIT_MS, 0);
	while (left ? *left > 0 : f->closed != until) uv_run(&f->loop, UV_RUN_ONCE);
	uv_timer_stop(&f->guard);
}

static inline void fixture_close(struct fixture *f) {
	if (!f->j) return;
	journal_close(f->j, fixture_on_closed, f);
	fixture_run(f, NULL, true);
	f->j = NULL;
}

static inline struct fixture *fixture_make(void) {
	struct fixture *f = xcalloc(1, sizeof *f);
	snprintf(f->dir, sizeof f->dir, "/tmp/headgate-journal-XXXXXX");
	if (!mkdtemp(f->dir)) abort();
	uv_loop_init(&f->loop);
	uv_timer_init(&f->loop, &f->guard);
	return f;
}

static inline int fixture_setup(void **state) {
	struct fixture *f = fixture_make();
	*state = f;
	fixture_open(f);
	return 0;
}

static inline int fixture_teardown(void **state) {
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	fixture_close(f);
	uv_close((uv_handle_t *)&f->guard, NULL);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	int busy = uv_loop_close(&f->loop), left = file_remove_tree(f->dir, &err);
	free(f);
	return busy || left;
}

/* The usual callback: counts. */
static inline void fixture_done(void *arg, const struct error *err) {
	struct fixture *f = arg;
	f->waiting--;
	if (!err->code) return;
	f->failures++;
	f->last = *err;
}

/* Each event is also logged: nobody reads that here. */
static inline void fixture_quiet(void) {
	struct error err = ERROR_INIT;
	if (log_open("/dev/null", LOG_ERROR, INT64_MAX, 1, &err)) abort();
}

/* Until every operation given fixture_done was called back. */
static inline void fixture_wait(struct fixture *f) { fixture_run(f, &f->waiting, false); }

/* Whatever was submitted before this is in the journal when it returns. */
static inline void fixture_flush(struct fixture *f) {
	char value[24]; /* SQLite does not write what is there already */
	snprintf(value, sizeof value, "%d", ++f->flushed);
	f->waiting++;
	journal_set(f->j, "flush", value, fixture_done, f);
	fixture_wait(f);
}

static inline struct session_row fixture_add(struct fixture *f, const char *name) {
	struct session_row r = {.root = (char *)"/data/recordings"};
	snprintf(r.name, sizeof r.name, "%s", name);
	f->waiting++;
	journal_add_session(f->j, &r, fixture_done, f);
	return r;
}

static inline struct session_row fixture_add_nth(struct fixture *f, int n) {
	char name[32];
	snprintf(name, sizeof name, "20261120_%06d", n % 1000000);
	return fixture_add(f, name);
}

static inline int fixture_step(struct fixture *f, struct session_row *r, enum session_event e) {
	struct error err = ERROR_INIT;
	int failed = session_step(f->j, r, e, 0, "info", "a step of the test", fixture_done, f, &err);
	if (failed) f->last = err;
	else f->waiting++;
	return failed;
}

static inline struct journal_view *fixture_view(const struct fixture *f) {
	struct journal_view *v = NULL;
	struct error err = ERROR_INIT;
	if (journal_view_open(&v, f->dir, &err)) fail_msg("%s", err.text);
	return v;
}

#define OK(call)                                                                                                       \
	do {                                                                                                               \
		struct error ok_err = ERROR_INIT;                                                                              \
		if ((call) < 0) fail_msg("%s: %s", #call, ok_err.text);                                                        \
	} while (0)
#define E (&ok_err)

/* --- reading back --- */

static inline struct session_row read_session(const struct fixture *f, const char *name) {
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	struct session_row r = {0};
	struct error err = ERROR_INIT;
	int found = journal_session(v, name, NULL, &r, &err);
	if (found != 1) fail_msg("%s: %s", name, err.text);
	return r;
}

static inline void read_files(
	const struct fixture *f, int64_t session, int64_t revision, struct file_row **ret, size_t *ret_n) {
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	struct error err = ERROR_INIT;
	if (journal_files(v, session, revision, ret, ret_n, &err)) fail_msg("%s", err.text);
}

/* Rows as text, in the order they come; stop_at: the walk is to end there with 5. */
struct seen {
	int n, stop_at;
	char text[512];
};

static inline int see(struct seen *s, const char *text) {
	size_t at = strlen(s->text);
	snprintf(s->text + at, sizeof s->text - at, "%s ", text);
	return ++s->n == s->stop_at ? 5 : 0;
}
static inline int see_attempt(void *arg, const struct attempt_row *a) {
	char text[200];
	snprintf(text, sizeof text, "%s@%lld+%lld/%lld:%d,%s,%s,%s", a->name, (long long)a->at_ms, (long long)a->elapsed_ms,
		(long long)a->bytes, a->http, a->code, a->request_id, a->reason ? a->reason : "NULL");
	return see(arg, text);
}
static inline int see_event(void *arg, const struct event_row *e) {
	char text[200];
	snprintf(text, sizeof text, "%lld:%s/%s=%s", (long long)e->session, e->level, e->code, e->message);
	return see(arg, text);
}
static inline int see_outbox(void *arg, const char *id, const char *json) {
	char text[100];
	snprintf(text, sizeof text, "%s=%s", id, json);
	return see(arg, text);
}
static inline int see_session(void *arg, const struct session_row *r) { return see(arg, r->name + 13); }

#define JOURNAL_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
