/* SPDX-License-Identifier: MIT */
/* Invariant: queue, chore and `stop` change under the lock; a job and a chore run without it. */
#include "cloud/jobs/workers.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/deadline.h"

struct worker {
	struct workers *of;
	pthread_t thread;
	int place;
	bool runs;
};
struct workers {
	struct workers_setup setup;
	struct worker threads[WORKERS_MAX];
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct queue *queue;
	bool stop;
	bool chore_runs; /* in one of the threads */
	int64_t chore_due_ms;
};

/* Under the lock, which is let go meanwhile. False: none is due, *due_ms is brought forward to the next one. */
static bool chore_run(struct workers *w, int64_t now_ms, int64_t *due_ms) {
	if (w->chore_runs || !w->setup.chore) return false;
	if (w->chore_due_ms > now_ms) {
		*due_ms = *due_ms ? MIN(*due_ms, w->chore_due_ms) : w->chore_due_ms;
		return false;
	}
	w->chore_runs = true;
	pthread_mutex_unlock(&w->lock);
	int64_t again_ms = w->setup.chore(w->setup.arg);
	pthread_mutex_lock(&w->lock);
	w->chore_runs = false;
	w->chore_due_ms = again_ms ? clock_mono_ms() + again_ms : now_ms;
	return true;
}

/* Under the lock: waits for the next job that is due, which is the caller's; NULL at the end. */
static struct queue_job *job_wait(struct workers *w) {
	while (!w->stop) {
		int64_t due_ms = 0, now_ms = clock_mono_ms();
		if (now_ms - w->chore_due_ms >= w->setup.chore_late_ms && chore_run(w, now_ms, &due_ms)) continue;
		struct queue_job *job = queue_take(w->queue, now_ms, &due_ms);
		if (job) return job;
		if (chore_run(w, now_ms, &due_ms)) continue;
		if (!due_ms) {
			pthread_cond_wait(&w->wake, &w->lock);
			continue;
		}
		const struct timespec until = deadline_after(MAX(due_ms - now_ms, 0) + 1);
		pthread_cond_timedwait(&w->wake, &w->lock, &until);
	}
	return NULL;
}

/* Under the lock. Its lane may have others, and the time it waits for may be the next. */
static void job_ended(struct workers *w, struct queue_job *job, int64_t again_ms) {
	if (again_ms == WORKERS_DONE) queue_done(w->queue, job);
	else queue_again(w->queue, job, again_ms ? clock_mono_ms() + again_ms : 0);
	pthread_cond_broadcast(&w->wake);
}

static void *worker_main(void *arg) {
	const struct worker *worker = arg;
	struct workers *w = worker->of;
	pthread_mutex_lock(&w->lock);
	for (struct queue_job *job; (job = job_wait(w));) {
		pthread_mutex_unlock(&w->lock);
		int64_t again_ms = w->setup.run(w->setup.arg, worker->place, job);
		pthread_mutex_lock(&w->lock);
		job_ended(w, job, again_ms);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int workers_start(struct workers **ret, const struct workers_setup *setup, struct error *err) {
	AUTO(workers_stop) struct workers *w = xcalloc(1, sizeof *w);
	w->setup = *setup;
	w->queue = queue_new(setup->state_bytes, setup->most);
	w->chore_due_ms = clock_mono_ms();
	condition_init(&w->wake);
	pthread_mutex_init(&w->lock, NULL);
	for (int i = 0; i < MIN(setup->n, WORKERS_MAX); i++) {
		struct worker *worker = &w->threads[i];
		*worker = (struct worker){.of = w, .place = i};
		int e = pthread_create(&worker->thread, NULL, worker_main, worker);
		if (e) return error_errno(err, ERR_INTERNAL, e, "a %s thread cannot be started", setup->name);
		worker->runs = true;
	}
	*ret = TAKE(w);
	return 0;
}

void workers_stop(struct workers *w) {
	if (!w) return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	for (int i = 0; i < WORKERS_MAX; i++)
		if (w->threads[i].runs) pthread_join(w->threads[i].thread, NULL);
	queue_free(w->queue);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

bool workers_add(struct workers *w, const char *lane, const char *name) {
	pthread_mutex_lock(&w->lock);
	bool known = queue_add(w->queue, lane, name);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	return known;
}

bool workers_add_last(struct workers *w, const char *lane, const char *name, int64_t after_ms, const void *state) {
	pthread_mutex_lock(&w->lock);
	bool known = queue_add_last(w->queue, lane, name, clock_mono_ms() + after_ms, state);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	return known;
}
