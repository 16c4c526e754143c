/* SPDX-License-Identifier: MIT */
/* What waits to be done: jobs by key, each once however often it is asked for; one that is asked for while it runs is
 * run once more. A key is a lane and a name. Round robin over lanes, and one job at a time of a lane: a thousand of one
 * never stand before the one of another. Not thread safe: workers.h has the lock and the threads. */
#pragma once

#include <sys/queue.h>

#include "base/util.h"

struct queue_job {
	char lane[80], name[80];
	int tries;	 /* times in a row that it was put off to a time */
	void *state; /* the user's: zero when the job is asked for, kept until it is done */
	/* The queue's own. */
	TAILQ_ENTRY(queue_job) next; /* in its lane, while it is ready */
	struct heap *waits;			 /* where it is while it waits for its time, else NULL */
	size_t place;				 /* there */
	int64_t due_ms;				 /* not before, monotonic */
	uint64_t order;				 /* among those of one time */
	bool ready;
};
struct queue;
struct queue *queue_new(size_t state_bytes, size_t most); /* most: jobs that are known at once; 0: no bound */
void queue_free(struct queue *q);
DEFINE_AUTO_PTR(struct queue, queue_free)
/* At once, also when it waits for a time. False: the queue is full, and knows no such job. */
bool queue_add(struct queue *q, const char *lane, const char *name);
/* One that comes after all others: not before due_ms, and then when nothing is ready, or ten minutes later. state: to
 * begin with, or NULL. One that is known stays as it is. False: full. */
bool queue_add_last(struct queue *q, const char *lane, const char *name, int64_t due_ms, const void *state);
/* The next one, which is the caller's until queue_again or queue_done; its lane has no other turn until then. NULL:
 * none is ready, and *ret_due_ms says when one will be, 0 never without being asked. */
struct queue_job *queue_take(struct queue *q, int64_t now_ms, int64_t *ret_due_ms);
/* Not before due_ms (0: when its lane's turn comes); at once when it was asked for meanwhile. */
void queue_again(struct queue *q, struct queue_job *job, int64_t due_ms);
void queue_done(struct queue *q, struct queue_job *job);
