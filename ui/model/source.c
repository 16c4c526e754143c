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
#include "session/schema.h"
#include "station/control/client.h"

#define FIRST_MS 300 /* how long the first frame waits for the journal */
#define READ_EVERY_MS 150
#define AGAIN_MS 1000
#define AGAIN_MOST_MS 30000
#define SILENT_WORKING_MS 5000 /* a working engine tells ten times a second */
#define SILENT_IDLE_MS 60000

static const int later_ms[] = {50, 500, 5000}; /* a commit's sync may take so long */

static void source_pump(struct source *s);
static void source_moved(struct source *s);

void source_changed(struct source *s, unsigned changed) {
	if (changed && !s->closing) s->o.on_change(s->o.arg, changed);
}

/* --- reading the journal --- */

static void on_again(uv_timer_t *t);

/* A failure keeps the last values, and is tried again: nothing tells when a lock is gone. */
static unsigned job_failed(struct source *s, const struct read_job *job) {
	bool news = strcmp(s->model->journal_err.text, job->err.text) != 0;
	s->model->journal_err = job->err;
	if (job->err.code == ERR_NONE) {
		s->failed_pause_ms = 0;
		return news ? part_bit(s->model, &part_summary) : 0;
	}
	s->failed_pause_ms = MIN(MAX(s->failed_pause_ms * 2, AGAIN_MS), AGAIN_MOST_MS);
	uv_timer_start(&s->again, on_again, (uint64_t)s->failed_pause_ms, 0);
	return news ? part_bit(s->model, &part_summary) : 0;
}

static void on_silence(uv_timer_t *t);

static void silence_start(struct source *s, bool works) {
	uv_update_time(s->loop);
	uv_timer_start(&s->silence, on_silence, works ? SILENT_WORKING_MS : SILENT_IDLE_MS, 0);
}

/* The journal can tell of work before the engine's next status does, which does not come when it gets stuck then. */
static void silence_expect(struct source *s) {
	const int64_t *n = s->model->summary.journal.by_state;
	bool works = n[STATE_UPLOADING] || n[STATE_CHECKING];
	if (works && !s->model->status.active && uv_is_active((uv_handle_t *)&s->silence)) silence_start(s, true);
}

/* What was found, unless something else is asked for by now. */
static void job_take(struct source *s, struct read_job *job) {
	job->taken = true;
	s->read_ms = clock_mono_ms();
	for (size_t i = 0; s->model->parts[i]; i++)
		if (s->model->parts[i]->exact && memcmp(&job->wish.of[i], &s->kept.of[i], s->model->parts[i]->wish_size) != 0)
			job->got &= ~part_bit(s->model, s->model->parts[i]);
	s->owed &= ~job->got;
	unsigned told = job_failed(s, job);
	read_job_take(job, s->model);
	source_changed(s, told | job->got);
	if (job->got & part_bit(s->model, &part_summary) && !s->closing) silence_expect(s);
	if (job->got & part_bit(s->model, &part_detail) && !s->closing) folder_read(s);
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

static void job_start(struct source *s, unsigned bits, bool if_moved) {
	struct read_job *job = xcalloc(1, sizeof *job);
	job->work.data = job;
	job->source = s;
	job->reader = &s->reader;
	job->wish = s->kept;
	job->wish.parts = bits;
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
		unsigned wanted = s->wanted;
		s->wanted = 0;
		job_start(s, wanted, false);
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

/* --- what is shown --- */

static void asking_start(struct asking *k);

void source_show(struct source *s, const struct part *p, const void *wish) {
	if (p->method) {
		asking_start(&s->askings[part_row(s->model, p)]);
		return;
	}
	if (p->wish_size) memcpy(s->kept.of[part_row(s->model, p)].bytes, wish, p->wish_size);
	*(p->once ? &s->owed : &s->kept.parts) |= part_bit(s->model, p);
	s->wanted |= part_bit(s->model, p);
	source_pump(s);
}

void source_hide(struct source *s, const struct part *p) {
	if (p->every_ms) uv_timer_stop(&s->askings[part_row(s->model, p)].again);
	if (!p->read || p->always) return;
	s->kept.parts &= ~part_bit(s->model, p);
	s->wanted &= ~part_bit(s->model, p);
	s->owed &= ~part_bit(s->model, p);
	if (p->exact) s->kept.of[part_row(s->model, p)] = (struct part_wish){0};
}

/* --- what tells that something moved --- */

static void on_watch(uv_fs_event_t *watch, const char *file, int events, int status) {
	struct source *s = watch->data;
	(void)events;
	if (s->closing) return;
	if (!status && file && strcmp(file, CONTROL_SOCKET) == 0) attach_kick(s->attach);
	if (!status && file && strcmp(file, JOURNAL_FILE "-wal") != 0 && strcmp(file, JOURNAL_FILE) != 0) return;
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
	s->wanted |= s->kept.parts | s->owed;
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
	s->wanted |= part_bit(s->model, &part_summary);
	source_pump(s);
}

/* --- the engine --- */

static void on_asked(void *arg, const cJSON *result, const struct error *err) {
	struct asking *k = arg;
	part_hear(k->source->model, k->part, result, err);
	source_changed(k->source, part_bit(k->source->model, k->part));
}

static void asking_ask(struct asking *k) { attach_ask(k->source->attach, k->part->method, NULL, on_asked, k); }

static void on_ask_again(uv_timer_t *t) { asking_ask(t->data); }

/* Now and, while it is shown, again and again. */
static void asking_start(struct asking *k) {
	if (!k->part) return; /* the engine tells it by itself */
	uv_timer_start(&k->again, on_ask_again, (uint64_t)k->part->every_ms, (uint64_t)k->part->every_ms);
	asking_ask(k);
}

static void status_came(struct source *s, const cJSON *status) {
	part_hear(s->model, &part_status, status, NULL);
	silence_start(s, s->model->status.active);
	source_changed(s, part_bit(s->model, &part_status));
}

static void on_asked_status(void *arg, const cJSON *result, const struct error *err) {
	struct source *s = arg;
	if (!err && !s->closing) status_came(s, result);
}

static void on_silence(uv_timer_t *t) {
	attach_ask(((struct source *)t->data)->attach, part_status.method, NULL, on_asked_status, t->data);
}

static void on_notice(void *arg, const char *method, const cJSON *params) {
	struct source *s = arg;
	if (strcmp(method, part_status.method) == 0) {
		status_came(s, params);
		source_moved(s);
		return;
	}
	for (size_t i = 0; s->model->parts[i]; i++) {
		if (!s->model->parts[i]->method || strcmp(method, s->model->parts[i]->method) != 0) continue;
		part_hear(s->model, s->model->parts[i], params, NULL);
		source_changed(s, part_bit(s->model, s->model->parts[i]));
	}
}

void source_link(struct source *s, enum link link, const struct error *err) {
	struct model *m = s->model;
	if (m->link != link || !m->link_since_ms) m->link_since_ms = clock_wall_ms();
	m->link = link;
	m->link_err = *err;
	source_changed(s, part_bit(s->model, &part_link));
}

static void on_link(void *arg, enum link link, const struct error *err) {
	struct source *s = arg;
	/* between its start and its socket */
	if (link == LINK_NONE && s->engine_open) link = LINK_CONNECTING;
	source_link(s, link, err);
	if (link == LINK_UP) watch_start(s);
	for (size_t i = 0; link == LINK_UP && s->model->parts[i]; i++)
		if (s->askings[i].part && uv_is_active((uv_handle_t *)&s->askings[i].again)) asking_ask(&s->askings[i]);
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
		for (size_t i = 0; i < n; i++) json_push_text(names, sessions[i]);
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
	return SCHEMA_FILE;
}

static void source_config(struct source *s) {
	const struct source_options *o = &s->o;
	s->model->config = (struct config_line *)(uintptr_t)o->config; /* borrowed: it stays as it is */
	s->model->config_n = o->config_n;
	s->metadata_name = xstrdup(metadata_name(o));
}

/* What the first frame needs to be whole; a journal that is locked does not hold it up for long. */
static void source_first(struct source *s) {
	unsigned first = 0;
	for (size_t i = 0; s->model->parts[i]; i++) {
		if (s->model->parts[i]->first) first |= part_bit(s->model, s->model->parts[i]);
		if (s->model->parts[i]->read && s->model->parts[i]->always)
			s->kept.parts |= part_bit(s->model, s->model->parts[i]);
	}
	job_start(s, first, false);
	uv_mutex_lock(&s->mutex);
	uint64_t left = (uint64_t)FIRST_MS * 1000000;
	while (!s->job->over && uv_cond_timedwait(&s->read_over, &s->mutex, left) == 0) continue;
	bool over = s->job->over;
	uv_mutex_unlock(&s->mutex);
	if (over) job_take(s, s->job);
}

static void askings_init(struct source *s) {
	for (size_t i = 0; s->model->parts[i]; i++) {
		struct asking *k = &s->askings[i];
		if (!s->model->parts[i]->every_ms) continue;
		*k = (struct asking){.source = s, .part = s->model->parts[i]};
		uv_timer_init(s->loop, &k->again);
		k->again.data = k;
		s->handles++;
	}
}

static void source_handles(struct source *s) {
	uv_fs_event_init(s->loop, &s->watch);
	uv_timer_init(s->loop, &s->wake);
	uv_timer_init(s->loop, &s->later);
	uv_timer_init(s->loop, &s->again);
	uv_timer_init(s->loop, &s->midnight);
	uv_timer_init(s->loop, &s->silence);
	uv_timer_init(s->loop, &s->engine_again);
	s->watch.data = s->wake.data = s->later.data = s->again.data = s->midnight.data = s;
	s->silence.data = s->engine_again.data = s;
	s->handles = 8; /* these and the link */
	askings_init(s);
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
	s->reader = (struct reader){.parts = m->parts, .state_dir = xstrdup(o->state_dir), .version = -1};
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
	parts_done(s->model);
	uv_cond_destroy(&s->read_over);
	uv_mutex_destroy(&s->mutex);
	free(s);
	if (on_closed) on_closed(arg);
}

static void on_handle_closed(uv_handle_t *h) { source_released(h->data); }

static void on_asking_closed(uv_handle_t *h) { source_released(((struct asking *)h->data)->source); }

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
	uv_close((uv_handle_t *)&s->silence, on_handle_closed);
	uv_close((uv_handle_t *)&s->engine_again, on_handle_closed);
	for (size_t i = 0; s->model->parts[i]; i++)
		if (s->askings[i].part) uv_close((uv_handle_t *)&s->askings[i].again, on_asking_closed);
	if (s->engine_open) uv_close((uv_handle_t *)&s->engine, on_handle_closed);
}
