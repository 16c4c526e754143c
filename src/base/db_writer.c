/* SPDX-License-Identifier: MIT */
/* Invariants: the queue, `closing` and `poked` change under the lock; the connection belongs to the thread from its
 * start to its end. `failure` is written once. Jobs of a group are in no queue; what
 * fails of it and is kept goes back to the queue's head, in its order. */
#include "base/db_writer.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/deadline.h"

struct job_list {
	struct db_job *first, **end;
};
struct db_writer {
	struct db_writer_setup setup;
	pthread_t thread;
	bool runs;
	pthread_mutex_t lock;
	pthread_cond_t work; /* the thread waits for it */
	struct job_list queued;
	size_t waited_for; /* jobs in the queue that somebody waits for */
	bool closing, poked;
	bool broken; /* the thread's */
	struct error failure;
};

/* --- lists --- */

static void list_init(struct job_list *l) { *l = (struct job_list){.end = &l->first}; }

static void list_add(struct job_list *l, struct db_job *job) {
	job->next = NULL;
	*l->end = job;
	l->end = &job->next;
}

static struct db_job *list_take(struct job_list *l) {
	struct db_job *job = l->first;
	l->first = job->next;
	if (!l->first) l->end = &l->first;
	return job;
}

/* Puts all of `from` before what is in l. */
static void list_return(struct job_list *l, struct job_list *from) {
	if (!from->first) return;
	*from->end = l->first;
	if (!l->first) l->end = from->end;
	l->first = from->first;
	list_init(from);
}

/* --- one group --- */

/* Undoes itself alone when it cannot be written; its reason is kept for its end. -1: the transaction is over. */
static int write_alone(struct db *db, struct db_job *job, struct error *err) {
	if (db_savepoint(db, err)) return -1;
	int failed = job->write(job, db, err);
	db_reset_all(db);
	if (!failed && !db_savepoint_keep(db, err)) return 0;
	job->own = xcalloc(1, sizeof *job->own);
	*job->own = *err;
	/* A full disk has undone the whole group already. When undoing fails the group must not be committed. */
	if (db_in_transaction(db) && db_savepoint_undo(db, err)) db_rollback(db);
	return db_in_transaction(db) ? 0 : -1;
}

/* The first n jobs of the group in one transaction. *ret_at is where it failed: n when it was the commit. */
static int group_write(struct db_writer *w, const struct job_list *group, int n, int *ret_at, struct error *err) {
	const struct db_writer_setup *s = &w->setup;
	struct db_job *job = group->first;
	*ret_at = 0;
	if ((s->before && s->before(s->arg, err)) || db_begin(s->db, err)) return -1;
	for (int i = 0; i < n; i++, job = job->next) {
		*ret_at = i;
		if (!(s->failure == DB_FAILS_ONE ? write_alone(s->db, job, err) : job->write(job, s->db, err))) continue;
		db_rollback(s->db);
		return -1;
	}
	*ret_at = n;
	return db_commit(s->db, err);
}

static void stop_all(struct db_writer *w, const struct error *why) {
	w->failure = *why;
	error_prefix(&w->failure, "%s stopped", w->setup.name);
	w->broken = true;
}

/* How many of the group are committed: all, none, or those before the one that failed. */
static int group_commit(struct db_writer *w, const struct job_list *group, int n, struct error *err) {
	int at = 0;
	if (w->broken) return 0;
	if (!group_write(w, group, n, &at, err)) return n;
	if (w->setup.failure != DB_FAILS_ALL) return 0;
	struct error again = ERROR_INIT;
	int good = at < n ? at : 0;
	if (good && group_write(w, group, good, &at, &again)) good = 0;
	stop_all(w, err);
	return good;
}

static void job_end(struct db_job *job, const struct error *failure) {
	struct error *own = TAKE(job->own);
	job->done(job, own ? own : failure);
	free(own);
}

/* Tells each; what is kept goes to *ret_kept. */
static void group_tell(struct job_list *group, int good, const struct error *why, struct job_list *ret_kept) {
	for (int i = 0; group->first; i++) {
		struct db_job *job = list_take(group);
		if (i >= good && job->kept) {
			free(TAKE(job->own));
			list_add(ret_kept, job);
		} else {
			job_end(job, i < good ? NULL : why);
		}
	}
}

/* --- the thread --- */

/* Called with the lock. */
static int group_take(struct db_writer *w, struct job_list *ret) {
	const struct db_writer_setup *s = &w->setup;
	int64_t weight = 0;
	int n = 0;
	while (w->queued.first && n < s->group_max) {
		if (n && s->weight_max && weight + w->queued.first->weight > s->weight_max) break;
		struct db_job *job = list_take(&w->queued);
		weight += job->weight;
		if (job->waited_for) w->waited_for--;
		list_add(ret, job);
		n++;
	}
	return n;
}

/* Called with the lock, which is let go while idle runs. */
static void work_wait(struct db_writer *w) {
	while (!w->queued.first && !w->closing) {
		int64_t again_ms = 0;
		w->poked = false;
		if (w->setup.idle) {
			pthread_mutex_unlock(&w->lock);
			again_ms = w->setup.idle(w->setup.arg);
			pthread_mutex_lock(&w->lock);
		}
		if (w->queued.first || w->closing || w->poked) continue;
		if (again_ms) {
			const struct timespec until = deadline_after(again_ms);
			pthread_cond_timedwait(&w->work, &w->lock, &until);
		} else {
			pthread_cond_wait(&w->work, &w->lock);
		}
	}
}

/* Called with the lock: so that one flush of the disk serves more jobs, or until it may work again. */
static void linger(struct db_writer *w, int64_t ms) {
	const struct timespec until = deadline_after(ms);
	while (ms && !w->closing && !w->waited_for)
		if (pthread_cond_timedwait(&w->work, &w->lock, &until)) break;
}

/* Called with the lock. At the end what cannot be written is told so. */
static void kept_return(struct db_writer *w, struct job_list *kept, const struct error *why) {
	if (!kept->first) return;
	list_return(&w->queued, kept);
	if (!w->closing) {
		linger(w, w->setup.again_ms);
		return;
	}
	struct job_list all;
	list_init(&all);
	list_return(&all, &w->queued);
	w->waited_for = 0;
	pthread_mutex_unlock(&w->lock);
	while (all.first) job_end(list_take(&all), why);
	pthread_mutex_lock(&w->lock);
}

/* Called with the lock, which is not held over the commit. */
static void round_run(struct db_writer *w) {
	struct error err = ERROR_INIT;
	struct job_list group, kept;
	list_init(&group);
	list_init(&kept);
	int n = group_take(w, &group);
	pthread_mutex_unlock(&w->lock);
	int good = group_commit(w, &group, n, &err);
	const struct error *why = w->broken ? &w->failure : &err;
	if (w->setup.after) w->setup.after(w->setup.arg, good, good < n ? why : NULL);
	group_tell(&group, good, why, &kept);
	if (w->setup.told) w->setup.told(w->setup.arg);
	pthread_mutex_lock(&w->lock);
	kept_return(w, &kept, &err);
}

static void *writer_main(void *arg) {
	struct db_writer *w = arg;
	pthread_mutex_lock(&w->lock);
	for (;;) {
		work_wait(w);
		if (!w->queued.first) break;
		linger(w, w->setup.linger_ms);
		round_run(w);
	}
	pthread_mutex_unlock(&w->lock);
	db_close(w->setup.db);
	if (w->setup.ended) w->setup.ended(w->setup.arg);
	return NULL;
}

/* --- asking --- */

void db_writer_add(struct db_writer *w, struct db_job *job) {
	pthread_mutex_lock(&w->lock);
	list_add(&w->queued, job);
	if (job->waited_for) w->waited_for++;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

/* A job and who waits for it, on that one's stack. */
struct waiter {
	struct db_job job;
	struct db_job *asked;
	struct db_writer *writer;
	struct error *err;
	pthread_cond_t finished;
	bool done, failed;
};

static int waiter_write(struct db_job *job, struct db *db, struct error *err) {
	struct db_job *asked = ((struct waiter *)(void *)job)->asked;
	return asked->write(asked, db, err);
}

static void waiter_done(struct db_job *job, const struct error *failure) {
	struct waiter *k = (struct waiter *)(void *)job;
	struct db_writer *w = k->writer;
	pthread_mutex_lock(&w->lock);
	k->failed = failure;
	if (failure) *k->err = *failure;
	k->done = true; /* k is gone once the lock is */
	pthread_cond_signal(&k->finished);
	pthread_mutex_unlock(&w->lock);
}

int db_writer_run(struct db_writer *w, struct db_job *job, struct error *err) {
	struct waiter k = {.asked = job, .writer = w, .err = err};
	k.job = (struct db_job){.write = waiter_write, .done = waiter_done, .weight = job->weight, .waited_for = true};
	pthread_cond_init(&k.finished, NULL);
	db_writer_add(w, &k.job);
	pthread_mutex_lock(&w->lock);
	while (!k.done) pthread_cond_wait(&k.finished, &w->lock);
	pthread_mutex_unlock(&w->lock);
	pthread_cond_destroy(&k.finished);
	return k.failed ? -1 : 0;
}

void db_writer_bound(struct db_writer *w, int64_t weight_max) {
	pthread_mutex_lock(&w->lock);
	w->setup.weight_max = weight_max;
	pthread_mutex_unlock(&w->lock);
}

void db_writer_poke(struct db_writer *w) {
	pthread_mutex_lock(&w->lock);
	w->poked = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

/* --- beginning and end --- */

int db_writer_start(struct db_writer **ret, const struct db_writer_setup *setup, struct error *err) {
	struct db_writer *w = xcalloc(1, sizeof *w);
	w->setup = *setup;
	list_init(&w->queued);
	pthread_mutex_init(&w->lock, NULL);
	condition_init(&w->work);
	int e = pthread_create(&w->thread, NULL, writer_main, w);
	w->runs = !e;
	if (!e) {
		*ret = w;
		return 0;
	}
	db_close(setup->db);
	db_writer_close(w);
	return error_errno(err, ERR_INTERNAL, e, "start the thread that writes %s", setup->name);
}

void db_writer_end(struct db_writer *w) {
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

void db_writer_close(struct db_writer *w) {
	if (!w) return;
	db_writer_end(w);
	if (w->runs) pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
