/* SPDX-License-Identifier: MIT */
/* cloud/jobs/queue: fair by lane, one job at a time a lane, each once, its time kept, in n log n. */
#include "store_help.h"

#include "cloud/jobs/queue.h"

static int make(void **state) {
	*state = queue_new(sizeof(int), 0);
	return 0;
}

static int done(void **state) {
	queue_free(*state);
	return 0;
}

/* The next job's "lane/name", or "-"; it is done with at once when `end`. */
static const char *take(struct queue *q, int64_t now_ms, bool end, struct queue_job **ret) {
	static char text[100];
	int64_t due_ms = 0;
	struct queue_job *job = queue_take(q, now_ms, &due_ms);
	if (!job) return "-";
	snprintf(text, sizeof text, "%s/%s", job->lane, job->name);
	if (end) queue_done(q, job);
	else *ret = job;
	return text;
}

static void test_stations_take_turns(void **state) {
	struct queue *q = *state;
	char session[16];
	for (int i = 0; i < 1000; i++) {
		snprintf(session, sizeof session, "s%03d", i);
		queue_add(q, "busy", session);
	}
	queue_add(q, "one", "a");
	queue_add(q, "one", "b");
	queue_add(q, "two", "c");
	static const char *const want[] = {"busy/s000", "one/a", "two/c", "busy/s001", "one/b", "busy/s002", "busy/s003"};
	for (size_t i = 0; i < ARRAY_LEN(want); i++) assert_string_equal(take(q, 0, true, NULL), want[i]);
	queue_add(q, "two", "d"); /* comes after one of the busy, not after 996 */
	assert_string_equal(take(q, 0, true, NULL), "busy/s004");
	assert_string_equal(take(q, 0, true, NULL), "two/d");
}

static void test_one_look_a_station(void **state) {
	struct queue *q = *state;
	struct queue_job *a = NULL, *b = NULL;
	queue_add(q, "one", "a");
	queue_add(q, "one", "b");
	queue_add(q, "two", "c");
	assert_string_equal(take(q, 0, false, &a), "one/a");
	assert_string_equal(take(q, 0, false, &b), "two/c");
	assert_string_equal(take(q, 0, true, NULL), "-");
	queue_again(q, a, 0); /* unfinished: behind what its station has */
	assert_string_equal(take(q, 0, true, NULL), "one/b");
	assert_string_equal(take(q, 0, true, NULL), "one/a");
	queue_done(q, b);
	assert_string_equal(take(q, 0, true, NULL), "-");
}

static void test_each_session_once(void **state) {
	struct queue *q = *state;
	struct queue_job *a = NULL;
	for (int i = 0; i < 100; i++) queue_add(q, "one", "a");
	assert_string_equal(take(q, 0, false, &a), "one/a");
	for (int i = 0; i < 100; i++) queue_add(q, "one", "a"); /* events during the look bring one more */
	*(int *)a->state = 7;
	queue_again(q, a, 50);
	assert_string_equal(take(q, 0, false, &a), "one/a");
	assert_int_equal(*(int *)a->state, 7);
	queue_done(q, a);
	assert_string_equal(take(q, 100, true, NULL), "-");
}

static void test_times_are_kept(void **state) {
	struct queue *q = *state;
	struct queue_job *a = NULL, *b = NULL;
	int64_t due_ms = 0;
	queue_add(q, "one", "a");
	queue_add(q, "two", "b");
	assert_string_equal(take(q, 0, false, &a), "one/a");
	assert_string_equal(take(q, 0, false, &b), "two/b");
	queue_again(q, a, 300);
	queue_again(q, b, 200);
	assert_null(queue_take(q, 199, &due_ms));
	assert_int_equal(due_ms, 200);
	assert_string_equal(take(q, 200, true, NULL), "two/b");
	assert_string_equal(take(q, 299, true, NULL), "-");
	queue_add(q, "one", "a"); /* an event: at once */
	assert_string_equal(take(q, 299, true, NULL), "one/a");
	assert_null(queue_take(q, 1000, &due_ms));
}

static void test_what_the_program_died_with_comes_last(void **state) {
	struct queue *q = *state;
	queue_add_last(q, "one", "bad", 10, NULL);
	queue_add_last(q, "one", "worse", 20, NULL);
	queue_add(q, "one", "a");
	queue_add(q, "two", "b");
	queue_add(q, "two", "c");
	static const char *const want[] = {"one/a", "two/b", "two/c", "one/bad", "one/worse", "-"};
	for (size_t i = 0; i < ARRAY_LEN(want); i++) assert_string_equal(take(q, 1000, true, NULL), want[i]);
	/* Not for ever, when there is always something. */
	queue_add_last(q, "three", "bad", 10, NULL);
	for (int i = 0; i < 3; i++) {
		queue_add(q, "one", "a");
		queue_add(q, "one", "b");
		assert_string_equal(take(q, 1000, true, NULL), "one/a");
		assert_string_equal(take(q, 1000, true, NULL), "one/b");
		queue_add(q, "one", "a");
		assert_string_equal(take(q, 1000, true, NULL), "one/a");
	}
	queue_add(q, "one", "a");
	assert_string_equal(take(q, 11LL * 60 * 1000, true, NULL), "one/a");
	assert_string_equal(take(q, 11LL * 60 * 1000, true, NULL), "three/bad");
}

static void test_asked_for_while_it_runs(void **state) {
	struct queue *q = *state;
	struct queue_job *a = NULL, *again = NULL;
	queue_add(q, "one", "a");
	assert_string_equal(take(q, 0, false, &a), "one/a");
	*(int *)a->state = 7;
	queue_add(q, "one", "a");
	assert_string_equal(take(q, 0, true, NULL), "-"); /* not beside itself */
	queue_done(q, a);
	assert_string_equal(take(q, 0, false, &again), "one/a"); /* once more, as if for the first time */
	assert_int_equal(*(int *)again->state, 0);
	for (int i = 1; i <= 3; i++) {
		queue_again(q, again, i);
		assert_string_equal(take(q, i, false, &again), "one/a");
		assert_int_equal(again->tries, i);
	}
	queue_add(q, "one", "a");
	queue_again(q, again, 1000); /* what was asked for does not wait */
	assert_string_equal(take(q, 4, false, &again), "one/a");
	assert_int_equal(again->tries, 0);
	queue_done(q, again);
	assert_string_equal(take(q, 5000, true, NULL), "-");
}

static void test_state_to_begin_with(void **state) {
	struct queue *q = *state;
	struct queue_job *a = NULL;
	const int first = 5, second = 6;
	assert_true(queue_add_last(q, "one", "a", 10, &first));
	assert_true(queue_add_last(q, "one", "a", 10, &second)); /* known: stays as it is */
	assert_true(queue_add(q, "one", "a"));
	assert_string_equal(take(q, 0, false, &a), "one/a");
	assert_int_equal(*(int *)a->state, 5);
	queue_done(q, a);
}

static void test_bound(void **state) {
	(void)state;
	AUTO(queue_free) struct queue *q = queue_new(0, 3);
	struct queue_job *a = NULL;
	assert_true(queue_add(q, "one", "a"));
	assert_true(queue_add_last(q, "one", "b", 5, NULL));
	assert_string_equal(take(q, 0, false, &a), "one/a");
	assert_true(queue_add(q, "two", "c"));
	assert_false(queue_add(q, "two", "d"));
	assert_false(queue_add_last(q, "two", "d", 5, NULL));
	assert_true(queue_add(q, "one", "b")); /* known ones always */
	assert_true(queue_add(q, "one", "a"));
	queue_done(q, a); /* and is ready once more */
	assert_false(queue_add(q, "two", "d"));
	assert_string_equal(take(q, 0, true, NULL), "two/c");
	assert_true(queue_add(q, "two", "d"));
}

#define MANY 100000

/* Times in the order that a sorted list takes worst (test_heap counts what the heaps compare). */
static void test_many_times(void **state) {
	struct queue *q = *state;
	char lane[16];
	int64_t due_ms;
	for (int i = 0; i < MANY; i++) {
		snprintf(lane, sizeof lane, "%d", i);
		queue_add(q, lane, "a");
	}
	struct queue_job **jobs = xcalloc(MANY, sizeof(struct queue_job *));
	for (int i = 0; i < MANY; i++) jobs[i] = queue_take(q, 0, &due_ms);
	for (int i = 0; i < MANY; i++) queue_again(q, jobs[i], MANY - i);
	for (int i = 0; i < MANY; i++) {
		assert_null(queue_take(q, i, &due_ms));
		assert_int_equal(due_ms, i + 1);
		struct queue_job *job = queue_take(q, i + 1, &due_ms);
		assert_ptr_equal(job, jobs[MANY - 1 - i]);
		queue_done(q, job);
	}
	free(jobs);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stations_take_turns, make, done),
		cmocka_unit_test_setup_teardown(test_one_look_a_station, make, done),
		cmocka_unit_test_setup_teardown(test_each_session_once, make, done),
		cmocka_unit_test_setup_teardown(test_times_are_kept, make, done),
		cmocka_unit_test_setup_teardown(test_what_the_program_died_with_comes_last, make, done),
		cmocka_unit_test_setup_teardown(test_asked_for_while_it_runs, make, done),
		cmocka_unit_test_setup_teardown(test_state_to_begin_with, make, done),
		cmocka_unit_test(test_bound),
		cmocka_unit_test_setup_teardown(test_many_times, make, done),
	};
	return cmocka_run_group_tests_name("cloud/queue", tests, NULL, NULL);
}
