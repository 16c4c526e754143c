/* SPDX-License-Identifier: MIT */
/* Invariants: a job is known until it is done and was not asked for meanwhile. It is ready (in its lane's list), or
 * waits (in one of the heaps), or runs, its lane busy; one that runs may be ready for its next run as well. A lane is
 * in `lanes` while it has jobs that are ready or is busy, and in `ring` while it has and is not. */
#include "cloud/jobs/queue.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "base/text.h"

#define LAST_MOST_MS (10LL * 60 * 1000) /* a job that comes last waits this long at most for a pause of the others */

TAILQ_HEAD(jobs, queue_job);
struct queue_lane {
	TAILQ_ENTRY(queue_lane) next;
	char name[80];
	struct jobs jobs;
	bool busy;
};
struct queue {
	void *known, *lanes; /* tsearch(3) trees */
	size_t n, most, state_bytes;
	uint64_t order;
	TAILQ_HEAD(, queue_lane) ring;
	struct heap later, last;
};

static int compare_jobs(const void *a, const void *b) {
	const struct queue_job *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	return order ? order : strcmp(x->lane, y->lane);
}

static int compare_lanes(const void *a, const void *b) {
	return strcmp(((const struct queue_lane *)a)->name, ((const struct queue_lane *)b)->name);
}

static int compare_times(const void *a, const void *b) {
	const struct queue_job *x = a, *y = b;
	if (x->due_ms != y->due_ms) return x->due_ms < y->due_ms ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

struct queue *queue_new(size_t state_bytes, size_t most) {
	struct queue *q = xcalloc(1, sizeof *q);
	*q = (struct queue){.most = most, .state_bytes = state_bytes};
	TAILQ_INIT(&q->ring);
	q->later = q->last = (struct heap){.compare = compare_times, .place = offsetof(struct queue_job, place)};
	return q;
}

static void job_free(void *arg) {
	struct queue_job *job = arg;
	xfree(job->state);
	xfree(job);
}

void queue_free(struct queue *q) {
	if (!q) return;
	tdestroy(q->known, job_free);
	tdestroy(q->lanes, free);
	heap_done(&q->later);
	heap_done(&q->last);
	free(q);
}

/* --- lanes --- */

static struct queue_lane *lane_of(struct queue *q, const char *name) {
	struct queue_lane like;
	text_copy(like.name, sizeof like.name, name);
	struct queue_lane *const *there = tfind(&like, &q->lanes, compare_lanes);
	if (there) return *there;
	struct queue_lane *lane = xcalloc(1, sizeof *lane);
	text_copy(lane->name, sizeof lane->name, name);
	TAILQ_INIT(&lane->jobs);
	if (!tsearch(lane, &q->lanes, compare_lanes)) abort();
	return lane;
}

static void lane_append(struct queue *q, struct queue_job *job) {
	struct queue_lane *lane = lane_of(q, job->lane);
	if (!lane->busy && TAILQ_EMPTY(&lane->jobs)) TAILQ_INSERT_TAIL(&q->ring, lane, next);
	TAILQ_INSERT_TAIL(&lane->jobs, job, next);
	job->ready = true;
}

static void lane_rest(struct queue *q, const char *name) {
	struct queue_lane *lane = lane_of(q, name);
	lane->busy = false;
	if (!TAILQ_EMPTY(&lane->jobs)) {
		TAILQ_INSERT_TAIL(&q->ring, lane, next);
		return;
	}
	tdelete(lane, &q->lanes, compare_lanes);
	free(lane);
}

/* --- jobs --- */

/* The job of that key, made when there is none; NULL: there is no room for it. */
static struct queue_job *job_of(struct queue *q, const char *lane, const char *name, bool *ret_new) {
	struct queue_job *job = xcalloc(1, sizeof *job);
	text_copy(job->lane, sizeof job->lane, lane);
	text_copy(job->name, sizeof job->name, name);
	struct queue_job *const *there = tfind(job, &q->known, compare_jobs);
	*ret_new = !there && !(q->most && q->n == q->most);
	if (!*ret_new) {
		free(job);
		return there ? *there : NULL;
	}
	job->state = xcalloc(1, MAX(q->state_bytes, (size_t)1));
	if (!tsearch(job, &q->known, compare_jobs)) abort();
	q->n++;
	return job;
}

static void job_wait(struct queue *q, struct heap *where, struct queue_job *job, int64_t due_ms) {
	job->due_ms = due_ms;
	job->order = q->order++;
	job->waits = where;
	heap_add(where, job);
}

static void job_ready(struct queue *q, struct queue_job *job) {
	if (job->waits) heap_remove(job->waits, job);
	job->waits = NULL;
	lane_append(q, job);
}

bool queue_add(struct queue *q, const char *lane, const char *name) {
	bool is_new;
	struct queue_job *job = job_of(q, lane, name, &is_new);
	if (job && !job->ready) job_ready(q, job);
	return job != NULL;
}

bool queue_add_last(struct queue *q, const char *lane, const char *name, int64_t due_ms, const void *state) {
	bool is_new;
	struct queue_job *job = job_of(q, lane, name, &is_new);
	if (!is_new) return job != NULL;
	if (state) memcpy(job->state, state, q->state_bytes);
	job_wait(q, &q->last, job, due_ms);
	return true;
}

void queue_again(struct queue *q, struct queue_job *job, int64_t due_ms) {
	lane_rest(q, job->lane);
	job->tries = due_ms && !job->ready ? job->tries + 1 : 0;
	if (job->ready) return;
	if (due_ms) job_wait(q, &q->later, job, due_ms);
	else lane_append(q, job);
}

void queue_done(struct queue *q, struct queue_job *job) {
	lane_rest(q, job->lane);
	if (job->ready) { /* once more, as one that was never run */
		job->tries = 0;
		memset(job->state, 0, q->state_bytes);
		return;
	}
	tdelete(job, &q->known, compare_jobs);
	q->n--;
	job_free(job);
}

/* Those whose time has come, and of those that come last one, when nothing else is ready or it waited for long. */
static void due_ready(struct queue *q, int64_t now_ms) {
	struct queue_job *job;
	while ((job = heap_first(&q->later)) && job->due_ms <= now_ms) job_ready(q, job);
	while ((job = heap_first(&q->last)) && job->due_ms <= now_ms) {
		if (!TAILQ_EMPTY(&q->ring) && now_ms - job->due_ms < LAST_MOST_MS) break;
		job_ready(q, job);
	}
}

static int64_t next_due_ms(const struct queue *q) {
	const struct queue_job *later = heap_first(&q->later), *last = heap_first(&q->last);
	if (!later || !last) return later ? later->due_ms : last ? last->due_ms : 0;
	return MIN(later->due_ms, last->due_ms);
}

struct queue_job *queue_take(struct queue *q, int64_t now_ms, int64_t *ret_due_ms) {
	due_ready(q, now_ms);
	struct queue_lane *lane = TAILQ_FIRST(&q->ring);
	if (!lane) {
		*ret_due_ms = next_due_ms(q);
		return NULL;
	}
	struct queue_job *job = TAILQ_FIRST(&lane->jobs);
	TAILQ_REMOVE(&q->ring, lane, next);
	TAILQ_REMOVE(&lane->jobs, job, next);
	job->ready = false;
	lane->busy = true;
	return job;
}
