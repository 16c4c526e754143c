/* SPDX-License-Identifier: MIT */
/* cloud/jobs/workers, with a user that counts: every job is done after it was asked for, never two of a lane at once,
 * chores when nothing else is to be done, and the end waits for what is in hand. */
#include "store_help.h"

#include <stdatomic.h>

#include "cloud/jobs/workers.h"

#define LANES 5

struct counter {
	struct workers *workers;
	atomic_int runs, chores, beside, in_lane[LANES];
	atomic_int asked[LANES], done[LANES]; /* what was asked for, and what a run begun later has seen */
	atomic_int hold;					  /* a run waits while this is set */
	int again_ms;						  /* of the first run of each job */
};

static void wait_for(const atomic_int *what, int least) {
	for (int64_t until = clock_mono_ms() + 20000; clock_mono_ms() < until && atomic_load(what) < least;) sleep_us(500);
	assert_true(atomic_load(what) >= least);
}

static int64_t on_job(void *arg, int worker, struct queue_job *job) {
	struct counter *k = arg;
	int lane = atoi(job->lane), seen = atomic_load(&k->asked[lane]);
	int *runs = job->state;
	assert_in_range(worker, 0, 2);
	if (atomic_fetch_add(&k->in_lane[lane], 1)) atomic_fetch_add(&k->beside, 1);
	while (atomic_load(&k->hold)) sleep_us(200);
	sleep_us(50);
	atomic_fetch_sub(&k->in_lane[lane], 1);
	atomic_store(&k->done[lane], seen);
	atomic_fetch_add(&k->runs, 1);
	if (k->again_ms >= 0 && !(*runs)++) return k->again_ms;
	return WORKERS_DONE;
}

static int64_t on_chore(void *arg) {
	struct counter *k = arg;
	int n = atomic_fetch_add(&k->chores, 1);
	return n < 3 ? 0 : 60000;
}

static void start(struct counter *k) {
	const struct workers_setup setup = {.name = "counting",
		.n = 3,
		.state_bytes = sizeof(int),
		.run = on_job,
		.chore = on_chore,
		.chore_late_ms = 60000,
		.arg = k};
	OK(workers_start(&k->workers, &setup, &err));
}

static void *ask_often(void *arg) {
	struct counter *k = arg;
	char lane[8];
	for (int i = 0; i < 2000; i++) {
		int at = i % LANES;
		snprintf(lane, sizeof lane, "%d", at);
		atomic_fetch_add(&k->asked[at], 1);
		assert_true(workers_add(k->workers, lane, "count"));
	}
	return NULL;
}

/* Whatever was asked for last is done by a run that began after it. */
static void test_nothing_asked_for_is_missed(void **state) {
	(void)state;
	struct counter k = {.again_ms = -1};
	pthread_t threads[4];
	start(&k);
	for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &k), 0);
	join_threads(threads, 4);
	for (int i = 0; i < LANES; i++) wait_for(&k.done[i], 4 * 2000 / LANES);
	workers_stop(k.workers);
	assert_int_equal(k.beside, 0);
	assert_in_range(k.runs, LANES, 8000); /* repeats were removed, not run */
}

static void test_again_and_last(void **state) {
	(void)state;
	struct counter k = {.again_ms = 20};
	const int ran = 1;
	start(&k);
	assert_true(workers_add(k.workers, "0", "twice"));
	assert_true(workers_add_last(k.workers, "1", "once", 5, &ran));
	wait_for(&k.runs, 3);
	wait_for(&k.chores, 4); /* at once as long as there is more */
	sleep_us(50000);
	workers_stop(k.workers);
	assert_int_equal(k.runs, 3);
	assert_int_equal(k.chores, 4);
}

static void *let_go(void *arg) {
	struct counter *k = arg;
	sleep_us(50000);
	atomic_store(&k->hold, 0);
	return NULL;
}

static void test_stop_finishes_what_is_in_hand(void **state) {
	(void)state;
	struct counter k = {.again_ms = -1, .hold = 1};
	pthread_t thread;
	char name[16];
	start(&k);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "%d", i);
		assert_true(workers_add(k.workers, "2", name));
	}
	wait_for(&k.in_lane[2], 1);
	assert_int_equal(pthread_create(&thread, NULL, let_go, &k), 0);
	workers_stop(k.workers);
	pthread_join(thread, NULL);
	assert_true(k.runs >= 1);
	assert_int_equal(k.in_lane[2], 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_asked_for_is_missed),
		cmocka_unit_test(test_again_and_last),
		cmocka_unit_test(test_stop_finishes_what_is_in_hand),
	};
	return cmocka_run_group_tests_name("cloud/workers", tests, NULL, NULL);
}
