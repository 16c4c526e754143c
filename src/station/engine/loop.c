/* SPDX-License-Identifier: MIT */
/* The engine's loop: start, the pump that runs before each sleep, signals, stop. Loop thread.
 *
 * Start: lock, journal, what it holds, cloud, watch, control socket; then the first rescan. Stop, in order: hashing and
 * walks are cancelled, requests end, then the journal commits what is queued and closes; the loop ends when the last
 * handle has. Nothing is lost: what was in flight is found by the next run. */
#include "station/run/run.h"

#include <assert.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "station/intake/check_task.h"
#include "station/engine/engine_internal.h"
#include "station/intake/moved.h"

#define NICE 5 /* recording comes first */
#define IOPRIO_BEST_EFFORT_LAST ((2 << 13) | 7)
#define IOPRIO_WHO_PROCESS 1
#define PROGRESS_MS 250
#define SETTING_INSTANCE "engine.instance"

int64_t now_ms(void) { return clock_mono_ms(); }

/* --- the pump --- */

void engine_poke(struct engine *e) { e->pump_wanted = true; }

static void on_wake(uv_timer_t *timer) {
	struct engine *e = timer->data;
	e->wake_ms = 0;
	int64_t now = now_ms(), next = 0;
	for (size_t i = 0; i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (!s->due_ms) continue;
		if (s->due_ms <= now) session_poke(s);
		else if (!next || s->due_ms < next) next = s->due_ms;
	}
	if (next) engine_wake_at(e, next);
	engine_poke(e);
}

void engine_wake_at(struct engine *e, int64_t mono_ms) {
	if (!e->handles_open || e->stopping || (e->wake_ms && e->wake_ms <= mono_ms)) return;
	e->wake_ms = mono_ms;
	uv_update_time(&e->loop);
	uv_timer_start(&e->wake, on_wake, (uint64_t)MAX(mono_ms - now_ms(), 0) + 1, 0);
}

static void pump_sessions(struct engine *e) {
	struct session *s;
	/* one round: what is poked meanwhile has its turn before the loop sleeps, in the next */
	struct session *last = TAILQ_LAST(&e->driven, session_queue);
	while ((s = TAILQ_FIRST(&e->driven)) != NULL) {
		TAILQ_REMOVE(&e->driven, s, driven_link);
		s->driven = false;
		session_drive(s);
		if (s == last) break;
	}
	if (e->sweep) sessions_sweep(&e->sessions, session_free);
	e->sweep = false;
}

static void (*const pumps[])(struct engine *e) = {
	lanes_pump,
	cloud_pump,
	rescan_pump,
	admission_pump,
	pump_sessions,
	moved_pump,
	settle_pump,
	checking_pump,
	upload_pump,
	confirm_pump,
	recall_pump,
	outbox_pump,
	heartbeat_pump,
	guard_pump,
	look_pump,
	found_pump,
	once_pump,
	linger_pump,
};

#define ROUNDS_MAX 64

static void on_prepare(uv_prepare_t *prepare) {
	struct engine *e = prepare->data;
	if (e->pump_wanted) control_changed(e->control);
	for (int round = 0; e->pump_wanted && !e->stopping; round++) {
		if (round == ROUNDS_MAX) { /* let the loop see its events, then go on */
			engine_wake_at(e, now_ms());
			return;
		}
		e->pump_wanted = false;
		for (size_t i = 0; i < ARRAY_LEN(pumps) && !e->stopping; i++) pumps[i](e);
		e->pump_wanted = e->pump_wanted || !TAILQ_EMPTY(&e->driven);
	}
}

static void on_progress(uv_timer_t *timer) {
	struct engine *e = timer->data;
	AUTO(json_free) cJSON *status = engine_status(e);
	AUTO(xfree) char *text = json_text(status);
	e->o->on_progress(e->o->arg, text);
}

/* Whoever reads the journal hears of a commit from here: inotify tells of the WAL's bytes, which are written before the
 * commit can be seen. */
static void on_journal_moved(void *arg) {
	struct engine *e = arg;
	control_committed(e->control, journal_delivered(e->journal));
	control_changed(e->control);
	if (checking_waits(e)) engine_poke(e);
}

void engine_journal_done(void *arg, const struct error *err) {
	if (err->code != ERR_NONE) engine_fail(arg, err);
}

/* --- roots --- */

size_t engine_root(struct engine *e, const char *path, bool configured) {
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/') n--;
	for (size_t i = 0; i < e->root_n; i++) {
		if (strlen(e->roots[i].path) == n && memcmp(e->roots[i].path, path, n) == 0) return i;
	}
	ARRAY_RESERVE(e->roots, e->root_n, e->root_capacity);
	struct root_work *work = xcalloc(1, sizeof *work);
	TAILQ_INIT(&work->looks);
	TAILQ_INIT(&work->checks);
	e->roots[e->root_n] = (struct root){.path = xstrndup(path, n), .configured = configured, .ok = true, .work = work};
	return e->root_n++;
}

/* --- start --- */

static void low_priority(void) {
	/* both may be refused where the limits are tighter; the work is the same */
	if (setpriority(PRIO_PROCESS, 0, NICE)) log_event(LOG_DEBUG, "engine", "the CPU priority stays", NULL);
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_BEST_EFFORT_LAST)) {
		log_event(LOG_DEBUG, "engine", "the disk priority stays", NULL);
	}
}

static int on_row(void *arg, const struct session_row *row) {
	struct engine *e = arg;
	bool accepted = row->state == STATE_ACCEPTED;
	if (!accepted && !admission_may_wait(row)) session_load(e, row);
	else stub_append(accepted ? &e->accepted : &e->waiting, row, engine_root(e, row->root, false));
	return 0;
}

/* An instance is a state folder, not a process: a run under cron every minute is the same station each time. */
static void load_instance(struct engine *e, struct journal_view *v) {
	AUTO(xfree) char *kept = NULL;
	struct error err = ERROR_INIT;
	if (journal_get(v, SETTING_INSTANCE, &kept, &err) == 0 && kept && strlen(kept) == sizeof e->instance - 1) {
		memcpy(e->instance, kept, sizeof e->instance);
		return;
	}
	random_id(e->instance, sizeof e->instance);
	journal_set(e->journal, SETTING_INSTANCE, e->instance, engine_journal_done, e);
}

/* A journal of an older program knows digests, no content ids. */
static void content_load(struct session *s, struct journal_view *v) {
	struct file_row *files = NULL;
	size_t n = 0;
	struct error err = ERROR_INIT;
	if (s->row.has_content || !state_is_past_checks(s->row.state) || journal_files(v, s->row.id, 0, &files, &n, &err))
		return;
	s->row.has_content = files_content(files, n, &s->row.content);
	file_rows_free(files, n);
	if (s->row.has_content) session_save(s, SET_CONTENT, NULL);
}

static int load(struct engine *e, struct error *err) {
	struct journal_view *v = NULL;
	struct session_filter all = {.state = -1};
	if (view_take(e, &v, err)) return -1;
	int failed = journal_sessions(v, &all, on_row, e, err);
	stub_sort(&e->accepted);
	stub_sort(&e->waiting);
	for (size_t i = 0; i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (s->row.state == STATE_HELD) held_load(s, v);
		content_load(s, v);
	}
	load_instance(e, v);
	roots_remember(e, v);
	audits_load(e, v);
	found_load(e, v);
	confirm_load(e, v);
	recall_load(e->recall, v);
	view_give(e, v);
	return failed ? -1 : 0;
}

static int open_cloud(struct engine *e, struct error *err) {
	const struct config *c = e->config;
	struct http_options o = {
		.user_agent = "headgate/" HEADGATE_VERSION,
		.ca_file = c->ca_file,
		.low_rate_bytes = c->low_rate_bytes,
		.low_rate_ms = c->low_rate_ms,
		.max_connections = c->connections,
	};
	if (http_new(&e->http, &e->loop, &o, err)) return -1;
	o.max_connections = 4;
	if (http_new(&e->api_http, &e->loop, &o, err)) return -1;
	struct ingest_options i = {.endpoint = c->endpoint,
		.api_key = &c->api_key,
		.http = e->api_http,
		.loop = &e->loop,
		.instance = e->instance};
	return ingest_new(&e->ingest, &i, err);
}

static void engine_interrupt(struct engine *e) {
	struct error err = ERROR_INIT;
	error_set(&err, ERR_CANCELLED, "interrupted; the next run goes on where it was");
	engine_fail(e, &err);
}

void engine_end(struct engine *e) {
	if (e->o->once) engine_interrupt(e); /* its status says whether all is well, which was not concluded */
	else engine_stop(e);
}

static void on_signal(uv_signal_t *signal, int number) {
	struct engine *e = signal->data;
	if (number == SIGHUP) { /* not the end: an ssh that drops does not disturb an upload */
		log_reopen();
		cloud_reload(e);
		rescan_soon(e);
		return;
	}
	if (number == SIGTERM) engine_end(e);
	else engine_interrupt(e);
}

static int open_handles(struct engine *e) {
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	static_assert(ARRAY_LEN(numbers) == ARRAY_LEN(e->signals), "a handle for each signal");
	int failed = uv_prepare_init(&e->loop, &e->prepare) | uv_timer_init(&e->loop, &e->wake) |
				 uv_timer_init(&e->loop, &e->progress);
	e->prepare.data = e->wake.data = e->progress.data = e;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		failed |= uv_signal_init(&e->loop, &e->signals[i]);
		e->signals[i].data = e;
		failed |= uv_signal_start(&e->signals[i], on_signal, numbers[i]);
	}
	failed |= uv_prepare_start(&e->prepare, on_prepare) | lanes_open(e);
	if (e->o->on_progress) failed |= uv_timer_start(&e->progress, on_progress, PROGRESS_MS, PROGRESS_MS);
	e->handles_open = true;
	return failed;
}

static int verify_begin(struct engine *e, struct error *err) {
	const struct engine_options *o = e->o;
	if (o->verify_all) recall_whole(e->recall);
	for (size_t i = 0; i < o->verify_n; i++)
		if (recall_one(e->recall, o->verify[i], err)) return -1;
	return 0;
}

static int open_all(struct engine *e, struct error *err) {
	const struct config *c = e->config;
	struct journal_options jo = {
		.allow_volatile = c->allow_volatile, .group = c->group, .on_moved = on_journal_moved, .arg = e};
	AUTO(xfree) char *lock = path_join(c->state_dir, "lock");
	if (file_lock(lock, &e->lock_fd, err) || file_claim(c->state_dir, &e->claim_fd, err)) return -1;
	if (open_handles(e)) return error_set(err, ERR_INTERNAL, "cannot set up the event loop");
	if (journal_open(&e->journal, &e->loop, c->state_dir, &jo, err)) return -1;
	for (size_t i = 0; i < c->watch.n; i++) engine_root(e, c->watch.items[i], true);
	if (load(e, err) || open_cloud(e, err) || watch_new(e, err) || control_begin(e, err)) return -1;
	if (!e->o->once)
		journal_add_event(e->journal, 0, "info", "engine_started", "the engine " HEADGATE_VERSION " starts");
	cloud_start(e);
	for (size_t i = 0; i < e->sessions.n; i++) session_enter(e->sessions.items[i]);
	outbox_kick(e);
	engine_poke(e);
	return verify_begin(e, err);
}

/* --- stop --- */

static void on_journal_closed(void *arg) { ((struct engine *)arg)->journal = NULL; }

static void journal_go(struct engine *e) {
	if (e->closing || e->journal_closing) return;
	e->journal_closing = true;
	if (e->journal) journal_close(e->journal, on_journal_closed, e);
}

static void on_closed(void *arg) {
	struct engine *e = arg;
	e->closing--;
	journal_go(e);
}

void engine_stop(struct engine *e) {
	if (e->stopping) return;
	e->stopping = true;
	look_keep(e);
	if (!e->o->once && e->control) journal_add_event(e->journal, 0, "info", "engine_ended", "the engine ends");
	jobs_cancel(e);
	lanes_close(e);
	for (size_t i = 0; i < e->sessions.n; i++) checking_cancel(e->sessions.items[i]);
	control_end(e);
	if (e->ingest) ingest_close(e->ingest);
	api_calls_free(e);
	e->closing = 1; /* until both are asked */
	if (e->http) e->closing++, http_close(e->http, on_closed, e);
	if (e->api_http) e->closing++, http_close(e->api_http, on_closed, e);
	watch_close(e);
	if (e->handles_open) {
		uv_close((uv_handle_t *)&e->prepare, NULL);
		uv_close((uv_handle_t *)&e->wake, NULL);
		uv_close((uv_handle_t *)&e->progress, NULL);
		for (size_t i = 0; i < ARRAY_LEN(e->signals); i++) uv_close((uv_handle_t *)&e->signals[i], NULL);
	}
	e->closing--;
	journal_go(e);
}

void engine_fail(struct engine *e, const struct error *why) {
	/* what is handed to a journal that is being closed says nothing about the disk */
	if (e->result.code == ERR_NONE && !(e->stopping && why->code == ERR_CANCELLED)) e->result = *why;
	engine_stop(e);
}

static void engine_done(struct engine *e) {
	for (size_t i = 0; i < e->sessions.n; i++) session_free(e->sessions.items[i]);
	free(e->sessions.items);
	free(e->accepted.items);
	free(e->waiting.items);
	watch_free(e);
	rules_drop(e->rules);
	rules_drop(e->own_rules);
	for (size_t i = 0; i < e->view_n; i++) journal_view_close(e->views[i]);
	for (size_t i = 0; i < e->root_n; i++) {
		root_done(&e->roots[i]);
		free(e->roots[i].work);
	}
	free(e->roots);
	free(e->cursor);
	recall_free(e->recall);
	free(e->names_was);
	outbox_forget(e);
	json_free(e->fleet);
	pthread_mutex_destroy(&e->view_lock);
	free(e);
}

int engine_run(const struct engine_options *o, struct error *err) {
	struct engine *e = xcalloc(1, sizeof *e);
	*e = (struct engine){.o = o, .config = o->config, .lock_fd = -1, .claim_fd = -1, .budget = RETRY_BUDGET_INIT};
	TAILQ_INIT(&e->driven);
	TAILQ_INIT(&e->jobs);
	TAILQ_INIT(&e->calls);
	TAILQ_INIT(&e->transfers);
	pthread_mutex_init(&e->view_lock, NULL);
	e->recall = recall_new(e);
	e->started_ms = now_ms();
	e->started_wall_ms = clock_wall_ms();
	/* one heap for all threads: what one frees another can use, or 10,000 files are paid for once a thread */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 1 << 20); /* arrays of all sessions grow in place, and are given back */
	signal(SIGPIPE, SIG_IGN);
	lease_init();
	low_priority();
	int failed = uv_loop_init(&e->loop);
	assert(!failed);
	(void)failed;
	struct error why = ERROR_INIT;
	if (open_all(e, &why)) engine_fail(e, &why);
	uv_run(&e->loop, UV_RUN_DEFAULT);
	failed = uv_loop_close(&e->loop);
	assert(!failed);
	why = e->result;
	if (e->lock_fd >= 0) close(e->lock_fd);
	if (e->claim_fd >= 0) close(e->claim_fd);
	if (o->verify_count) recall_count(e->recall, &o->verify_count->looked, &o->verify_count->lost);
	if (!lanes_free(e)) engine_done(e);
	if (why.code == ERR_NONE) return 0;
	*err = why;
	return -1;
}
