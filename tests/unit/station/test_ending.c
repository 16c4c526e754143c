/* SPDX-License-Identifier: MIT */
/* When run --once ends, and with what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "station/run/ending.h"

static bool over(struct ending_facts f) { return once_over(&f); }

static void test_waits_for_what_is_ready(void **state) {
	(void)state;
	assert_true(over((struct ending_facts){.busy = BUSY_NOT}));
	assert_false(over((struct ending_facts){.busy = BUSY_NOW}));
	assert_false(over((struct ending_facts){.busy = BUSY_NOW, .elapsed_ms = INT64_C(1) << 40}));
	assert_false(over((struct ending_facts){.busy = BUSY_PASSING, .asked_ms = ONCE_VERDICT_MS}));
	assert_false(over((struct ending_facts){.busy = BUSY_ASKED}));
	assert_false(over((struct ending_facts){.busy = BUSY_ASKED, .asked_ms = ONCE_VERDICT_MS - 1}));
}

/* A session that never comes to rest, a next attempt, a verdict that never comes: none holds up the end for ever. */
static void test_ends(void **state) {
	(void)state;
	assert_true(over((struct ending_facts){.busy = BUSY_LATER}));
	assert_true(over((struct ending_facts){.busy = BUSY_ASKED, .asked_ms = ONCE_VERDICT_MS}));
	assert_true(over((struct ending_facts){.busy = BUSY_LEFT}));
}

/* With the folders listed every minute, and the last heartbeat sent, a verdict that never comes ends the run in time.
 */
static void test_what_passes_does_not_begin_the_wait_for_a_verdict_anew(void **state) {
	(void)state;
	static const enum busy keep[] = {BUSY_ASKED, BUSY_PASSING, BUSY_ENDING},
						   end[] = {BUSY_NOT, BUSY_LEFT, BUSY_LATER, BUSY_NOW};
	assert_int_equal(ending_asked_since(BUSY_ASKED, 0, 7), 7);
	for (size_t i = 0; i < sizeof keep / sizeof keep[0]; i++)
		assert_int_equal(ending_asked_since(keep[i], 7, 60007), 7);
	for (size_t i = 0; i < sizeof end / sizeof end[0]; i++) assert_int_equal(ending_asked_since(end[i], 7, 60007), 0);
	assert_int_equal(ending_asked_since(BUSY_PASSING, 0, 7), 0);
	assert_int_equal(ending_asked_since(BUSY_ENDING, 0, 7), 0);
}

static void test_wait(void **state) {
	(void)state;
	struct ending_facts f = {.busy = BUSY_LATER, .wait_ms = 60000, .elapsed_ms = 59999};
	assert_false(over(f));
	f.busy = BUSY_ASKED;
	f.asked_ms = ONCE_VERDICT_MS + 1;
	assert_false(over(f));
	f.busy = BUSY_LEFT; /* nothing that this run can do */
	assert_true(over(f));
	f.busy = BUSY_NOW;
	f.elapsed_ms = 60000;
	assert_true(over(f));
}

/* Parts have their last word whatever the time is, and bound it themselves. */
static void test_the_last_word(void **state) {
	(void)state;
	assert_false(over((struct ending_facts){.busy = BUSY_ENDING}));
	assert_false(over((struct ending_facts){.busy = BUSY_ENDING, .wait_ms = 1, .elapsed_ms = 2}));
	assert_true(BUSY_ENDING > BUSY_NOW && BUSY_NOW > BUSY_PASSING && BUSY_PASSING > BUSY_ASKED &&
				BUSY_ASKED > BUSY_LATER && BUSY_LATER > BUSY_LEFT &&
				BUSY_LEFT > BUSY_NOT); /* the busiest part counts */
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_for_what_is_ready),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_what_passes_does_not_begin_the_wait_for_a_verdict_anew),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_the_last_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
