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
	assert_true(BUSY_ENDING > BUSY_NOW && BUSY_NOW > BUSY_ASKED && BUSY_ASKED > BUSY_LATER && BUSY_LATER > BUSY_LEFT &&
				BUSY_LEFT > BUSY_NOT); /* the busiest part counts */
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_for_what_is_ready),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_the_last_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
