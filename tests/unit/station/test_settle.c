/* SPDX-License-Identifier: MIT */
/* The decisions of settling with a clock that the test holds: quiet, metadata, marker, leases, clocks that jump. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "station/disk/since.h"
#include "station/engine/when.h"
#include "station/intake/settle_rule.h"

#define SETTLE 10000

struct settle_case {
	const char *what;
	struct settle_facts facts;
	enum settle_verdict verdict;
};

static const struct settle_case cases[] = {
	{"changed just now", {.now_ms = 50000, .quiet_ms = 50000, .has_metadata = true}, SETTLE_QUIET},
	{"one ms too early", {.now_ms = 59999, .quiet_ms = 50000, .has_metadata = true}, SETTLE_QUIET},
	{"quiet, nobody was asked", {.now_ms = 60000, .quiet_ms = 50000, .has_metadata = true}, SETTLE_LEASES},
	{"quiet and free",
		{.now_ms = 60000, .quiet_ms = 50000, .has_metadata = true, .asked_leases = true, .lease = LEASE_FREE},
		SETTLE_READY},
	{"quiet, and the lease cannot tell",
		{.now_ms = 60000, .quiet_ms = 50000, .has_metadata = true, .asked_leases = true, .lease = LEASE_UNKNOWN},
		SETTLE_READY},
	{"quiet, but open for writing",
		{.now_ms = 60000, .quiet_ms = 50000, .has_metadata = true, .asked_leases = true, .lease = LEASE_WRITER},
		SETTLE_WRITER},
	{"quiet without metadata", {.now_ms = 60000, .quiet_ms = 50000, .asked_leases = true}, SETTLE_METADATA},
	{"an hour without metadata", {.now_ms = 3660000, .quiet_ms = 50000, .asked_leases = true}, SETTLE_METADATA},
	{"a day without metadata, or another thing in its place",
		{.now_ms = 60000, .quiet_ms = 50000, .metadata_overdue = true}, SETTLE_LEASES},
	{"a day without metadata, and free",
		{.now_ms = 60000, .quiet_ms = 50000, .metadata_overdue = true, .asked_leases = true, .lease = LEASE_FREE},
		SETTLE_READY},
	{"changing, another thing in the metadata's place", {.now_ms = 50001, .quiet_ms = 50000, .metadata_overdue = true},
		SETTLE_QUIET},
	{"a temporary name",
		{.now_ms = 60000, .quiet_ms = 50000, .has_metadata = true, .asked_leases = true, .temporary = true},
		SETTLE_TEMPORARY},
	{"a temporary name since yesterday",
		{.now_ms = 60000,
			.quiet_ms = 50000,
			.has_metadata = true,
			.asked_leases = true,
			.temporary = true,
			.overdue = true},
		SETTLE_READY},
	{"the marker is required",
		{.now_ms = 99000, .quiet_ms = 50000, .has_metadata = true, .asked_leases = true, .marker_required = true},
		SETTLE_MARKER},
	{"the marker is required, and there",
		{.now_ms = 50000, .quiet_ms = 50000, .has_marker = true, .marker_required = true}, SETTLE_READY},
	{"changing, without metadata", {.now_ms = 50001, .quiet_ms = 50000}, SETTLE_QUIET},
	{"the marker is there at once", {.now_ms = 50000, .quiet_ms = 50000, .has_marker = true, .has_metadata = true},
		SETTLE_READY},
	{"the marker without metadata: the check will say it", {.now_ms = 50000, .quiet_ms = 50000, .has_marker = true},
		SETTLE_READY},
};

static void test_decisions(void **state) {
	(void)state;
	bool seen[SETTLE_N] = {false};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct settle_facts f = cases[i].facts;
		f.settle_ms = SETTLE;
		enum settle_verdict v = settle_decide(&f);
		if (v != cases[i].verdict) print_error("%s: %d\n", cases[i].what, v);
		assert_int_equal(v, cases[i].verdict);
		seen[v] = true;
	}
	for (size_t v = 0; v < SETTLE_N; v++) assert_true(seen[v]);
}

static void test_no_settle_time(void **state) {
	(void)state;
	struct settle_facts f = {.now_ms = 5, .quiet_ms = 5, .has_metadata = true, .asked_leases = true};
	assert_int_equal(settle_decide(&f), SETTLE_READY);
}

static void test_touch_delay(void **state) {
	(void)state;
	assert_int_equal(touch_delay_ms(0), TOUCH_LEAST_MS);
	assert_int_equal(touch_delay_ms(3), TOUCH_LEAST_MS);
	assert_int_equal(touch_delay_ms(20), 100);
	assert_int_equal(touch_delay_ms(60000), TOUCH_MOST_MS);
}

/* What the journal kept over a restart counts; a clock that went back does not make a session settle at once. */
static void test_quiet_over_restart(void **state) {
	(void)state;
	assert_int_equal(quiet_from_wall(1000000, 1012000, 500), 500 - 12000);
	assert_int_equal(quiet_from_wall(1012000, 1000000, 500), 500);
	assert_int_equal(quiet_from_wall(0, 1000000, 500), 500);
}

static void test_since(void **state) {
	(void)state;
	struct config c = {.since = NULL};
	assert_false(name_before_since(&c, "19700101_000000"));
	c.since = (char *)(uintptr_t) "2026-11-20";
	assert_true(name_before_since(&c, "20261119_235959"));
	assert_false(name_before_since(&c, "20261120_000000"));
	assert_false(name_before_since(&c, "20261121_101010"));
	c.since = (char *)(uintptr_t) "20261120_134502";
	assert_true(name_before_since(&c, "20261120_134501"));
	assert_false(name_before_since(&c, "20261120_134502"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_no_settle_time),
		cmocka_unit_test(test_touch_delay),
		cmocka_unit_test(test_quiet_over_restart),
		cmocka_unit_test(test_since),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
