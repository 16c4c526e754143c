/* SPDX-License-Identifier: MIT */
/* Reports to the cloud's log: a session held or failed. Each has an id of its own, is in the journal before anything
 * else follows from it, and stays there until the cloud has answered for it, so that a repeat is recognised and none
 * is lost. The journal is read again once what was written to it is committed, however slow the disk. A batch that is
 * refused goes again one by one, and what is refused alone is passed over until the next round, so that one report
 * never keeps back those behind it. Loop thread; the journal is read in the thread pool. */
#include "station/talk/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "station/engine/job.h"
#include "station/engine/session.h"

#define BATCH 100
#define STUCK_MS 60000

/* Since a batch was refused: reports go alone, and these are passed over. */
struct outbox_refused {
	size_t n;
	char ids[BATCH][32];
};
struct outbox {						/* of the engine */
	bool full, busy, stuck;			/* full: there may be more than the last batch that was read */
	int64_t next_ms;				/* monotonic: not before */
	size_t deleting;				/* of the journal, not committed yet: what is read must not hold them */
	struct outbox_refused *refused; /* NULL: every report of the last batch was taken */
};
static struct outbox *mine(const struct engine *e) { return engine_part(e, PART_OUTBOX); }

static void outbox_forget(struct engine *e) {
	free(mine(e)->refused);
	mine(e)->refused = NULL;
}

struct batch {
	struct job job;
	size_t most;
	struct outbox_refused passed; /* a copy for the thread pool */
	char *ids[BATCH], *json[BATCH];
	size_t n;
	struct error err;
};

static void batch_free(struct batch *b) {
	for (size_t i = 0; i < b->n; i++) {
		free(b->ids[i]);
		free(b->json[i]);
	}
	free(b);
}

static int on_row(void *arg, const char *id, const char *json) {
	struct batch *b = arg;
	for (size_t i = 0; i < b->passed.n; i++)
		if (strcmp(b->passed.ids[i], id) == 0) return 0;
	b->ids[b->n] = xstrdup(id);
	b->json[b->n++] = xstrdup(json);
	return b->n == b->most;
}

static void batch_run(struct job *j) {
	struct batch *b = (struct batch *)j;
	struct journal_view *v = NULL;
	if (view_take(j->engine, &v, &b->err)) return;
	if (journal_outbox(v, BATCH + (int64_t)b->passed.n, on_row, b, &b->err) < 0) b->n = 0;
	view_give(j->engine, v);
}

/* A report is at fault, not the cloud or the key. False: there is nobody left to find. */
static bool outbox_pass_over(struct engine *e, const struct batch *b) {
	if (!mine(e)->refused) {
		mine(e)->refused = xcalloc(1, sizeof *mine(e)->refused);
		if (b->n > 1) return true;
	}
	struct outbox_refused *r = mine(e)->refused;
	if (b->n > 1 || r->n == BATCH) return false;
	text_copy(r->ids[r->n++], sizeof r->ids[0], b->ids[0]);
	return true;
}

/* All that is left was refused: it is kept, and tried again seldom, since a newer cloud may take it. What was reported
 * since the batch was read comes at once. */
static void outbox_round_over(struct engine *e) {
	mine(e)->stuck = !mine(e)->full && mine(e)->refused && mine(e)->refused->n;
	mine(e)->full = mine(e)->full || mine(e)->stuck;
	if (mine(e)->stuck) mine(e)->next_ms = now_ms() + STUCK_MS;
	outbox_forget(e);
}

static void on_deleted(void *arg, const struct error *err) {
	struct engine *e = arg;
	mine(e)->deleting--;
	engine_poke(e);
	engine_journal_done(e, err);
}

static void on_delivered(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	(void)s;
	struct batch *b = arg;
	mine(e)->busy = false;
	if (r && !e->stopping && r->err.http == 400 && outbox_pass_over(e, b)) {
		mine(e)->next_ms = now_ms();
	} else if (r && !e->stopping) {
		bool refused = r->err.code != ERR_NONE && !error_is_transient(&r->err) && r->err.code != ERR_KEY;
		if (r->err.code == ERR_NONE) {
			mine(e)->deleting++;
			journal_outbox_delete(e->journal, (const char *const *)b->ids, b->n, on_deleted, e);
		}
		/* what the cloud will not take is kept and tried again seldom: a newer cloud may take it */
		mine(e)->stuck = refused;
		mine(e)->next_ms = now_ms() + (r->err.code == ERR_NONE ? 0 : refused ? STUCK_MS : 1000);
	}
	batch_free(b);
}

static cJSON *batch_body(const struct batch *b) {
	cJSON *body = json_object(), *events = json_array();
	for (size_t i = 0; i < b->n; i++) {
		struct error err = ERROR_INIT;
		cJSON *event = NULL;
		if (json_parse(b->json[i], strlen(b->json[i]), &event, &err) == 0) json_push(events, event);
	}
	json_add(body, "events", events);
	return body;
}

static void batch_done(struct job *j) {
	struct batch *b = (struct batch *)j;
	struct engine *e = j->engine;
	if (b->n) mine(e)->full = true;
	if (e->stopping || !b->n || !api_may_ask(e, ANSWER_EVENTS)) {
		mine(e)->busy = false;
		if (!b->n && !e->stopping) outbox_round_over(e);
		batch_free(b);
		return;
	}
	api_call(e, NULL, "POST", "/v1/events", batch_body(b), 0, on_delivered, b);
}

/* Reports that were made since. */
static void take_reported(struct engine *e) {
	if (!e->reported) return;
	e->reported = false;
	mine(e)->full = true;
	if (mine(e)->stuck) mine(e)->next_ms = 0;
	mine(e)->stuck = false;
}

static void outbox_pump(struct engine *e) {
	take_reported(e);
	if (!mine(e)->full || mine(e)->busy || mine(e)->deleting || e->reports_writing) return;
	if (now_ms() < mine(e)->next_ms) {
		engine_wake_at(e, mine(e)->next_ms);
		return;
	}
	if (!api_may_ask(e, ANSWER_EVENTS)) return;
	struct batch *b = xcalloc(1, sizeof *b);
	b->job = (struct job){.run = batch_run, .done = batch_done};
	b->most = mine(e)->refused ? 1 : BATCH;
	if (mine(e)->refused) b->passed = *mine(e)->refused;
	mine(e)->busy = true;
	mine(e)->full = false;
	job_start(e, &b->job);
}

/* --- the part --- */

static int outbox_start(struct engine *e, struct error *err) {
	(void)err;
	e->reported = true; /* those of the last run */
	return 0;
}

static enum busy outbox_busy(const struct engine *e) {
	const struct outbox *o = mine(e);
	bool waits = (o->full || e->reported) && !o->stuck && !e->cloud.api.down && !e->cloud.pace[ANSWER_EVENTS].down;
	return o->busy || o->deleting || e->reports_writing || waits ? BUSY_PASSING : BUSY_NOT;
}

const struct part outbox_part = {
	.engine_size = sizeof(struct outbox),
	.start = outbox_start,
	.pump = outbox_pump,
	.busy = outbox_busy,
	.done = outbox_forget,
};
