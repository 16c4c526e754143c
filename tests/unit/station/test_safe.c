/* SPDX-License-Identifier: MIT */
/* The verdict: every sentence, and the order in which they hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "station/safe.h"

static const struct journal_summary empty,
	ten = {.today_found = 10, .by_state[STATE_ACCEPTED] = 10},
	held = {.today_found = 2, .by_state = {[STATE_HELD] = 1, [STATE_QUEUED] = 1}},
	two = {.by_state = {[STATE_HELD] = 1, [STATE_GONE] = 1}},
	moving = {.by_state = {[STATE_SETTLING] = 1, [STATE_UPLOADED] = 2}};

static void test_every_sentence(void **state) {
	(void)state;
	const struct {
		struct safe_facts facts;
		enum safe safe;
		const char *text;
	} rows[] = {
		{{.summary = NULL, .engine = true, .cloud_ok = true}, SAFE_UNKNOWN, "safe to leave? not known yet"},
		{{&held, 0, true, true, 1000}, SAFE_NO, "NOT safe: 1 needs you"},
		{{&two, 0, false, false, -1}, SAFE_NO, "NOT safe: 2 need you"},
		{{&moving, 0, false, true, -1}, SAFE_NO, "NOT safe: 3 not in the cloud, no engine answers"},
		{{&moving, 0, true, false, -1}, SAFE_NO, "NOT safe: 3 wait for the cloud"},
		{{&moving, 0, true, true, 34000}, SAFE_SOON, "not yet safe: 3 left, 0:34"},
		{{&moving, 0, true, true, -1}, SAFE_SOON, "not yet safe: 3 left"},
		{{&ten, 240000, false, false, -1}, SAFE_UNKNOWN, "safe as of 4 min ago, no engine watches"},
		{{&ten, 0, false, false, -1}, SAFE_UNKNOWN, "safe as of now, no engine watches"},
		{{&ten, 0, true, false, -1}, SAFE_YES, "safe to leave: all 10 of today"},
		{{&empty, 0, true, true, -1}, SAFE_YES, "safe to leave: nothing recorded today"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[SAFE_TEXT];
		assert_int_equal(safe_verdict(&rows[i].facts, text, sizeof text), rows[i].safe);
		assert_string_equal(text, rows[i].text);
		assert_true(strlen(safe_name(rows[i].safe)) > 0);
	}
}

/* Each state by itself: nothing but accepted sessions may be left behind. */
static void test_every_state(void **state) {
	(void)state;
	for (int i = 0; i < STATE_N; i++) {
		struct journal_summary s = {.today_found = 1};
		s.by_state[i] = 1;
		const struct safe_facts f = {&s, 0, true, true, -1};
		char text[SAFE_TEXT];
		assert_int_equal(safe_verdict(&f, text, sizeof text) == SAFE_YES, i == STATE_ACCEPTED);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_sentence),
		cmocka_unit_test(test_every_state),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
