/* SPDX-License-Identifier: MIT */
/* Invariants: an item is in `known` exactly while it is in a lane or in `later`; it leaves both before its look, so
 * that an event during the look brings another one. A lane is in `lanes` while it has items or its station is busy, and
 * in `ring` while it has items and its station is not. `later` is in order of due_ms. */
#include "cloud/jobs/queue.h"

#include <search.h>
#include <stdlib.h>

#include "base/text.h"

#define LAST_MOST_MS                                                                                                   \
	(10LL * 60 * 1000) /* an item that comes last waits this long at most for a pause of the others                    \
						*/

TAILQ_HEAD(items, queue_item);
struct queue_lane {
	TAILQ_ENTRY(queue_lane) next;
	char station[80];
	struct items items;
	bool busy;
};
struct queue {
	void *known, *lanes; /* tsearch(3) trees */
	TAILQ_HEAD(, queue_lane) ring;
	struct items later;
};

static int compare_items(const void *a, const void *b) {
	const struct queue_item *x = a, *y = b;
	int order = strcmp(x->session, y->session);
	return order ? order : strcmp(x->station, y->station);
}

static int compare_lanes(const void *a, const void *b) {
	return strcmp(((const struct queue_lane *)a)->station, ((const struct queue_lane *)b)->station);
}

struct queue *queue_new(void) {
	struct queue *q = xcalloc(1, sizeof *q);
	TAILQ_INIT(&q->ring);
	TAILQ_INIT(&q->later);
	return q;
}

static void items_free(struct items *items) {
	for (struct queue_item *item; (item = TAILQ_FIRST(items));) {
		TAILQ_REMOVE(items, item, next);
		free(item);
	}
}

static void lane_free(void *lane) {
	items_free(&((struct queue_lane *)lane)->items);
	free(lane);
}

static void keep(void *item) { (void)item; } /* the lanes and `later` own what the tree points to */

void queue_free(struct queue *q) {
	if (!q) return;
	tdestroy(q->known, keep);
	items_free(&q->later);
	tdestroy(q->lanes, lane_free);
	free(q);
}

/* --- lanes --- */

static struct queue_lane *lane_of(struct queue *q, const char *station) {
	struct queue_lane like;
	text_copy(like.station, sizeof like.station, station);
	struct queue_lane *const *there = tfind(&like, &q->lanes, compare_lanes);
	if (there) return *there;
	struct queue_lane *lane = xcalloc(1, sizeof *lane);
	text_copy(lane->station, sizeof lane->station, station);
	TAILQ_INIT(&lane->items);
	if (!tsearch(lane, &q->lanes, compare_lanes)) abort();
	return lane;
}

static void lane_append(struct queue *q, struct queue_item *item) {
	struct queue_lane *lane = item->lane = lane_of(q, item->station);
	if (!lane->busy && TAILQ_EMPTY(&lane->items)) TAILQ_INSERT_TAIL(&q->ring, lane, next);
	TAILQ_INSERT_TAIL(&lane->items, item, next);
	item->due_ms = 0;
	item->last = false;
}

static void lane_rest(struct queue *q, const char *station) {
	struct queue_lane *lane = lane_of(q, station);
	lane->busy = false;
	if (!TAILQ_EMPTY(&lane->items)) {
		TAILQ_INSERT_TAIL(&q->ring, lane, next);
		return;
	}
	tdelete(lane, &q->lanes, compare_lanes);
	free(lane);
}

/* --- items --- */

/* The item that is known under the name of `item`, which is added when there is none. */
static struct queue_item *known_or(struct queue *q, struct queue_item *item) {
	struct queue_item *const *there = tsearch(item, &q->known, compare_items);
	if (!there) abort();
	return *there;
}

static void later_insert(struct queue *q, struct queue_item *item) {
	struct queue_item *before = TAILQ_LAST(&q->later, items);
	while (before && before->due_ms > item->due_ms) before = TAILQ_PREV(before, items, next);
	if (before) TAILQ_INSERT_AFTER(&q->later, before, item, next);
	else TAILQ_INSERT_HEAD(&q->later, item, next);
}

static void later_ready(struct queue *q, struct queue_item *item) {
	TAILQ_REMOVE(&q->later, item, next);
	lane_append(q, item);
}

static struct queue_item *item_new(const char *station, const char *session) {
	struct queue_item *item = xcalloc(1, sizeof *item);
	text_copy(item->station, sizeof item->station, station);
	text_copy(item->session, sizeof item->session, session);
	return item;
}

void queue_add(struct queue *q, const char *station, const char *session) {
	struct queue_item *item = item_new(station, session), *there = known_or(q, item);
	if (there == item) {
		lane_append(q, item);
		return;
	}
	free(item);
	if (!there->lane) later_ready(q, there);
}

void queue_add_died(struct queue *q, const char *station, const char *session, int64_t due_ms) {
	struct queue_item *item = item_new(station, session);
	if (known_or(q, item) != item) {
		free(item);
		return;
	}
	item->due_ms = due_ms;
	item->last = item->died = true;
	later_insert(q, item);
}

void queue_again(struct queue *q, struct queue_item *item, int64_t due_ms) {
	struct queue_item *there = known_or(q, item);
	lane_rest(q, item->station);
	if (there != item) { /* an event came during the look: what was read need not be read again */
		there->validation = item->validation;
		free(item);
		return;
	}
	item->due_ms = due_ms;
	item->lane = NULL;
	if (due_ms) later_insert(q, item);
	else lane_append(q, item);
}

static bool is_due(const struct queue *q, const struct queue_item *item, int64_t now_ms) {
	if (item->due_ms > now_ms) return false;
	return !item->last || TAILQ_EMPTY(&q->ring) || now_ms - item->due_ms >= LAST_MOST_MS;
}

struct queue_item *queue_take(struct queue *q, int64_t now_ms, int64_t *ret_due_ms) {
	for (struct queue_item *item = TAILQ_FIRST(&q->later), *after; item && item->due_ms <= now_ms; item = after) {
		after = TAILQ_NEXT(item, next);
		if (is_due(q, item, now_ms)) later_ready(q, item);
	}
	struct queue_lane *lane = TAILQ_FIRST(&q->ring);
	if (!lane) {
		const struct queue_item *first = TAILQ_FIRST(&q->later);
		*ret_due_ms = first ? first->due_ms : 0;
		return NULL;
	}
	struct queue_item *item = TAILQ_FIRST(&lane->items);
	TAILQ_REMOVE(&q->ring, lane, next);
	TAILQ_REMOVE(&lane->items, item, next);
	tdelete(item, &q->known, compare_items);
	item->lane = NULL;
	lane->busy = true;
	return item;
}

void queue_done(struct queue *q, struct queue_item *item) {
	lane_rest(q, item->station);
	free(item);
}
