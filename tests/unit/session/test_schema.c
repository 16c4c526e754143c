/* SPDX-License-Identifier: MIT */
/* session/schema: the INI form, the JSON form, the stricter of two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../scratch.h"
#include "session/schema.h"

static void add(struct schema *s, const char *key, const char *rule) {
	struct error err = ERROR_INIT;
	if (schema_add(s, key, rule, &err)) fail_msg("%s = %s: %s", key, rule, err.text);
}

static void expect_rule(const struct schema *s, const char *key, const char *text) {
	char to[256];
	const struct schema_rule *r = schema_rule_of(s, key);
	if (!r) fail_msg("no %s", key);
	schema_rule_text(r, to, sizeof to);
	assert_string_equal(to, text);
}

static void test_rules(void **state) {
	(void)state;
	static const struct {
		const char *written, *shown;
	} rows[] = {
		{"text", "text"},
		{" text  required ", "text required"},
		{"required text", NULL},
		{"number", "number"},
		{"number 0..10 required", "number 0..10 required"},
		{"number required -1.5..1e3", "number -1.5..1000 required"},
		{"number 0..", "number 0.."},
		{"number ..10", "number ..10"},
		{"number one_of(1|2|4)", "number one_of(1|2|4)"},
		{"text one_of( a | b c|d ) required", "text one_of(a|b c|d) required"},
		{"text required one_of(ä|;)", "text one_of(ä|;) required"},
		{"", NULL},
		{"integer", NULL},
		{"number ..", NULL},
		{"number 10..0", NULL},
		{"number 1..x", NULL},
		{"number 0..1 2..3", NULL},
		{"number nan..", NULL},
		{"text 0..10", NULL},
		{"text requird", NULL},
		{"text one_of(a", NULL},
		{"text one_of()", NULL},
		{"text one_of(a||b)", NULL},
		{"text one_of(a) one_of(b)", NULL},
		{"number one_of(a)", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = ERROR_INIT;
		AUTO(schema_done) struct schema s = {0};
		schema_init(&s);
		int status = schema_add(&s, "key", rows[i].written, &err);
		if (rows[i].shown) {
			if (status) fail_msg("%s: %s", rows[i].written, err.text);
			expect_rule(&s, "key", rows[i].shown);
		} else {
			if (!status) fail_msg("taken: %s", rows[i].written);
			assert_int_equal(err.code, ERR_CONFIG);
			assert_non_null(strstr(err.text, "\"key\""));
			assert_int_equal(s.n, 0);
		}
	}
}

static void test_bad_keys(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(schema_done) struct schema s = {0};
	schema_init(&s);
	assert_int_equal(s.version, 1);
	assert_string_equal(s.file, "metadata.txt");
	static const char *const keys[] = {"", "a:b", "a=b", "a\nb", "a\xff"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) assert_int_equal(schema_add(&s, keys[i], "text", &err), -1);
	char key[METADATA_KEY_MAX + 2];
	memset(key, 'k', sizeof key);
	key[METADATA_KEY_MAX + 1] = '\0';
	assert_int_equal(schema_add(&s, key, "text", &err), -1);
	add(&s, key + 1, "text");
	assert_int_equal(schema_add(&s, key + 1, "number", &err), -1);
	assert_non_null(strstr(err.text, "two rules"));
	for (int i = 1; i < 1000; i++) {
		char name[16];
		snprintf(name, sizeof name, "k%d", i);
		add(&s, name, "text");
	}
	assert_int_equal(schema_add(&s, "one more", "text", &err), -1);
	assert_int_equal(s.n, 1000);
}

static void test_rule_text_is_cut(void **state) {
	(void)state;
	AUTO(schema_done) struct schema s = {0};
	schema_init(&s);
	add(&s, "k", "text one_of(alpha|beta|gamma)");
	char to[12];
	schema_rule_text(&s.rules[0], to, sizeof to);
	assert_true(strlen(to) < sizeof to);
}

/* --- INI files --- */

static int read_ini(struct schema *s, const char *text, struct error *err) {
	AUTO(xfree) char *path = xasprintf("%s/schema.ini", scratch);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return schema_read_ini(s, path, err);
}

static void test_ini(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(schema_done) struct schema s = {0};
	schema_init(&s);
	const char *text =
		"[metadata]\nfile = info.txt\nversion = 7\n[metadata.keys]\nfatigue_level = number 0..10 required\n"
		"mode = text one_of(rest|eyes open)\n";
	if (read_ini(&s, text, &err)) fail_msg("%s", err.text);
	assert_int_equal(s.version, 7);
	assert_string_equal(s.file, "info.txt");
	expect_rule(&s, "fatigue_level", "number 0..10 required");
	expect_rule(&s, "mode", "text one_of(rest|eyes open)");
}

static void test_ini_refused(void **state) {
	(void)state;
	static const struct {
		const char *text, *words;
	} rows[] = {
		{"[metadata]\nfil = x\n", "did you mean file"},
		{"[metadata]\nzzzzzzzzz = x\n", "it has file and version"},
		{"[metadata]\nfile = ../x\n", "\"..\""},
		{"[metadata]\nversion = 0\n", "from 1"},
		{"[metadata]\nversion = two\n", "from 1"},
		{"[station]\nname = x\n", "[station]"},
		{"[metadata.keys]\na = number\na = text\n", "two rules"},
		{"[metadata.keys]\n\nb = numbr\n", "schema.ini:3"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = ERROR_INIT;
		AUTO(schema_done) struct schema s = {0};
		schema_init(&s);
		if (!read_ini(&s, rows[i].text, &err)) fail_msg("taken: %s", rows[i].text);
		if (!strstr(err.text, rows[i].words)) fail_msg("%s: %s", rows[i].text, err.text);
		assert_int_equal(s.n, 0);
		assert_string_equal(s.file, "metadata.txt");
	}
	struct error err = ERROR_INIT;
	AUTO(schema_done) struct schema s = {0};
	schema_init(&s);
	assert_int_equal(schema_read_ini(&s, "/nonexistent/schema.ini", &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* --- JSON --- */

static int from_json(struct schema *s, const char *text, struct error *err) {
	AUTO(json_free) cJSON *j = NULL;
	if (json_parse(text, strlen(text), &j, err)) fail_msg("%s: %s", text, err->text);
	return schema_from_json(s, j, err);
}

static void test_json_and_back(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(schema_done) struct schema s = {0};
	schema_init(&s);
	s.version = 3;
	add(&s, "fatigue_level", "number 0..10 required");
	add(&s, "gain", "number one_of(1|2.5) ..4");
	add(&s, "mode", "text one_of(a|b c)");
	AUTO(json_free) cJSON *j = schema_to_json(&s);
	AUTO(xfree) char *text = json_text(j);
	assert_string_equal(text, "{\"version\":3,\"metadata\":{\"file\":\"metadata.txt\",\"keys\":{"
							  "\"fatigue_level\":{\"type\":\"number\",\"required\":true,\"minimum\":0,\"maximum\":10},"
							  "\"gain\":{\"type\":\"number\",\"required\":false,\"maximum\":4,\"one_of\":[1,2.5]},"
							  "\"mode\":{\"type\":\"text\",\"required\":false,\"one_of\":[\"a\",\"b c\"]}}}}");
	AUTO(schema_done) struct schema back = {0};
	schema_init(&back);
	if (from_json(&back, text, &err)) fail_msg("%s", err.text);
	AUTO(json_free) cJSON *again = schema_to_json(&back);
	AUTO(xfree) char *text_again = json_text(again);
	assert_string_equal(text, text_again);
}

static void test_json_refused(void **state) {
	(void)state;
#define KEYS(rules) "{\"version\":1,\"metadata\":{\"file\":\"m\",\"keys\":" rules "}}"
	static const struct {
		const char *text, *words;
	} rows[] = {
		{"[]", "object"},
		{"{}", "version"},
		{"{\"version\":0,\"metadata\":{\"file\":\"m\",\"keys\":{}}}", "version"},
		{"{\"version\":1}", "metadata"},
		{"{\"version\":1,\"metadata\":{\"keys\":{}}}", "metadata.file"},
		{"{\"version\":1,\"metadata\":{\"file\":\"/etc/passwd\",\"keys\":{}}}", "/etc/passwd"},
		{"{\"version\":1,\"metadata\":{\"file\":\"m\"}}", "metadata.keys"},
		{KEYS("[]"), "metadata.keys"},
		{KEYS("{\"a\":1}"), "metadata.keys.a"},
		{KEYS("{\"a\":{}}"), "metadata.keys.a.type"},
		{KEYS("{\"a\":{\"type\":\"date\"}}"), "\"date\""},
		{KEYS("{\"a\":{\"type\":\"number\",\"minimum\":\"x\"}}"), "metadata.keys.a.minimum"},
		{KEYS("{\"a\":{\"type\":\"number\",\"minimum\":2,\"maximum\":1}}"), "empty"},
		{KEYS("{\"a\":{\"type\":\"number\",\"required\":1}}"), "metadata.keys.a.required"},
		{KEYS("{\"a\":{\"type\":\"number\",\"one_of\":[\"x\"]}}"), "one_of"},
		{KEYS("{\"a\":{\"type\":\"text\",\"one_of\":[null]}}"), "one_of"},
		{KEYS("{\"a:\":{\"type\":\"text\"}}"), "\"a:\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = ERROR_INIT;
		AUTO(schema_done) struct schema s = {0};
		schema_init(&s);
		if (!from_json(&s, rows[i].text, &err)) fail_msg("taken: %s", rows[i].text);
		assert_int_equal(err.code, ERR_INPUT);
		if (!strstr(err.text, rows[i].words)) fail_msg("%s: %s", rows[i].text, err.text);
		assert_string_equal(s.file, "metadata.txt"); /* untouched */
	}
	struct error err = ERROR_INIT;
	AUTO(schema_done) struct schema s = {0};
	schema_init(&s);
	assert_int_equal(from_json(&s, KEYS("{\"a\":{\"type\":\"text\",\"minimum\":null,\"x\":1}}"), &err), 0);
	expect_rule(&s, "a", "text"); /* unknown members are ignored */
}

/* --- the stricter of both --- */

static void test_tighten(void **state) {
	(void)state;
	static const struct {
		const char *cloud, *own, *both; /* both NULL: refused */
	} rows[] = {
		{"number 0..10", "number 2..8 required", "number 2..8 required"},
		{"number 0..10 required", "number", "number 0..10 required"},
		{"number 0..10 required", "number ..5", "number 0..5 required"},
		{"number 0..", "number ..5", "number 0..5"},
		{"number", "number 1..", "number 1.."},
		{"number 0..10", "number 0..10", "number 0..10"},
		{"text", "text one_of(a|b)", "text one_of(a|b)"},
		{"text one_of(a|b|c) required", "text one_of(a|c)", "text one_of(a|c) required"},
		{"text one_of(a|b)", "text", "text one_of(a|b)"},
		{"number 0..10", "number 0..11", NULL},
		{"number 0..10", "number -1..", NULL},
		{"number 0..10", "number 11..", NULL},
		{"number 0..10", "number ..-1", NULL},
		{"text one_of(a|b)", "text one_of(a|d)", NULL},
		{"text", "number", NULL},
		{"number", "text", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = ERROR_INIT;
		AUTO(schema_done) struct schema cloud = {0}, own = {0};
		schema_init(&cloud);
		schema_init(&own);
		cloud.version = 9;
		add(&cloud, "first", "text");
		add(&cloud, "key", rows[i].cloud);
		add(&own, "key", rows[i].own);
		int status = schema_tighten(&cloud, &own, &err);
		assert_int_equal(cloud.version, 9);
		assert_int_equal(cloud.n, 2);
		if (rows[i].both) {
			if (status) fail_msg("%s + %s: %s", rows[i].cloud, rows[i].own, err.text);
			expect_rule(&cloud, "key", rows[i].both);
		} else {
			if (!status) fail_msg("taken: %s + %s", rows[i].cloud, rows[i].own);
			assert_int_equal(err.code, ERR_CONFIG);
			assert_non_null(strstr(err.text, "key"));
			expect_rule(&cloud, "key", rows[i].cloud); /* untouched */
		}
	}
}

static void test_tighten_adds(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(schema_done) struct schema cloud = {0}, own = {0};
	schema_init(&cloud);
	schema_init(&own);
	add(&cloud, "a", "text");
	add(&own, "b", "number one_of(1|2) required");
	xfree(own.file);
	own.file = xstrdup("other.txt");
	assert_int_equal(schema_tighten(&cloud, &own, &err), 0);
	expect_rule(&cloud, "a", "text");
	expect_rule(&cloud, "b", "number one_of(1|2) required");
	assert_string_equal(cloud.file, "metadata.txt"); /* the cloud owns it */
	assert_int_equal(own.n, 1);
}

/* Whose name of the metadata file counts: the cloud's, unless it has no rules at all. */
static void test_the_files_name(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(schema_done) struct schema cloud = {0}, own = {0};
	schema_init(&cloud);
	schema_init(&own);
	xfree(own.file);
	own.file = xstrdup("info.json");
	assert_true(schema_is_open(&cloud) && !schema_is_open(&own));
	assert_int_equal(schema_tighten(&cloud, &own, &err), 0);
	assert_string_equal(cloud.file, "info.json");
	schema_done(&cloud);
	schema_init(&cloud);
	assert_int_equal(schema_add(&cloud, "fatigue_level", "number", &err), 0);
	assert_false(schema_is_open(&cloud));
	assert_int_equal(schema_tighten(&cloud, &own, &err), 0);
	assert_string_equal(cloud.file, SCHEMA_FILE);
}

/* Which files may be empty goes with the rules: from the cloud's file to the station, and through a station's own. */
static void test_empty_files(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(schema_done) struct schema cloud = {0}, station = {0}, own = {0};
	schema_init(&cloud);
	schema_init(&station);
	schema_init(&own);
	AUTO(json_free) cJSON *none = schema_to_json(&cloud);
	assert_null(cJSON_GetObjectItem(none, "check"));
	assert_int_equal(patterns_set(&cloud.empty, "*.log, flag", &err), 0);
	AUTO(json_free) cJSON *json = schema_to_json(&cloud);
	assert_int_equal(schema_from_json(&station, json, &err), 0);
	assert_int_equal(schema_tighten(&station, &own, &err), 0);
	assert_true(patterns_match(&station.empty, "sub/run.log") && !patterns_match(&station.empty, "eeg.dat"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_files_name),
		cmocka_unit_test(test_empty_files),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_rule_text_is_cut),
		cmocka_unit_test(test_ini),
		cmocka_unit_test(test_ini_refused),
		cmocka_unit_test(test_json_and_back),
		cmocka_unit_test(test_json_refused),
		cmocka_unit_test(test_tighten),
		cmocka_unit_test(test_tighten_adds),
	};
	return cmocka_run_group_tests_name("session/schema", tests, scratch_make, scratch_remove);
}
