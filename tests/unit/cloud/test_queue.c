/* SPDX-License-Identifier: MIT */
/* cloud/jobs/queue: fair by station, one look at a time a station, each session once, its time kept. */
#include "store_help.h"

#include "cloud/jobs/queue.h"

static int make(void **state) {
	*state = queue_new();
	return 0;
}

static int done(void **state) {
	queue_free(*state);
	return 0;
}

/* The next item's "station/session", or "-"; it is done with at once when `end`. */
static const char *take(struct queue *q, int64_t now_ms, bool end, struct queue_item **ret) {
	static char text[100];
	int64_t due_ms = 0;
	struct queue_item *item = queue_take(q, now_ms, &due_ms);
	if (!item) return "-";
	snprintf(text, sizeof text, "%s/%s", item->station, item->session);
	if (end) queue_done(q, item);
	else *ret = item;
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
	struct queue_item *a = NULL, *b = NULL;
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
	struct queue_item *a = NULL;
	for (int i = 0; i < 100; i++) queue_add(q, "one", "a");
	assert_string_equal(take(q, 0, false, &a), "one/a");
	for (int i = 0; i < 100; i++) queue_add(q, "one", "a"); /* events during the look bring one more */
	a->validation.next = 7;
	queue_again(q, a, 50);
	assert_string_equal(take(q, 0, false, &a), "one/a");
	assert_int_equal(a->validation.next, 7);
	queue_done(q, a);
	assert_string_equal(take(q, 100, true, NULL), "-");
}

static void test_times_are_kept(void **state) {
	struct queue *q = *state;
	struct queue_item *a = NULL, *b = NULL;
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
	queue_add_died(q, "one", "bad", 10);
	queue_add_died(q, "one", "worse", 20);
	queue_add(q, "one", "a");
	queue_add(q, "two", "b");
	queue_add(q, "two", "c");
	static const char *const want[] = {"one/a", "two/b", "two/c", "one/bad", "one/worse", "-"};
	for (size_t i = 0; i < ARRAY_LEN(want); i++) assert_string_equal(take(q, 1000, true, NULL), want[i]);
	/* Not for ever, when there is always something. */
	queue_add_died(q, "three", "bad", 10);
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

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stations_take_turns, make, done),
		cmocka_unit_test_setup_teardown(test_one_look_a_station, make, done),
		cmocka_unit_test_setup_teardown(test_each_session_once, make, done),
		cmocka_unit_test_setup_teardown(test_times_are_kept, make, done),
		cmocka_unit_test_setup_teardown(test_what_the_program_died_with_comes_last, make, done),
	};
	return cmocka_run_group_tests_name("cloud/queue", tests, NULL, NULL);
}
