/* SPDX-License-Identifier: MIT */
/* The engine's loop: start, the pump that runs before each sleep, signals, stop. Loop thread.
 *
 * Start: lock, journal, what it holds, cloud, watch, control socket; then the first rescan. Stop, in order: hashing and
 * walks are cancelled, requests end, then the journal commits what is queued and closes; the loop ends when the last
 * handle has. Nothing is lost: what was in flight is found by the next run. */
#include "station/engine/engine.h"

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
#include "station/disk/lease.h"
#include "station/engine/lanes.h"
#include "station/engine/root.h"
#include "station/engine/rules.h"
#include "station/engine/session.h"
#include "station/engine/watches.h"

#define NICE 5 /* recording comes first */
#define IOPRIO_BEST_EFFORT_LAST ((2 << 13) | 7)
#define IOPRIO_WHO_PROCESS 1
#define KEEP_MS (10LL * 60 * 1000) /* seldom: whoever reads the journal wakes at each commit */
#define RESCAN_SOON_MS 20		   /* several events come at once */
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

/* What parts keep for those who come without an engine, once every folder was listed. */
static void engine_keep(struct engine *e) {
	bool well;
	if (!e->journal || !roots_listed(e, &well)) return;
	e->keep_ms = now_ms() + KEEP_MS;
	for (size_t i = 0; i < PART_N; i++)
		if (e->parts[i]->keep) e->parts[i]->keep(e);
}

static void keep_pump(struct engine *e) {
	if (now_ms() >= e->keep_ms) engine_keep(e);
	if (e->keep_ms) engine_wake_at(e, e->keep_ms);
}

static void pump(struct engine *e) {
	lanes_pump(e);
	pump_sessions(e);
	for (size_t i = 0; i < PART_N && !e->stopping; i++)
		if (e->parts[i]->pump) e->parts[i]->pump(e);
	if (!e->stopping) keep_pump(e);
}

#define ROUNDS_MAX 64

static void on_prepare(uv_prepare_t *prepare) {
	struct engine *e = prepare->data;
	if (e->pump_wanted) engine_changed(e);
	for (int round = 0; e->pump_wanted && !e->stopping; round++) {
		if (round == ROUNDS_MAX) { /* let the loop see its events, then go on */
			engine_wake_at(e, now_ms());
			return;
		}
		e->pump_wanted = false;
		pump(e);
		e->pump_wanted = e->pump_wanted || !TAILQ_EMPTY(&e->driven);
	}
}

/* Whoever reads the journal hears of a commit from here: inotify tells of the WAL's bytes, which are written before the
 * commit can be seen. */
static void on_journal_moved(void *arg) {
	struct engine *e = arg;
	control_committed(e->control, journal_delivered(e->journal));
	engine_changed(e);
	if (!e->commit_awaited) return;
	e->commit_awaited = false;
	engine_poke(e);
}

void engine_journal_done(void *arg, const struct error *err) {
	if (err->code != ERR_NONE) engine_fail(arg, err);
}

void engine_changed(struct engine *e) { control_changed(e->control); }

void engine_rescan(struct engine *e) {
	int64_t at = now_ms() + RESCAN_SOON_MS;
	if (e->rescan_ms > at) e->rescan_ms = at;
	engine_wake_at(e, e->rescan_ms);
}

void engine_found(struct engine *e, const char *name, size_t root) {
	if (stub_find(&e->waiting, session_stamp(name), root)) return;
	struct session_row row = {.present = true};
	memcpy(row.name, name, strnlen(name, sizeof row.name - 1));
	stub_insert(&e->waiting, &row, root);
	e->to_add++;
	engine_poke(e);
}

void engine_suspect(struct engine *e, struct stub *accepted) {
	if (!accepted) return;
	accepted->suspect = true;
	e->suspects = true;
	engine_poke(e);
}

void *engine_part(const struct engine *e, enum part_id id) { return e->part[id]; }

static enum busy sessions_busy(const struct engine *e) {
	for (size_t i = 0; i < e->sessions.n; i++) {
		const struct session *s = e->sessions.items[i];
		if (!s->dead && (s->committing || s->driven)) return e->cloud.key_refused ? BUSY_LEFT : BUSY_NOW;
	}
	return BUSY_NOT;
}

enum busy engine_busy(const struct engine *e) {
	enum busy most = e->ending ? BUSY_ENDING : BUSY_NOW, busiest = sessions_busy(e);
	for (size_t i = 0; i < PART_N && busiest < most; i++) {
		enum busy one = e->parts[i]->busy ? e->parts[i]->busy(e) : BUSY_NOT;
		busiest = MAX(busiest, one);
	}
	return busiest;
}

void status_add_error(cJSON *o, const struct error *why) {
	if (why->code == ERR_NONE) return;
	cJSON *e = json_object();
	json_add_text(e, "code", error_classes[why->code].name);
	json_add_text(e, "message", why->text);
	json_add(o, "error", e);
}

/* --- start --- */

static void low_priority(void) {
	/* both may be refused where the limits are tighter; the work is the same */
	if (setpriority(PRIO_PROCESS, 0, NICE)) log_event(LOG_DEBUG, "engine", "the CPU priority stays", NULL);
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_BEST_EFFORT_LAST)) {
		log_event(LOG_DEBUG, "engine", "the disk priority stays", NULL);
	}
}

/* One that was found, and of which nothing else is known, waits outside until its turn comes. */
static bool may_wait(const struct session_row *row) {
	return row->state == STATE_FOUND && !row->paused && !row->ignored && row->present;
}

static int on_row(void *arg, const struct session_row *row) {
	struct engine *e = arg;
	bool accepted = row->state == STATE_ACCEPTED;
	if (!accepted && !may_wait(row)) session_load(e, row);
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
	s->row.has_content = file_rows_content(files, n, &s->row.content);
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
	for (size_t i = 0; i < e->sessions.n; i++) content_load(e->sessions.items[i], v);
	load_instance(e, v);
	for (size_t i = 0; i < PART_N; i++)
		if (e->parts[i]->load) e->parts[i]->load(e, v);
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
		for (size_t i = 0; i < PART_N; i++)
			if (e->parts[i]->reload) e->parts[i]->reload(e);
		engine_rescan(e);
		engine_poke(e);
		return;
	}
	if (number == SIGTERM) engine_end(e);
	else engine_interrupt(e);
}

static int open_handles(struct engine *e) {
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	static_assert(ARRAY_LEN(numbers) == ARRAY_LEN(e->signals), "a handle for each signal");
	int failed = uv_prepare_init(&e->loop, &e->prepare) | uv_timer_init(&e->loop, &e->wake);
	e->prepare.data = e->wake.data = e;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		failed |= uv_signal_init(&e->loop, &e->signals[i]);
		e->signals[i].data = e;
		failed |= uv_signal_start(&e->signals[i], on_signal, numbers[i]);
	}
	failed |= uv_prepare_start(&e->prepare, on_prepare) | lanes_open(e);
	e->handles_open = true;
	return failed;
}

static int start_parts(struct engine *e, struct error *err) {
	for (size_t i = 0; i < PART_N; i++)
		if (e->parts[i]->start && e->parts[i]->start(e, err)) return -1;
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
	if (load(e, err) || open_cloud(e, err) || watches_open(e, err) || start_parts(e, err)) return -1;
	e->started = true;
	if (!e->o->once)
		journal_add_event(e->journal, 0, "info", "engine_started", "the engine " HEADGATE_VERSION " starts");
	for (size_t i = 0; i < e->sessions.n; i++) session_enter(e->sessions.items[i]);
	engine_poke(e);
	return 0;
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
	engine_keep(e);
	if (!e->o->once && e->started) journal_add_event(e->journal, 0, "info", "engine_ended", "the engine ends");
	jobs_cancel(e);
	lanes_close(e);
	for (size_t i = 0; i < PART_N; i++)
		if (e->parts[i]->stop) e->parts[i]->stop(e);
	if (e->ingest) ingest_close(e->ingest);
	api_calls_free(e);
	e->closing = 1; /* until both are asked */
	if (e->http) e->closing++, http_close(e->http, on_closed, e);
	if (e->api_http) e->closing++, http_close(e->api_http, on_closed, e);
	watches_close(e);
	if (e->handles_open) {
		uv_close((uv_handle_t *)&e->prepare, NULL);
		uv_close((uv_handle_t *)&e->wake, NULL);
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
	for (size_t i = 0; i < PART_N; i++)
		if (e->parts[i]->done) e->parts[i]->done(e);
	free(e->sessions.items);
	free(e->accepted.items);
	free(e->waiting.items);
	watches_free(e);
	rules_drop(e->rules);
	for (size_t i = 0; i < e->view_n; i++) journal_view_close(e->views[i]);
	for (size_t i = 0; i < e->root_n; i++) root_done(&e->roots[i]);
	free(e->roots);
	for (size_t i = 0; i < PART_N; i++) free(e->part[i]);
	pthread_mutex_destroy(&e->view_lock);
	free(e);
}

static struct engine *engine_new(const struct engine_options *o, const struct part *const parts[PART_N]) {
	struct engine *e = xcalloc(1, sizeof *e);
	*e = (struct engine){
		.o = o, .config = o->config, .parts = parts, .lock_fd = -1, .claim_fd = -1, .cloud.budget = RETRY_BUDGET_INIT};
	TAILQ_INIT(&e->driven);
	TAILQ_INIT(&e->jobs);
	TAILQ_INIT(&e->calls);
	pthread_mutex_init(&e->view_lock, NULL);
	for (size_t i = 0; i < PART_N; i++)
		if (parts[i]->engine_size) e->part[i] = xcalloc(1, parts[i]->engine_size);
	e->started_ms = now_ms();
	e->started_wall_ms = clock_wall_ms();
	return e;
}

int engine_run_parts(const struct engine_options *o, const struct part *const parts[PART_N], struct error *err) {
	struct engine *e = engine_new(o, parts);
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
	if (!lanes_free(e)) engine_done(e);
	if (why.code == ERR_NONE) return 0;
	*err = why;
	return -1;
}
