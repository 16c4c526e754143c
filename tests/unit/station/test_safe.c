/* SPDX-License-Identifier: MIT */
/* The verdict: every cause with its words, its exit status and its name, and the order in which they hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "station/told/safe.h"

#define NOW 1790000000000LL
#define SEEN NOW - 1000
#define MINUTE 60000LL

static const struct journal_summary empty,
	ten = {.today_found = 10, .by_state[STATE_ACCEPTED] = 10},
	held = {.today_found = 2, .by_state = {[STATE_HELD] = 1, [STATE_QUEUED] = 1}},
	two = {.by_state = {[STATE_HELD] = 1, [STATE_GONE] = 1}},
	moving = {.by_state = {[STATE_SETTLING] = 1, [STATE_UPLOADED] = 2}},
	paused = {.paused = 1, .by_state = {[STATE_QUEUED] = 1}};

#define UP .engine = true, .cloud_ok = true, .now_ms = NOW, .eta_ms = -1
#define WELL .at_ms = SEEN
#define ALONE .now_ms = NOW, .eta_ms = -1

/* causes: names, in the order of the JSON. */
static const struct row {
	struct safe_facts facts;
	enum safe safe;
	int status;
	const char *causes, *text;
} rows[] = {
	{{UP, .summary = &ten, .look = {WELL}}, SAFE_YES, 0, "", "safe to leave: all 10 of today"},
	{{UP, .summary = &empty, .look = {WELL}}, SAFE_YES, 0, "", "safe to leave: nothing recorded today"},
	{{UP, .summary = NULL}, SAFE_UNKNOWN, 4, "journal_unread", "safe to leave? not known yet"},
	{{UP, .summary = NULL, .journal_broken = true, .look = {WELL}}, SAFE_NO, 74, "journal",
		"NOT safe: the journal cannot be read"},
	{{UP, .summary = &ten, .look = {WELL, .wrong = 1}}, SAFE_NO, 2, "folder_wrong",
		"NOT safe: 1 watched folder is no folder"},
	{{UP, .summary = &ten, .look = {WELL, .lost = 2}}, SAFE_NO, 74, "folder_lost",
		"NOT safe: 2 watched folders cannot be read"},
	{{UP, .summary = &ten, .look = {WELL, .empty = 1}}, SAFE_NO, 74, "folder_empty",
		"NOT safe: 1 watched folder has become empty"},
	{{UP, .summary = &ten, .look = {WELL, .unreadable = 3}}, SAFE_NO, 74, "unreadable",
		"NOT safe: 3 accepted cannot be read any more"},
	{{ALONE, .summary = &ten, .listed = true, .look = {WELL, .unreadable = 1}}, SAFE_NO, 74, "unreadable",
		"NOT safe: 1 accepted cannot be read any more"},
	{{UP, .summary = &ten, .look = {WELL, .conflict = true}}, SAFE_NO, 2, "metadata_conflict",
		"NOT safe: the cloud wants another metadata file"},
	{{UP, .summary = &held, .look = {WELL}}, SAFE_NO, 4, "person under_way", "NOT safe: 1 needs you"},
	{{UP, .summary = &two, .look = {WELL}}, SAFE_NO, 1, "person", "NOT safe: 2 need you"},
	{{UP, .summary = &ten, .look = {WELL, .names = 5}}, SAFE_NO, 1, "names", "NOT safe: 5 to be renamed"},
	{{.engine = true, .summary = &ten, .look = {WELL, .key = true}}, SAFE_NO, 77, "key_refused cloud_away",
		"NOT safe: the API key is refused"},
	{{.engine = true, .summary = &ten, .look = {WELL, .endpoint = true}}, SAFE_NO, 2, "endpoint cloud_away",
		"NOT safe: the endpoint is not the cloud's"},
	{{ALONE, .summary = &moving, .listed = true, .look = {WELL}}, SAFE_NO, 4, "no_engine under_way",
		"NOT safe: 3 not in the cloud, no engine answers"},
	{{ALONE, .silent = true, .summary = &ten, .listed = true, .look = {WELL}}, SAFE_NO, 69, "engine_silent",
		"NOT safe: the engine does not answer"},
	{{.engine = true, .eta_ms = -1, .summary = &moving, .look = {WELL}}, SAFE_NO, 69, "cloud under_way",
		"NOT safe: 3 wait for the cloud"},
	{{UP, .summary = &moving, .look = {WELL, .delayed = 1}}, SAFE_NO, 69, "cloud under_way",
		"NOT safe: 3 wait for the cloud"},
	{{.engine = true, .eta_ms = -1, .summary = &ten, .look = {WELL}}, SAFE_UNKNOWN, 69, "cloud_away",
		"all in the cloud, which does not answer now"},
	{{ALONE, .summary = &ten, .listed = true, .look = {WELL, .strange = 40}}, SAFE_NO, 4, "not_looked_at",
		"NOT safe: 40 not looked at, no engine watches"},
	{{ALONE, .summary = &ten, .listed = true, .look = {WELL, .changed = 2}}, SAFE_NO, 4, "changed",
		"NOT safe: 2 changed since accepted, no engine watches"},
	{{.engine = true, .cloud_ok = true, .eta_ms = 34000, .summary = &moving, .look = {WELL}}, SAFE_SOON, 4, "under_way",
		"not yet safe: 3 left, 0:34"},
	{{UP, .summary = &moving, .look = {WELL}}, SAFE_SOON, 4, "under_way", "not yet safe: 3 left"},
	{{UP, .summary = &moving, .look = {WELL, .metadata = 1}}, SAFE_SOON, 4, "under_way metadata_awaited",
		"not yet safe: 3 left"},
	{{UP, .summary = &moving, .look = {WELL, .metadata = 3}}, SAFE_NO, 4, "metadata_awaited",
		"NOT safe: 3 without metadata"},
	{{UP, .summary = &paused, .look = {WELL}}, SAFE_NO, 4, "paused", "NOT safe: 1 paused"},
	{{UP, .summary = &ten}, SAFE_UNKNOWN, 4, "folders_unlisted", "safe to leave? the folders are being read"},
	/* without an engine: the folders listed just now, and a look that is lately enough */
	{{ALONE, .summary = &ten, .listed = true, .age_ms = 4 * MINUTE, .look = {WELL}}, SAFE_YES, 0, "",
		"safe as of 4 min ago, no engine watches"},
	{{ALONE, .summary = &ten, .listed = true, .age_ms = 120 * MINUTE, .look = {WELL}}, SAFE_UNKNOWN, 4, "unwatched",
		"safe as of 2 h ago, no engine watches"},
	{{ALONE, .summary = &ten, .age_ms = 0, .look = {WELL}}, SAFE_UNKNOWN, 4, "unwatched",
		"safe as of now, no engine watches"},
	{{ALONE, .summary = &ten, .listed = true, .age_ms = -1}, SAFE_UNKNOWN, 4, "unwatched",
		"safe to leave? not known since when, no engine watches"},
	/* what the last run learned of the cloud holds until a run finds it well */
	{{ALONE, .summary = &ten, .listed = true, .look = {WELL, .key = true}}, SAFE_NO, 77, "key_refused",
		"NOT safe: the API key is refused"},
	{{ALONE, .summary = &ten, .listed = true, .look = {WELL, .endpoint = true}}, SAFE_NO, 2, "endpoint",
		"NOT safe: the endpoint is not the cloud's"},
	{{ALONE, .summary = &moving, .listed = true, .look = {WELL, .metadata = 1}}, SAFE_NO, 4,
		"no_engine under_way metadata_awaited", "NOT safe: 3 not in the cloud, no engine answers"},
	{{ALONE, .summary = &two}, SAFE_NO, 4, "person unwatched", "NOT safe: 2 need you"},
};

static const char *causes_text(const struct safe_facts *f, char *to, size_t size) {
	size_t at = 0;
	uint32_t bits = safe_causes(f);
	to[0] = '\0';
	for (int c = 0; c < CAUSE_N; c++) {
		if (!(bits & CAUSE_BIT(c))) continue;
		at += (size_t)snprintf(to + at, size - at, "%s%s", at ? " " : "", safe_cause_name((enum safe_cause)c));
	}
	return to;
}

static void test_every_cause(void **state) {
	(void)state;
	uint32_t seen = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		char text[SAFE_TEXT], causes[256];
		enum safe safe = safe_verdict(&r->facts, text, sizeof text);
		struct error err = ERROR_INIT;
		assert_string_equal(text, r->text);
		assert_string_equal(causes_text(&r->facts, causes, sizeof causes), r->causes);
		assert_int_equal(safe, r->safe);
		int failed = safe_explain(&r->facts, "", &err);
		assert_int_equal(error_classes[err.code].exit_status, r->status);
		assert_int_equal(failed, r->status ? -1 : 0);
		assert_true(!failed || strlen(err.text) > 10);
		/* they never disagree: 0, "yes" and no cause are one and the same */
		assert_int_equal(safe == SAFE_YES, r->status == 0);
		assert_int_equal(safe == SAFE_YES, safe_causes(&r->facts) == 0);
		AUTO(json_free) cJSON *o = safe_json(&r->facts);
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o, "verdict")), safe_name(safe));
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o, "text")), text);
		seen |= safe_causes(&r->facts);
	}
	assert_int_equal(seen, CAUSE_BIT(CAUSE_N) - 1); /* no cause without a row here */
}

/* Each state by itself: nothing but accepted sessions may be left behind, with an engine or without. */
static void test_every_state(void **state) {
	(void)state;
	for (int i = 0; i < STATE_N; i++) {
		struct journal_summary s = {.today_found = 1};
		s.by_state[i] = 1;
		const struct safe_facts with = {UP, .summary = &s, .look = {WELL}},
								without = {ALONE, .summary = &s, .listed = true, .look = {WELL}};
		char text[SAFE_TEXT];
		assert_int_equal(safe_verdict(&with, text, sizeof text) == SAFE_YES, i == STATE_ACCEPTED);
		assert_int_equal(safe_verdict(&without, text, sizeof text) == SAFE_YES, i == STATE_ACCEPTED);
		if (state_needs_person((enum session_state)i)) assert_string_equal(text, "NOT safe: 1 needs you");
	}
}

/* README: where several hold, the first of 2, 74, 75, 77, 69, 4, 1. */
static void test_the_order_of_statuses(void **state) {
	(void)state;
	static const int order[] = {2, 74, 77, 69, 4, 1};
	for (int a = 0; a < CAUSE_N; a++) {
		for (int b = 0; b < CAUSE_N; b++) {
			int first = error_classes[safe_cause_code((enum safe_cause)a)].exit_status,
				second = error_classes[safe_cause_code((enum safe_cause)b)].exit_status, want = 0;
			for (size_t i = ARRAY_LEN(order); i-- > 0;)
				if (order[i] == first || order[i] == second) want = order[i];
			assert_true(want > 0);
			assert_int_equal(error_classes[safe_code(CAUSE_BIT(a) | CAUSE_BIT(b))].exit_status, want);
		}
	}
	assert_int_equal(safe_code(0), ERR_NONE);
}

/* An ignored session that is paused as well is counted as paused, and is none of ours. */
static void test_ignored_and_paused(void **state) {
	(void)state;
	const struct journal_summary s = {.paused = 1, .ignored = 1};
	const struct safe_facts f = {UP, .summary = &s, .look = {WELL}};
	assert_int_equal(safe_causes(&f), 0);
}

static void test_a_look_goes_over_the_socket(void **state) {
	(void)state;
	const struct safe_look look = {.at_ms = NOW,
		.oldest_ms = NOW - 5,
		.wrong = 1,
		.lost = 2,
		.empty = 3,
		.unreadable = 7,
		.names = 4,
		.metadata = 5,
		.delayed = 6,
		.key = true,
		.endpoint = true,
		.conflict = true};
	struct safe_look got = {.strange = 9};
	AUTO(json_free) cJSON *o = safe_look_json(&look);
	safe_look_take(&got, o);
	assert_memory_equal(&got, &look, sizeof look);
	safe_look_take(&got, NULL);
	assert_int_equal(got.at_ms, 0);
	AUTO(json_free) cJSON *odd = json_object();
	json_add_text(odd, "at", "soon");
	json_add_i64(odd, "wrong", -1);
	json_add_text(odd, "lost", "2");
	safe_look_take(&got, odd);
	assert_true(got.at_ms == 0 && got.wrong == 0 && got.lost == 0 && !got.conflict);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cause),
		cmocka_unit_test(test_every_state),
		cmocka_unit_test(test_the_order_of_statuses),
		cmocka_unit_test(test_ignored_and_paused),
		cmocka_unit_test(test_a_look_goes_over_the_socket),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
