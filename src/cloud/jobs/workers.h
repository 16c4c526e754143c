/* SPDX-License-Identifier: MIT */
/* Threads that do the jobs of a queue (queue.h says in which order). Any thread may ask for a job. */
#pragma once

#include "base/error.h"
#include "cloud/jobs/queue.h"

struct workers;
#define WORKERS_MAX 16
#define WORKERS_DONE ((int64_t)-1)
struct workers_setup {
	const char *name;		  /* in errors: "validation" */
	int n;					  /* threads, at most WORKERS_MAX */
	size_t state_bytes, most; /* queue_new's */
	/* Without a lock, in thread `worker` (from 0), one at a time of a lane. Returns in how many ms it is to be run
	 * again, 0 when its lane's turn comes, or WORKERS_DONE; asked for meanwhile, it is run again at once. */
	int64_t (*run)(void *arg, int worker, struct queue_job *job);
	/* What is done when there is nothing else to do, or chore_late_ms after its time when there always is; by one
	 * thread at a time, without a lock. Returns in how many ms it is to be done again. NULL: nothing. */
	int64_t (*chore)(void *arg);
	int64_t chore_late_ms;
	void *arg;
};
MUST_USE int workers_start(struct workers **ret, const struct workers_setup *setup, struct error *err);
void workers_stop(struct workers *w); /* finishes what is in hand, forgets what waits, frees */
DEFINE_AUTO_PTR(struct workers, workers_stop)
/* queue_add and queue_add_last: they never wait. */
bool workers_add(struct workers *w, const char *lane, const char *name);
bool workers_add_last(struct workers *w, const char *lane, const char *name, int64_t after_ms, const void *state);
