/* SPDX-License-Identifier: MIT */
/* ui/model, ui/key: the verdict and the answer for every state; names and keys of every action. */
#include "console.h"

#include <string.h>

#include "base/text.h"
#include "ui/model/model.h"

/* --- safe to leave? --- */

static struct model station(void) {
	struct model m = {.now_ms = NOW_MS, .link = LINK_UP, .summary.at_ms = NOW_MS - 60000};
	m.status = (struct status){.at_ms = NOW_MS, .cloud_ok = true, .eta_ms = -1, .cloud_answer_ms = NOW_MS};
	m.status.look.at_ms = NOW_MS - 60000;
	return m;
}

static void safe_is(const struct model *m, enum safe want, const char *text) {
	char got[200];
	assert_int_equal(model_safe(m, got, sizeof got), want);
	assert_string_equal(got, text);
}

static void test_safe(void **state) {
	(void)state;
	struct model m = {.now_ms = NOW_MS};
	safe_is(&m, SAFE_UNKNOWN, "safe to leave? not known yet");
	m = station();
	safe_is(&m, SAFE_YES, "safe to leave: nothing recorded today");
	m.summary.journal.today_found = m.summary.journal.today_accepted = m.summary.journal.by_state[STATE_ACCEPTED] = 10;
	safe_is(&m, SAFE_YES, "safe to leave: all 10 of today");
	m.status.look.names = 2;
	safe_is(&m, SAFE_NO, "NOT safe: 2 to be renamed");
	m.status.look = (struct safe_look){.at_ms = NOW_MS - 60000, .lost = 1};
	safe_is(&m, SAFE_NO, "NOT safe: 1 watched folder cannot be read");
	m.status.look = (struct safe_look){0};
	safe_is(&m, SAFE_UNKNOWN, "safe to leave? the folders are being read");
	m.status.look.at_ms = NOW_MS - 60000;
	m.summary.journal.by_state[STATE_QUEUED] = 2;
	safe_is(&m, SAFE_SOON, "not yet safe: 2 left");
	m.status.eta_ms = 34000;
	safe_is(&m, SAFE_SOON, "not yet safe: 2 left, 0:34");
	m.status.cloud_ok = false;
	safe_is(&m, SAFE_NO, "NOT safe: 2 wait for the cloud");
	m.link = LINK_LOST;
	safe_is(&m, SAFE_NO, "NOT safe: 2 not in the cloud, no engine answers");
	m.summary.journal.by_state[STATE_QUEUED] = 0;
	safe_is(&m, SAFE_UNKNOWN, "safe as of 1 min ago, no engine watches");
}

/* Whatever a single session's state: safe only when it is accepted. */
static void test_safe_by_state(void **state) {
	(void)state;
	for (int s = 0; s < STATE_N; s++) {
		struct model m = station();
		char text[200];
		m.summary.journal.by_state[s] = 1;
		m.summary.journal.today_found = 1;
		enum safe safe = model_safe(&m, text, sizeof text);
		if (s == STATE_ACCEPTED) assert_int_equal(safe, SAFE_YES);
		else if (state_needs_person((enum session_state)s)) {
			assert_int_equal(safe, SAFE_NO);
			assert_string_equal(text, "NOT safe: 1 needs you");
		} else assert_int_equal(safe, SAFE_SOON);
		m.link = LINK_NONE;
		assert_true(model_safe(&m, text, sizeof text) != SAFE_YES);
	}
}

/* --- why? --- */

static const struct why_case {
	enum session_state state;
	const char *reason, *said; /* said: a part of the answer */
} why_cases[] = {
	{STATE_FOUND, NULL, "just found"},
	{STATE_SETTLING, "eeg.dat is still being written", "may still change: eeg.dat is still being written"},
	{STATE_SETTLING, NULL, "may still change. "},
	{STATE_CHECKING, NULL, "being read and checked"},
	{STATE_HELD, "total_size: too large", "held: total_size: too large"},
	{STATE_HELD, NULL, "see its checks"},
	{STATE_QUEUED, NULL, "as soon as a connection is free"},
	{STATE_UPLOADING, NULL, "It is uploading."},
	{STATE_UPLOADED, NULL, "verdict is awaited"},
	{STATE_ACCEPTED, NULL, "It is safe"},
	{STATE_REJECTED, "metadata", "rejected it: metadata.\nMend"},
	{STATE_REJECTED, NULL, "see its checks"},
	{STATE_FAILED, "403 AccessDenied", "403 AccessDenied.\nMend that, then r"},
	{STATE_FAILED, NULL, "failed for good: -"},
	{STATE_GONE, NULL, "gone from /data before it was safe"},
};

static void why_says(const struct model *m, const struct session_row *r, const struct check_list *checks,
	const struct attempt_row *last, const char *said) {
	char text[1024];
	model_why(m, r, checks, last, text, sizeof text);
	if (!strstr(text, said)) fail_msg("\"%s\" does not say \"%s\"", text, said);
}

static void test_why_every_state(void **state) {
	(void)state;
	bool seen[STATE_N] = {0};
	const struct check_list none = {0};
	for (size_t i = 0; i < ARRAY_LEN(why_cases); i++) {
		const struct model m = station();
		char root[] = "/data", reason[100];
		struct session_row r = {.state = why_cases[i].state, .root = root};
		if (why_cases[i].reason) r.reason = reason;
		text_copy(reason, sizeof reason, why_cases[i].reason ? why_cases[i].reason : "");
		why_says(&m, &r, &none, NULL, why_cases[i].said);
		seen[r.state] = true;
	}
	for (int s = 0; s < STATE_N; s++) assert_true(seen[s]);
}

static void test_why_names_the_failure(void **state) {
	(void)state;
	char refused[] = "403 Request has expired";
	struct attempt_row attempts[] = {{.code = "stored"}, {.code = "expired", .reason = refused}};
	const struct session_detail d = {.attempts = attempts, .attempt_n = ARRAY_LEN(attempts)}, empty = {0};
	const struct session_row r = {.state = STATE_QUEUED};
	const struct model m = station();
	why_says(&m, &r, &d.local, detail_failure(&d), "The last try failed: 403 Request has expired, expired.");
	assert_null(detail_failure(&empty));
	assert_null(detail_failure(NULL));
}

static void test_why_before_the_state(void **state) {
	(void)state;
	const struct check_list none = {0};
	struct model m = station();
	struct session_row r = {.state = STATE_QUEUED, .ignored = true, .paused = true};
	why_says(&m, &r, &none, NULL, "ignored; i takes that back");
	r.ignored = false;
	why_says(&m, &r, &none, NULL, "paused; p resumes it");
	r.paused = false;
	m.status.cloud_ok = false;
	m.status.cloud_answer_ms = NOW_MS - 7 * 60000;
	text_copy(m.status.cloud_error, sizeof m.status.cloud_error, "connection refused");
	why_says(&m, &r, &none, NULL, "has not answered for 7 min: connection refused");
	m.status.cloud_answer_ms = 0;
	why_says(&m, &r, &none, NULL, "has not answered yet: connection refused");
	m.status.key_refused = true;
	text_copy(m.status.cloud_error, sizeof m.status.cloud_error, "the API key is refused; ask for one");
	why_says(&m, &r, &none, NULL, "the API key is refused; ask for one.");
	m.link = LINK_NONE;
	why_says(&m, &r, &none, NULL, "No engine runs");
	m.link = LINK_SILENT;
	error_set(&m.link_err, ERR_TIMEOUT, "it is stopped");
	why_says(&m, &r, &none, NULL, "Nobody carries it: it is stopped.");
	r.state = STATE_ACCEPTED; /* settled: that is all there is to say */
	why_says(&m, &r, &none, NULL, "It is safe");
}

static void test_why_held_names_rule_and_mend(void **state) {
	(void)state;
	const struct model m = station();
	AUTO(check_list_done) struct check_list checks = {0};
	struct session_row r = {.state = STATE_HELD};
	check_add(&checks, CHECK_NAME, VERDICT_PASS, "20261120_134502", "", "");
	check_add(&checks, CHECK_METADATA_RANGES, VERDICT_HOLD, "fatigue_level 14", "number 0..10", "correct it");
	why_says(&m, &r, &checks, NULL, "The check metadata_ranges holds it: fatigue_level 14 (rule: number 0..10).");
	why_says(&m, &r, &checks, NULL, "What to do: correct it.");
	why_says(&m, &r, &checks, NULL, "go up meanwhile");
	r.data_safe = true;
	why_says(&m, &r, &checks, NULL, "in the cloud already");
}

static void test_why_queued(void **state) {
	(void)state;
	const struct check_list none = {0};
	struct model m = station();
	char reason[] = "please slow down";
	struct session_row r = {.state = STATE_QUEUED, .next_attempt_ms = NOW_MS + 40000};
	struct attempt_row last = {.http = 503, .code = "SlowDown", .reason = reason};
	why_says(&m, &r, &none, &last, "The last try failed: please slow down, SlowDown.");
	why_says(&m, &r, &none, &last, "next attempt is in 0:40; r tries now");
	m.status.clock_offset_ms = -7 * 60000;
	why_says(&m, &r, &none, NULL, "clock is off by 7:00");
	r.next_attempt_ms = 0;
	m.status.active = 2;
	why_says(&m, &r, &none, NULL, "Older sessions go first");
	r.state = STATE_UPLOADING;
	m.status.work_n = 1;
	m.status.work[0].rate = 22.1e6;
	why_says(&m, &r, &none, NULL, "uploading, at 22.1 MB/s");
}

/* --- keys --- */

static void test_action_names(void **state) {
	(void)state;
	for (int a = 1; a < ACTION_N; a++) {
		const struct action_row *row = &action_rows[a];
		char first[16];
		assert_true(*row->name && *row->keys && *row->words);
		assert_int_equal(action_by_name(row->name), a);
		for (int b = 1; b < a; b++) assert_string_not_equal(action_rows[b].name, row->name);
		uint32_t key;
		assert_int_equal(key_parse(action_key_text((enum action)a, first, sizeof first), &key), 0);
		assert_true(action_has_key((enum action)a, key));
	}
	assert_int_equal(action_by_name("nothing"), ACTION_NONE);
	assert_int_equal(action_by_name(""), ACTION_NONE);
}

static void test_key_names(void **state) {
	(void)state;
	static const struct {
		const char *name;
		uint32_t key;
	} names[] = {{"a", 'a'}, {"C-l", 12}, {"C-c", 3}, {"Up", KEY_UP_}, {"Esc", KEY_ESC}, {"Space", ' '},
		{"S-Tab", KEY_BACKTAB}, {"?", '?'}, {"PgDn", KEY_PGDN}};
	uint32_t key = 77;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(key_parse(names[i].name, &key), 0);
		assert_int_equal(key, names[i].key);
	}
	static const char *const wrong[] = {"", "C-", "C-L", "C-ll", "Upp", "F99", "ab"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) assert_int_equal(key_parse(wrong[i], &key), -1);
	assert_true(action_has_key(ACTION_UP, 'k') && action_has_key(ACTION_UP, KEY_UP_));
	assert_false(action_has_key(ACTION_UP, 'j') || action_has_key(ACTION_NONE, ' '));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_safe),
		cmocka_unit_test(test_safe_by_state),
		cmocka_unit_test(test_why_every_state),
		cmocka_unit_test(test_why_names_the_failure),
		cmocka_unit_test(test_why_before_the_state),
		cmocka_unit_test(test_why_held_names_rule_and_mend),
		cmocka_unit_test(test_why_queued),
		cmocka_unit_test(test_action_names),
		cmocka_unit_test(test_key_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
