/* SPDX-License-Identifier: MIT */
/* The ingest API as a peer: its table walked whole, and what is said of its answers. */
#include "../answer_help.h"

#include "ingest/words.h"

static void api_body(struct buf *to, const char *word) {
	buf_fmt(to, "{\"error\":{\"code\":\"%s\",\"message\":\"why\",\"request_id\":\"r\"}}", word);
}

static void test_table_walked(void **state) {
	(void)state;
	walk_rules(&ingest_words, api_body);
}

static void test_classes(void **state) {
	(void)state;
	static const struct class_row rows[] = {
		{429, "rate_limited", RETRY_THROTTLE},
		{500, "internal", RETRY_TRANSIENT},
		{401, "token_expired", RETRY_AUTHENTICATE},
		{401, "key_revoked", RETRY_NEVER},
		{413, "body_too_large", RETRY_NEVER},
	};
	expect_classes(&ingest_words, api_body, rows, ARRAY_LEN(rows));
}

static void test_success(void **state) {
	(void)state;
	static const struct answer_case rows[] = {
		{200, "{}", ERR_NONE},
		{200, " \n[1]", ERR_NONE},
		{204, "", ERR_NONE},
		{200, "", ERR_MIDDLEBOX},
		{200, HTML, ERR_MIDDLEBOX},
		{200, "ok", ERR_MIDDLEBOX},
		{302, "", ERR_MIDDLEBOX},
		{403, HTML, ERR_MIDDLEBOX},
		{403, "{\"error\":\"no\"}", ERR_MIDDLEBOX}, /* JSON, but not ours */
		{403, "{\"error\":{\"code\":7}}", ERR_MIDDLEBOX},
		{403, "[]", ERR_MIDDLEBOX},
		{407, "", ERR_MIDDLEBOX},
	};
	expect_answers(&ingest_words, rows, ARRAY_LEN(rows));
}

static void test_outside_text(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct http_answer a =
		answer(400, "{\"error\":{\"code\":\"a\\u001b[2J\",\"message\":\"\\u001b]0;x\\u0007 and then a message\"}}");
	assert_int_equal(answer_check(&a, &ingest_words, "x", &err), -1);
	assert_null(strchr(err.text, '\x1b'));
	assert_non_null(strstr(err.text, "and then a message"));
	assert_int_equal(err.code, ERR_REFUSED);
	assert_string_equal(err.word, "");
}

static void test_secrets_that_come_back(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct http_answer a = answer(400, "{\"error\":{\"code\":\"bad\",\"message\":\"what is Bearer eyJ0.e30.c2ln?\"}}");
	assert_int_equal(answer_check(&a, &ingest_words, "x", &err), -1);
	assert_null(strstr(err.text, "c2ln"));
	assert_non_null(strstr(err.text, "what is Bearer eyJ?"));
}

static void test_nothing_is_said_twice(void **state) {
	(void)state;
	static const struct {
		const char *text, *what, *said;
	} rows[] = {
		{"POST https://a/v1/x: refused", "POST /v1/x", "POST https://a/v1/x: refused"},
		{"POST https://a/v1/y: refused", "POST /v1/x", "POST /v1/x: POST https://a/v1/y: refused"},
		{"PUT https://a/v1/x: refused", "POST /v1/x", "POST /v1/x: PUT https://a/v1/x: refused"},
		{"PUT https://a/b/f.edf: refused", "PUT of 1/f.edf", "PUT of 1/f.edf: PUT https://a/b/f.edf: refused"},
		{"x", "x", "x: x"},
		{"", "x /y", "x /y: "},
	};
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_answer a = {.body = ""};
		error_set(&a.err, ERR_UNREACHABLE, "%s", rows[i].text);
		assert_int_equal(answer_check(&a, &ingest_words, rows[i].what, &err), -1);
		assert_string_equal(err.text, rows[i].said);
	}
	struct http_answer a = answer(401, "{\"error\":{\"code\":\"key_refused\",\"message\":\"bad key; buy one\"}}");
	assert_int_equal(answer_check(&a, &ingest_words, "x", &err), -1);
	assert_string_equal(err.text, "x: the server answered 401 key_refused: bad key; buy one");
	assert_int_equal(err.code, ERR_KEY);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_walked),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_outside_text),
		cmocka_unit_test(test_secrets_that_come_back),
		cmocka_unit_test(test_nothing_is_said_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
