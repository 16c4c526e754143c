/* SPDX-License-Identifier: MIT */
/* What waits for a look: (station, session), each once however many events it has. Round robin over stations, and one
 * look at a time a station: a thousand sessions of one never stand before the one of another. Not thread safe: the
 * validator's lock guards it. */
#pragma once

#include <sys/queue.h>

#include "cloud/jobs/validate.h"

struct queue_item {
	TAILQ_ENTRY(queue_item) next;
	char station[80], session[16];
	struct queue_lane *lane; /* of its station, while it is ready; NULL while it waits for its time */
	int64_t due_ms;			 /* not before, monotonic; 0: ready */
	bool last;				 /* only when nothing is ready, or long after its time */
	bool died;				 /* the program did not survive a look at it */
	int tries;				 /* looks that ended with the same item waiting again */
	struct validation validation;
};
struct queue;
struct queue *queue_new(void);
void queue_free(struct queue *q);
/* At once, also when it waits for a time. */
void queue_add(struct queue *q, const char *station, const char *session);
/* One that the program died with: after all others. */
void queue_add_died(struct queue *q, const char *station, const char *session, int64_t due_ms);
/* An item that was taken: again, not before due_ms (0: when its turn comes); an event meanwhile makes it ready now. */
void queue_again(struct queue *q, struct queue_item *item, int64_t due_ms);
/* The next one, which is the caller's until queue_again or queue_done; its station has no other turn until then. NULL:
 * none is ready, and *ret_due_ms says when one will be, 0 never without an event. */
struct queue_item *queue_take(struct queue *q, int64_t now_ms, int64_t *ret_due_ms);
void queue_done(struct queue *q, struct queue_item *item);
