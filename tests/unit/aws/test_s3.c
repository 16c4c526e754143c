/* SPDX-License-Identifier: MIT */
/* S3 as a peer: its table walked whole, real answers with their headers. */
#include "../answer_help.h"

#include "../tiny_server.h"
#include "aws/s3.h"
#include "base/clock.h"

static void s3_body(struct buf *to, const char *word) {
	buf_fmt(to, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>why</Message></Error>", word);
}

static void test_table_walked(void **state) {
	(void)state;
	walk_rules(&s3_words, s3_body);
}

static void test_classes(void **state) {
	(void)state;
	static const struct class_row rows[] = {
		{408, "x", RETRY_TRANSIENT},
		{502, "x", RETRY_TRANSIENT},
		{503, "x", RETRY_THROTTLE},
		{504, "x", RETRY_TRANSIENT},
		{400, "RequestTimeout", RETRY_TRANSIENT},
		{503, "SlowDown", RETRY_THROTTLE},
		{409, "ConditionalRequestConflict", RETRY_TRANSIENT},
		{400, "BadDigest", RETRY_ONCE},
		{400, "ExpiredToken", RETRY_PRESIGN},
		{404, "NoSuchUpload", RETRY_RESTART},
		{412, "PreconditionFailed", RETRY_COMPARE},
		{400, "EntityTooLarge", RETRY_NEVER},
		{403, "AccessDenied", RETRY_NEVER},
	};
	expect_classes(&s3_words, s3_body, rows, ARRAY_LEN(rows));
}

static void test_refined(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct http_answer a =
		answer(403, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>");
	assert_int_equal(answer_check(&a, &s3_words, "x", &err), -1);
	assert_int_equal(err.code, ERR_URL_EXPIRED);
	a = answer(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>");
	assert_int_equal(answer_check(&a, &s3_words, "x", &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	a.date_ms = clock_wall_ms() + 60000;
	assert_int_equal(answer_check(&a, &s3_words, "x", &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	a.date_ms = clock_wall_ms() - 7 * 60000; /* the clock is looked at before a signature is blamed */
	assert_int_equal(answer_check(&a, &s3_words, "x", &err), -1);
	assert_int_equal(err.code, ERR_CLOCK);
	assert_non_null(strstr(err.text, "clock"));
}

static void test_success(void **state) {
	(void)state;
	static const struct answer_case rows[] = {
		{200, "", ERR_NONE},
		{200, "<?xml version=\"1.0\"?>\n<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>",
			ERR_NONE},
		{200, HTML, ERR_MIDDLEBOX},
		{200, "<?xml version=\"1.0\"?><!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0\" \"x\"><html/>", ERR_MIDDLEBOX},
		{200, "<html><head/></html>", ERR_MIDDLEBOX},
		{200, "<Complete", ERR_MIDDLEBOX},
		{200, "fine", ERR_MIDDLEBOX},
		{200, "<Error><Code>InternalError</Code></Error>", ERR_SERVER},
		{200, "<Error><Code>NoSuchUpload</Code></Error>", ERR_NO_UPLOAD},
		{200, "<Error><Code>NeverHeardOf</Code></Error>", ERR_SERVER},
		{412, "", ERR_MIDDLEBOX}, /* no body, and no request id of S3's */
		{403, HTML, ERR_MIDDLEBOX},
		{400, "<Error><Code/></Error>", ERR_REFUSED},
		{301, "<Error><Code>PermanentRedirect</Code></Error>", ERR_MIDDLEBOX},
	};
	expect_answers(&s3_words, rows, ARRAY_LEN(rows));
}

static void test_no_answer(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct http_answer a = (struct http_answer){.body = ""};
	error_set(&a.err, ERR_TIMEOUT, "no answer");
	assert_int_equal(answer_check(&a, &s3_words, "put a.bin", &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_string_equal(err.text, "put a.bin: no answer");
}

static void test_secrets_that_come_back(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct http_answer a =
		answer(500, "<Error><Code>InternalError</Code><Message>/b/k?X-Amz-Signature=0a1b&amp;X-Amz-Date=1 or "
					"Signature=2c; eyJhbGciOi.eyJzdWIi.S-_x</Message></Error>");
	assert_int_equal(answer_check(&a, &s3_words, "x", &err), -1);
	assert_string_equal(
		err.text, "x: the server answered 500 InternalError: /b/k?X-Amz-Signature=&X-Amz-Date=1 or Signature=; eyJ");
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
	assert_int_equal(answer_check(a, &s3_words, "x", &err), -1);
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

int main(void) {
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	unsetenv("all_proxy");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_walked),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_refined),
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_secrets_that_come_back),
		cmocka_unit_test(test_headers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
