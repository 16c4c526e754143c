/* SPDX-License-Identifier: MIT */
/* base/json: what is refused, what errors say, what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static cJSON *parsed(const char *text) {
	struct error err = ERROR_INIT;
	cJSON *j = NULL;
	if (json_parse(text, strlen(text), &j, &err)) fail_msg("%s: %s", text, err.text);
	return j;
}

static void refused(const char *text, size_t n, const char *words) {
	struct error err = ERROR_INIT;
	cJSON *j = NULL;
	if (!json_parse(text, n, &j, &err)) fail_msg("taken: %s", text);
	assert_null(j);
	assert_int_equal(err.code, ERR_INPUT);
	if (!strstr(err.text, words)) fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void test_takes_valid_json(void **state) {
	(void)state;
	static const char *const rows[] = {"{}", " [ ] ", "0", "-0.5e+10", "\"\"", "null", "true", "false",
		"[1,[2,{\"a\":3}]]", "\r\n\t{\"a\" : [1 , 2] , \"b\":{}}\n",
		"\"\\u00e9\\ud834\\udd1e\\\\\\\"\\/\\b\\f\\n\\r\\t\"", "\"ü\"", "1.0E5"};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) json_free(parsed(rows[i]));
}

static void test_refuses_what_is_not(void **state) {
	(void)state;
	static const char *const rows[] = {"", " ", "{", "[", "[1", "[1,]", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "{\"a\":}",
		"01", "1.", ".5", "+1", "-", "1e", "1e+", "nul", "True", "'a'", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"",
		"1 2", "{} x", "[1 2]", "\"a\nb\"", "\"\t\"", "\"\\u0000\"", "\"\\ud834\"", "\"\\ud834\\u0041\"", "\"\\udd1e\"",
		"\"\\", "\"\\u", "{\"a\"", "NaN", "\x0b[]"};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) refused(rows[i], strlen(rows[i]), "not valid JSON");
	refused("[1]\0", 4, "UTF-8");
	refused("\"\xff\"", 3, "UTF-8");
	refused("1e999", 5, "too large");
	refused("{\"a\":\n  tru}", 12, "line 2, column 3");
	char digits[100];
	memset(digits, '1', sizeof digits);
	refused(digits, sizeof digits, "too long");
}

static void test_depth_is_bounded(void **state) {
	(void)state;
	char deep[200000];
	memset(deep, '[', sizeof deep);
	refused(deep, sizeof deep, "nested too deeply");
	memset(deep + 32, ']', 32);
	deep[64] = '\0';
	json_free(parsed(deep));
	memset(deep, '[', 33);
	memset(deep + 33, ']', 33);
	refused(deep, 66, "nested too deeply");
	/* siblings do not count */
	AUTO(buf_done) struct buf wide = BUF_INIT(1000);
	buf_str(&wide, "[[]");
	for (int i = 0; i < 100; i++) buf_str(&wide, ",[]");
	buf_str(&wide, "]");
	json_free(parsed(buf_text(&wide)));
}

static void test_repeated_names(void **state) {
	(void)state;
	refused("{\"a\":1,\"a\":2}", 13, "\"a\" stands twice");
	refused("{\"a\":1,\"b\":0,\"\\u0061\":2}", 24, "\"a\" stands twice");
	refused("[{\"x\":{\"k\":1,\"l\":2,\"k\":3}}]", 27, "\"k\" stands twice");
	json_free(parsed("{\"a\":{\"a\":1},\"A\":2,\"b\":[{\"a\":1},{\"a\":1}]}"));
	AUTO(buf_done) struct buf many = BUF_INIT(4 << 20);
	buf_str(&many, "{\"x\":0");
	for (int i = 0; i < 20000; i++) buf_fmt(&many, ",\"n%d\":%d", i, i);
	buf_str(&many, "}");
	json_free(parsed(buf_text(&many))); /* quick, or the test's time runs out */
}

static void test_members_name_their_path(void **state) {
	(void)state;
	AUTO(json_free) cJSON *j = parsed("{\"files\":[{\"size\":\"x\",\"n\":1.5,\"none\":null,\"t\":7}]}");
	struct error err = ERROR_INIT;
	const cJSON *files = NULL;
	assert_int_equal(json_want_array(j, "files", NULL, 1, &files, &err), 0);
	struct json_at at_files = {.name = "files"}, at = {.up = &at_files, .index = 0};
	const cJSON *o = files->child;
	int64_t v = 5;
	const char *text = NULL;
	const cJSON *a = NULL;
	bool flag = false;
	double d = 0;
	assert_int_equal(json_want_i64(o, "size", &at, 0, 10, &v, &err), -1);
	assert_string_equal(err.text, "files[0].size must be a whole number, not text");
	assert_int_equal(json_want_i64(o, "gone", &at, 0, 10, &v, &err), -1);
	assert_string_equal(err.text, "files[0].gone is missing");
	assert_int_equal(json_want_i64(o, "n", &at, 0, 10, &v, &err), -1);
	assert_string_equal(err.text, "files[0].n must be a whole number from 0 to 10, not 1.5");
	assert_int_equal(json_want_text(o, "t", &at, &text, &err), -1);
	assert_string_equal(err.text, "files[0].t must be text, not a number");
	assert_int_equal(json_want_text(o, "none", &at, &text, &err), -1);
	assert_string_equal(err.text, "files[0].none must be text, not null");
	assert_int_equal(json_want_array(o, "t", &at, 9, &a, &err), -1);
	assert_int_equal(json_may_array(o, "t", &at, 9, &a, &err), -1);
	assert_string_equal(err.text, "files[0].t must be an array, not a number");
	assert_int_equal(json_may_bool(o, "t", &at, &flag, &err), -1);
	assert_string_equal(err.text, "files[0].t must be true or false, not a number");
	assert_int_equal(json_may_double(o, "size", &at, &d, &err), -1);
	assert_int_equal(json_may_i64(o, "size", &at, 0, 1, &v, &err), -1);
	assert_int_equal(json_may_text(o, "t", &at, &text, &err), -1);
	assert_int_equal(json_want_array(j, "files", NULL, 0, &a, &err), -1);
	assert_string_equal(err.text, "files has 1 elements, and at most 0 are allowed");
	assert_int_equal(json_want_object(files, &at_files, &err), -1);
	assert_string_equal(err.text, "files must be an object, not an array");
	assert_int_equal(json_want_object(files, NULL, &err), -1);
	assert_string_equal(err.text, "the value must be an object, not an array");
	assert_int_equal(json_want_text(files, "x", NULL, &text, &err), -1);
	assert_int_equal(json_may_text(files, "x", NULL, &text, &err), -1);
	assert_true(v == 5 && !text && !a); /* untouched on failure */
}

static void test_optional_members(void **state) {
	(void)state;
	AUTO(json_free) cJSON *j = parsed("{\"none\":null,\"t\":\"x\",\"i\":4,\"d\":1.5,\"b\":true,\"a\":[]}");
	struct error err = ERROR_INIT;
	const char *text = "kept";
	int64_t i = 1;
	double d = 1;
	bool b = false;
	const cJSON *a = NULL;
	assert_int_equal(json_may_text(j, "none", NULL, &text, &err), 0);
	assert_int_equal(json_may_text(j, "gone", NULL, &text, &err), 0);
	assert_string_equal(text, "kept");
	assert_int_equal(json_may_text(j, "t", NULL, &text, &err), 0);
	assert_string_equal(text, "x");
	assert_int_equal(json_may_i64(j, "gone", NULL, 0, 9, &i, &err), 0);
	assert_int_equal(i, 1);
	assert_int_equal(json_may_i64(j, "i", NULL, 0, 9, &i, &err), 0);
	assert_int_equal(i, 4);
	assert_int_equal(json_may_double(j, "none", NULL, &d, &err), 0);
	assert_int_equal(json_may_double(j, "d", NULL, &d, &err), 0);
	assert_true(d == 1.5);
	assert_int_equal(json_may_bool(j, "gone", NULL, &b, &err), 0);
	assert_int_equal(json_may_bool(j, "b", NULL, &b, &err), 0);
	assert_true(b);
	assert_int_equal(json_may_array(j, "none", NULL, 9, &a, &err), 0);
	assert_null(a);
	assert_int_equal(json_may_array(j, "a", NULL, 9, &a, &err), 0);
	assert_non_null(a);
	assert_int_equal(json_want_member(j, "none", NULL, &a, &err), 0);
	assert_true(cJSON_IsNull(a));
}

static void test_integers_are_exact(void **state) {
	(void)state;
	AUTO(json_free)
	cJSON *j = parsed("{\"max\":9007199254740991,\"over\":9007199254740993,\"min\":-9007199254740991,\"e\":1e3}");
	struct error err = ERROR_INIT;
	int64_t v = 0;
	assert_int_equal(json_want_i64(j, "max", NULL, INT64_MIN, INT64_MAX, &v, &err), 0);
	assert_true(v == INT64_C(9007199254740991));
	assert_int_equal(json_want_i64(j, "min", NULL, INT64_MIN, INT64_MAX, &v, &err), 0);
	assert_int_equal(json_want_i64(j, "e", NULL, INT64_MIN, INT64_MAX, &v, &err), 0);
	assert_int_equal(v, 1000);
	assert_int_equal(json_want_i64(j, "over", NULL, INT64_MIN, INT64_MAX, &v, &err), -1);
}

static void test_what_is_only_shown_is_read_leniently(void **state) {
	(void)state;
	AUTO(json_free)
	cJSON *o = parsed("{\"t\":\"x\",\"n\":5,\"half\":0.5,\"yes\":true,\"nil\":null,\"a\":[1,\"b\"],\"o\":{\"T\":1}}");
	double d = 0;
	const cJSON *a = json_get_array(o, "a");
	assert_string_equal(json_get_text(o, "t"), "x");
	assert_null(json_get_text(o, "T")); /* names are told apart by case */
	assert_null(json_get_text(o, "n"));
	assert_int_equal(json_get_i64(o, "n", -1), 5);
	assert_int_equal(json_get_i64(o, "half", -1), -1);
	assert_int_equal(json_get_i64(o, "t", -1), -1);
	assert_true(json_get_bool(o, "yes"));
	assert_false(json_get_bool(o, "n"));
	assert_null(json_get(o, "nil"));
	assert_null(json_get(NULL, "t"));
	assert_null(json_get(a, "t")); /* no object */
	assert_null(json_get_object(o, "a"));
	assert_int_equal(json_get_i64(json_get_object(o, "o"), "T", 0), 1);
	assert_int_equal(json_count(a), 2);
	assert_int_equal(json_count(NULL), 0);
	assert_null(json_as_text(a->child));
	assert_true(json_as_double(a->child, &d) && d == 1);
	assert_false(json_as_double(a->child->next, &d));
	assert_true(json_is_array(a) && json_is_object(o) && !json_is_object(NULL));
	assert_true(json_get_double(o, "half", -1) == 0.5 && json_get_double(o, "t", -1) == -1);
	assert_string_equal(json_name(json_get(o, "half")), "half");
	assert_true(json_is_null(o->child->next->next->next->next) && !json_is_null(o) && !json_is_null(NULL));
}

static void test_what_is_taken_is_there_no_more(void **state) {
	(void)state;
	AUTO(json_free) cJSON *o = parsed("{\"a\":[1,\"b\"],\"A\":null}");
	AUTO(json_free) cJSON *copy = json_copy(o);
	AUTO(json_free) cJSON *a = json_take(o, "a");
	AUTO(json_free) cJSON *first = json_take_first(a);
	double d = 0;
	assert_true(json_as_double(first, &d) && d == 1);
	assert_int_equal(json_count(a), 1);
	assert_null(json_take(o, "a")); /* nor another of its name in other case */
	assert_null(json_take(NULL, "a"));
	assert_null(json_take_first(NULL));
	AUTO(json_free) cJSON *last = json_take_first(a);
	assert_string_equal(json_as_text(last), "b");
	assert_null(json_take_first(a));
	assert_int_equal(json_count(o), 1);
	assert_int_equal(json_count(copy), 2);
}

static void test_building(void **state) {
	(void)state;
	AUTO(json_free) cJSON *o = json_object();
	json_add_text(o, "text", "a\"\n");
	json_add_text(o, "none", NULL);
	json_add_i64(o, "bytes", INT64_C(9007199254740991));
	json_add_i64(o, "ms", INT64_C(1763733731042));
	json_add_double(o, "d", 0.5);
	json_add_bool(o, "yes", true);
	json_add_time(o, "at", 1763733731042);
	json_add_time(o, "never", 0);
	cJSON *a = json_array();
	json_push_double(a, 1);
	json_push_text(a, "b");
	json_push_text(a, NULL);
	json_push(a, json_raw("[0.5]"));
	json_push(a, json_null());
	json_add(o, "a", a);
	AUTO(xfree) char *text = json_text(o);
	assert_string_equal(text,
		"{\"text\":\"a\\\"\\n\",\"none\":null,\"bytes\":9007199254740991,\"ms\":1763733731042,"
		"\"d\":0.5,\"yes\":true,\"at\":\"2025-11-21T14:02:11.042Z\",\"never\":null,\"a\":[1,\"b\",null,[0.5],null]}");
	json_free(parsed(text));
}

static void test_written_text_is_safe(void **state) {
	(void)state;
	AUTO(json_free) cJSON *o = json_object();
	json_add_text(o, "x", "ü\xC2\x9B\x7f\xff\xE2\x80\xAE\033");
	AUTO(xfree) char *text = json_text(o);
	assert_string_equal(text, "{\"x\":\"ü\\u009b\\u007f\xEF\xBF\xBD\\u202e\\u001b\"}");
	json_free(parsed(text));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_valid_json),
		cmocka_unit_test(test_refuses_what_is_not),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_repeated_names),
		cmocka_unit_test(test_members_name_their_path),
		cmocka_unit_test(test_optional_members),
		cmocka_unit_test(test_integers_are_exact),
		cmocka_unit_test(test_what_is_only_shown_is_read_leniently),
		cmocka_unit_test(test_what_is_taken_is_there_no_more),
		cmocka_unit_test(test_building),
		cmocka_unit_test(test_written_text_is_safe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
