/* SPDX-License-Identifier: MIT */
/* Work on recordings: every watched folder has a few threads of its own, in lanes, so that one that does not answer (a
 * file server that is gone, a dying disk: any call may wait for ever) holds its own threads and nobody else's. Threads
 * begin when there is work and end when there was none for a while.
 *
 *   loop: lane_start -> queued -> a thread of that lane: run -> done -> uv_async -> done() on the loop
 *
 * Invariants: the mutex guards lists and counts; a job stands in one list or in one thread. A thread that is still in a
 * call when the engine ends is left behind: what it may touch (its job, the lanes, the engine) is never freed then, and
 * the process leaves without waiting for it. */
#include "station/engine/lanes.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/log.h"
#include "station/disk/scan.h"
#include "station/engine/root.h"

#define IDLE_S 10			/* a thread without work ends after this */
#define LEAVE_MS 2000		/* how long the end waits for calls that are under way */
#define WATCH_EVERY_MS 1000 /* how often the threads that work are looked at */
#define STACK_BYTES (1024 * 1024)

/* Looks are short and many, hashing is what the processor can do at a time. */
#define LANE_WIDTHS(X) X(LIST, 1) X(LOOK, LOOKS_MAX) X(HASH, CHECKS_MAX) X(SEND, 2)
static_assert(ROWS(LANE_WIDTHS) == LANE_N, "threads of each lane");
static const size_t lane_width[LANE_N] = {
#define X(lane, threads) [LANE_##lane] = threads,
	LANE_WIDTHS(X)
#undef X
};
#define WIDTH_MAX 4

struct lane;
struct lane_thread {
	struct lane *lane;
	struct job *job;   /* what it runs */
	atomic_ulong beat; /* moves with every step of the work */
	pthread_t id;
	bool alive, joinable;
	unsigned long seen; /* loop: the beat of last time, and since when it is that */
	int64_t seen_ms;
};
struct lane {
	struct lanes *of;
	struct job_list queued;
	size_t queued_n, idle;
	pthread_cond_t work;
	struct lane_thread threads[WIDTH_MAX];
};
struct lanes {
	pthread_mutex_t lock;
	struct lane lane[LANE_N];
	struct job_list done;
	uv_async_t *wake; /* NULL: the engine has left */
};

/* --- threads --- */

/* The next job, NULL: none for long, or the end. */
static struct job *lane_next(struct lane *lane) {
	const struct timespec until = deadline_after(IDLE_S * 1000LL);
	int late = 0;
	lane->idle++;
	while (TAILQ_EMPTY(&lane->queued) && lane->of->wake && late != ETIMEDOUT) {
		late = pthread_cond_timedwait(&lane->work, &lane->of->lock, &until);
	}
	lane->idle--;
	struct job *j = lane->of->wake ? TAILQ_FIRST(&lane->queued) : NULL;
	if (!j) return NULL;
	TAILQ_REMOVE(&lane->queued, j, link);
	lane->queued_n--;
	return j;
}

static void *lane_main(void *arg) {
	struct lane_thread *t = arg;
	struct lanes *l = t->lane->of;
	scan_beat_to(&t->beat);
	pthread_mutex_lock(&l->lock);
	while ((t->job = lane_next(t->lane)) != NULL) {
		scan_beat();
		pthread_mutex_unlock(&l->lock);
		t->job->run(t->job);
		pthread_mutex_lock(&l->lock);
		if (!l->wake) break; /* left behind: nobody asks for it any more */
		TAILQ_INSERT_TAIL(&l->done, t->job, link);
		t->job = NULL;
		uv_async_send(l->wake);
	}
	t->job = NULL;
	t->alive = false;
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* With every signal blocked: they are the loop's. */
static int thread_start(struct lane_thread *t) {
	pthread_attr_t attr;
	sigset_t all, before;
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&t->id, &attr, lane_main, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return failed;
}

/* As many threads as there is work for. */
static void lane_staff(struct lane *lane, size_t width) {
	for (size_t i = 0; i < width && lane->queued_n > lane->idle; i++) {
		struct lane_thread *t = &lane->threads[i];
		if (t->alive) continue;
		if (t->joinable) pthread_join(t->id, NULL); /* it is leaving, and wants the lock no more */
		t->lane = lane;
		t->alive = true;
		t->joinable = thread_start(t) == 0;
		if (t->joinable) return; /* one job, one thread */
		t->alive = false;
		log_event(
			LOG_WARN, "engine", "the machine gives no more threads; work on the folders goes on when it does", NULL);
		return;
	}
}

/* --- the loop's side --- */

static struct lanes *lanes_new(struct engine *e) {
	struct lanes *l = xcalloc(1, sizeof *l);
	pthread_mutex_init(&l->lock, NULL);
	TAILQ_INIT(&l->done);
	for (size_t i = 0; i < LANE_N; i++) {
		l->lane[i].of = l;
		TAILQ_INIT(&l->lane[i].queued);
		condition_init(&l->lane[i].work);
	}
	l->wake = &e->lanes_wake;
	return l;
}

void lane_start(struct engine *e, size_t root, enum lane_kind kind, struct job *j) {
	struct root *r = &e->roots[root];
	if (!r->lanes) r->lanes = lanes_new(e);
	struct lane *lane = &r->lanes->lane[kind];
	j->engine = e;
	pthread_mutex_lock(&r->lanes->lock);
	TAILQ_INSERT_TAIL(&lane->queued, j, link);
	lane->queued_n++;
	lane_staff(lane, lane_width[kind]);
	pthread_cond_signal(&lane->work);
	pthread_mutex_unlock(&r->lanes->lock);
	if (e->lanes_ms) return;
	e->lanes_ms = now_ms() + WATCH_EVERY_MS;
	engine_wake_at(e, e->lanes_ms);
}

static void done_of(struct lanes *l, struct job_list *to) {
	pthread_mutex_lock(&l->lock);
	TAILQ_CONCAT(to, &l->done, link);
	pthread_mutex_unlock(&l->lock);
}

/* Jobs in its threads or queues. */
static size_t lanes_busy(struct lanes *l) {
	size_t n = 0;
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < LANE_N; i++) {
		n += l->lane[i].queued_n;
		for (size_t k = 0; k < WIDTH_MAX; k++) n += l->lane[i].threads[k].job != NULL;
	}
	pthread_mutex_unlock(&l->lock);
	return n;
}

static size_t all_busy(const struct engine *e) {
	size_t n = 0;
	for (size_t i = 0; i < e->root_n; i++) n += e->roots[i].lanes ? lanes_busy(e->roots[i].lanes) : 0;
	return n;
}

static void lanes_shut(struct engine *e) {
	if (uv_is_closing((uv_handle_t *)&e->lanes_wake)) return;
	uv_close((uv_handle_t *)&e->lanes_wake, NULL);
	uv_close((uv_handle_t *)&e->lanes_leave, NULL);
}

static void on_leave(uv_timer_t *timer) { lanes_shut(timer->data); }

static void on_lanes(uv_async_t *wake) {
	struct engine *e = wake->data;
	struct job_list done = TAILQ_HEAD_INITIALIZER(done);
	bool busy = all_busy(e) > 0; /* before what is done is taken: what ends between the two wakes us again */
	for (size_t i = 0; i < e->root_n; i++)
		if (e->roots[i].lanes) done_of(e->roots[i].lanes, &done);
	struct job *j;
	while ((j = TAILQ_FIRST(&done)) != NULL) {
		TAILQ_REMOVE(&done, j, link);
		j->done(j);
	}
	if (e->stopping && !busy) lanes_shut(e);
	else engine_poke(e);
}

int lanes_open(struct engine *e) {
	e->lanes_wake.data = e->lanes_leave.data = e;
	int failed = uv_async_init(&e->loop, &e->lanes_wake, on_lanes) | uv_timer_init(&e->loop, &e->lanes_leave);
	e->lanes_opened = true;
	return failed;
}

/* What has not begun ends at once. */
static void lanes_cancel(struct lanes *l) {
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < LANE_N; i++) {
		TAILQ_CONCAT(&l->done, &l->lane[i].queued, link);
		l->lane[i].queued_n = 0;
	}
	pthread_mutex_unlock(&l->lock);
}

void lanes_close(struct engine *e) {
	if (!e->lanes_opened) return;
	for (size_t i = 0; i < e->root_n; i++)
		if (e->roots[i].lanes) lanes_cancel(e->roots[i].lanes);
	uv_timer_start(&e->lanes_leave, on_leave, LEAVE_MS, 0);
	uv_async_send(&e->lanes_wake);
}

/* main's return would wait for threads, or take their memory away under them. */
static void leave_at_once(int status, void *arg) {
	(void)arg;
	fflush(NULL);
	_exit(status);
}

/* The threads of one that has no job in them; they go when told. */
static void lanes_end(struct lanes *l) {
	pthread_mutex_lock(&l->lock);
	l->wake = NULL;
	for (size_t i = 0; i < LANE_N; i++) pthread_cond_broadcast(&l->lane[i].work);
	pthread_mutex_unlock(&l->lock);
	for (size_t i = 0; i < LANE_N; i++) {
		for (size_t k = 0; k < WIDTH_MAX; k++)
			if (l->lane[i].threads[k].joinable) pthread_join(l->lane[i].threads[k].id, NULL);
		pthread_cond_destroy(&l->lane[i].work);
	}
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void lanes_leave(struct lanes *l) {
	pthread_mutex_lock(&l->lock);
	l->wake = NULL;
	pthread_mutex_unlock(&l->lock);
}

bool lanes_free(struct engine *e) {
	bool left = all_busy(e) > 0;
	for (size_t i = 0; i < e->root_n; i++) {
		struct lanes *l = e->roots[i].lanes;
		if (l && left) lanes_leave(l);
		else if (l) lanes_end(l);
	}
	if (left) on_exit(leave_at_once, NULL);
	return left;
}

/* --- who does not answer --- */

static bool thread_stuck(struct lane_thread *t, int64_t now, int64_t *ret_since) {
	if (!t->job) return false;
	unsigned long beat = atomic_load_explicit(&t->beat, memory_order_relaxed);
	if (beat != t->seen || !t->seen_ms) {
		t->seen = beat;
		t->seen_ms = now;
	}
	*ret_since = t->seen_ms;
	return now - t->seen_ms >= SLOW_MS;
}

/* Since when (monotonic) the one that waits longest does; 0: none for SLOW_MS. */
static int64_t lanes_stuck(struct lanes *l, int64_t now, bool *ret_works) {
	int64_t first = 0, since;
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < LANE_N; i++) {
		struct lane *lane = &l->lane[i];
		lane_staff(lane, lane_width[i]);
		*ret_works |= lane->queued_n > 0;
		for (size_t k = 0; k < WIDTH_MAX; k++) {
			*ret_works |= lane->threads[k].job != NULL;
			if (thread_stuck(&lane->threads[k], now, &since) && (!first || since < first)) first = since;
		}
	}
	pthread_mutex_unlock(&l->lock);
	return first;
}

void lanes_pump(struct engine *e) {
	int64_t now = now_ms();
	bool works = false, late = e->lanes_ms && now >= e->lanes_ms;
	for (size_t i = 0; i < e->root_n && !e->stopping; i++) {
		const struct root *r = &e->roots[i];
		if (!r->lanes || (!late && !r->slow_ms)) continue;
		root_waits(e, i, lanes_stuck(r->lanes, now, &works));
	}
	if (late) e->lanes_ms = works ? now + WATCH_EVERY_MS : 0;
	if (e->lanes_ms) engine_wake_at(e, e->lanes_ms);
}
