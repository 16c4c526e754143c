/* SPDX-License-Identifier: MIT */
/* Is the state folder still what this engine opened? A journal that was removed or replaced takes every write and keeps
 * none, and a lock that was removed keeps no second engine away: both are looked at every few seconds, and the journal
 * before each commit too (thread.c). The engine ends then: what it did since is in no journal. Loop thread. */
#include "station/run/guard.h"

#include <stdlib.h>

#include "base/file.h"
#include "station/engine/job.h"

#define GUARD_MS 5000

struct guards { /* of the engine */
	bool looking;
	int64_t next_ms; /* monotonic */
};
static struct guards *mine(const struct engine *e) { return engine_part(e, PART_GUARD); }

struct guard {
	struct job job;
	char *lock;
	struct journal_file journal;
	struct error err;
};

static void guard_run(struct job *j) {
	struct guard *g = (struct guard *)j;
	struct engine *e = j->engine;
	if (journal_there(&g->journal, &g->err) == 0 && !file_is_at(e->lock_fd, g->lock)) {
		error_set(&g->err, ERR_DISK,
			"the lock %s was removed or replaced while this engine ran, and a second one may start beside it: see who "
			"did "
			"it, then start again",
			g->lock);
	}
}

static void guard_done(struct job *j) {
	struct guard *g = (struct guard *)j;
	struct engine *e = j->engine;
	mine(e)->looking = false;
	if (g->err.code != ERR_NONE && !e->stopping) engine_fail(e, &g->err);
	free(g->lock);
	free(g->journal.path);
	free(g);
}

static void guard_pump(struct engine *e) {
	if (now_ms() < mine(e)->next_ms) {
		engine_wake_at(e, mine(e)->next_ms);
		return;
	}
	mine(e)->next_ms = now_ms() + GUARD_MS;
	engine_wake_at(e, mine(e)->next_ms);
	if (mine(e)->looking) return;
	struct guard *g = xcalloc(1, sizeof *g);
	*g = (struct guard){.job = {.run = guard_run, .done = guard_done}, .lock = path_join(e->config->state_dir, "lock")};
	g->journal = *journal_file(e->journal);
	g->journal.path = xstrdup(g->journal.path); /* the journal may be closed meanwhile */
	mine(e)->looking = true;
	job_start(e, &g->job);
}

const struct part guard_part = {
	.engine_size = sizeof(struct guards),
	.pump = guard_pump,
};
