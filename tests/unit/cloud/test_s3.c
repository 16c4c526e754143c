/* SPDX-License-Identifier: MIT */
/* PUT, GET and HEAD of objects, presigned and signed in headers, without an HTTP server. */
#include "api_help.h"
#include "cloud/s3/s3.h"

#define KEY_PATH "/headgate-raw/" TEST_SESSION "/lab-1/data.bin"
#define KEY TEST_SESSION "/lab-1/data.bin"
#define HOST "cloud.test:8080"

/* A signer of the test's own: what a client does with the cloud's access key. */
struct signer {
	const char *method, *path;
	int64_t time_ms, expires_s;
	const char *access_key, *region;
	const char *checksum, *none_match, *length, *range; /* signed when there */
};

static size_t signed_headers(const struct signer *s, struct sigv4_header *to) {
	size_t n = 0;
	if (s->length) to[n++] = (struct sigv4_header){"content-length", s->length};
	to[n++] = (struct sigv4_header){"host", HOST};
	if (s->none_match) to[n++] = (struct sigv4_header){"if-none-match", s->none_match};
	if (s->checksum) to[n++] = (struct sigv4_header){"x-amz-checksum-sha256", s->checksum};
	return n;
}

static void presigned(struct bench *b, const struct signer *s, struct buf *url) {
	struct sigv4_header headers[6];
	const struct sigv4_request request = {
		.method = s->method, .path = s->path, .query = "", .headers = headers, .header_n = signed_headers(s, headers)};
	const struct sigv4_scope scope = {.access_key = s->access_key ? s->access_key : b->api->access_key,
		.region = s->region ? s->region : "us-east-1",
		.service = "s3",
		.secret_key = &b->api->url_key,
		.time_ms = s->time_ms ? s->time_ms : clock_wall_ms()};
	OK(sigv4_presign("", &request, &scope, s->expires_s ? s->expires_s : 60, url, &err));
}

static void checksum_of(const char *content, char to[SHA256_BASE64]) {
	struct sha256 d;
	sha256_of(content, strlen(content), &d);
	sha256_base64(to, &d);
}

static void promise(struct bench *b, const char *key, const char *name, const char *content) {
	struct object_row row = {.bucket = "headgate-raw",
		.station = "lab-1",
		.session = TEST_SESSION,
		.revision = 1,
		.size = (int64_t)strlen(content)};
	text_copy(row.key, sizeof row.key, key);
	text_copy(row.name, sizeof row.name, name);
	sha256_of(content, strlen(content), &row.sha256);
	OK(catalog_objects_promise(b->api->catalog, NULL, &row, 1, NULL, &err));
}

/* A presigned PUT as the ingest API has it: announced for `claimed`, sent with `content`. */
static struct got put_claimed(struct bench *b, const char *path, const char *claimed, const char *content) {
	char checksum[SHA256_BASE64], length[24];
	AUTO(buf_done) struct buf url = BUF_INIT(8192);
	checksum_of(claimed, checksum);
	snprintf(length, sizeof length, "%zu", strlen(content));
	presigned(b,
		&(struct signer){.method = "PUT", .path = path, .checksum = checksum, .none_match = "*", .length = length},
		&url);
	const struct sigv4_header headers[] = {{"If-None-Match", "*"}, {"x-amz-checksum-sha256", checksum}};
	return ASK(b->api, .method = "PUT", .target = buf_text(&url), .body = content, .headers = headers, .header_n = 2);
}

static struct got fetch(struct bench *b, const char *method, const struct sigv4_header *headers, size_t n) {
	AUTO(buf_done) struct buf url = BUF_INIT(8192);
	presigned(b, &(struct signer){.method = method, .path = KEY_PATH}, &url);
	return ASK(b->api, .method = method, .target = buf_text(&url), .headers = headers, .header_n = n);
}

static void expect_xml(const struct got *g, int status, const char *code) {
	char wanted[128];
	snprintf(wanted, sizeof wanted, "<Code>%s</Code>", code);
	if (g->status != status || !strstr(g->text, wanted)) fail_msg("%d %s, not %d %s", g->status, g->text, status, code);
	assert_non_null(strstr(g->headers, "x-amz-request-id: "));
	assert_non_null(strstr(g->text, "<RequestId>"));
}

static void a_put_stores_and_echoes(void **state) {
	struct bench *b = *state;
	AUTO(xfree) char *content = xcalloc(1, 300001);
	memset(content, 'x', 300000);
	promise(b, KEY, "data.bin", content);
	AUTO(got_done) struct got wrong = put_claimed(b, KEY_PATH, content, content + 1);
	expect_xml(&wrong, 403, "AccessDenied"); /* another length than was announced */
	content[7] = 'y';
	AUTO(xfree) char *claimed = xstrdup(content);
	claimed[7] = 'x';
	AUTO(got_done) struct got digest = put_claimed(b, KEY_PATH, claimed, content);
	expect_xml(&digest, 400, "BadDigest");
	AUTO(got_done) struct got good = put_claimed(b, KEY_PATH, claimed, claimed);
	assert_int_equal(good.status, 200);
	char checksum[SHA256_BASE64];
	checksum_of(claimed, checksum);
	assert_non_null(strstr(good.headers, checksum));
	assert_non_null(strstr(good.headers, "ETag: \""));
	AUTO(got_done) struct got again = put_claimed(b, KEY_PATH, claimed, claimed);
	expect_xml(&again, 412, "PreconditionFailed");
	AUTO(got_done) struct got whole = fetch(b, "GET", NULL, 0);
	assert_int_equal(whole.status, 200);
	assert_int_equal(whole.n, 300000);
	assert_memory_equal(whole.text, claimed, 300000);
	struct object_row row;
	GIVES(1, catalog_object(b->api->catalog, "headgate-raw", KEY, &row, &err));
	assert_true(row.stored_ms > 0);
}

/* What was cut or removed in the store is never given out, and its own bytes may come again under the same URL. */
static void what_is_lost_is_not_given_out_and_comes_again(void **state) {
	struct bench *b = *state;
	char hex[SHA256_HEX];
	struct sha256 name;
	sha256_of(KEY, strlen(KEY), &name);
	sha256_hex(hex, &name);
	AUTO(xfree) char *path = xasprintf("%s/objects/headgate-raw/%.2s/%s", b->scratch.dir, hex, hex);
	promise(b, KEY, "data.bin", "0123456789");
	for (int i = 0; i < 2; i++) {
		AUTO(got_done) struct got good = put_claimed(b, KEY_PATH, "0123456789", "0123456789");
		assert_int_equal(good.status, 200);
		assert_int_equal(i ? unlink(path) : truncate(path, 4), 0);
		AUTO(got_done) struct got lost = fetch(b, "GET", NULL, 0);
		expect_xml(&lost, 404, "NoSuchKey");
	}
	AUTO(got_done) struct got other = put_claimed(b, KEY_PATH, "9876543210", "9876543210");
	expect_xml(&other, 403, "AccessDenied");
	AUTO(got_done) struct got healed = put_claimed(b, KEY_PATH, "0123456789", "0123456789");
	assert_int_equal(healed.status, 200);
	assert_int_equal(unlink(path), 0);
	AUTO(got_done) struct got unseen = put_claimed(b, KEY_PATH, "0123456789", "0123456789");
	assert_int_equal(unseen.status, 200); /* nobody had asked for it */
	AUTO(got_done) struct got whole = fetch(b, "GET", NULL, 0);
	assert_int_equal(whole.status, 200);
}

static void ranges(void **state) {
	(void)state;
	static const struct {
		const char *header;
		int64_t size;
		int result;
		int64_t first, n;
	} cases[] = {
		{NULL, 10, 0, 0, 0},
		{"bytes=0-3", 10, 1, 0, 4},
		{"bytes=5-", 10, 1, 5, 5},
		{"bytes=-3", 10, 1, 7, 3},
		{"bytes=-30", 10, 1, 0, 10},
		{"bytes=9-99", 10, 1, 9, 1},
		{"bytes=10-", 10, -1, 0, 0},
		{"bytes=-0", 10, -1, 0, 0},
		{"bytes=3-2", 10, 0, 0, 0},
		{"bytes=0-1,3-4", 10, 0, 0, 0},
		{"lines=0-1", 10, 0, 0, 0},
		{"bytes=", 10, 0, 0, 0},
		{"bytes=-", 10, 0, 0, 0},
		{"bytes=x-1", 10, 0, 0, 0},
		{"bytes=0-", 0, -1, 0, 0},
		{"bytes=+1-2", 10, 0, 0, 0},
		{"bytes=99999999999999999999999999999-", 10, 0, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct s3_range range = {0, 0};
		assert_int_equal(s3_range_parse(cases[i].header, cases[i].size, &range), cases[i].result);
		if (cases[i].result == 1) {
			assert_int_equal(range.first, cases[i].first);
			assert_int_equal(range.size, cases[i].n);
		}
	}
}

static void a_get_obeys_range_and_conditions(void **state) {
	struct bench *b = *state;
	promise(b, KEY, "data.bin", "0123456789");
	AUTO(got_done) struct got early = fetch(b, "GET", NULL, 0);
	expect_xml(&early, 404, "NoSuchKey"); /* promised is not stored */
	AUTO(got_done) struct got put = put_claimed(b, KEY_PATH, "0123456789", "0123456789");
	assert_int_equal(put.status, 200);
	AUTO(got_done) struct got part = fetch(b, "GET", &(struct sigv4_header){"Range", "bytes=2-4"}, 1);
	assert_int_equal(part.status, 206);
	assert_string_equal(part.text, "234");
	assert_non_null(strstr(part.headers, "Content-Range: bytes 2-4/10\n"));
	AUTO(got_done) struct got beyond = fetch(b, "GET", &(struct sigv4_header){"range", "bytes=10-"}, 1);
	expect_xml(&beyond, 416, "InvalidRange");
	assert_non_null(strstr(beyond.headers, "Content-Range: bytes */10\n"));
	char etag[S3_ETAG], checksum[SHA256_BASE64];
	struct sha256 d;
	sha256_of("0123456789", 10, &d);
	s3_etag(etag, &d);
	sha256_base64(checksum, &d);
	AUTO(got_done) struct got same = fetch(b, "GET", &(struct sigv4_header){"If-None-Match", etag}, 1);
	assert_int_equal(same.status, 304);
	assert_int_equal(same.n, 0);
	AUTO(got_done) struct got other = fetch(b, "GET", &(struct sigv4_header){"If-Match", "\"x\""}, 1);
	expect_xml(&other, 412, "PreconditionFailed");
	AUTO(got_done) struct got matched = fetch(b, "HEAD", &(struct sigv4_header){"If-Match", etag}, 1);
	assert_int_equal(matched.status, 200);
	assert_non_null(strstr(matched.headers, etag));
	assert_non_null(strstr(matched.headers, "Last-Modified: "));
}

static void signatures_are_judged(void **state) {
	struct bench *b = *state;
	const int64_t now = clock_wall_ms();
	static const char *const plain[] = {KEY_PATH, KEY_PATH "?x-id=GetObject"};
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		AUTO(got_done) struct got g = ASK(b->api, .method = "GET", .target = plain[i]);
		expect_xml(&g, 403, "AccessDenied");
	}
	const struct {
		struct signer signer;
		int status;
		const char *code;
	} cases[] = {
		{{.method = "GET", .path = KEY_PATH}, 404, "NoSuchKey"},
		{{.method = "PUT", .path = KEY_PATH}, 403, "SignatureDoesNotMatch"}, /* good for its own method only */
		{{.method = "GET", .path = KEY_PATH, .time_ms = now - 120000}, 403, "AccessDenied"},
		{{.method = "GET", .path = KEY_PATH, .time_ms = now + 3600000}, 403, "RequestTimeTooSkewed"},
		{{.method = "GET", .path = KEY_PATH, .access_key = "HGother"}, 403, "InvalidAccessKeyId"},
		{{.method = "GET", .path = KEY_PATH, .region = "eu-west-1"}, 400, "AuthorizationQueryParametersError"},
		{{.method = "GET", .path = "/no-such-bucket/x"}, 404, "NoSuchBucket"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(buf_done) struct buf url = BUF_INIT(8192);
		presigned(b, &cases[i].signer, &url);
		AUTO(got_done) struct got g = ASK(b->api, .method = "GET", .target = buf_text(&url));
		expect_xml(&g, cases[i].status, cases[i].code);
	}
	char path[1200] = "/headgate-raw/";
	memset(path + strlen(path), 'k', 1100);
	AUTO(buf_done) struct buf url = BUF_INIT(8192);
	presigned(b, &(struct signer){.method = "GET", .path = path}, &url);
	AUTO(got_done) struct got g = ASK(b->api, .method = "GET", .target = buf_text(&url));
	expect_xml(&g, 400, "KeyTooLongError");
}

/* --- signed in headers --- */

static struct got signed_put(struct bench *b, const char *path, const char *query, const char *content,
	const struct sigv4_header *more, size_t more_n, const char *payload_hash) {
	char when[TIME_TEXT], target[2048];
	struct sigv4_header headers[12] = {
		{"host", HOST}, {"x-amz-content-sha256", payload_hash}, {"x-amz-date", time_iso_basic(when, clock_wall_ms())}};
	for (size_t i = 0; i < more_n; i++) headers[3 + i] = more[i];
	const struct sigv4_request request = {.method = "PUT",
		.path = path,
		.query = query,
		.headers = headers,
		.header_n = 3 + more_n,
		.payload_hash = payload_hash};
	const struct sigv4_scope scope = {.access_key = b->api->access_key,
		.region = "us-east-1",
		.service = "s3",
		.secret_key = &b->api->url_key,
		.time_ms = clock_wall_ms()};
	AUTO(buf_done) struct buf authorization = BUF_INIT(4096);
	OK(sigv4_authorization(&request, &scope, &authorization, &err));
	headers[0] = (struct sigv4_header){"Authorization", buf_text(&authorization)};
	snprintf(target, sizeof target, "%s%s%s", path, query[0] ? "?" : "", query);
	return ASK(b->api, .method = "PUT", .target = target, .body = content, .headers = headers, .header_n = 3 + more_n);
}

static void a_put_signed_in_headers(void **state) {
	struct bench *b = *state;
	char hex[SHA256_HEX];
	struct sha256 d;
	sha256_of("abc", 3, &d);
	sha256_hex(hex, &d);
	const struct sigv4_header star = {"if-none-match", "*"}, tag = {"if-none-match", "\"x\""},
							  chunked = {"content-encoding", "aws-chunked"}, bad = {"x-amz-checksum-sha256", "eA=="},
							  other = {"x-amz-checksum-sha256", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
	const struct sigv4_header star_chunked[] = {star, chunked}, star_bad[] = {star, bad}, star_other[] = {star, other};
	const struct {
		const char *path, *query;
		const struct sigv4_header *headers;
		size_t n;
		const char *hash;
		int status;
		const char *code;
	} cases[] = {
		{KEY_PATH, "", NULL, 0, hex, 400, "InvalidRequest"}, {KEY_PATH, "", &tag, 1, hex, 501, "NotImplemented"},
		{KEY_PATH, "", star_chunked, 2, hex, 501, "NotImplemented"},
		{KEY_PATH, "", &star, 1, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", 501, "NotImplemented"},
		{KEY_PATH, "", star_bad, 2, hex, 400, "InvalidRequest"},
		{KEY_PATH, "", star_other, 2, hex, 400, "XAmzContentSHA256Mismatch"},
		{KEY_PATH, "uploads", &star, 1, hex, 501, "NotImplemented"},
		{KEY_PATH, "", &star, 1, hex, 403, "AccessDenied"}, /* never announced */
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(got_done)
		struct got g = signed_put(b, cases[i].path, cases[i].query, "abc", cases[i].headers, cases[i].n, cases[i].hash);
		expect_xml(&g, cases[i].status, cases[i].code);
	}
	promise(b, KEY, "data.bin", "abc");
	AUTO(got_done) struct got wrong = signed_put(b, KEY_PATH, "", "abd", &star, 1, hex);
	expect_xml(&wrong, 400, "BadDigest");
	AUTO(got_done) struct got good = signed_put(b, KEY_PATH, "", "abc", &star, 1, hex);
	assert_int_equal(good.status, 200);
	AUTO(got_done) struct got free_one = signed_put(b, "/headgate-lake/x/y", "", "abc", NULL, 0, "UNSIGNED-PAYLOAD");
	assert_int_equal(free_one.status, 200); /* only recordings are announced */
}

/* The bytes are stored and the catalog was never told: a crash in between. The next PUT tells it. */
static void what_a_crash_left_is_named_by_the_next_put(void **state) {
	struct bench *b = *state;
	struct object_write *w;
	struct sha256 d;
	promise(b, KEY, "data.bin", "abc");
	OK(object_begin(b->api->objects, "headgate-raw", KEY, 3, &w, &err));
	OK(object_append(w, "abc", 3, &err));
	OK(object_commit(w, NULL, &d, &err));
	AUTO(got_done) struct got again = put_claimed(b, KEY_PATH, "abc", "abc");
	expect_xml(&again, 412, "PreconditionFailed");
	struct object_row row;
	GIVES(1, catalog_object(b->api->catalog, "headgate-raw", KEY, &row, &err));
	assert_true(row.stored_ms > 0);

	promise(b, KEY "2", "data.bin2", "abc"); /* and so does the next start */
	OK(object_begin(b->api->objects, "headgate-raw", KEY "2", 3, &w, &err));
	OK(object_append(w, "abc", 3, &err));
	OK(object_commit(w, NULL, &d, &err));
	bench_close(b);
	bench_open(b, NULL);
	GIVES(1, catalog_object(b->api->catalog, "headgate-raw", KEY "2", &row, &err));
	assert_true(row.stored_ms > 0);
}

/* What the query asks for is never taken for the plain object, stored or not; and a stranger is a stranger first. */
static void a_subresource_is_not_the_object(void **state) {
	struct bench *b = *state;
	static const char *const queries[] = {
		"acl", "versionId=1", "uploads", "tagging", "partNumber=1", "x-id=GetObject&attributes", "%61cl"};
	char hex[SHA256_HEX];
	struct sha256 d;
	const struct sigv4_header star = {"if-none-match", "*"};
	promise(b, KEY, "data.bin", "0123456789");
	AUTO(got_done) struct got put = put_claimed(b, KEY_PATH, "0123456789", "0123456789");
	assert_int_equal(put.status, 200);
	promise(b, KEY "2", "data.bin2", "abc");
	sha256_of("abc", 3, &d);
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		char target[256];
		snprintf(target, sizeof target, KEY_PATH "?%s", queries[i]);
		AUTO(got_done) struct got stranger = ASK(b->api, .method = "GET", .target = target);
		expect_xml(&stranger, 403, "AccessDenied");
		AUTO(buf_done) struct buf url = BUF_INIT(8192);
		presigned(b, &(struct signer){.method = "GET", .path = KEY_PATH}, &url);
		buf_fmt(&url, "&%s", queries[i]);
		AUTO(got_done) struct got changed = ASK(b->api, .method = "GET", .target = buf_text(&url));
		expect_xml(&changed, 403, "SignatureDoesNotMatch"); /* of the plain one, and it is signed with its query */
		AUTO(got_done)
		struct got sent = signed_put(b, KEY_PATH "2", queries[i], "abc", &star, 1, sha256_hex(hex, &d));
		expect_xml(&sent, 501, "NotImplemented");
	}
	struct object_row row;
	GIVES(1, catalog_object(b->api->catalog, "headgate-raw", KEY "2", &row, &err));
	assert_int_equal(row.stored_ms, 0);
}

static void a_put_without_a_length_is_refused(void **state) {
	struct bench *b = *state;
	AUTO(got_done) struct got g = ASK(b->api, .method = "PUT", .target = KEY_PATH);
	expect_xml(&g, 411, "MissingContentLength");
	AUTO(got_done) struct got del = ASK(b->api, .method = "DELETE", .target = KEY_PATH);
	expect_xml(&del, 405, "MethodNotAllowed");
	assert_non_null(strstr(del.headers, "Allow: GET, HEAD, PUT\n"));
	AUTO(got_done) struct got none = ASK(b->api, .method = "GET", .target = "/bucket");
	assert_int_equal(none.status, 404); /* nothing of S3 about it: our own words */
	assert_string_equal(got_word(&none), "route_unknown");
	const struct sigv4_header signs = {"Authorization", "AWS4-HMAC-SHA256 x"};
	AUTO(got_done)
	struct got list = ASK(b->api, .method = "GET", .target = "/bucket", .headers = &signs, .header_n = 1);
	expect_xml(&list, 501, "NotImplemented");
}

/* The brake on a URL that is sent again and again is that of its object, however the path spells it. */
static void a_url_spelled_otherwise_is_the_same(void **state) {
	struct bench *b = *state;
	bench_close(b);
	bench_open(b, (const char *const[]){"rate", "1000", "burst", "1000", NULL});
	promise(b, KEY, "data.bin", "0123456789");
	int slowed = 0;
	for (int i = 0; i < 64; i++) {
		char path[] = "/headgate-raw/%32%30%32%36%31%31" /* six of the session's digits */ "21_101010/lab-1/data.bin";
		char *to = path + strlen("/headgate-raw/"), *from = to;
		for (int digit = 0; digit < 6; digit++, from += 3) {
			size_t n = i >> digit & 1 ? 3 : 1;
			memmove(to, n == 3 ? from : from + 2, n);
			if (n == 1) *to = TEST_SESSION[digit];
			to += n;
		}
		memmove(to, from, strlen(from) + 1);
		AUTO(got_done) struct got g = put_claimed(b, path, "0123456789", "0123456789");
		slowed += strstr(g.text, "<Code>SlowDown</Code>") != NULL;
	}
	assert_in_range(slowed, 20, 34);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		TEST_ON_BENCH(a_put_stores_and_echoes),
		TEST_ON_BENCH(what_is_lost_is_not_given_out_and_comes_again),
		TEST_ON_BENCH(a_get_obeys_range_and_conditions),
		TEST_ON_BENCH(signatures_are_judged),
		TEST_ON_BENCH(a_put_signed_in_headers),
		TEST_ON_BENCH(what_a_crash_left_is_named_by_the_next_put),
		TEST_ON_BENCH(a_subresource_is_not_the_object),
		TEST_ON_BENCH(a_put_without_a_length_is_refused),
		TEST_ON_BENCH(a_url_spelled_otherwise_is_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
