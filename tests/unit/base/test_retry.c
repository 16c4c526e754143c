/* SPDX-License-Identifier: MIT */
/* Retrying: the classification table walked whole, real answers with their headers, back-off and budget. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../tiny_server.h"
#include "base/clock.h"
#include "base/retry.h"
#include "base/text.h"

#define HTML "<!DOCTYPE html><html><body>Please log in</body></html>"

static struct http_answer answer(int status, const char *body) {
	return (struct http_answer){.status = status, .body = body, .body_n = strlen(body)};
}

/* The peer's own error body of that kind. */
static void own_body(struct buf *to, enum answer_kind kind, const char *word) {
	if (kind == ANSWER_S3)
		buf_fmt(to, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>why</Message></Error>", word);
	else buf_fmt(to, "{\"error\":{\"code\":\"%s\",\"message\":\"why\",\"request_id\":\"r\"}}", word);
}

static void expect_rule(const struct answer_rule *rule, enum answer_kind kind) {
	struct error err = ERROR_INIT;
	AUTO(buf_done) struct buf body = BUF_INIT(1024);
	const char *word = rule->word ? rule->word : "some_other_word";
	int status = rule->status_min ? rule->status_min : 418;
	own_body(&body, kind, word);
	struct http_answer a = answer(status, body.data);
	assert_int_equal(answer_check(&a, kind, "put a.bin", &err), -1);
	/* A row of a range may give way to an earlier one at its lowest status; then the last status is its own. */
	if (err.code != rule->code) {
		a.status = rule->status_max;
		assert_int_equal(answer_check(&a, kind, "put a.bin", &err), -1);
	}
	if (err.code != rule->code) fail_msg("%s %d: %s", word, a.status, err.text);
	assert_int_equal(err.http, a.status);
	assert_string_equal(err.word, word);
	assert_true(text_starts(err.text, "put a.bin: "));
	assert_non_null(strstr(err.text, "why"));
	assert_non_null(strstr(err.text, rule->mend));

	/* The same status with a web page: this row holds whatever the body is, or it came from a box in the middle. */
	if (rule->word) return;
	a = answer(a.status, HTML);
	assert_int_equal(answer_check(&a, kind, "x", &err), -1);
	assert_int_equal(err.code, rule->any_body ? rule->code : ERR_MIDDLEBOX);
	assert_int_equal(error_classes[ERR_MIDDLEBOX].retry, RETRY_TRANSIENT);
}

static void test_table_walked(void **state) {
	(void)state;
	bool words_over = false;
	for (size_t i = 0; i < answer_rule_n; i++) {
		const struct answer_rule *rule = &answer_rules[i];
		words_over = words_over || !rule->word;
		assert_true(!rule->word || !words_over); /* words first */
		assert_true(rule->word || rule->status_max >= rule->status_min);
		assert_true(rule->word || rule->status_min >= 400);
		assert_true(rule->kinds > 0 && rule->kinds <= ANSWER_ALL);
		assert_true(strlen(rule->mend) > 10); /* a sentence without one helps nobody */
		for (enum answer_kind kind = 0; kind < ANSWER_KIND_N; kind++)
			if (rule->kinds & 1 << kind) expect_rule(rule, kind);
	}
}

static void test_classes(void **state) {
	(void)state;
	/* architecture.md "Retry", line by line */
	static const struct {
		enum answer_kind kind;
		int status;
		const char *word;
		enum retry_class retry;
	} rows[] = {
		{ANSWER_S3, 408, "x", RETRY_TRANSIENT},
		{ANSWER_JSON_API, 429, "rate_limited", RETRY_THROTTLE},
		{ANSWER_JSON_API, 500, "internal", RETRY_TRANSIENT},
		{ANSWER_S3, 502, "x", RETRY_TRANSIENT},
		{ANSWER_S3, 503, "x", RETRY_THROTTLE},
		{ANSWER_S3, 504, "x", RETRY_TRANSIENT},
		{ANSWER_S3, 400, "RequestTimeout", RETRY_TRANSIENT},
		{ANSWER_S3, 503, "SlowDown", RETRY_THROTTLE},
		{ANSWER_S3, 409, "ConditionalRequestConflict", RETRY_TRANSIENT},
		{ANSWER_S3, 400, "BadDigest", RETRY_ONCE},
		{ANSWER_S3, 400, "ExpiredToken", RETRY_PRESIGN},
		{ANSWER_JSON_API, 401, "token_expired", RETRY_AUTHENTICATE},
		{ANSWER_JSON_API, 401, "key_revoked", RETRY_NEVER},
		{ANSWER_S3, 404, "NoSuchUpload", RETRY_RESTART},
		{ANSWER_S3, 412, "PreconditionFailed", RETRY_COMPARE},
		{ANSWER_S3, 400, "EntityTooLarge", RETRY_NEVER},
		{ANSWER_S3, 403, "AccessDenied", RETRY_NEVER},
		{ANSWER_JSON_API, 413, "body_too_large", RETRY_NEVER},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = ERROR_INIT;
		AUTO(buf_done) struct buf body = BUF_INIT(1024);
		own_body(&body, rows[i].kind, rows[i].word);
		struct http_answer a = answer(rows[i].status, body.data);
		assert_int_equal(answer_check(&a, rows[i].kind, "x", &err), -1);
		if (error_classes[err.code].retry != rows[i].retry) fail_msg("%s: %s", rows[i].word, err.text);
	}
}

static void test_refined(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct http_answer a =
		answer(403, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>");
	assert_int_equal(answer_check(&a, ANSWER_S3, "x", &err), -1);
	assert_int_equal(err.code, ERR_URL_EXPIRED);
	a = answer(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>");
	assert_int_equal(answer_check(&a, ANSWER_S3, "x", &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	a.date_ms = clock_wall_ms() + 60000;
	assert_int_equal(answer_check(&a, ANSWER_S3, "x", &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	a.date_ms = clock_wall_ms() - 7 * 60000; /* the clock is looked at before a signature is blamed */
	assert_int_equal(answer_check(&a, ANSWER_S3, "x", &err), -1);
	assert_int_equal(err.code, ERR_CLOCK);
	assert_non_null(strstr(err.text, "clock"));
}

static void test_success(void **state) {
	(void)state;
	static const struct {
		enum answer_kind kind;
		int status;
		const char *body;
		enum error_code code;
	} rows[] = {
		{ANSWER_JSON_API, 200, "{}", ERR_NONE},
		{ANSWER_JSON_API, 200, " \n[1]", ERR_NONE},
		{ANSWER_JSON_API, 204, "", ERR_NONE},
		{ANSWER_JSON_API, 200, "", ERR_MIDDLEBOX},
		{ANSWER_JSON_API, 200, HTML, ERR_MIDDLEBOX},
		{ANSWER_JSON_API, 200, "ok", ERR_MIDDLEBOX},
		{ANSWER_JSON_API, 302, "", ERR_MIDDLEBOX},
		{ANSWER_JSON_API, 403, HTML, ERR_MIDDLEBOX},
		{ANSWER_JSON_API, 403, "{\"error\":\"no\"}", ERR_MIDDLEBOX}, /* JSON, but not ours */
		{ANSWER_JSON_API, 403, "{\"error\":{\"code\":7}}", ERR_MIDDLEBOX},
		{ANSWER_JSON_API, 403, "[]", ERR_MIDDLEBOX},
		{ANSWER_JSON_API, 407, "", ERR_MIDDLEBOX},
		{ANSWER_S3, 200, "", ERR_NONE},
		{ANSWER_S3, 200,
			"<?xml version=\"1.0\"?>\n<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>",
			ERR_NONE},
		{ANSWER_S3, 200, HTML, ERR_MIDDLEBOX},
		{ANSWER_S3, 200, "<?xml version=\"1.0\"?><!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0\" \"x\"><html/>",
			ERR_MIDDLEBOX},
		{ANSWER_S3, 200, "<html><head/></html>", ERR_MIDDLEBOX},
		{ANSWER_S3, 200, "<Complete", ERR_MIDDLEBOX},
		{ANSWER_S3, 200, "fine", ERR_MIDDLEBOX},
		{ANSWER_S3, 200, "<Error><Code>InternalError</Code></Error>", ERR_SERVER},
		{ANSWER_S3, 200, "<Error><Code>NoSuchUpload</Code></Error>", ERR_NO_UPLOAD},
		{ANSWER_S3, 200, "<Error><Code>NeverHeardOf</Code></Error>", ERR_SERVER},
		{ANSWER_S3, 412, "", ERR_MIDDLEBOX}, /* no body, and no request id of S3's */
		{ANSWER_S3, 403, HTML, ERR_MIDDLEBOX},
		{ANSWER_S3, 400, "<Error><Code/></Error>", ERR_REFUSED},
		{ANSWER_S3, 301, "<Error><Code>PermanentRedirect</Code></Error>", ERR_MIDDLEBOX},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = ERROR_INIT;
		struct http_answer a = answer(rows[i].status, rows[i].body);
		int status = answer_check(&a, rows[i].kind, "x", &err);
		if (err.code != rows[i].code || (status == 0) != (rows[i].code == ERR_NONE))
			fail_msg("%d %s: %d %s", rows[i].status, rows[i].body, (int)err.code, err.text);
	}
}

static void test_outside_text(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct http_answer a =
		answer(400, "{\"error\":{\"code\":\"a\\u001b[2J\",\"message\":\"\\u001b]0;x\\u0007 and then a message\"}}");
	assert_int_equal(answer_check(&a, ANSWER_JSON_API, "x", &err), -1);
	assert_null(strchr(err.text, '\x1b'));
	assert_non_null(strstr(err.text, "and then a message"));
	assert_int_equal(err.code, ERR_REFUSED);
	assert_string_equal(err.word, "");
	a = (struct http_answer){.body = ""};
	error_set(&a.err, ERR_TIMEOUT, "no answer");
	assert_int_equal(answer_check(&a, ANSWER_S3, "put a.bin", &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_string_equal(err.text, "put a.bin: no answer");
}

static void test_secrets_that_come_back(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct http_answer a =
		answer(500, "<Error><Code>InternalError</Code><Message>/b/k?X-Amz-Signature=0a1b&amp;X-Amz-Date=1 or "
					"Signature=2c; eyJhbGciOi.eyJzdWIi.S-_x</Message></Error>");
	assert_int_equal(answer_check(&a, ANSWER_S3, "x", &err), -1);
	assert_string_equal(
		err.text, "x: the server answered 500 InternalError: /b/k?X-Amz-Signature=&X-Amz-Date=1 or Signature=; eyJ");
	a = answer(400, "{\"error\":{\"code\":\"bad\",\"message\":\"what is Bearer eyJ0.e30.c2ln?\"}}");
	assert_int_equal(answer_check(&a, ANSWER_JSON_API, "x", &err), -1);
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
		assert_int_equal(answer_check(&a, ANSWER_JSON_API, rows[i].what, &err), -1);
		assert_string_equal(err.text, rows[i].said);
	}
	struct http_answer a = answer(401, "{\"error\":{\"code\":\"key_refused\",\"message\":\"bad key; buy one\"}}");
	assert_int_equal(answer_check(&a, ANSWER_JSON_API, "x", &err), -1);
	assert_string_equal(err.text, "x: the server answered 401 key_refused: bad key; buy one");
	assert_int_equal(err.code, ERR_KEY);
}

/* --- headers, as they come over the wire --- */

static bool serve(struct tiny *s, struct tiny_request *r) {
	static const char *const headers[] = {"x-amz-request-id: 1\r\n", "Retry-After: 7\r\n", "Retry-After: 999999\r\n",
		"Retry-After: soon\r\n", "Retry-After: -5\r\n",
		"Retry-After: Sat, 21 Nov 2026 14:02:31 GMT\r\nDate: Sat, 21 Nov 2026 14:02:11 GMT\r\n",
		"Retry-After: Sat, 21 Nov 2026 14:02:31 GMT\r\n", "Content-Type: text/html\r\n"};
	(void)s;
	return tiny_answer(r->fd, 412, headers[r->path[1] - '0'], "");
}

struct headers_seen {
	int done;
	int64_t now_ms, retry_after_ms, own_retry_after_ms;
	enum error_code code;
};

static void on_done(void *arg, const struct http_answer *a) {
	struct headers_seen *seen = arg;
	struct error err = ERROR_INIT;
	assert_int_equal(answer_check(a, ANSWER_S3, "x", &err), -1);
	seen->code = err.code;
	seen->retry_after_ms = answer_retry_after_ms(a, &err, seen->now_ms);
	text_copy(err.word, sizeof err.word, "SlowDown"); /* what the peer asks for itself counts for longer */
	seen->own_retry_after_ms = answer_retry_after_ms(a, &err, seen->now_ms);
	seen->done++;
}

static void test_headers(void **state) {
	(void)state;
	static const int64_t retry_after_ms[] = {0, 7000, 60000, 0, 0, 20000, 10000, 0};
	struct tiny server;
	uv_loop_t loop;
	struct http *http;
	struct error err = ERROR_INIT;
	struct headers_seen seen = {0};
	tiny_start(&server, serve, NULL);
	uv_loop_init(&loop);
	assert_int_equal(http_new(&http, &loop, &(struct http_options){0}, &err), 0);
	assert_int_equal(time_parse_rfc3339("2026-11-21T14:02:21Z", &seen.now_ms), 0);
	for (int i = 0; i < (int)ARRAY_LEN(retry_after_ms); i++) {
		char url[64];
		snprintf(url, sizeof url, "http://127.0.0.1:%d/%d", server.port, i);
		const struct http_request request = {
			.method = "PUT", .url = url, .deadline_ms = 5000, .on_done = on_done, .arg = &seen};
		http_send(http, &request);
		uv_run(&loop, UV_RUN_DEFAULT);
		assert_int_equal(seen.done, i + 1);
		assert_int_equal(seen.retry_after_ms, retry_after_ms[i]);
		assert_int_equal(seen.own_retry_after_ms, retry_after_ms[i] == 60000 ? 3600000 : retry_after_ms[i]);
		/* An answer without a body counts as S3's when it bears a request id. */
		assert_int_equal(seen.code, i == 0 ? ERR_EXISTS : ERR_MIDDLEBOX);
	}
	http_close(http, NULL, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	tiny_stop(&server);
}

/* --- waiting --- */

static void test_backoff(void **state) {
	(void)state;
	static const struct backoff *const all[] = {&backoff_request_transient, &backoff_request_throttle};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		int64_t limit_ms = all[i]->base_ms, most_ms = 0;
		for (int attempt = 1; attempt < 80; attempt++) {
			for (int n = 0; n < 50; n++) {
				int64_t ms = backoff_ms(all[i], attempt);
				assert_true(ms >= 0 && ms <= limit_ms);
				most_ms = MAX(most_ms, ms);
			}
			limit_ms = MIN(limit_ms * 2, all[i]->cap_ms);
		}
		assert_int_equal(limit_ms, all[i]->cap_ms);
		assert_true(most_ms > all[i]->cap_ms / 2); /* jitter over the whole range */
	}
}

static void test_budget(void **state) {
	(void)state;
	struct retry_budget b = RETRY_BUDGET_INIT;
	struct error reset = {.code = ERR_UNREACHABLE}, timeout = {.code = ERR_TIMEOUT};
	int taken = 0;
	while (retry_budget_take(&b, &reset)) taken++;
	assert_int_equal(taken, 100);
	for (int i = 0; i < 4; i++) retry_budget_success(&b, false);
	assert_false(retry_budget_take(&b, &reset));
	retry_budget_success(&b, false);
	assert_false(retry_budget_take(&b, &timeout));
	assert_true(retry_budget_take(&b, &reset));
	retry_budget_success(&b, true);
	retry_budget_success(&b, true);
	assert_true(retry_budget_take(&b, &timeout));
	for (int i = 0; i < 1000; i++) retry_budget_success(&b, true);
	assert_int_equal(b.tokens, 500);
}

int main(void) {
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	unsetenv("all_proxy");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_walked),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_refined),
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_outside_text),
		cmocka_unit_test(test_secrets_that_come_back),
		cmocka_unit_test(test_nothing_is_said_twice),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_budget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
