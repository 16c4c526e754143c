/* SPDX-License-Identifier: MIT */
/* A sign of life to the cloud, so that a silent station raises an alarm, and the figures it carries: the journal's
 * summary and the disk, gathered in other threads. Loop thread. */
#include "station/talk/heartbeat.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "station/engine/facts.h"
#include "station/engine/lanes.h"
#include "station/engine/session.h"
#include "station/talk/disk_trend.h"

#define HEARTBEAT_MS 60000
#define LAST_BEAT_MS 10000 /* a run's end does not wait longer for it */

struct beats { /* of the engine */
	bool vitals_busy, disk_busy, wanted, beating, key_shared;
	int64_t next_ms;				/* monotonic */
	bool last;						/* the heartbeat at the run's end was asked for */
	int64_t last_ms;				/* monotonic: not waited for longer */
	struct journal_summary summary; /* as it was told last */
	int64_t disk_free, disk_total;
	struct disk_trend trend;
};
static struct beats *mine(const struct engine *e) { return engine_part(e, PART_HEARTBEAT); }

struct vitals {
	struct job job;
	struct journal_summary summary;
	bool has_summary;
};

static void vitals_run(struct job *j) {
	struct vitals *v = (struct vitals *)j;
	struct journal_view *view = NULL;
	struct error err = ERROR_INIT;
	if (view_take(j->engine, &view, &err)) return;
	v->has_summary = journal_summary(view, time_local_midnight(clock_wall_ms()), &v->summary, &err) == 0;
	view_give(j->engine, view);
}

static void on_beaten(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	(void)s, (void)arg;
	mine(e)->beating = false;
	if (!r || e->stopping || r->err.code) return;
	int64_t stations = ingest_heartbeat(r)->stations_with_this_key;
	if (stations > 1 && !mine(e)->key_shared) {
		journal_add_event(e->journal, 0, "warn", "key_shared",
			"another engine uses this station's key; two stations of one name mix their sessions");
	}
	mine(e)->key_shared = stations > 1;
}

/* What the verdict says, so that the fleet shows no station as well that is not. */
static void beat_verdict(struct engine *e, cJSON *body) {
	struct safe_facts f;
	char text[SAFE_TEXT];
	engine_facts(e, &mine(e)->summary, &f);
	f.cloud_ok = !cloud_trouble(e); /* what it hears has reached it */
	json_add_text(body, "verdict", safe_name(safe_verdict(&f, text, sizeof text)));
	json_add_text(body, "verdict_text", text);
	json_add_i64(body, "needs_person", safe_person(&mine(e)->summary));
	json_add_i64(body, "unsafe", safe_unsafe(&mine(e)->summary));
	json_add_i64(body, "folders_bad", f.look.wrong + f.look.lost + f.look.empty);
	json_add_i64(body, "names", f.look.names);
	json_add_time(body, "looked_at", f.look.at_ms);
}

static void beat(struct engine *e) {
	cJSON *body = json_object();
	const struct journal_summary *s = &mine(e)->summary;
	json_add_text(body, "instance", e->instance);
	json_add_text(body, "version", HEADGATE_VERSION);
	json_add_i64(body, "queue", s->by_state[STATE_QUEUED] + s->by_state[STATE_UPLOADING] + s->by_state[STATE_UPLOADED]);
	json_add_i64(body, "bytes_left", s->bytes_left);
	json_add_i64(body, "disk_free", mine(e)->disk_free);
	json_add_i64(body, "held", s->by_state[STATE_HELD]);
	json_add_time(body, "oldest_unsafe_at", s->oldest_unsafe_ms);
	beat_verdict(e, body);
	mine(e)->beating = true;
	api_call(e, NULL, "POST", "/v1/heartbeat", body, 0, on_beaten, NULL);
}

/* Once what it tells is known; a disk that does not answer is not waited for. */
static void beat_soon(struct engine *e) {
	if (e->stopping || !mine(e)->wanted || (mine(e)->disk_busy && !root_hangs(e, 0))) return;
	mine(e)->wanted = false;
	if (!mine(e)->beating && api_may_ask(e, ANSWER_HEARTBEAT)) beat(e);
}

static void vitals_done(struct job *j) {
	struct vitals *v = (struct vitals *)j;
	struct engine *e = j->engine;
	mine(e)->vitals_busy = false;
	if (v->has_summary) mine(e)->summary = v->summary;
	mine(e)->wanted = v->has_summary;
	beat_soon(e);
	free(v);
}

/* --- the disk that recordings fill --- */

static const char *disk_path(const struct engine *e) { return e->root_n ? e->roots[0].path : e->config->state_dir; }

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
	mine(e)->disk_busy = false;
	if (d->known) {
		mine(e)->disk_free = d->fs.free_bytes;
		mine(e)->disk_total = d->fs.total_bytes;
		disk_note(&mine(e)->trend, mine(e)->disk_free, now_ms());
	}
	free(d->path);
	free(d);
	beat_soon(e);
}

static void disk_start(struct engine *e) {
	if (mine(e)->disk_busy || !e->root_n) return;
	struct disk_look *d = xcalloc(1, sizeof *d);
	*d = (struct disk_look){.job = {.run = disk_run, .done = disk_done}, .path = xstrdup(disk_path(e))};
	mine(e)->disk_busy = true;
	lane_start(e, 0, LANE_LIST, &d->job);
}

/* The fleet shows how the run ended. */
static void beat_last(struct engine *e) {
	if (!e->ending || mine(e)->last) return;
	mine(e)->last = true;
	mine(e)->last_ms = now_ms() + LAST_BEAT_MS;
	mine(e)->next_ms = 0;
}

static void heartbeat_pump(struct engine *e) {
	beat_last(e);
	if (now_ms() < mine(e)->next_ms) {
		engine_wake_at(e, mine(e)->next_ms);
		return;
	}
	mine(e)->next_ms = now_ms() + HEARTBEAT_MS;
	engine_wake_at(e, mine(e)->next_ms);
	disk_start(e);
	if (mine(e)->vitals_busy) return;
	struct vitals *v = xcalloc(1, sizeof *v);
	v->job = (struct job){.run = vitals_run, .done = vitals_done};
	mine(e)->vitals_busy = true;
	job_start(e, &v->job);
}

/* --- the part --- */

/* That of the run's end: until the heartbeat with its figures was sent, or cannot be. */
static enum busy heartbeat_busy(const struct engine *e) {
	const struct beats *b = mine(e);
	if (!e->ending || (b->last && now_ms() >= b->last_ms)) return BUSY_NOT;
	bool sent = b->last && !b->vitals_busy && !b->wanted && !b->beating && b->next_ms > now_ms();
	return sent ? BUSY_NOT : BUSY_ENDING;
}

static void heartbeat_status(struct engine *e, cJSON *status) {
	const struct beats *b = mine(e);
	const struct disk_trend *d = &b->trend;
	int64_t left = disk_full_in_ms(d);
	cJSON *disk = json_object();
	json_add_text(disk, "path", disk_path(e));
	json_add_i64(disk, "free_bytes", b->disk_free);
	json_add_i64(disk, "total_bytes", b->disk_total);
	/* to the minute: the same rate is the same time */
	int64_t full = left < 0 ? 0 : clock_wall_ms() - (now_ms() - d->samples[d->n - 1].at_ms) + left;
	json_add_time(disk, "full_at", (full + 30000) / 60000 * 60000);
	json_add(status, "disk", disk);
}

const struct part heartbeat_part = {
	.engine_size = sizeof(struct beats),
	.pump = heartbeat_pump,
	.busy = heartbeat_busy,
	.status = heartbeat_status,
};
