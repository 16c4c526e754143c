/* SPDX-License-Identifier: MIT */
/* Reports to the cloud's log: a session held or failed. Each has an id of its own, is in the journal before anything
 * else follows from it, and stays there until the cloud has answered for it, so that a repeat is recognised and none
 * is lost. The journal is read again once what was written to it is committed, however slow the disk. A batch that is
 * refused goes again one by one, and what is refused alone is passed over until the next round, so that one report
 * never keeps back those behind it. Loop thread; the journal is read in the thread pool. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"
#include "station/engine/engine_internal.h"

#define BATCH 100
#define STUCK_MS 60000

static void on_written(void *arg, const struct error *err) {
	struct engine *e = arg;
	e->outbox_writes--;
	engine_poke(e);
	engine_journal_done(e, err);
}

void outbox_report(struct session *s, const char *level, const char *code, const char *message) {
	char id[25];
	random_id(id, sizeof id);
	AUTO(json_free) cJSON *event = json_object();
	json_add_text(event, "id", id);
	json_add_time(event, "at", clock_wall_ms());
	json_add_text(event, "level", level);
	json_add_text(event, "code", code);
	json_add_text(event, "message", message);
	json_add_text(event, "session", s->row.name);
	cJSON *detail = json_object();
	json_add_i64(detail, "revision", s->row.revision);
	json_add_text(detail, "state", state_name(s->row.state));
	json_add(event, "detail", detail);
	AUTO(xfree) char *text = json_text(event);
	s->engine->outbox_writes++;
	journal_outbox_add(s->engine->journal, id, text, on_written, s->engine);
	outbox_kick(s->engine);
}

void outbox_kick(struct engine *e) {
	e->outbox_full = true;
	if (e->outbox_stuck) e->outbox_ms = 0;
	e->outbox_stuck = false;
	engine_poke(e);
}

/* Since a batch was refused: reports go alone, and these are passed over. */
struct outbox_refused {
	size_t n;
	char ids[BATCH][32];
};

void outbox_forget(struct engine *e) {
	free(e->outbox_refused);
	e->outbox_refused = NULL;
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
	if (!e->outbox_refused) {
		e->outbox_refused = xcalloc(1, sizeof *e->outbox_refused);
		if (b->n > 1) return true;
	}
	struct outbox_refused *r = e->outbox_refused;
	if (b->n > 1 || r->n == BATCH) return false;
	text_copy(r->ids[r->n++], sizeof r->ids[0], b->ids[0]);
	return true;
}

/* All that is left was refused: it is kept, and tried again seldom, since a newer cloud may take it. What was reported
 * since the batch was read comes at once. */
static void outbox_round_over(struct engine *e) {
	e->outbox_stuck = !e->outbox_full && e->outbox_refused && e->outbox_refused->n;
	e->outbox_full = e->outbox_full || e->outbox_stuck;
	if (e->outbox_stuck) e->outbox_ms = now_ms() + STUCK_MS;
	outbox_forget(e);
}

static void on_delivered(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	(void)s;
	struct batch *b = arg;
	e->outbox_busy = false;
	if (r && !e->stopping && r->err.http == 400 && outbox_pass_over(e, b)) {
		e->outbox_ms = now_ms();
	} else if (r && !e->stopping) {
		bool refused = r->err.code != ERR_NONE && !error_is_transient(&r->err) && r->err.code != ERR_KEY;
		if (r->err.code == ERR_NONE) {
			e->outbox_writes++;
			journal_outbox_delete(e->journal, (const char *const *)b->ids, b->n, on_written, e);
		}
		/* what the cloud will not take is kept and tried again seldom: a newer cloud may take it */
		e->outbox_stuck = refused;
		e->outbox_ms = now_ms() + (r->err.code == ERR_NONE ? 0 : refused ? STUCK_MS : 1000);
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
	if (b->n) e->outbox_full = true;
	if (e->stopping || !b->n || !api_may_ask(e, ANSWER_EVENTS)) {
		e->outbox_busy = false;
		if (!b->n && !e->stopping) outbox_round_over(e);
		batch_free(b);
		return;
	}
	api_call(e, NULL, "POST", "/v1/events", batch_body(b), 0, on_delivered, b);
}

void outbox_pump(struct engine *e) {
	if (!e->outbox_full || e->outbox_busy || e->outbox_writes) return;
	if (now_ms() < e->outbox_ms) {
		engine_wake_at(e, e->outbox_ms);
		return;
	}
	if (!api_may_ask(e, ANSWER_EVENTS)) return;
	struct batch *b = xcalloc(1, sizeof *b);
	b->job = (struct job){.run = batch_run, .done = batch_done};
	b->most = e->outbox_refused ? 1 : BATCH;
	if (e->outbox_refused) b->passed = *e->outbox_refused;
	e->outbox_busy = true;
	e->outbox_full = false;
	job_start(e, &b->job);
}
