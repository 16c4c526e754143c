/* SPDX-License-Identifier: MIT */
/* A piece at a time, so that nothing waits for it. Loop thread; the journal is read in the thread pool. */
#include "station/run/pruning.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "station/engine/job.h"

#define PRUNE_EVERY_MS 60000
#define PRUNE_IDS 1000

struct pruning { /* of the engine */
	bool busy;
	int64_t next_ms; /* monotonic */
};
static struct pruning *mine(const struct engine *e) { return engine_part(e, PART_PRUNING); }

struct old {
	struct job job;
	int64_t after, until; /* ids of events that are old enough */
};

static void old_find(struct old *o, struct journal_view *v, int64_t keep_ms) {
	AUTO(xfree) char *pruned = NULL;
	struct error err = ERROR_INIT;
	int64_t end;
	if (journal_get(v, SETTING_PRUNED, &pruned, &err) ||
		journal_events_before(v, clock_wall_ms() - keep_ms, &end, &err))
		return;
	if (pruned && text_to_i64(pruned, 0, INT64_MAX, &o->after)) o->after = 0;
	o->until = MIN(end, o->after + PRUNE_IDS);
}

static void old_run(struct job *j) {
	struct journal_view *v = NULL;
	struct error err = ERROR_INIT;
	if (view_take(j->engine, &v, &err)) return;
	old_find((struct old *)j, v, j->engine->config->keep_events_ms);
	view_give(j->engine, v);
}

static void old_done(struct job *j) {
	const struct old *o = (const struct old *)j;
	struct engine *e = j->engine;
	mine(e)->busy = false;
	if (!e->stopping && o->until > o->after) journal_prune(e->journal, o->after, o->until);
	free(j);
}

static void pump(struct engine *e) {
	struct pruning *p = mine(e);
	if (!e->config->keep_events_ms) return;
	if (now_ms() >= p->next_ms && !p->busy) {
		struct old *o = xcalloc(1, sizeof *o);
		o->job = (struct job){.run = old_run, .done = old_done};
		p->next_ms = now_ms() + PRUNE_EVERY_MS;
		p->busy = true;
		job_start(e, &o->job);
	}
	engine_wake_at(e, p->next_ms);
}

const struct part pruning_part = {.engine_size = sizeof(struct pruning), .pump = pump};
