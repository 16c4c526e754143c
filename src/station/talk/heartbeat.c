/* SPDX-License-Identifier: MIT */
/* A sign of life to the cloud, so that a silent station raises an alarm, and the figures it carries: the journal's
 * summary and the disk, gathered in other threads. Loop thread. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "station/engine/engine_internal.h"

#define PRUNE_IDS 1000 /* a heartbeat */

struct vitals {
	struct job job;
	struct journal_summary summary;
	bool has_summary, prunes;
	int64_t prune_after, prune_until; /* ids of events that are old enough */
};

/* A piece at a time, so that nothing waits for it. */
static void vitals_prune(struct vitals *v, struct journal_view *view, const struct config *c) {
	AUTO(xfree) char *pruned = NULL;
	struct error err = ERROR_INIT;
	int64_t end;
	if (!c->keep_events_ms || journal_get(view, SETTING_PRUNED, &pruned, &err) ||
		journal_events_before(view, clock_wall_ms() - c->keep_events_ms, &end, &err))
		return;
	if (pruned && text_to_i64(pruned, 0, INT64_MAX, &v->prune_after)) v->prune_after = 0;
	v->prune_until = MIN(end, v->prune_after + PRUNE_IDS);
}

static void vitals_run(struct job *j) {
	struct vitals *v = (struct vitals *)j;
	struct journal_view *view = NULL;
	struct error err = ERROR_INIT;
	if (view_take(j->engine, &view, &err)) return;
	v->has_summary = journal_summary(view, time_local_midnight(clock_wall_ms()), &v->summary, &err) == 0;
	if (v->prunes) vitals_prune(v, view, j->engine->config);
	view_give(j->engine, view);
}

static void on_beaten(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	(void)s, (void)arg;
	e->beating = false;
	if (!r || e->stopping || r->err.code) return;
	int64_t stations = ingest_heartbeat(r)->stations_with_this_key;
	if (stations > 1 && !e->key_shared) {
		journal_add_event(e->journal, 0, "warn", "key_shared",
			"another engine uses this station's key; two stations of one name mix their sessions");
	}
	e->key_shared = stations > 1;
}

/* What the verdict says, so that the fleet shows no station as well that is not. */
static void beat_verdict(struct engine *e, cJSON *body) {
	struct safe_facts f;
	char text[SAFE_TEXT];
	engine_facts(e, &e->summary, &f);
	f.cloud_ok = !cloud_trouble(e); /* what it hears has reached it */
	json_add_text(body, "verdict", safe_name(safe_verdict(&f, text, sizeof text)));
	json_add_text(body, "verdict_text", text);
	json_add_i64(body, "needs_person", safe_person(&e->summary));
	json_add_i64(body, "unsafe", safe_unsafe(&e->summary));
	json_add_i64(body, "folders_bad", f.look.wrong + f.look.lost + f.look.empty);
	json_add_i64(body, "names", f.look.names);
	json_add_time(body, "looked_at", f.look.at_ms);
}

static void beat(struct engine *e) {
	cJSON *body = json_object();
	const struct journal_summary *s = &e->summary;
	json_add_text(body, "instance", e->instance);
	json_add_text(body, "version", HEADGATE_VERSION);
	json_add_i64(body, "queue", s->by_state[STATE_QUEUED] + s->by_state[STATE_UPLOADING] + s->by_state[STATE_UPLOADED]);
	json_add_i64(body, "bytes_left", s->bytes_left);
	json_add_i64(body, "disk_free", e->disk_free);
	json_add_i64(body, "held", s->by_state[STATE_HELD]);
	json_add_time(body, "oldest_unsafe_at", s->oldest_unsafe_ms);
	beat_verdict(e, body);
	e->beating = true;
	api_call(e, NULL, "POST", "/v1/heartbeat", body, 0, on_beaten, NULL);
}

/* Once what it tells is known; a disk that does not answer is not waited for. */
static void beat_soon(struct engine *e) {
	if (e->stopping || !e->beat_wanted || (e->disk_busy && !root_hangs(e, 0))) return;
	e->beat_wanted = false;
	if (!e->beating && api_may_ask(e, ANSWER_HEARTBEAT)) beat(e);
}

static void vitals_done(struct job *j) {
	struct vitals *v = (struct vitals *)j;
	struct engine *e = j->engine;
	e->vitals_busy = false;
	if (v->has_summary) e->summary = v->summary;
	if (!e->stopping && v->prune_until > v->prune_after) journal_prune(e->journal, v->prune_after, v->prune_until);
	e->beat_wanted = v->has_summary;
	beat_soon(e);
	free(v);
}

/* --- the disk that recordings fill --- */

const char *heartbeat_disk(const struct engine *e) { return e->root_n ? e->roots[0].path : e->config->state_dir; }

struct disk_look {
	struct job job;
	char *path;
	struct file_system fs;
	bool known;
};

static void disk_run(struct job *j) {
	struct disk_look *d = (struct disk_look *)j;
	struct error err = ERROR_INIT;
	d->known = file_system_of(d->path, &d->fs, &err) == 0;
}

static void disk_done(struct job *j) {
	struct disk_look *d = (struct disk_look *)j;
	struct engine *e = j->engine;
	e->disk_busy = false;
	if (d->known) {
		e->disk_free = d->fs.free_bytes;
		e->disk_total = d->fs.total_bytes;
		disk_note(&e->disk_history, e->disk_free, now_ms());
	}
	free(d->path);
	free(d);
	beat_soon(e);
}

static void disk_start(struct engine *e) {
	if (e->disk_busy || !e->root_n) return;
	struct disk_look *d = xcalloc(1, sizeof *d);
	*d = (struct disk_look){.job = {.run = disk_run, .done = disk_done}, .path = xstrdup(heartbeat_disk(e))};
	e->disk_busy = true;
	lane_start(e, 0, LANE_LIST, &d->job);
}

void heartbeat_pump(struct engine *e) {
	if (now_ms() < e->beat_ms) {
		engine_wake_at(e, e->beat_ms);
		return;
	}
	e->beat_ms = now_ms() + HEARTBEAT_MS;
	engine_wake_at(e, e->beat_ms);
	disk_start(e);
	if (e->vitals_busy) return;
	struct vitals *v = xcalloc(1, sizeof *v);
	v->job = (struct job){.run = vitals_run, .done = vitals_done};
	v->prunes = !e->last_beat; /* at the end of a run only the figures are told */
	e->vitals_busy = true;
	job_start(e, &v->job);
}
