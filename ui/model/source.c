/* SPDX-License-Identifier: MIT */
/* What is kept fresh, and when it is read again: one read in flight, the next one when the journal moved. inotify on
 * the state folder tells of the WAL's bytes, which SQLite writes and syncs before the commit can be seen; the engine
 * tells of the commit. Without an engine, what inotify told is looked at again some times. Without a change nothing
 * runs, but that an engine which has told nothing for a while is asked whether it lives. Loop thread. */
#include "ui/model/source_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "station/control/client.h"

#define FIRST_MS 300 /* how long the first frame waits for the journal */
#define READ_EVERY_MS 150
#define AGAIN_MS 1000
#define AGAIN_MOST_MS 30000
#define FLEET_EVERY_MS 60000   /* a station's heartbeat */
#define SILENT_WORKING_MS 5000 /* a working engine tells ten times a second */
#define SILENT_IDLE_MS 60000

static const int later_ms[] = {50, 500, 5000}; /* a commit's sync may take so long */

static void source_pump(struct source *s);
static void source_moved(struct source *s);

void source_changed(struct source *s, unsigned parts) {
	if (parts && !s->closing) s->o.on_change(s->o.arg, parts);
}

/* --- the metadata file --- */

static void folder_next(struct source *s);

static void on_folder_over(uv_work_t *work, int status) {
	struct folder_job *job = work->data;
	struct source *s = job->source;
	struct session_detail *d = &s->model->detail;
	(void)status;
	s->folder_job = NULL;
	if (!s->closing && strcmp(d->name, job->session) == 0) {
		free(d->metadata);
		free(d->metadata_path);
		d->metadata = TAKE(job->text);
		d->metadata_path = TAKE(job->path);
		source_changed(s, MODEL_DETAIL);
	}
	folder_job_free(job);
	if (!s->closing && s->folder_again) folder_next(s);
	source_released(s);
}

char *source_metadata_path(const struct source *s, const char *root, const char *session) {
	return xasprintf("%s/%s/%s", root, session, s->metadata_name);
}

static void on_folder_work(uv_work_t *work) { folder_job_run(work->data); }

static void folder_next(struct source *s) {
	const struct session_detail *d = &s->model->detail;
	s->folder_again = s->folder_job != NULL;
	if (s->folder_job || !d->found) return;
	struct folder_job *job = xcalloc(1, sizeof *job);
	job->work.data = job;
	job->source = s;
	text_copy(job->session, sizeof job->session, d->name);
	job->path = source_metadata_path(s, d->row.root, d->name);
	s->folder_job = job;
	s->handles++;
	uv_queue_work(s->loop, &job->work, on_folder_work, on_folder_over);
}

/* --- reading the journal --- */

static void on_again(uv_timer_t *t);

/* A failure keeps the last values, and is tried again: nothing tells when a lock is gone. */
static unsigned job_failed(struct source *s, const struct read_job *job) {
	bool news = strcmp(s->model->journal_err.text, job->err.text) != 0;
	s->model->journal_err = job->err;
	if (job->err.code == ERR_NONE) {
		s->failed_pause_ms = 0;
		return news ? MODEL_SUMMARY : 0;
	}
	s->failed_pause_ms = MIN(MAX(s->failed_pause_ms * 2, AGAIN_MS), AGAIN_MOST_MS);
	uv_timer_start(&s->again, on_again, (uint64_t)s->failed_pause_ms, 0);
	return news ? MODEL_SUMMARY : 0;
}

static void on_silence(uv_timer_t *t);

static void silence_start(struct source *s, bool works) {
	uv_update_time(s->loop);
	uv_timer_start(&s->silence, on_silence, works ? SILENT_WORKING_MS : SILENT_IDLE_MS, 0);
}

/* The journal can tell of work before the engine's next status does, which does not come when it gets stuck then. */
static void silence_expect(struct source *s) {
	const int64_t *n = s->model->summary.by_state;
	bool works = n[STATE_UPLOADING] || n[STATE_CHECKING];
	if (works && !s->model->status.active && uv_is_active((uv_handle_t *)&s->silence)) silence_start(s, true);
}

/* What was found, unless something else is asked for by now. */
static void job_take(struct source *s, struct read_job *job) {
	job->taken = true;
	s->read_ms = clock_mono_ms();
	if (strcmp(job->wish.session, s->kept.session) != 0) job->got &= ~(unsigned)MODEL_DETAIL;
	unsigned parts = job_failed(s, job);
	read_job_take(job, s->model);
	source_changed(s, parts | job->got);
	if (job->got & MODEL_SUMMARY && !s->closing) silence_expect(s);
	if (job->got & MODEL_DETAIL && !s->closing) folder_next(s);
}

static void on_read_work(uv_work_t *work) {
	struct read_job *job = work->data;
	struct source *s = job->source;
	read_job_run(job);
	uv_mutex_lock(&s->mutex);
	job->over = true;
	uv_cond_signal(&s->read_over);
	uv_mutex_unlock(&s->mutex);
}

static void on_later(uv_timer_t *t) { source_moved(t->data); }

static void look_later(struct source *s) {
	if (s->model->link == LINK_UP || s->looks_left == 0) return;
	size_t next = ARRAY_LEN(later_ms) - s->looks_left--;
	uv_timer_start(&s->later, on_later, (uint64_t)later_ms[next], 0);
}

static void on_read_over(uv_work_t *work, int status) {
	struct read_job *job = work->data;
	struct source *s = job->source;
	s->job = NULL;
	if (!status && !job->taken && !s->closing) job_take(s, job);
	read_job_free(job);
	if (!s->closing) look_later(s);
	if (!s->closing) source_pump(s);
	source_released(s);
}

static void job_start(struct source *s, unsigned parts, bool if_moved) {
	struct read_job *job = xcalloc(1, sizeof *job);
	job->work.data = job;
	job->source = s;
	job->reader = &s->reader;
	job->wish = s->kept;
	job->wish.parts = parts;
	job->wish.if_moved = if_moved;
	s->job = job;
	s->handles++;
	uv_queue_work(s->loop, &job->work, on_read_work, on_read_over);
}

static void on_wake(uv_timer_t *t) { source_pump(t->data); }

/* The next read, if anything is to be read: what was asked for at once, what moved at most every READ_EVERY_MS. */
static void source_pump(struct source *s) {
	if (s->closing || s->job) return;
	if (s->wanted) {
		unsigned parts = s->wanted;
		s->wanted = 0;
		job_start(s, parts, false);
		return;
	}
	if (!s->moved || uv_is_active((uv_handle_t *)&s->wake)) return;
	int64_t wait = s->read_ms + READ_EVERY_MS - clock_mono_ms();
	if (wait > 0) {
		uv_update_time(s->loop);
		uv_timer_start(&s->wake, on_wake, (uint64_t)wait, 0);
		return;
	}
	s->moved = false;
	job_start(s, s->kept.parts, true);
}

static void source_moved(struct source *s) {
	s->moved = true;
	source_pump(s);
}

static void source_want(struct source *s, unsigned part, bool wanted) {
	if (wanted) s->kept.parts |= part, s->wanted |= part;
	else s->kept.parts &= ~part, s->wanted &= ~part;
	source_pump(s);
}

void source_page(struct source *s, const struct page_query *q) {
	if (q) s->kept.page = *q;
	source_want(s, MODEL_PAGE, q && q->limit > 0);
}

void source_detail(struct source *s, const char *session) {
	text_copy(s->kept.session, sizeof s->kept.session, session ? session : "");
	source_want(s, MODEL_DETAIL, s->kept.session[0]);
}

void source_events(struct source *s, int64_t limit) {
	s->kept.events = limit;
	source_want(s, MODEL_EVENTS, limit > 0);
}

void source_handover(struct source *s) {
	s->wanted |= MODEL_HANDOVER;
	source_pump(s);
}

/* --- what tells that something moved --- */

static void on_watch(uv_fs_event_t *watch, const char *file, int events, int status) {
	struct source *s = watch->data;
	(void)events;
	if (s->closing) return;
	if (!status && file && strcmp(file, CONTROL_SOCKET) == 0) attach_kick(s->attach);
	if (!status && file && strcmp(file, "state.db-wal") != 0 && strcmp(file, "state.db") != 0) return;
	s->looks_left = ARRAY_LEN(later_ms);
	source_moved(s);
}

/* The folder may be made only by an engine that is still to come. */
static void watch_start(struct source *s) {
	if (s->watching) return;
	s->watching = uv_fs_event_start(&s->watch, on_watch, s->o.state_dir, 0) == 0;
	attach_watched(s->attach, s->watching);
	if (!s->watching && !uv_is_active((uv_handle_t *)&s->again)) uv_timer_start(&s->again, on_again, AGAIN_MS, 0);
}

static void on_again(uv_timer_t *t) {
	struct source *s = t->data;
	watch_start(s);
	s->wanted |= MODEL_SUMMARY | s->kept.parts;
	source_pump(s);
}

static void on_midnight(uv_timer_t *t);

static void midnight_start(struct source *s) {
	int64_t now = clock_wall_ms();
	uv_timer_start(&s->midnight, on_midnight, (uint64_t)(time_next_midnight(now) + AGAIN_MS - now), 0);
}

/* "today" is another day. */
static void on_midnight(uv_timer_t *t) {
	struct source *s = t->data;
	midnight_start(s);
	s->wanted |= MODEL_SUMMARY;
	source_pump(s);
}

/* --- the engine --- */

static void on_fleet(void *arg, const cJSON *result, const struct error *err) {
	struct source *s = arg;
	if (err) s->model->fleet_err = *err;
	else fleet_take(s->model, result);
	source_changed(s, MODEL_FLEET);
}

static void fleet_ask(struct source *s) { attach_ask(s->attach, "stations", NULL, on_fleet, s); }

static void on_fleet_again(uv_timer_t *t) { fleet_ask(t->data); }

void source_fleet(struct source *s, bool shown) {
	uint64_t every_ms = (uint64_t)(s->o.fleet_every_ms ? s->o.fleet_every_ms : FLEET_EVERY_MS);
	uv_timer_stop(&s->fleet);
	if (!shown) return;
	uv_timer_start(&s->fleet, on_fleet_again, every_ms, every_ms);
	fleet_ask(s);
}

static void status_came(struct source *s, const cJSON *status) {
	status_take(&s->model->status, status);
	silence_start(s, s->model->status.active);
	source_changed(s, MODEL_STATUS);
}

static void on_asked_status(void *arg, const cJSON *result, const struct error *err) {
	struct source *s = arg;
	if (!err && !s->closing) status_came(s, result);
}

static void on_silence(uv_timer_t *t) {
	attach_ask(((struct source *)t->data)->attach, "status", NULL, on_asked_status, t->data);
}

static void on_notice(void *arg, const char *method, const cJSON *params) {
	struct source *s = arg;
	if (strcmp(method, "status") == 0) {
		status_came(s, params);
		source_moved(s);
	} else if (strcmp(method, "stations") == 0) {
		fleet_take(s->model, params);
		source_changed(s, MODEL_FLEET);
	}
}

void source_link(struct source *s, enum link link, const struct error *err) {
	struct model *m = s->model;
	if (m->link != link || !m->link_since_ms) m->link_since_ms = clock_wall_ms();
	m->link = link;
	m->link_err = *err;
	source_changed(s, MODEL_LINK);
}

static void on_link(void *arg, enum link link, const struct error *err) {
	struct source *s = arg;
	/* between its start and its socket */
	if (link == LINK_NONE && s->engine_open) link = LINK_CONNECTING;
	source_link(s, link, err);
	if (link == LINK_UP) watch_start(s);
	if (link == LINK_UP && uv_is_active((uv_handle_t *)&s->fleet)) fleet_ask(s);
}

/* "paused 20261120_134502", "tried again: 3 sessions" */
static const struct {
	const char *method, *done;
} spoken[] = {
	{"retry", "tried again"},
	{"pause", "paused"},
	{"resume", "resumed"},
	{"release", "released, it is sent as it is"},
	{"ignore", "ignored"},
	{"unignore", "no longer ignored"},
	{"rescan", "the watched folders are read again"},
};
struct command {
	struct source *source;
	char method[16], names[64];
};

static void on_command(void *arg, const cJSON *result, const struct error *err) {
	struct command *c = arg;
	struct source *s = c->source;
	char text[sizeof err->text + 64];
	const char *done = c->method;
	(void)result;
	for (size_t i = 0; i < ARRAY_LEN(spoken); i++)
		if (strcmp(spoken[i].method, c->method) == 0) done = spoken[i].done;
	if (err) snprintf(text, sizeof text, "%s", err->text);
	else snprintf(text, sizeof text, "%s%s%s", done, c->names[0] ? ": " : "", c->names);
	if (!s->closing) s->o.on_say(s->o.arg, err != NULL, text);
	free(c);
}

void source_command(struct source *s, const char *method, const char *const *sessions, size_t n) {
	struct command *c = xcalloc(1, sizeof *c);
	cJSON *params = json_object();
	c->source = s;
	text_copy(c->method, sizeof c->method, method);
	if (n == 1) text_copy(c->names, sizeof c->names, sessions[0]);
	if (n > 1) snprintf(c->names, sizeof c->names, "%zu sessions", n);
	if (n) {
		cJSON *names = json_array();
		for (size_t i = 0; i < n; i++) json_push(names, cJSON_CreateString(sessions[i]));
		json_add(params, "sessions", names);
	}
	attach_ask(s->attach, method, params, on_command, c);
}

/* --- opening and closing --- */

static const char *metadata_name(const struct source_options *o) {
	for (size_t i = 0; i < o->config_n; i++) {
		const struct config_line *l = &o->config[i];
		if (strcmp(l->section, "metadata") == 0 && strcmp(l->name, "file") == 0 && l->value && *l->value)
			return l->value;
	}
	return "metadata.txt";
}

static void source_config(struct source *s) {
	const struct source_options *o = &s->o;
	s->model->config = (struct config_line *)(uintptr_t)o->config; /* borrowed: it stays as it is */
	s->model->config_n = o->config_n;
	s->metadata_name = xstrdup(metadata_name(o));
}

/* Summary and first page, for a first frame that is whole; a journal that is locked does not hold it up for long. */
static void source_first(struct source *s) {
	s->kept.parts = MODEL_SUMMARY | MODEL_PAGE;
	s->kept.page.limit = s->kept.page.limit ? s->kept.page.limit : 100;
	job_start(s, s->kept.parts, false);
	uv_mutex_lock(&s->mutex);
	uint64_t left = (uint64_t)FIRST_MS * 1000000;
	while (!s->job->over && uv_cond_timedwait(&s->read_over, &s->mutex, left) == 0) continue;
	bool over = s->job->over;
	uv_mutex_unlock(&s->mutex);
	if (over) job_take(s, s->job);
}

static void source_handles(struct source *s) {
	uv_fs_event_init(s->loop, &s->watch);
	uv_timer_init(s->loop, &s->wake);
	uv_timer_init(s->loop, &s->later);
	uv_timer_init(s->loop, &s->again);
	uv_timer_init(s->loop, &s->midnight);
	uv_timer_init(s->loop, &s->fleet);
	uv_timer_init(s->loop, &s->silence);
	uv_timer_init(s->loop, &s->engine_again);
	s->watch.data = s->wake.data = s->later.data = s->again.data = s->midnight.data = s->fleet.data = s;
	s->silence.data = s->engine_again.data = s;
	s->handles = 9; /* these and the link */
	midnight_start(s);
}

int source_open(
	struct source **ret, uv_loop_t *loop, const struct source_options *o, struct model *m, struct error *err) {
	struct source *s = xcalloc(1, sizeof *s);
	const struct attach_options ao = {.state_dir = o->state_dir, .on_link = on_link, .on_notice = on_notice, .arg = s};
	s->loop = loop;
	s->o = *o;
	s->model = m;
	if (attach_open(&s->attach, loop, &ao, err)) {
		free(s);
		return -1;
	}
	s->reader = (struct reader){.state_dir = xstrdup(o->state_dir), .version = -1};
	if (uv_mutex_init(&s->mutex) || uv_cond_init(&s->read_over)) abort();
	m->status.latency_ms = m->status.eta_ms = -1;
	source_config(s);
	source_handles(s);
	s->closing = true; /* nobody is to be told of the beginning and the first read */
	source_link(s, attach_link(s->attach), &(struct error){.code = ERR_NONE});
	if (m->link == LINK_NONE && o->engine_path && !o->read_only) engine_start(s);
	watch_start(s);
	source_first(s);
	s->closing = false;
	*ret = s;
	return 0;
}

void source_released(struct source *s) {
	if (--s->handles) return;
	void (*on_closed)(void *) = s->on_closed;
	void *arg = s->on_closed_arg;
	journal_view_close(s->reader.view);
	free(s->reader.state_dir);
	free(s->metadata_name);
	model_free(s->model);
	uv_cond_destroy(&s->read_over);
	uv_mutex_destroy(&s->mutex);
	free(s);
	if (on_closed) on_closed(arg);
}

static void on_handle_closed(uv_handle_t *h) { source_released(h->data); }

static void on_attach_closed(void *arg) { source_released(arg); }

bool source_stuck(struct source *s) {
	if (!s->closing || !s->folder_job || s->handles > 1) return false;
	journal_view_close(TAKE(s->reader.view));
	return true;
}

void source_close(struct source *s, void (*on_closed)(void *arg), void *arg) {
	if (!s) {
		on_closed(arg);
		return;
	}
	s->closing = true;
	s->on_closed = on_closed;
	s->on_closed_arg = arg;
	attach_close(s->attach, on_attach_closed, s);
	uv_close((uv_handle_t *)&s->watch, on_handle_closed);
	uv_close((uv_handle_t *)&s->wake, on_handle_closed);
	uv_close((uv_handle_t *)&s->later, on_handle_closed);
	uv_close((uv_handle_t *)&s->again, on_handle_closed);
	uv_close((uv_handle_t *)&s->midnight, on_handle_closed);
	uv_close((uv_handle_t *)&s->fleet, on_handle_closed);
	uv_close((uv_handle_t *)&s->silence, on_handle_closed);
	uv_close((uv_handle_t *)&s->engine_again, on_handle_closed);
	if (s->engine_open) uv_close((uv_handle_t *)&s->engine, on_handle_closed);
}
