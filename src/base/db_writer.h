/* SPDX-License-Identifier: MIT */
/* Group commit: one thread has the only connection that writes, and commits in one transaction whatever was asked for
 * while it committed the last one.
 *
 *   any thread                      the writer's thread
 *   db_writer_add -> queued ------> before, BEGIN, write of each, COMMIT, after ---> done of each, in order
 *
 * Each job is written in the order of its asking and told exactly once whether it is on the disk. Who lives on an event
 * loop passes `done` on to it; who can wait calls db_writer_run. */
#pragma once

#include "base/db.h"

struct db_writer;
/* Embedded in what is to be written, which stays where it is until `done` was called. */
struct db_job {
	/* In the writer's thread, within the group's transaction. */
	int (*write)(struct db_job *job, struct db *db, struct error *err);
	/* In the writer's thread, without a lock, after the commit; failure NULL: it is on the disk, else why not, for the
	 * length of the call (DB_FAILS_ALL: until db_writer_close). The job is the caller's again. It may add others. */
	void (*done)(struct db_job *job, const struct error *failure);
	int64_t weight;	 /* towards weight_max */
	bool waited_for; /* somebody waits: nobody lingers */
	bool kept;		 /* nobody waits: when its group fails it is tried again, until the writer is closed */
	/* The writer's. */
	struct db_job *next;
	struct error *own; /* its own failure */
};
/* What a failure takes with it. */
enum db_failure {
	DB_FAILS_ONE,	/* a job that cannot be written is undone alone; of a commit that fails, the group */
	DB_FAILS_GROUP, /* the group */
	DB_FAILS_ALL, /* jobs before it are committed; it and all later ones fail alike, and nothing is written any more */
};
struct db_writer_setup {
	struct db *db;	  /* taken by db_writer_start, also when that fails: closed at the end */
	const char *name; /* in errors: "the journal" */
	enum db_failure failure;
	int group_max;		/* jobs of a transaction; at least 1 */
	int64_t weight_max; /* their weight, as far as one job is not heavier; 0: no bound */
	int64_t linger_ms;	/* from the first job on, while nobody waits */
	int64_t again_ms;	/* before what is kept is tried again */
	/* In the writer's thread, without a lock; each may be NULL. */
	int (*before)(void *arg, struct error *err); /* each transaction: a failure fails it */
	/* Each group, before its jobs are told: how many are committed, and why others are not (NULL: all are). */
	void (*after)(void *arg, int committed, const struct error *why);
	void (*told)(void *arg);	/* each group, after its jobs were told */
	int64_t (*idle)(void *arg); /* when nothing is queued: in how many ms it is called again at the latest, 0 never */
	void (*ended)(void *arg);	/* as its last act: the connection is closed, db_writer_close will not wait */
	void *arg;
};
MUST_USE int db_writer_start(struct db_writer **ret, const struct db_writer_setup *setup, struct error *err);
void db_writer_add(struct db_writer *w, struct db_job *job); /* never waits */
/* Adds and waits. err is the failure. Not in the writer's thread. */
MUST_USE int db_writer_run(struct db_writer *w, struct db_job *job, struct error *err);
void db_writer_bound(struct db_writer *w, int64_t weight_max); /* another one from now on */
void db_writer_poke(struct db_writer *w);					   /* idle is called soon */
/* What is queued is committed, then the thread ends (`ended` says when); nothing may be added any more but by `done`.
 */
void db_writer_end(struct db_writer *w);
void db_writer_close(struct db_writer *w); /* db_writer_end, waits for it, and frees */
DEFINE_AUTO_PTR(struct db_writer, db_writer_close)
