/* SPDX-License-Identifier: MIT */
/* session/check: each named check with its words, the list, its JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../metadata_text.h"
#include "base/text.h"
#include "session/check.h"
#include "session/part.h"

/* --- a session to spoil --- */

struct ground {
	struct schema schema;
	struct check_input in;
	struct check_list list;
	struct metadata metadata;
};

static const struct check_file good_files[] = {{"eeg.dat", 600000000}, {"metadata.txt", 40}, {"sub/x y.dat", 12}};
static const char good_metadata[] = "fatigue_level: 4\nhardware_model = HX-2\n";

static int setup(void **state) {
	struct error err = ERROR_INIT;
	struct ground *g = xcalloc(1, sizeof *g);
	schema_init(&g->schema);
	if (schema_add(&g->schema, "fatigue_level", "number 0..10 required", &err) ||
		schema_add(&g->schema, "hardware_model", "text required", &err) ||
		schema_add(&g->schema, "mode", "text one_of(rest|eyes open)", &err) ||
		schema_add(&g->schema, "gain", "number one_of(1|2.50)", &err) ||
		schema_add(&g->schema, "serial", "text", &err)) {
		return -1;
	}
	g->in = (struct check_input){.session = "20261120_134502",
		.files = good_files,
		.file_n = ARRAY_LEN(good_files),
		.schema = &g->schema,
		.metadata_text = good_metadata,
		.metadata_n = sizeof good_metadata - 1};
	*state = g;
	return 0;
}

static int teardown(void **state) {
	struct ground *g = *state;
	schema_done(&g->schema);
	check_list_done(&g->list);
	metadata_done(&g->metadata);
	free(g);
	return 0;
}

static void run(struct ground *g) {
	metadata_done(&g->metadata);
	checks_run(&g->in, &g->list, &g->metadata);
	for (size_t i = 0; i < g->list.n; i++) {
		const struct check *c = &g->list.items[i];
		assert_true(i == 0 || g->list.items[i - 1].id < c->id);
		assert_true(text_is_utf8(c->found, strlen(c->found), NULL));
		assert_true(text_is_utf8(c->rule, strlen(c->rule), NULL));
		assert_true(text_is_utf8(c->mend, strlen(c->mend), NULL));
		if (c->verdict == VERDICT_PASS) continue;
		if (!*c->found || !*c->rule || !*c->mend) fail_msg("%s says nothing", check_names[c->id]);
	}
}

static void with_metadata(struct ground *g, const char *text) {
	g->in.metadata_text = text;
	g->in.metadata_n = strlen(text);
	run(g);
}

static const struct check *item(const struct ground *g, enum check_id id) {
	for (size_t i = 0; i < g->list.n; i++) {
		if (g->list.items[i].id == id) return &g->list.items[i];
	}
	return NULL;
}

static void expect(const struct ground *g, enum check_id id, enum verdict v, const char *found, const char *mend) {
	const struct check *c = item(g, id);
	if (!c) fail_msg("no %s", check_names[id]);
	if (c->verdict != v) fail_msg("%s is %s: %s", check_names[id], verdict_name(c->verdict), c->found);
	if (!strstr(c->found, found)) fail_msg("%s found \"%s\", not \"%s\"", check_names[id], c->found, found);
	if (!strstr(c->mend, mend)) fail_msg("%s mend \"%s\", not \"%s\"", check_names[id], c->mend, mend);
}

static void expect_reason(const struct ground *g, const char *reason) {
	char to[300];
	checks_reason(&g->list, to, sizeof to);
	assert_string_equal(to, reason);
}

/* Exactly this one is not passed. */
static void expect_only(const struct ground *g, enum check_id id) {
	for (size_t i = 0; i < g->list.n; i++) {
		const struct check *c = &g->list.items[i];
		if ((c->verdict != VERDICT_PASS) != (c->id == id)) fail_msg("%s: %s", check_names[c->id], c->found);
	}
}

/* --- the whole --- */

static void test_good(void **state) {
	struct ground *g = *state;
	run(g);
	assert_int_equal(g->list.n, CHECK_MANIFEST); /* each local one */
	for (size_t i = 0; i < g->list.n; i++) assert_int_equal(g->list.items[i].verdict, VERDICT_PASS);
	assert_false(checks_hold(&g->list));
	assert_false(checks_hold_metadata_only(&g->list));
	assert_int_equal(g->metadata.n, 2);
	expect_reason(g, "");
	expect(g, CHECK_DATA_PRESENT, VERDICT_PASS, "2 data files", "");
	checks_run(&g->in, &g->list, NULL); /* the metadata may be unwanted */
	assert_int_equal(g->list.n, CHECK_MANIFEST);
}

static void test_name(void **state) {
	struct ground *g = *state;
	static const struct {
		const char *name, *found;
	} rows[] = {
		{"20210229_161221", "29 Feb 2021 is not a date"},
		{"20211329_161221", "day 29 of month 13 of 2021 is not a date"},
		{"20211232_161221", "32 Dec 2021 is not a date"},
		{"20211231_256107", "25:61:07 is not a time"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		g->in.session = rows[i].name;
		run(g);
		expect(g, CHECK_NAME, VERDICT_WARN, rows[i].found, "clock");
		expect_only(g, CHECK_NAME);
		assert_false(checks_hold(&g->list));
	}
	g->in.session = "20210229_161221";
	run(g);
	expect_reason(g, "warning: 29 Feb 2021 is not a date");
	g->in.session = "my session\x1b[2J\xff";
	run(g);
	expect(g, CHECK_NAME, VERDICT_HOLD, "my session", "rename");
	assert_false(checks_hold_metadata_only(&g->list));
}

/* --- metadata --- */

static void test_metadata_absent(void **state) {
	struct ground *g = *state;
	static const struct check_file files[] = {{"eeg.dat", 5000}, {"Metadata.TXT", 40}};
	g->in.metadata_text = NULL;
	g->in.metadata_n = 0;
	g->in.file_n = 1;
	run(g);
	expect(g, CHECK_METADATA_PRESENT, VERDICT_HOLD, "metadata.txt is not there", "write metadata.txt into");
	expect_only(g, CHECK_METADATA_PRESENT);
	assert_null(item(g, CHECK_METADATA_PARSES)); /* not judged */
	assert_true(checks_hold_metadata_only(&g->list));
	assert_null(g->metadata.entries);
	g->in.files = files;
	g->in.file_n = 2;
	run(g);
	expect(g, CHECK_METADATA_PRESENT, VERDICT_HOLD, "", "rename \"Metadata.TXT\" to metadata.txt");
}

static void test_metadata_empty(void **state) {
	struct ground *g = *state;
	static const struct check_file files[] = {{"eeg.dat", 5000}, {"metadata.txt", 0}};
	g->in.files = files;
	g->in.file_n = 2;
	with_metadata(g, "");
	expect(g, CHECK_METADATA_PRESENT, VERDICT_HOLD, "metadata.txt is empty", "");
	expect_only(g, CHECK_METADATA_PRESENT); /* its data are not held for that */
	assert_true(checks_hold_metadata_only(&g->list));
}

static void test_metadata_unreadable(void **state) {
	struct ground *g = *state;
	g->in.metadata_text = NULL;
	g->in.metadata_n = 40;
	run(g);
	expect(g, CHECK_METADATA_PRESENT, VERDICT_HOLD, "metadata.txt cannot be read", "let the user that runs headgate");
	expect_only(g, CHECK_METADATA_PRESENT);
}

static void test_metadata_not_utf8(void **state) {
	struct ground *g = *state;
	with_metadata(g, "name: Ren\xe9");
	expect(g, CHECK_METADATA_UTF8, VERDICT_HOLD, "byte 0xE9 at offset 9", "save metadata.txt as UTF-8");
	expect_only(g, CHECK_METADATA_UTF8);
	assert_null(item(g, CHECK_METADATA_PARSES));
	assert_true(checks_hold_metadata_only(&g->list));
}

static void test_metadata_too_long(void **state) {
	struct ground *g = *state;
	g->in.metadata_text = NULL; /* it is not read then */
	g->in.metadata_n = 1000000;
	run(g);
	expect(g, CHECK_METADATA_PRESENT, VERDICT_PASS, "", "");
	expect(g, CHECK_METADATA_PARSES, VERDICT_HOLD, "1.0 MB", "metadata alone");
	expect_only(g, CHECK_METADATA_PARSES);
}

static void test_metadata_parses(void **state) {
	struct ground *g = *state;
	with_metadata(g, "fatigue_level: 4\nfatigue_level: 5\n");
	expect(g, CHECK_METADATA_PARSES, VERDICT_HOLD, "\"fatigue_level\" stands twice (lines 1 and 2)", "remove one");
	assert_null(item(g, CHECK_METADATA_REQUIRED));
	with_metadata(g, "fatigue_level: 4\nhello; world\n");
	expect(
		g, CHECK_METADATA_PARSES, VERDICT_HOLD, "line 2 (\"hello; world\") has no ':' or '='", "write \"key: value\"");
	with_metadata(g, "{\"fatigue_level\": }");
	expect(g, CHECK_METADATA_PARSES, VERDICT_HOLD, "not valid JSON at line 1", "correct metadata.txt");
	assert_true(checks_hold_metadata_only(&g->list));
	with_metadata(g, "{\"fatigue_level\": 4, \"hardware_model\": \"HX\"}");
	assert_false(checks_hold(&g->list));
}

static void test_metadata_required(void **state) {
	struct ground *g = *state;
	with_metadata(g, "fatigue_level: 4\nhardware_model:\n");
	expect(g, CHECK_METADATA_REQUIRED, VERDICT_HOLD, "hardware_model has no value", "write hardware_model");
	expect_only(g, CHECK_METADATA_REQUIRED);
	with_metadata(g, "fatigue_levl: 4\nhardware_model: x\n");
	expect(
		g, CHECK_METADATA_REQUIRED, VERDICT_HOLD, "fatigue_level is missing", "rename fatigue_levl to fatigue_level");
	with_metadata(g, "x: y\n");
	expect(g, CHECK_METADATA_REQUIRED, VERDICT_HOLD, "fatigue_level is missing; hardware_model is missing",
		"write fatigue_level and its value into metadata.txt");
	assert_string_equal(item(g, CHECK_METADATA_REQUIRED)->rule, "fatigue_level = number 0..10 required");
}

static void test_metadata_types(void **state) {
	struct ground *g = *state;
	with_metadata(g, "fatigue_level: high\nhardware_model: 7\n");
	expect(g, CHECK_METADATA_TYPES, VERDICT_HOLD, "fatigue_level \"high\" is not a number", "write a number");
	expect_only(g, CHECK_METADATA_TYPES);
	with_metadata(g, "{\"fatigue_level\": \"4\", \"hardware_model\": \"x\"}");
	expect(g, CHECK_METADATA_TYPES, VERDICT_HOLD, "fatigue_level \"4\" is not a number", "");
	with_metadata(g, "fatigue_level: 4\nhardware_model: x\ngain:\nunknown: anything\n");
	assert_false(checks_hold(&g->list)); /* empty and not required; not in the rules */
}

static void test_text_rule_keeps_digits(void **state) {
	struct ground *g = *state;
	with_metadata(g, "fatigue_level: 4\nhardware_model: 7\nserial: 0042\nother: 0042\n");
	AUTO(xfree) char *text = metadata_text(&g->metadata);
	assert_string_equal(text, "{\"fatigue_level\":4,\"hardware_model\":\"7\",\"serial\":\"0042\",\"other\":\"0042\"}");
}

static void test_metadata_ranges(void **state) {
	struct ground *g = *state;
	static const struct {
		const char *text, *found;
	} rows[] = {
		{"fatigue_level: 14\nhardware_model: x\n", "fatigue_level 14 is above 10"},
		{"fatigue_level: -0.5\nhardware_model: x\n", "fatigue_level -0.5 is below 0"},
		{"fatigue_level: 4\nhardware_model: x\nmode: eyes closed\n", "mode \"eyes closed\" is none of those allowed"},
		{"fatigue_level: 4\nhardware_model: x\ngain: 3\n", "gain \"3\" is none of those allowed"},
		{"fatigue_level: 14\nhardware_model: x\ngain: 3\n", "fatigue_level 14 is above 10; gain \"3\" is none"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		with_metadata(g, rows[i].text);
		expect(g, CHECK_METADATA_RANGES, VERDICT_HOLD, rows[i].found, "metadata.txt");
		expect_only(g, CHECK_METADATA_RANGES);
		assert_true(checks_hold_metadata_only(&g->list));
	}
	with_metadata(g, rows[0].text);
	expect_reason(g, "metadata_ranges: fatigue_level 14 is above 10");
	assert_string_equal(item(g, CHECK_METADATA_RANGES)->rule, "fatigue_level = number 0..10 required");
	static const char *const good[] = {"fatigue_level: 0\nhardware_model: x\ngain: 2.5\n",
		"fatigue_level: 10\nhardware_model: x\nmode: eyes open\ngain: 1.0\n"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		with_metadata(g, good[i]);
		assert_false(checks_hold(&g->list));
	}
}

static void test_long_values_are_cut(void **state) {
	struct ground *g = *state;
	AUTO(buf_done) struct buf b = BUF_INIT(METADATA_MAX);
	buf_str(&b, "hardware_model: x\nfatigue_level: ");
	for (int i = 0; i < 1000; i++) buf_str(&b, "ö");
	with_metadata(g, buf_text(&b));
	expect(g, CHECK_METADATA_TYPES, VERDICT_HOLD, "…\" is not a number", "");
}

static void test_many_findings_are_counted(void **state) {
	struct ground *g = *state;
	struct error err = ERROR_INIT;
	for (int i = 0; i < 50; i++) {
		char key[32];
		snprintf(key, sizeof key, "another_key_%d", i);
		assert_int_equal(schema_add(&g->schema, key, "text required", &err), 0);
	}
	run(g);
	const struct check *c = item(g, CHECK_METADATA_REQUIRED);
	assert_non_null(strstr(c->found, "another_key_0 is missing; another_key_1 is missing"));
	assert_non_null(strstr(c->found, "; and 4"));
	assert_non_null(strstr(c->found, " more"));
}

/* --- files --- */

static void with_files(struct ground *g, const struct check_file *files, size_t n) {
	g->in.files = files;
	g->in.file_n = n;
	run(g);
}

static void test_data_present(void **state) {
	struct ground *g = *state;
	with_files(g, &good_files[1], 1);
	expect(g, CHECK_DATA_PRESENT, VERDICT_HOLD, "no data file", "recorder");
	assert_false(checks_hold_metadata_only(&g->list));
	with_files(g, NULL, 0);
	expect(g, CHECK_DATA_PRESENT, VERDICT_HOLD, "no data file", "recorder");
	g->in.ignored_n = 2;
	with_files(g, NULL, 0);
	expect(g, CHECK_DATA_PRESENT, VERDICT_HOLD, "no data file", "[station] ignore leave out 2 names");
}

static void test_no_empty_file(void **state) {
	struct ground *g = *state;
	static const struct check_file files[] = {{"a.dat", 5000}, {"b.dat", 0}, {"c.dat", 0}, {"metadata.txt", 40}};
	with_files(g, files, 4);
	expect(g, CHECK_NO_EMPTY_FILE, VERDICT_HOLD, "b.dat is empty; c.dat is empty", "remove the empty one");
	expect_only(g, CHECK_NO_EMPTY_FILE);
	assert_false(checks_hold_metadata_only(&g->list));
}

static void test_total_size(void **state) {
	struct ground *g = *state;
	static const struct check_file little[] = {{"a.dat", 100}, {"metadata.txt", 40}};
	with_files(g, little, 2);
	expect(g, CHECK_TOTAL_SIZE, VERDICT_WARN, "140 B in all", "total_min");
	g->in.total_min = 100;
	run(g);
	expect(g, CHECK_TOTAL_SIZE, VERDICT_PASS, "140 B in all", "");
	g->in.total_min = 200;
	run(g);
	expect(g, CHECK_TOTAL_SIZE, VERDICT_HOLD, "140 B in all is less than 200 B", "files are missing");
	assert_string_equal(item(g, CHECK_TOTAL_SIZE)->rule, "a session has at least 200 B");
	g->in.total_min = 0;
	g->in.total_max = 100000000;
	with_files(g, good_files, 3);
	expect(g, CHECK_TOTAL_SIZE, VERDICT_HOLD, "600.0 MB in all is more than 100.0 MB", "raise total_max");
	assert_false(checks_hold_metadata_only(&g->list));
	static const struct check_file large[] = {{"a.dat", PUT_MAX + 1}, {"b.dat", INT64_MAX}, {"metadata.txt", 40}};
	g->in.total_max = 0;
	with_files(g, large, 3);
	expect(g, CHECK_TOTAL_SIZE, VERDICT_HOLD, "a.dat has 5.", "new file");
	static const struct check_file largest[] = {{"a.dat", PUT_MAX}, {"metadata.txt", 40}};
	with_files(g, largest, 2);
	expect(g, CHECK_TOTAL_SIZE, VERDICT_PASS, "5.4 GB in all", "");
}

static void test_safe_names(void **state) {
	struct ground *g = *state;
	static const struct {
		const char *name, *found, *mend;
	} rows[] = {
		{"a/../b", "\"..\"", "rename"},
		{"line\nbreak", "control", "rename"},
		{"caf\xe9.dat", "UTF-8", "rename"},
		{"_headgate/x", "keeps for itself", "rename that folder"},
		{"_headgate/1/manifest.json", "folder _headgate", "rename that folder"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct check_file files[] = {{"eeg.dat", 5000}, {rows[i].name, 1}, {"metadata.txt", 40}};
		with_files(g, files, 3);
		expect(g, CHECK_SAFE_NAMES, VERDICT_HOLD, rows[i].found, rows[i].mend);
		expect_only(g, CHECK_SAFE_NAMES);
		assert_false(checks_hold_metadata_only(&g->list));
	}
}

static void test_kinds(void **state) {
	struct ground *g = *state;
	static const char *const bad[] = {"tmp/pipe: FIFO", "passwd: link to /etc/passwd", NULL}, *const none[] = {NULL};
	g->in.bad_kinds = bad;
	run(g);
	expect(g, CHECK_KINDS, VERDICT_HOLD, "tmp/pipe: FIFO; passwd: link to /etc/passwd", "remove it");
	expect_only(g, CHECK_KINDS);
	g->in.bad_kinds = none;
	run(g);
	assert_false(checks_hold(&g->list));
}

static void test_unique(void **state) {
	struct ground *g = *state;
	run(g);
	expect(g, CHECK_UNIQUE, VERDICT_PASS, "", "");
	g->in.rival = "every file of it is in session 20261120_120000 too";
	g->in.rival_mend = "if it is a copy, move it out of the watched folder";
	run(g);
	expect(g, CHECK_UNIQUE, VERDICT_HOLD, g->in.rival, g->in.rival_mend);
	assert_false(checks_hold_metadata_only(&g->list));
}

static void test_metadata_and_data_held(void **state) {
	struct ground *g = *state;
	g->in.file_n = 0;
	with_metadata(g, "fatigue_level: 14\nhardware_model: x\n");
	assert_true(checks_hold(&g->list));
	assert_false(checks_hold_metadata_only(&g->list));
	expect_reason(g, "metadata_ranges: fatigue_level 14 is above 10"); /* the first in order */
}

/* --- the list itself --- */

static void test_tables(void **state) {
	(void)state;
	for (int id = 0; id < CHECK_N; id++) {
		assert_non_null(check_names[id]);
		assert_int_equal(check_metadata_only[id], strncmp(check_names[id], "metadata_", 9) == 0);
		for (int other = 0; other < id; other++) assert_string_not_equal(check_names[id], check_names[other]);
	}
	for (int v = 0; v < VERDICT_N; v++) {
		enum verdict parsed;
		assert_int_equal(verdict_parse(verdict_name((enum verdict)v), &parsed), 0);
		assert_int_equal(parsed, v);
	}
	enum verdict untouched = VERDICT_WARN;
	assert_int_equal(verdict_parse("perhaps", &untouched), -1);
	assert_int_equal(untouched, VERDICT_WARN);
}

static void test_list_order(void **state) {
	(void)state;
	AUTO(check_list_done) struct check_list l = {0};
	char to[64];
	for (int id = CHECK_N - 1; id >= 0; id--) check_add(&l, (enum check_id)id, VERDICT_PASS, NULL, NULL, NULL);
	assert_int_equal(l.n, CHECK_N);
	for (size_t i = 0; i < l.n; i++) assert_int_equal(l.items[i].id, i);
	check_add(&l, CHECK_OBJECTS, VERDICT_HOLD, "first", "rule", "mend");
	check_add(&l, CHECK_OBJECTS, VERDICT_HOLD, "second", "rule", "mend");
	check_add(&l, CHECK_OBJECTS, VERDICT_PASS, "third", "rule", "mend");
	assert_int_equal(l.n, CHECK_N);
	checks_reason(&l, to, sizeof to);
	assert_string_equal(to, "objects: first");
	checks_reason(&l, to, 16); /* cut, terminated */
	assert_true(strlen(to) < 16);
}

static void test_json(void **state) {
	struct ground *g = *state;
	struct error err = ERROR_INIT;
	with_metadata(g, "fatigue_level: 14\nhardware_model: \"ä\"\n");
	AUTO(json_free) cJSON *j = checks_to_json(&g->list);
	AUTO(check_list_done) struct check_list back = {0};
	assert_int_equal(checks_from_json(&back, j, &err), 0);
	assert_int_equal(back.n, g->list.n);
	for (size_t i = 0; i < back.n; i++) {
		assert_int_equal(back.items[i].id, g->list.items[i].id);
		assert_int_equal(back.items[i].verdict, g->list.items[i].verdict);
		assert_string_equal(back.items[i].found, g->list.items[i].found);
		assert_string_equal(back.items[i].rule, g->list.items[i].rule);
		assert_string_equal(back.items[i].mend, g->list.items[i].mend);
	}
}

static void test_json_refused(void **state) {
	(void)state;
	static const struct {
		const char *text;
		int n; /* -1: refused */
	} rows[] = {
		{"[]", 0},
		{"[{\"name\":\"of_tomorrow\",\"verdict\":\"hold\"}]", 0},
		{"[{\"name\":\"objects\",\"verdict\":\"hold\",\"found\":null}]", 1},
		{"{}", -1},
		{"[1]", -1},
		{"[{\"name\":\"objects\"}]", -1},
		{"[{\"name\":\"objects\",\"verdict\":\"bad\"}]", -1},
		{"[{\"name\":\"objects\",\"verdict\":\"hold\",\"found\":1}]", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = ERROR_INIT;
		AUTO(json_free) cJSON *j = cJSON_Parse(rows[i].text);
		AUTO(check_list_done) struct check_list l = {0};
		int status = checks_from_json(&l, j, &err);
		if (status != (rows[i].n < 0 ? -1 : 0)) fail_msg("%s: %s", rows[i].text, err.text);
		assert_int_equal(l.n, MAX(rows[i].n, 0));
		if (status) assert_int_equal(err.code, ERR_INPUT);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_name),
		TEST(test_metadata_absent),
		TEST(test_metadata_empty),
		TEST(test_metadata_unreadable),
		TEST(test_metadata_not_utf8),
		TEST(test_metadata_too_long),
		TEST(test_metadata_parses),
		TEST(test_metadata_required),
		TEST(test_metadata_types),
		TEST(test_text_rule_keeps_digits),
		TEST(test_metadata_ranges),
		TEST(test_long_values_are_cut),
		TEST(test_many_findings_are_counted),
		TEST(test_data_present),
		TEST(test_no_empty_file),
		TEST(test_total_size),
		TEST(test_safe_names),
		TEST(test_kinds),
		TEST(test_unique),
		TEST(test_metadata_and_data_held),
		TEST(test_json),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_list_order),
		cmocka_unit_test(test_json_refused),
	};
	return cmocka_run_group_tests_name("session/check", tests, NULL, NULL);
}
