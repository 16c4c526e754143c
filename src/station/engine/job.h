/* SPDX-License-Identifier: MIT */
/* Work in libuv's thread pool, for the journal and whatever else is local, and the views of the journal for it. What
 * touches recordings goes to its root's own threads (lanes.h). */
#pragma once

#include "station/engine/engine.h"

struct job {
	uv_work_t work;
	struct engine *engine;
	void (*run)(struct job *j);	 /* a thread */
	void (*done)(struct job *j); /* loop; always called once; frees it. engine->stopping: act no more */
	TAILQ_ENTRY(job) link;
};
void job_start(struct engine *e, struct job *j);
void jobs_cancel(struct engine *e);

/* A view of the journal for the calling thread, from the idle ones. */
MUST_USE int view_take(struct engine *e, struct journal_view **ret, struct error *err);
void view_give(struct engine *e, struct journal_view *v);
