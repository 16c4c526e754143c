/* SPDX-License-Identifier: MIT */
/* The state table, walked whole: every state x event against the drawing below. */
#include "station/journal/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char golden[] =
	"found: scanned>settling fatal>failed vanished>gone\n"
	"settling: settled>checking fatal>failed vanished>gone\n"
	"checking: changed>settling passed>queued held_back>held fatal>failed vanished>gone\n"
	"held: changed>settling fatal>failed retried>settling vanished>gone\n"
	"queued: changed>settling held_back>held started>uploading cloud_accepted>accepted cloud_rejected>rejected "
	"fatal>failed "
	"vanished>gone\n"
	"uploading: changed>settling held_back>held interrupted>queued stored>uploaded cloud_accepted>accepted "
	"cloud_rejected>rejected "
	"fatal>failed vanished>gone\n"
	"uploaded: changed>settling interrupted>queued cloud_accepted>accepted cloud_rejected>rejected fatal>failed "
	"vanished>uploaded returned>uploaded\n"
	"accepted: changed>settling vanished>accepted returned>accepted lost>settling\n"
	"rejected: changed>settling cloud_accepted>accepted retried>settling vanished>gone\n"
	"failed: changed>settling cloud_accepted>accepted retried>settling vanished>gone\n"
	"gone: cloud_accepted>accepted returned>settling\n";

/* Written with stdio alone, so that the table can be checked before anything of base is trusted. */
static void draws_as_in_the_golden(void **state) {
	(void)state;
	char drawn[4096];
	int at = 0;
	for (int s = 0; s < STATE_N; s++) {
		at += snprintf(drawn + at, sizeof drawn - (size_t)at, "%s:", state_name((enum session_state)s));
		for (int e = 0; e < EVENT_N; e++) {
			int to = state_next((enum session_state)s, (enum session_event)e);
			assert_in_range(to + 1, 0, STATE_N);
			if (to < 0) continue;
			at += snprintf(drawn + at, sizeof drawn - (size_t)at, " %s>%s", session_event_name((enum session_event)e),
				state_name((enum session_state)to));
		}
		at += snprintf(drawn + at, sizeof drawn - (size_t)at, "\n");
	}
	assert_string_equal(drawn, golden);
}

static void reaches_every_state_from_found(void **state) {
	(void)state;
	bool reached[STATE_N] = {[STATE_FOUND] = true};
	for (int round = 0; round < STATE_N; round++) {
		for (int s = 0; s < STATE_N; s++) {
			for (int e = 0; reached[s] && e < EVENT_N; e++) {
				int to = state_next((enum session_state)s, (enum session_event)e);
				if (to >= 0) reached[to] = true;
			}
		}
	}
	for (int s = 0; s < STATE_N; s++) assert_true(reached[s]);
}

/* Promise 2 of reliability.md: only the cloud's word makes a session safe. Promise 3: nothing is forgotten. */
static void only_the_cloud_accepts_and_nothing_returns_to_found(void **state) {
	(void)state;
	for (int s = 0; s < STATE_N; s++) {
		for (int e = 0; e < EVENT_N; e++) {
			int to = state_next((enum session_state)s, (enum session_event)e);
			if (to == STATE_ACCEPTED && s != STATE_ACCEPTED) assert_int_equal(e, EVENT_CLOUD_ACCEPTED);
			assert_int_not_equal(to, STATE_FOUND);
		}
	}
	assert_int_equal(state_next(STATE_SETTLING, EVENT_CLOUD_ACCEPTED), -1);
	assert_int_equal(state_next(STATE_CHECKING, EVENT_CLOUD_ACCEPTED), -1);
}

/* A person who mends the files gets out of every state that waits for one. */
static void every_state_that_needs_a_person_can_be_left(void **state) {
	(void)state;
	for (int s = 0; s < STATE_N; s++) {
		if (!state_needs_person((enum session_state)s)) continue;
		enum session_event mend = s == STATE_GONE ? EVENT_RETURNED : EVENT_CHANGED;
		assert_int_equal(state_next((enum session_state)s, mend), STATE_SETTLING);
		assert_true(state_is_final((enum session_state)s));
	}
	assert_true(state_is_final(STATE_ACCEPTED));
	assert_false(state_needs_person(STATE_ACCEPTED));
	assert_false(state_is_final(STATE_UPLOADED));
	assert_false(state_is_final(STATE_QUEUED));
}

static void names_go_both_ways(void **state) {
	(void)state;
	for (int s = 0; s < STATE_N; s++) {
		enum session_state back = STATE_N;
		assert_int_equal(state_parse(state_name((enum session_state)s), &back), 0);
		assert_int_equal(back, s);
	}
	enum session_state kept = STATE_HELD;
	assert_int_equal(state_parse("Held", &kept), -1);
	assert_int_equal(state_parse("", &kept), -1);
	assert_int_equal(kept, STATE_HELD);
	for (int e = 0; e < EVENT_N; e++) assert_true(strlen(session_event_name((enum session_event)e)) > 3);
}

static void out_of_range_has_no_successor(void **state) {
	(void)state;
	assert_int_equal(state_next(STATE_N, EVENT_SCANNED), -1);
	assert_int_equal(state_next(STATE_FOUND, EVENT_N), -1);
	assert_int_equal(state_next((enum session_state) - 1, EVENT_SCANNED), -1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_as_in_the_golden),
		cmocka_unit_test(reaches_every_state_from_found),
		cmocka_unit_test(only_the_cloud_accepts_and_nothing_returns_to_found),
		cmocka_unit_test(every_state_that_needs_a_person_can_be_left),
		cmocka_unit_test(names_go_both_ways),
		cmocka_unit_test(out_of_range_has_no_successor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
