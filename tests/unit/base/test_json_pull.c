/* SPDX-License-Identifier: MIT */
/* base/json_pull: takes what json_parse takes and refuses what it refuses, wherever a chunk ends; bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_pull.h"

struct pieces {
	const char *text;
	size_t n, piece;
	bool fail;
};

static ssize_t piece_read(void *arg, char *to, size_t n, struct error *err) {
	struct pieces *s = arg;
	if (s->fail && !s->n) return error_set(err, ERR_DISK, "the source fails");
	n = MIN(MIN(n, s->piece), s->n);
	memcpy(to, s->text, n);
	s->text += n;
	s->n -= n;
	return (ssize_t)n;
}

/* An object of values, its arrays element by element; what was taken is built again in *ret. */
static int take_array(struct json_pull *p, cJSON *to, struct error *err) {
	int more;
	if (json_pull_open(p, '[', err)) return -1;
	while ((more = json_pull_next(p, ']', err)) > 0) {
		cJSON *value = NULL;
		if (json_pull_value(p, 1000, &value, err)) return -1;
		json_push(to, value);
	}
	return more;
}

static int take_object(struct json_pull *p, cJSON *to, struct error *err) {
	int more;
	if (json_pull_open(p, '{', err)) return -1;
	while ((more = json_pull_next(p, '}', err)) > 0) {
		AUTO(xfree) char *name = NULL;
		cJSON *value = NULL;
		if (json_pull_name(p, &name, err)) return -1;
		int first = json_pull_peek(p, err);
		if (first < 0) return -1;
		if (first == '[') {
			value = json_array();
			json_add(to, name, value);
			if (take_array(p, value, err)) return -1;
		} else {
			if (json_pull_value(p, 1000, &value, err)) return -1;
			json_add(to, name, value);
		}
	}
	return more ? -1 : json_pull_end(p, err);
}

static int take(const char *text, size_t n, size_t piece, cJSON **ret, struct error *err) {
	AUTO(json_pull_done) struct json_pull p;
	struct pieces s = {.text = text, .n = n, .piece = piece};
	*ret = json_object();
	json_pull_init(&p, piece_read, &s);
	return take_object(&p, *ret, err);
}

static const char *const good[] = {
	"{}",
	" { } ",
	"{\"a\":1}",
	"{\"a\" : 1 , \"b\":[ ] , \"c\" : [1,2 , \"x\"],\"d\":{\"e\":[1,{}]}}\n",
	"{\"a\":\"\\\"}]\\\\\",\"b\":[\"]\",\"\\\\\",[\"}\"]],\"c\":-0.5e+3,\"d\":true,\"e\":null}",
	"{\"\xc3\xa4\":\"\\u00e4\\ud83d\\ude00\"}",
};
static const char *const bad[] = {"", " ", "[]", "1", "\"x\"", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}",
	"{,\"a\":1}", "{\"a\":1 \"b\":2}", "{\"a\":[1,]}", "{\"a\":[,1]}", "{\"a\":[1 2]}", "{\"a\":[1}", "{\"a\":1]",
	"{\"a\":]}", "{\"a\":}", "{\"a\":01}", "{\"a\":[tru]}", "{\"a\":\"x}", "{\"a\":\"\x01\"}", "{\"a\":\"\\x\"}",
	"{\"a\":[\"\xff\"]}", "{\"a\":1}}", "{\"a\":1} x", "{a:1}", "{\"a\"=1}", "{'a':1}", "{\"a\":[{\"b\":1,\"b\":2}]}"};

static void test_takes_what_json_parse_takes(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		AUTO(json_free) cJSON *whole = NULL;
		if (json_parse(good[i], strlen(good[i]), &whole, &err)) fail_msg("%s", err.text);
		AUTO(xfree) char *want = json_text(whole);
		for (size_t piece = 1; piece < 40; piece++) {
			AUTO(json_free) cJSON *got = NULL;
			if (take(good[i], strlen(good[i]), piece, &got, &err)) fail_msg("%s: %s", good[i], err.text);
			AUTO(xfree) char *text = json_text(got);
			assert_string_equal(text, want);
		}
	}
}

static void test_refuses_what_json_parse_refuses(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		for (size_t piece = 1; piece < 8; piece++) {
			struct error err = ERROR_INIT;
			AUTO(json_free) cJSON *got = NULL;
			if (!take(bad[i], strlen(bad[i]), piece, &got, &err)) fail_msg("taken: %s", bad[i]);
			assert_int_equal(err.code, ERR_INPUT);
			assert_true(strlen(err.text) > 10);
		}
	}
	struct error err = ERROR_INIT;
	AUTO(json_free) cJSON *got = NULL;
	assert_int_equal(take("{\"a\":\0001}", 8, 3, &got, &err), -1); /* a NUL byte is no end */
	assert_int_equal(err.code, ERR_INPUT);
}

static void test_bounded(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(buf_done) struct buf text = BUF_INIT(1 << 20);
	buf_str(&text, "{\"a\":[");
	for (int i = 0; i < 5000; i++) buf_fmt(&text, "%s%d", i ? "," : "", i);
	buf_str(&text, "],\"b\":\"");
	size_t before = text.len;
	for (int i = 0; i < 998; i++) buf_char(&text, 'x');
	buf_str(&text, "\"}");
	AUTO(json_free) cJSON *got = NULL, *long_one = NULL;
	if (take(buf_text(&text), text.len, 4096, &got, &err)) fail_msg("%s", err.text);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(got, "a")), 5000);
	text.len = before;
	for (int i = 0; i < 999; i++) buf_char(&text, 'x');
	buf_str(&text, "\"}");
	assert_int_equal(take(buf_text(&text), text.len, 4096, &long_one, &err), -1);
	assert_non_null(strstr(err.text, "longer than 1000 bytes"));
}

static void test_a_source_that_fails(void **state) {
	(void)state;
	for (size_t n = 0; n < strlen(good[3]); n++) {
		AUTO(json_pull_done) struct json_pull p;
		AUTO(json_free) cJSON *to = json_object();
		struct pieces s = {.text = good[3], .n = n, .piece = 5, .fail = true};
		struct error err = ERROR_INIT;
		json_pull_init(&p, piece_read, &s);
		assert_int_equal(take_object(&p, to, &err), -1);
		assert_int_equal(err.code, ERR_DISK);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_what_json_parse_takes),
		cmocka_unit_test(test_refuses_what_json_parse_refuses),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_a_source_that_fails),
	};
	return cmocka_run_group_tests_name("base/json_pull", tests, NULL, NULL);
}
