/* SPDX-License-Identifier: MIT */
/* When run --once ends, and with what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "station/run/once_rule.h"

static bool over(struct once_facts f) { return once_over(&f); }

static void test_waits_for_what_is_ready(void **state) {
	(void)state;
	assert_false(over((struct once_facts){0})); /* nothing was looked at yet */
	assert_true(over((struct once_facts){.scanned = true}));
	assert_false(over((struct once_facts){.scanned = true, .calling = true}));
	assert_false(over((struct once_facts){.scanned = true, .auditing = true})); /* an accepted one may have changed */
	assert_false(over((struct once_facts){.scanned = true, .unlooked = 1}));	/* its mend may not be seen yet */
	assert_false(over((struct once_facts){.scanned = true, .working = 1}));
	assert_false(over((struct once_facts){.scanned = true, .undecided = 1}));
	assert_false(over((struct once_facts){.scanned = true, .open = 1, .fresh = 1}));
}

/* A session that never comes to rest, a next attempt, a verdict that never comes: none holds up the end for ever. */
static void test_ends(void **state) {
	(void)state;
	assert_true(over((struct once_facts){.scanned = true, .open = 1}));
	assert_true(over((struct once_facts){.scanned = true, .waiting = 1}));
	assert_true(over((struct once_facts){.scanned = true, .undecided = 1, .undecided_ms = ONCE_VERDICT_MS}));
	assert_true(over((struct once_facts){.scanned = true, .undecided = 1, .down = true}));
	assert_true(
		over((struct once_facts){.scanned = true, .undecided = 1, .working = 3, .waiting = 2, .key_refused = true}));
}

static void test_wait(void **state) {
	(void)state;
	struct once_facts f = {.scanned = true, .wait_ms = 60000, .elapsed_ms = 59999, .waiting = 1};
	assert_false(over(f));
	f.elapsed_ms = 60000;
	assert_true(over(f));
	f = (struct once_facts){.scanned = true, .wait_ms = 600000, .elapsed_ms = 10000, .open = 1};
	assert_false(over(f));
	f = (struct once_facts){.scanned = true, .wait_ms = 600000, .undecided = 1, .undecided_ms = ONCE_VERDICT_MS + 1};
	assert_false(over(f));
	f.undecided = 0;
	assert_true(over(f));
	f = (struct once_facts){.wait_ms = 1, .elapsed_ms = 2}; /* not even the first walk is done */
	assert_true(over(f));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_for_what_is_ready),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
