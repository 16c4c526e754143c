/* SPDX-License-Identifier: MIT */
/* session/metadata: lines, JSON, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../metadata_text.h"

static struct metadata parsed(const char *text) {
	struct error err = ERROR_INIT;
	struct metadata m = {0};
	if (metadata_parse(text, strlen(text), &m, &err)) fail_msg("%s: %s", text, err.text);
	return m;
}

static void refused(const char *text, size_t n, const char *words) {
	struct error err = ERROR_INIT;
	struct metadata m = {0};
	if (!metadata_parse(text, n, &m, &err)) fail_msg("taken: %.60s", text);
	assert_int_equal(err.code, ERR_INPUT);
	assert_null(m.entries);
	if (!strstr(err.text, words)) fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void expect_text(const struct metadata *m, const char *key, const char *text) {
	const struct metadata_entry *e = metadata_get(m, key);
	if (!e) fail_msg("no %s", key);
	assert_string_equal(e->text, text);
	assert_false(e->is_number);
}

static void expect_number(const struct metadata *m, const char *key, const char *text, double number) {
	const struct metadata_entry *e = metadata_get(m, key);
	if (!e) fail_msg("no %s", key);
	assert_string_equal(e->text, text);
	assert_true(e->is_number);
	assert_float_equal(e->number, number, 1e-12);
}

static void test_lines(void **state) {
	(void)state;
	AUTO(metadata_done)
	struct metadata m = parsed("# a comment\n\nfatigue_level: 4\nhardware model = HX-2 rev: b\r\n"
							   "  when\t:  14:02:11 \n url=http://x/?a=b\nempty:\nnöte: Ärger = groß\nlast: -1.5e3");
	assert_int_equal(m.n, 7);
	expect_number(&m, "fatigue_level", "4", 4);
	expect_text(&m, "hardware model", "HX-2 rev: b");
	expect_text(&m, "when", "14:02:11");
	expect_text(&m, "url", "http://x/?a=b");
	expect_text(&m, "empty", "");
	expect_text(&m, "nöte", "Ärger = groß");
	expect_number(&m, "last", "-1.5e3", -1500);
	assert_null(metadata_get(&m, "FATIGUE_LEVEL"));
	assert_string_equal(m.entries[0].key, "fatigue_level"); /* in order of the file */
}

static void test_what_is_a_number(void **state) {
	(void)state;
	AUTO(metadata_done)
	struct metadata m = parsed("a: 1e999\nb: nan\nc: inf\nd: 0x10\ne: 1,5\nf: 12 uV\ng: 0042\n");
	for (size_t i = 0; i < 6; i++) assert_false(m.entries[i].is_number);
	expect_number(&m, "g", "0042", 42);
}

static void test_byte_order_mark(void **state) {
	(void)state;
	AUTO(metadata_done)
	struct metadata lines = parsed("\xef\xbb\xbf"
								   "a: 1\n");
	expect_number(&lines, "a", "1", 1);
	AUTO(metadata_done) struct metadata json = parsed("\xef\xbb\xbf {\"a\": 1}\n");
	expect_number(&json, "a", "1", 1);
	AUTO(metadata_done) struct metadata empty = parsed("\xef\xbb\xbf");
	assert_int_equal(empty.n, 0);
}

static void test_json(void **state) {
	(void)state;
	AUTO(metadata_done)
	struct metadata m =
		parsed(" \n{\"fatigue_level\": 4.50, \"model\": \"HX: \\u00e4\\n2\", \"serial\": \"0042\", \"e\":\"\"}\n");
	assert_int_equal(m.n, 4);
	expect_number(&m, "fatigue_level", "4.50", 4.5);
	expect_text(&m, "model", "HX: ä\n2");
	expect_text(&m, "serial", "0042"); /* a text stays one */
	expect_text(&m, "e", "");
	refused("{\"a\": {\"b\": 1}}", 15, "neither a text nor a number");
	refused("{\"a\": [1]}", 10, "\"a\"");
	refused("{\"a\": true}", 11, "\"a\"");
	refused("{\"a\": null}", 11, "\"a\"");
	refused("{\"a\": 1, \"b\": 2, \"a\": 3}", 24, "twice");
	refused("{\"a\": 1", 7, "JSON");
	refused("{\"a\": 1} x", 10, "JSON");
	refused("{\"\": 1}", 7, "no key");
}

static void test_refused_lines(void **state) {
	(void)state;
	refused("a: 1\nno separator here\n", 23, "line 2");
	refused("a: 1\n: value\n", 13, "line 2 has no key");
	refused("a: 1\n\nb: 2\na = 3\n", 17, "\"a\" stands twice (lines 1 and 4)");
	refused("a\0b: 1", 6, "offset 1 (line 1)");
	char text[512];
	memset(text, 'k', sizeof text);
	memcpy(text + METADATA_KEY_MAX + 1, ": 1", 4);
	refused(text, strlen(text), "129 bytes");
	AUTO(metadata_done) struct metadata longest = parsed(text + 1);
	assert_int_equal(longest.n, 1);
}

static void test_not_utf8_names_the_offset(void **state) {
	(void)state;
	refused("a: 1\nname: Ren\xe9\n", 16, "byte 0xE9 at offset 14 (line 2)");
	refused("\xff\xfe"
			"a",
		3, "offset 0");
	char *big = xcalloc(1, METADATA_MAX + 1);
	memset(big, 'x', METADATA_MAX);
	big[1] = ':';
	big[METADATA_MAX - 1] = (char)0xc3;
	refused(big, METADATA_MAX, "offset 262143");
	free(big);
}

static void test_one_megabyte(void **state) {
	(void)state;
	enum { MB = 1000000 };
	char *big = xcalloc(1, MB + 1);
	memset(big, 'x', MB);
	big[1] = ':';
	refused(big, MB, "1000000 bytes, at most 262144");
	big[METADATA_MAX] = '\0';
	AUTO(metadata_done) struct metadata m = parsed(big);
	assert_int_equal(strlen(m.entries[0].text), METADATA_MAX - 2);
	free(big);
}

/* Each of many keys once, then one twice at the far end: sorted, so it takes no noticeable time. */
static void test_many_keys(void **state) {
	(void)state;
	AUTO(buf_done) struct buf b = BUF_INIT(METADATA_MAX);
	for (int i = 0; b.len < METADATA_MAX - 32; i++) buf_fmt(&b, "%x:\n", i);
	AUTO(metadata_done) struct metadata m = parsed(buf_text(&b));
	assert_true(m.n > 30000);
	buf_str(&b, "0: again\n");
	refused(buf_text(&b), b.len, "\"0\" stands twice (lines 1 and");
}

/* What was written stands there, and is a number only where that says the same. */
static void test_to_json(void **state) {
	(void)state;
	static const struct {
		const char *written, *json;
	} cases[] = {
		{"3", "3"},
		{"-3", "-3"},
		{"4.5", "4.5"},
		{"0.1", "0.1"},
		{"10000", "10000"},
		{"1.10", "\"1.10\""},
		{"0042", "\"0042\""},
		{"3.0", "\"3.0\""},
		{"+3", "\"+3\""},
		{".5", "\".5\""},
		{"1e3", "\"1e3\""},
		{"12345678901234567890", "\"12345678901234567890\""},
		{"9007199254740993", "\"9007199254740993\""},
		{"0.12345678901234567", "\"0.12345678901234567\""},
		{"x \"y\"", "\"x \\\"y\\\"\""},
		{"", "\"\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(xfree) char *lines = xasprintf("a: %s\n", cases[i].written);
		AUTO(xfree) char *want = xasprintf("{\"a\":%s}", cases[i].json);
		AUTO(metadata_done) struct metadata m = parsed(lines);
		AUTO(xfree) char *text = metadata_text(&m);
		assert_string_equal(text, want);
		AUTO(metadata_done) struct metadata again = parsed(text);
		assert_string_equal(again.entries[0].text, cases[i].written);
	}
}

static void test_json_numbers_as_written(void **state) {
	(void)state;
	AUTO(metadata_done)
	struct metadata m =
		parsed("{ \"a\" : 1.10,\"b\":1E2 , \"c\":12345678901234567890, \"d\": 3,\"e\":\"1.10\" , \"f\":-0.50\n}");
	expect_number(&m, "a", "1.10", 1.1);
	expect_number(&m, "b", "1E2", 100);
	expect_number(&m, "c", "12345678901234567890", 12345678901234567890.0);
	expect_number(&m, "d", "3", 3);
	expect_text(&m, "e", "1.10");
	expect_number(&m, "f", "-0.50", -0.5);
	AUTO(xfree) char *text = metadata_text(&m);
	assert_string_equal(text, "{\"a\":\"1.10\",\"b\":\"1E2\",\"c\":\"12345678901234567890\",\"d\":3,\"e\":\"1.10\","
							  "\"f\":\"-0.50\"}");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_what_is_a_number),
		cmocka_unit_test(test_byte_order_mark),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_refused_lines),
		cmocka_unit_test(test_not_utf8_names_the_offset),
		cmocka_unit_test(test_one_megabyte),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_to_json),
		cmocka_unit_test(test_json_numbers_as_written),
	};
	return cmocka_run_group_tests_name("session/metadata", tests, NULL, NULL);
}
