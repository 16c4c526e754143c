/* SPDX-License-Identifier: MIT */
/* base/db_writer: in order, many in one transaction, each told the truth, whatever fails. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/db_writer.h"

enum { ADD, COUNT, GET, STATEMENT_N };
static const char *const sql[STATEMENT_N] = {
	[ADD] = "INSERT INTO t (n) VALUES (?)",
	[COUNT] = "SELECT count(*) FROM t",
	[GET] = "SELECT n FROM t ORDER BY id",
};
static const char *const steps[] = {"CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER UNIQUE)"};
static const struct db_schema schema = {steps, 1, sql, STATEMENT_N};

struct bench {
	char folder[64], path[128];
	struct db_writer *writer;
	atomic_int gate; /* 0: writing waits */
	atomic_int entered, transactions, commits, failures, idles, ended;
	atomic_int refuse; /* that many transactions are refused by `before` */
	int told[10000];   /* numbers in the order of their done; negative: it failed */
	atomic_int told_n;
	char why[600];
};
struct number {
	struct db_job job;
	struct bench *bench;
	int n;
};

static void wait_for(const atomic_int *what, int least) {
	for (int64_t until = clock_mono_ms() + 20000; clock_mono_ms() < until && atomic_load(what) < least;) usleep(300);
	assert_true(atomic_load(what) >= least);
}

static int on_write(struct db_job *job, struct db *db, struct error *err) {
	const struct number *k = (const struct number *)(const void *)job;
	atomic_fetch_add(&k->bench->entered, 1);
	while (!atomic_load(&k->bench->gate)) usleep(300);
	return db_exec(db, ADD, err, "n", k->n);
}

static void on_done(struct db_job *job, const struct error *failure) {
	struct number *k = (struct number *)(void *)job;
	struct bench *b = k->bench;
	if (failure) snprintf(b->why, sizeof b->why, "%s", failure->text);
	b->told[b->told_n] = failure ? -k->n : k->n;
	atomic_fetch_add(&b->told_n, 1);
	free(k);
}

static int before(void *arg, struct error *err) {
	struct bench *b = arg;
	atomic_fetch_add(&b->transactions, 1);
	if (atomic_load(&b->refuse) <= 0) return 0;
	atomic_fetch_sub(&b->refuse, 1);
	return error_set(err, ERR_DISK, "the file is gone");
}

static void after(void *arg, int committed, const struct error *why) {
	struct bench *b = arg;
	if (committed) atomic_fetch_add(&b->commits, 1);
	if (why) atomic_fetch_add(&b->failures, 1);
}

static int64_t idle(void *arg) {
	struct bench *b = arg;
	atomic_fetch_add(&b->idles, 1);
	return 0;
}

static void ended(void *arg) {
	struct bench *b = arg;
	atomic_store(&b->ended, 1);
}

static int setup(void **state) {
	struct bench *b = calloc(1, sizeof *b);
	snprintf(b->folder, sizeof b->folder, "/tmp/test_db_writer.XXXXXX");
	if (!mkdtemp(b->folder)) return -1;
	snprintf(b->path, sizeof b->path, "%s/t.db", b->folder);
	*state = b;
	return 0;
}

static int teardown(void **state) {
	struct bench *b = *state;
	static const char *const ends[] = {"", "-wal", "-shm"};
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		char file[160];
		snprintf(file, sizeof file, "%s%s", b->path, ends[i]);
		unlink(file);
	}
	int failed = rmdir(b->folder);
	free(b);
	return failed;
}

static struct db *open_db(struct bench *b, enum db_mode mode) {
	struct db *db = NULL;
	struct error err = ERROR_INIT;
	if (db_open(&db, b->path, mode, &schema, &err)) fail_msg("%s", err.text);
	return db;
}

static void start(struct bench *b, struct db_writer_setup s) {
	struct error err = ERROR_INIT;
	s.db = open_db(b, DB_WRITER);
	s.name = "the test";
	if (!s.group_max) s.group_max = 100;
	s.before = before;
	s.after = after;
	s.idle = idle;
	s.ended = ended;
	s.arg = b;
	if (db_writer_start(&b->writer, &s, &err)) fail_msg("%s", err.text);
}

static void add(struct bench *b, int n, struct db_job like) {
	struct number *k = calloc(1, sizeof *k);
	*k = (struct number){.job = like, .bench = b, .n = n};
	k->job.write = on_write;
	k->job.done = on_done;
	db_writer_add(b->writer, &k->job);
}

/* What is in the file, in its order. */
static void assert_stored(struct bench *b, const int *want, int n) {
	AUTO(db_close) struct db *db = open_db(b, DB_READER);
	struct error err = ERROR_INIT;
	assert_int_equal(db_query(db, GET, &err, ""), 0);
	for (int i = 0; i < n; i++) {
		assert_int_equal(db_step(db, GET, &err), 1);
		assert_int_equal(db_i64(db, GET, 0), want[i]);
	}
	assert_int_equal(db_step(db, GET, &err), 0);
}

static void assert_told(struct bench *b, const int *want, int n) {
	wait_for(&b->told_n, n);
	assert_int_equal(b->told_n, n);
	for (int i = 0; i < n; i++) assert_int_equal(b->told[i], want[i]);
}

/* One is held in its transaction, with what came meanwhile behind it. */
static void hold_first(struct bench *b, int n) {
	add(b, n, (struct db_job){0});
	wait_for(&b->entered, 1);
}

static void test_what_comes_meanwhile_is_one_group(void **state) {
	struct bench *b = *state;
	int want[61];
	start(b, (struct db_writer_setup){0});
	hold_first(b, 1);
	for (int i = 2; i <= 61; i++) add(b, i, (struct db_job){0});
	assert_int_equal(b->told_n, 0); /* none is told before its commit */
	atomic_store(&b->gate, 1);
	for (int i = 0; i < 61; i++) want[i] = i + 1;
	assert_told(b, want, 61);
	assert_int_equal(b->commits, 2);
	db_writer_close(b->writer);
	assert_stored(b, want, 61);
	assert_int_equal(b->ended, 1);
}

static void test_groups_have_bounds(void **state) {
	struct bench *b = *state;
	start(b, (struct db_writer_setup){.group_max = 10, .weight_max = 30});
	hold_first(b, 1);
	for (int i = 0; i < 20; i++) add(b, 10 + i, (struct db_job){0});			 /* two by number */
	for (int i = 0; i < 6; i++) add(b, 40 + i, (struct db_job){.weight = 15});	 /* three by weight */
	for (int i = 0; i < 2; i++) add(b, 50 + i, (struct db_job){.weight = 1000}); /* each alone */
	atomic_store(&b->gate, 1);
	wait_for(&b->told_n, 29);
	assert_int_equal(b->commits, 1 + 2 + 3 + 2);
	db_writer_close(b->writer);
}

static void test_close_commits_what_is_queued(void **state) {
	struct bench *b = *state;
	int want[1000];
	start(b, (struct db_writer_setup){.linger_ms = 60000});
	atomic_store(&b->gate, 1);
	for (int i = 0; i < 1000; i++) add(b, want[i] = i + 1, (struct db_job){0});
	db_writer_close(b->writer);
	assert_told(b, want, 1000);
	assert_stored(b, want, 1000);
}

static void test_one_fails_alone(void **state) {
	struct bench *b = *state;
	static const int told[] = {1, 2, -2, 3, -1, 4}, stored[] = {1, 2, 3, 4};
	start(b, (struct db_writer_setup){.failure = DB_FAILS_ONE});
	hold_first(b, 1);
	for (int i = 1; i < 6; i++) add(b, abs(told[i]), (struct db_job){0});
	atomic_store(&b->gate, 1);
	assert_told(b, told, 6);
	assert_non_null(strstr(b->why, "UNIQUE"));
	db_writer_close(b->writer);
	assert_stored(b, stored, 4);
}

static void test_a_group_fails_as_a_whole(void **state) {
	struct bench *b = *state;
	static const int told[] = {1, -2, -2, -3, 4}, stored[] = {1, 4};
	start(b, (struct db_writer_setup){.failure = DB_FAILS_GROUP});
	hold_first(b, 1);
	for (int i = 1; i < 4; i++) add(b, abs(told[i]), (struct db_job){0});
	atomic_store(&b->gate, 1);
	wait_for(&b->told_n, 4);
	add(b, 4, (struct db_job){0});
	assert_told(b, told, 5);
	db_writer_close(b->writer);
	assert_stored(b, stored, 2);
}

/* What stood before it is committed, and nothing after it, for ever. */
static void test_all_fails(void **state) {
	struct bench *b = *state;
	static const int told[] = {1, 2, 3, -2, -5, -6}, stored[] = {1, 2, 3};
	start(b, (struct db_writer_setup){.failure = DB_FAILS_ALL});
	hold_first(b, 1);
	for (int i = 1; i < 5; i++) add(b, abs(told[i]), (struct db_job){0});
	atomic_store(&b->gate, 1);
	wait_for(&b->told_n, 5);
	char first[sizeof b->why];
	memcpy(first, b->why, sizeof first);
	assert_int_equal(strncmp(first, "the test stopped: ", 18), 0);
	add(b, 6, (struct db_job){0});
	assert_told(b, told, 6);
	assert_string_equal(b->why, first);
	db_writer_close(b->writer);
	assert_stored(b, stored, 3);
}

/* The file is looked at before each transaction: one that is not there takes none, of all that are queued. */
static void test_before_each_transaction(void **state) {
	struct bench *b = *state;
	static const int told[] = {1, -2, -3};
	start(b, (struct db_writer_setup){.failure = DB_FAILS_ALL});
	hold_first(b, 1);
	add(b, 2, (struct db_job){0});
	add(b, 3, (struct db_job){0});
	atomic_store(&b->refuse, 1);
	atomic_store(&b->gate, 1);
	assert_told(b, told, 3);
	assert_non_null(strstr(b->why, "the file is gone"));
	assert_int_equal(b->transactions, 2);
	db_writer_close(b->writer);
	assert_stored(b, told, 1);
}

/* What is kept is written in its order when the disk takes it again; who waits is told at once. */
static void test_kept(void **state) {
	struct bench *b = *state;
	static const int told[] = {-4, 1, 2, 3}, stored[] = {1, 2, 3};
	start(b, (struct db_writer_setup){.failure = DB_FAILS_GROUP, .again_ms = 1});
	atomic_store(&b->gate, 1);
	atomic_store(&b->refuse, 1000000);
	for (int i = 1; i <= 3; i++) add(b, i, (struct db_job){.kept = true});
	add(b, 4, (struct db_job){.waited_for = true});
	wait_for(&b->told_n, 1);
	wait_for(&b->failures, 3);
	atomic_store(&b->refuse, 0);
	assert_told(b, told, 4);
	db_writer_close(b->writer);
	assert_stored(b, stored, 3);
}

static void test_kept_until_the_end(void **state) {
	struct bench *b = *state;
	static const int told[] = {-1, -2};
	start(b, (struct db_writer_setup){.failure = DB_FAILS_GROUP, .again_ms = 60000});
	atomic_store(&b->refuse, 1000000);
	add(b, 1, (struct db_job){.kept = true});
	wait_for(&b->failures, 1);
	add(b, 2, (struct db_job){.kept = true});
	db_writer_close(b->writer);
	assert_told(b, told, 2);
}

struct runner {
	struct bench *bench;
	int from, failures;
};

static int run_write(struct db_job *job, struct db *db, struct error *err) {
	const struct number *k = (const struct number *)(const void *)job;
	return db_exec(db, ADD, err, "n", k->n);
}

static void *run_many(void *arg) {
	struct runner *r = arg;
	for (int i = 0; i < 50; i++) {
		struct number k = {.job.write = run_write, .n = r->from + i / 2};
		struct error err = ERROR_INIT;
		bool failed = db_writer_run(r->bench->writer, &k.job, &err) != 0;
		r->failures += failed;
		assert_int_equal(failed, i % 2); /* each number twice: the second is refused, and says why */
		assert_int_equal(failed, err.text[0] != '\0');
	}
	return NULL;
}

/* Callers that wait get their own answer, and do not linger. */
static void test_run(void **state) {
	struct bench *b = *state;
	struct runner runners[8];
	pthread_t threads[8];
	start(b, (struct db_writer_setup){.failure = DB_FAILS_ONE, .linger_ms = 600000});
	for (int i = 0; i < 8; i++) {
		runners[i] = (struct runner){.bench = b, .from = i * 1000};
		assert_int_equal(pthread_create(&threads[i], NULL, run_many, &runners[i]), 0);
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(runners[i].failures, 25);
	}
	db_writer_close(b->writer);
}

static void test_poke(void **state) {
	struct bench *b = *state;
	start(b, (struct db_writer_setup){0});
	wait_for(&b->idles, 1);
	db_writer_poke(b->writer);
	wait_for(&b->idles, 2);
	db_writer_end(b->writer);
	wait_for(&b->ended, 1);
	db_writer_close(b->writer);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_comes_meanwhile_is_one_group, setup, teardown),
		cmocka_unit_test_setup_teardown(test_groups_have_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_commits_what_is_queued, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_fails_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_group_fails_as_a_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_before_each_transaction, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kept_until_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_poke, setup, teardown),
	};
	return cmocka_run_group_tests_name("base/db_writer", tests, NULL, NULL);
}
