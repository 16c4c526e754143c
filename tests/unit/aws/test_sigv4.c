/* SPDX-License-Identifier: MIT */
/* SigV4 beyond the published suite: S3's documented examples, every verdict, garbage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/query.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/text.h"

#define DOC_SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
static struct secret doc_secret;

/* AWS "Authenticating Requests" examples: 24 May 2013, us-east-1, s3. */
static struct sigv4_scope doc_scope(void) {
	struct sigv4_scope s = {
		.access_key = "AKIAIOSFODNN7EXAMPLE", .region = "us-east-1", .service = "s3", .secret_key = &doc_secret};
	assert_int_equal(time_parse_iso_basic("20130524T000000Z", &s.time_ms), 0);
	return s;
}

static bool lookup(void *arg, const char *access_key, struct secret *ret) {
	(void)arg;
	if (strcmp(access_key, "AKIAIOSFODNN7EXAMPLE") != 0) return false;
	secret_set(ret, DOC_SECRET, strlen(DOC_SECRET));
	return true;
}

static struct sigv4_verify doc_verify(int64_t after_ms) {
	return (struct sigv4_verify){.lookup = lookup,
		.region = "us-east-1",
		.service = "s3",
		.now_ms = doc_scope().time_ms + after_ms,
		.skew_ms = 15 * 60000};
}

static void test_s3_presigned_example(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(buf_done) struct buf url = BUF_INIT(4096);
	const struct sigv4_header host = {"Host", "examplebucket.s3.amazonaws.com"};
	const struct sigv4_request r = {.method = "GET", .path = "/test.txt", .query = "", .headers = &host, .header_n = 1};
	struct sigv4_scope s = doc_scope();
	assert_int_equal(sigv4_presign("https://examplebucket.s3.amazonaws.com", &r, &s, 86400, &url, &err), 0);
	assert_string_equal(url.data, "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
								  "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
								  "&X-Amz-Date=20130524T000000Z&X-Amz-SignedHeaders=host&X-Amz-Expires=86400"
								  "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

/* The four requests of "Signature Calculations for the Authorization Header" (one chunk). */
static void test_s3_header_examples(void **state) {
	(void)state;
	static const struct {
		const char *method, *path, *query, *hash, *signature;
		struct sigv4_header headers[6];
		size_t header_n;
	} rows[] = {
		{"GET", "/test.txt", "", EMPTY_HASH, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
			{{"Host", "examplebucket.s3.amazonaws.com"}, {"Range", "bytes=0-9"}, {"x-amz-content-sha256", EMPTY_HASH},
				{"x-amz-date", "20130524T000000Z"}},
			4},
		{"PUT", "/test%24file.text", "", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
			"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
			{{"Host", "examplebucket.s3.amazonaws.com"}, {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
				{"x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
				{"x-amz-date", "20130524T000000Z"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
			5},
		{"GET", "/", "lifecycle", EMPTY_HASH, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
			{{"Host", "examplebucket.s3.amazonaws.com"}, {"x-amz-content-sha256", EMPTY_HASH},
				{"x-amz-date", "20130524T000000Z"}},
			3},
		{"GET", "/", "max-keys=2&prefix=J", EMPTY_HASH,
			"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
			{{"Host", "examplebucket.s3.amazonaws.com"}, {"x-amz-content-sha256", EMPTY_HASH},
				{"x-amz-date", "20130524T000000Z"}},
			3},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = ERROR_INIT;
		struct sigv4_scope s = doc_scope();
		AUTO(buf_done) struct buf authorization = BUF_INIT(4096);
		struct sigv4_request r = {.method = rows[i].method,
			.path = rows[i].path,
			.query = rows[i].query,
			.headers = rows[i].headers,
			.header_n = rows[i].header_n,
			.payload_hash = rows[i].hash};
		assert_int_equal(sigv4_authorization(&r, &s, &authorization, &err), 0);
		assert_true(text_ends(authorization.data, rows[i].signature));

		/* The verifier takes the hash from the header itself, and a list written without blanks (s3cmd). */
		struct sigv4_header headers[7];
		memcpy(headers, rows[i].headers, rows[i].header_n * sizeof headers[0]);
		AUTO(buf_done) struct buf tight = BUF_INIT(4096);
		for (const char *c = authorization.data; *c; c++)
			if (*c != ' ' || c[-1] != ',') buf_char(&tight, *c);
		headers[rows[i].header_n] = (struct sigv4_header){"authorization", buf_text(&tight)};
		r.headers = headers;
		r.header_n++;
		r.payload_hash = NULL;
		struct sigv4_verify v = doc_verify(60000);
		assert_int_equal(sigv4_verify(&r, &v, NULL), SIGV4_OK);
	}
}

/* --- our own presigned PUT (api.md) and what may be wrong with it --- */

#define PUT_SUM "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
static const struct sigv4_header put_headers[] = {
	{"content-length", "0"}, {"host", "127.0.0.1:9000"}, {"if-none-match", "*"}, {"x-amz-checksum-sha256", PUT_SUM}};

struct put {
	struct buf url;
	char *query;
	struct sigv4_header headers[8];
	struct sigv4_request r;
};

static void put_init(struct put *p) {
	struct error err = ERROR_INIT;
	struct sigv4_scope s = doc_scope();
	*p = (struct put){.url = BUF_INIT(8192)};
	memcpy(p->headers, put_headers, sizeof put_headers);
	p->r = (struct sigv4_request){.method = "PUT",
		.path = "/raw/20260821_101500/lab/a%20b.bin",
		.query = "",
		.headers = p->headers,
		.header_n = ARRAY_LEN(put_headers)};
	assert_int_equal(sigv4_presign("http://127.0.0.1:9000", &p->r, &s, 900, &p->url, &err), 0);
	p->query = xstrdup(strchr(p->url.data, '?') + 1);
	p->r.query = p->query;
}

static void put_done(struct put *p) {
	buf_done(&p->url);
	free(p->query);
}

/* Replaces what stands first of `from` in the query. */
static void put_change(struct put *p, const char *from, const char *to) {
	char *at = strstr(p->query, from);
	assert_non_null(at);
	char *changed = xasprintf("%.*s%s%s", (int)(at - p->query), p->query, to, at + strlen(from));
	free(p->query);
	p->query = changed;
	p->r.query = changed;
}

static enum sigv4_verdict put_verify(const struct put *p, int64_t after_ms) {
	static const char *const required[] = {"content-length", "if-none-match", NULL};
	struct sigv4_verify v = doc_verify(after_ms);
	v.required = required;
	return sigv4_verify(&p->r, &v, NULL);
}

static void test_put_good(void **state) {
	(void)state;
	struct put p;
	put_init(&p);
	AUTO(buf_done) struct buf names = BUF_INIT(256);
	struct sigv4_verify v = doc_verify(1000);
	assert_int_equal(sigv4_verify(&p.r, &v, &names), SIGV4_OK);
	assert_string_equal(buf_text(&names), "content-length;host;if-none-match;x-amz-checksum-sha256");
	assert_int_equal(put_verify(&p, 900000), SIGV4_OK); /* its last instant */
	assert_int_equal(put_verify(&p, 900001), SIGV4_EXPIRED);
	assert_int_equal(put_verify(&p, -900000), SIGV4_OK); /* the signer's clock is ahead */
	assert_int_equal(put_verify(&p, -900001), SIGV4_SKEWED);
	assert_int_equal(sigv4_url_lasts_ms(p.url.data), 900000);
	/* A client that encodes other characters, or in lower case, means the same path. */
	p.r.path = "/raw/20260821%5f101500/lab/a%20b.b%69n";
	assert_int_equal(put_verify(&p, 0), SIGV4_OK);
	put_done(&p);
}

static void test_put_tampered(void **state) {
	(void)state;
	static const struct {
		const char *from, *to;
		enum sigv4_verdict verdict;
	} rows[] = {
		{"X-Amz-Expires=900", "X-Amz-Expires=901", SIGV4_MISMATCH},
		{"X-Amz-Expires=900", "X-Amz-Expires=0", SIGV4_MALFORMED},
		{"X-Amz-Expires=900", "X-Amz-Expires=604801", SIGV4_MALFORMED},
		{"X-Amz-Expires=900", "X-Amz-Expires=9e2", SIGV4_MALFORMED},
		{"&X-Amz-Expires=900", "", SIGV4_MALFORMED},
		{"X-Amz-Expires=900", "X-Amz-Expires=900&X-Amz-Expires=900", SIGV4_MALFORMED},
		{"X-Amz-Date=20130524T000000Z", "X-Amz-Date=20130524T000001Z", SIGV4_MISMATCH},
		{"X-Amz-Date=20130524T000000Z", "X-Amz-Date=20130525T000000Z", SIGV4_MALFORMED}, /* not the scope's day */
		{"X-Amz-Date=20130524T000000Z", "X-Amz-Date=yesterday", SIGV4_MALFORMED},
		{"AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLF", SIGV4_UNKNOWN_KEY},
		{"us-east-1", "eu-east-1", SIGV4_MALFORMED},
		{"%2Fs3%2F", "%2Flogs%2F", SIGV4_MALFORMED},
		{"aws4_request", "aws5_request", SIGV4_MALFORMED},
		{"AKIAIOSFODNN7EXAMPLE%2F", "", SIGV4_MALFORMED},
		{"AKIAIOSFODNN7EXAMPLE%2F20130524%2F", "20130524%2F", SIGV4_MALFORMED},
		{"X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=AWS4-HMAC-SHA1", SIGV4_MALFORMED},
		{"X-Amz-SignedHeaders=content-length%3B", "X-Amz-SignedHeaders=", SIGV4_MISSING_HEADER}, /* required */
		{"%3Bx-amz-checksum-sha256", "", SIGV4_MISSING_HEADER},									 /* x-amz-* */
		{"%3Bhost", "", SIGV4_MISSING_HEADER},
		{"%3Bhost", "%3BHost", SIGV4_MALFORMED},
		{"%3Bhost", "%3Bhost%0A", SIGV4_MALFORMED},
		{"%3Bhost", "%3B%3Bhost", SIGV4_MALFORMED},
		{"%3Bhost", "%3Bhost%3Bx-amz-meta-gone", SIGV4_MISSING_HEADER},
		{"X-Amz-Signature=", "X-Amz-Signature=00", SIGV4_MALFORMED},
		{"X-Amz-Signature=", "X-Amz-Signature=zz&x=", SIGV4_MALFORMED},
		{"X-Amz-Algorithm", "versionId=7&X-Amz-Algorithm", SIGV4_MISMATCH},
		{"X-Amz-Algorithm", "bad=%zz&X-Amz-Algorithm", SIGV4_MALFORMED},
		{"X-Amz-Algorithm", "nul=%00&X-Amz-Algorithm", SIGV4_MALFORMED},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct put p;
		put_init(&p);
		put_change(&p, rows[i].from, rows[i].to);
		enum sigv4_verdict verdict = put_verify(&p, 0);
		if (verdict != rows[i].verdict)
			fail_msg("%s -> %s: verdict %d and not %d", rows[i].from, rows[i].to, (int)verdict, (int)rows[i].verdict);
		put_done(&p);
	}
}

static void test_put_headers(void **state) {
	(void)state;
	static const struct {
		size_t index; /* of the header that is changed; 4: one is added */
		struct sigv4_header header;
		enum sigv4_verdict verdict;
	} rows[] = {
		{0, {"content-length", "1"}, SIGV4_MISMATCH},
		{0, {"Content-Length", " 0 "}, SIGV4_OK}, /* case and padding do not count */
		{0, {"content-type", "0"}, SIGV4_MISSING_HEADER},
		{1, {"host", "127.0.0.1:9001"}, SIGV4_MISMATCH},
		{2, {"if-match", "*"}, SIGV4_MISSING_HEADER},
		{3, {"x-amz-checksum-sha256", "57DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}, SIGV4_MISMATCH},
		{3, {"x-amz-checksum-crc32", PUT_SUM}, SIGV4_MISSING_HEADER},
		{4, {"content-type", "text/plain"}, SIGV4_OK},
		{4, {"X-Amz-Acl", "public-read"}, SIGV4_MISSING_HEADER},
		{4, {"content-length", "0"}, SIGV4_MISMATCH}, /* a second one */
		{4, {"authorization", "AWS4-HMAC-SHA256 Credential=a"}, SIGV4_MALFORMED},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct put p;
		put_init(&p);
		p.headers[rows[i].index] = rows[i].header;
		p.r.header_n = MAX(p.r.header_n, rows[i].index + 1);
		enum sigv4_verdict verdict = put_verify(&p, 0);
		if (verdict != rows[i].verdict)
			fail_msg("%s: verdict %d and not %d", rows[i].header.name, (int)verdict, (int)rows[i].verdict);
		put_done(&p);
	}
}

static void test_other_request(void **state) {
	(void)state;
	struct put p;
	put_init(&p);
	p.r.method = "GET"; /* a presigned URL is good for its own method only */
	assert_int_equal(put_verify(&p, 0), SIGV4_MISMATCH);
	p.r.method = "PUT";
	p.r.path = "/raw/20260821_101500/lab/%zz";
	assert_int_equal(put_verify(&p, 0), SIGV4_MALFORMED);
	p.r.path = "/raw/20260821_101500/lab/a%20b.bin";
	p.r.query = "list-type=2";
	assert_int_equal(put_verify(&p, 0), SIGV4_ANONYMOUS);
	put_done(&p);
}

static void test_authorization_garbage(void **state) {
	(void)state;
	static const struct {
		const char *value;
		enum sigv4_verdict verdict;
	} rows[] = {
		{"", SIGV4_MALFORMED},
		{"Bearer abc", SIGV4_MALFORMED},
		{"AWS4-HMAC-SHA256", SIGV4_MALFORMED},
		{"AWS4-HMAC-SHA256X Credential=a", SIGV4_MALFORMED},
		{"AWS4-HMAC-SHA256 Credential=", SIGV4_MALFORMED},
		{"AWS4-HMAC-SHA256 Credential=k/20130524/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=zz",
			SIGV4_MALFORMED},
		{"AWS4-HMAC-SHA256 Credential=k/20130524/us-east-1/s3/aws4_request,SignedHeaders=,Signature=" EMPTY_HASH,
			SIGV4_MALFORMED},
		{"AWS4-HMAC-SHA256 Credential=k/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-date,"
		 "Signature=" EMPTY_HASH,
			SIGV4_UNKNOWN_KEY},
		{"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request ,  "
		 "SignedHeaders=host;x-amz-date, Signature=" EMPTY_HASH " ",
			SIGV4_MISMATCH},
		{"AWS4-HMAC-SHA256 Credential=k/20130524/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=" EMPTY_HASH,
			SIGV4_MISSING_HEADER},
		{"AWS4-HMAC-SHA256 Credential=20130524/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=" EMPTY_HASH,
			SIGV4_MALFORMED},
	};
	struct sigv4_verify v = doc_verify(0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct sigv4_header headers[] = {
			{"Host", "h"}, {"X-Amz-Date", "20130524T000000Z"}, {"Authorization", rows[i].value}};
		const struct sigv4_request r = {
			.method = "GET", .path = "/", .query = "", .headers = headers, .header_n = 3, .payload_hash = EMPTY_HASH};
		enum sigv4_verdict verdict = sigv4_verify(&r, &v, NULL);
		if (verdict != rows[i].verdict)
			fail_msg("%s: verdict %d and not %d", rows[i].value, (int)verdict, (int)rows[i].verdict);
	}
}

static void test_header_time(void **state) {
	(void)state;
	static const struct {
		const char *name, *value;
		int64_t after_ms;
		enum sigv4_verdict verdict;
	} rows[] = {
		{"x-amz-date", "20130524T000000Z", 900000, SIGV4_OK},
		{"x-amz-date", "20130524T000000Z", 900001, SIGV4_SKEWED},
		{"x-amz-date", "20130524T000000Z", -900001, SIGV4_SKEWED},
		{"date", "Fri, 24 May 2013 00:00:00 GMT", 0, SIGV4_OK},
		{"date", "20130524T000000Z", 0, SIGV4_OK},
		{"date", "soon", 0, SIGV4_MALFORMED},
		{"x-date", "20130524T000000Z", 0, SIGV4_MALFORMED},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = ERROR_INIT;
		struct sigv4_scope s = doc_scope();
		AUTO(buf_done) struct buf authorization = BUF_INIT(4096);
		struct sigv4_header headers[] = {{"host", "h"}, {rows[i].name, rows[i].value}, {0}};
		struct sigv4_request r = {
			.method = "GET", .path = "/", .query = "", .headers = headers, .header_n = 2, .payload_hash = EMPTY_HASH};
		assert_int_equal(sigv4_authorization(&r, &s, &authorization, &err), 0);
		headers[2] = (struct sigv4_header){"authorization", buf_text(&authorization)};
		r.header_n = 3;
		struct sigv4_verify v = doc_verify(rows[i].after_ms);
		assert_int_equal(sigv4_verify(&r, &v, NULL), rows[i].verdict);
		r.payload_hash = NULL; /* no x-amz-content-sha256 to take it from */
		assert_int_not_equal(sigv4_verify(&r, &v, NULL), SIGV4_OK);
	}
}

static void test_refused_to_sign(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct sigv4_scope s = doc_scope();
	struct sigv4_header many[129];
	AUTO(buf_done) struct buf out = BUF_INIT(4096);
	struct sigv4_request r = {.method = "GET", .path = "/", .query = "", .headers = put_headers, .header_n = 1};
	assert_int_equal(sigv4_presign("http://h", &r, &s, 60, &out, &err), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_non_null(strstr(err.text, "host"));
	r.header_n = 2;
	assert_int_equal(sigv4_presign("http://h", &r, &s, 0, &out, &err), -1);
	assert_int_equal(sigv4_presign("http://h", &r, &s, 604801, &out, &err), -1);
	r.query = "a=%4";
	assert_int_equal(sigv4_presign("http://h", &r, &s, 60, &out, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	r.query = "";
	r.path = "/%4";
	assert_int_equal(sigv4_authorization(&r, &s, &out, &err), -1);
	r.path = "/";
	for (size_t i = 0; i < ARRAY_LEN(many); i++) many[i] = put_headers[1];
	r.headers = many;
	r.header_n = ARRAY_LEN(many);
	assert_int_equal(sigv4_authorization(&r, &s, &out, &err), -1);
	assert_int_equal(sigv4_canonical(&r, &s, "host;x-gone", &out, &err), -1);
	assert_non_null(strstr(err.text, "x-gone"));
	AUTO(buf_done) struct buf small = BUF_INIT(20);
	r.header_n = 1;
	assert_int_equal(sigv4_presign("http://h", &r, &s, 60, &small, &err), -1);
}

static void test_url_lasts(void **state) {
	(void)state;
	assert_int_equal(sigv4_url_lasts_ms("http://h/p"), -1);
	assert_int_equal(sigv4_url_lasts_ms("http://h/p?X-Amz-Date=20130524T000000Z"), -1);
	assert_int_equal(sigv4_url_lasts_ms("http://h/p?X-Amz-Date=20130524T000000Z&X-Amz-Expires=x"), -1);
	assert_int_equal(sigv4_url_lasts_ms("http://h/p?X-Amz-Date=%&X-Amz-Expires=1"), -1);
	assert_int_equal(sigv4_url_lasts_ms("http://h/p?X-Amz-Date=x&X-Amz-Expires=1"), -1);
	assert_int_equal(sigv4_url_lasts_ms("http://h/p?X-Amz-Expires=10&X-Amz-Date=20130524T000000Z"), 10000);
	assert_int_equal(sigv4_url_lasts_ms("http://h/p?X-Amz-Expires=-10&X-Amz-Date=20130524T000000Z"), -1);
	assert_int_equal(sigv4_url_lasts_ms("http://h/p?X-Amz-Expires=10"), -1);
}

static void test_query(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct query q;
	assert_int_equal(query_parse(&q, "&a=1&&b&=x&c=%3D%26+&a=2=3&", &err), 0);
	assert_int_equal(q.n, 5);
	assert_string_equal(query_get(&q, "a"), "1");
	assert_int_equal(query_count(&q, "a"), 2);
	assert_string_equal(query_get(&q, "b"), "");
	assert_string_equal(query_get(&q, ""), "x");
	assert_string_equal(query_get(&q, "c"), "=&+");
	assert_string_equal(q.items[4].value, "2=3");
	assert_null(query_get(&q, "A"));
	query_done(&q);
	assert_int_equal(query_parse(&q, "", &err), 0);
	assert_int_equal(q.n, 0);
	query_done(&q);

	AUTO(buf_done) struct buf text = BUF_INIT(1 << 16);
	for (int i = 0; i < QUERY_ITEMS_MAX; i++) buf_str(&text, "a&");
	assert_int_equal(query_parse(&q, text.data, &err), 0);
	query_done(&q);
	buf_str(&text, "a");
	assert_int_equal(query_parse(&q, text.data, &err), -1);
	assert_non_null(strstr(err.text, "256"));
	buf_clear(&text);
	for (int i = 0; i < QUERY_BYTES_MAX; i++) buf_char(&text, 'x');
	assert_int_equal(query_parse(&q, text.data, &err), 0);
	query_done(&q);
	buf_char(&text, 'x');
	assert_int_equal(query_parse(&q, text.data, &err), -1);
}

static int set_up(void **state) {
	(void)state;
	secret_set(&doc_secret, DOC_SECRET, strlen(DOC_SECRET));
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	secret_done(&doc_secret);
	return 0;
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s3_presigned_example),
		cmocka_unit_test(test_s3_header_examples),
		cmocka_unit_test(test_put_good),
		cmocka_unit_test(test_put_tampered),
		cmocka_unit_test(test_put_headers),
		cmocka_unit_test(test_other_request),
		cmocka_unit_test(test_authorization_garbage),
		cmocka_unit_test(test_header_time),
		cmocka_unit_test(test_refused_to_sign),
		cmocka_unit_test(test_url_lasts),
		cmocka_unit_test(test_query),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
