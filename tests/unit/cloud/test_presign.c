/* SPDX-License-Identifier: MIT */
/* What presign decides: by rule, and with a real catalog. */
#include "api_help.h"
#include "cloud/api/presign.h"
#include "session/part.h"

static struct sha256 digest_of(const char *text) {
	struct sha256 d;
	sha256_of(text, strlen(text), &d);
	return d;
}

static struct presign_ask ask_for(const char *name, int64_t revision, const char *content) {
	return (struct presign_ask){.station = "lab-1",
		.session = TEST_SESSION,
		.name = name,
		.revision = revision,
		.size = (int64_t)strlen(content),
		.sha256 = digest_of(content)};
}

static void keys_of_the_first_and_of_later_revisions(void **state) {
	(void)state;
	static const struct {
		const char *name;
		int64_t revision;
		const char *key;
	} cases[] = {
		{"a b/c.dat", 1, TEST_SESSION "/lab-1/a b/c.dat"},
		{"a b/c.dat", 2, TEST_SESSION "/lab-1/_headgate/2/a b/c.dat"},
		{"_headgate/1/manifest.json", 1, TEST_SESSION "/lab-1/_headgate/1/manifest.json"},
		{"_headgate/12/manifest.json", 12, TEST_SESSION "/lab-1/_headgate/12/manifest.json"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct presign_ask ask = ask_for(cases[i].name, cases[i].revision, "x");
		struct presign_verdict v;
		presign_decide(&ask, NULL, &v);
		assert_int_equal(v.kind, PRESIGN_PUT);
		assert_string_equal(v.key, cases[i].key);
	}
}

static void what_is_there_is_not_sent_again(void **state) {
	(void)state;
	struct presign_ask ask = ask_for("f", 3, "same");
	struct presign_verdict v;
	struct object_row there = {.revision = 1, .size = 4, .sha256 = digest_of("same"), .stored_ms = 1};
	presign_decide(&ask, &there, &v);
	assert_int_equal(v.kind, PRESIGN_EXISTS);
	there.sha256 = digest_of("else");
	presign_decide(&ask, &there, &v); /* an earlier revision has other content: this one's own key */
	assert_int_equal(v.kind, PRESIGN_PUT);
	there.revision = 3;
	presign_decide(&ask, &there, &v);
	assert_int_equal(v.kind, PRESIGN_ERROR);
	assert_int_equal(v.fault, FAULT_OBJECT_CONFLICT);
	there.sha256 = digest_of("same");
	there.size = 5;
	presign_decide(&ask, &there, &v);
	assert_int_equal(v.fault, FAULT_OBJECT_CONFLICT);
}

static void what_cannot_be_is_an_error_of_that_file(void **state) {
	(void)state;
	struct presign_verdict v;
	static const char *const names[] = {"", "..", "../x", "/x", "a//b", "_headgate/1/x", "_headgate/2/manifest.json",
		"a\nb", "a\\b", "_headgate", "\xff"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct presign_ask ask = ask_for(names[i], 1, "x");
		presign_decide(&ask, NULL, &v);
		assert_int_equal(v.kind, PRESIGN_ERROR);
		assert_int_equal(v.fault, FAULT_NAME_INVALID);
		assert_true(strlen(v.message) > 10);
	}
	struct presign_ask big = ask_for("big", 1, "x");
	big.size = PUT_MAX;
	presign_decide(&big, NULL, &v);
	assert_int_equal(v.kind, PRESIGN_PUT);
	big.size++;
	presign_decide(&big, NULL, &v);
	assert_int_equal(v.fault, FAULT_FILE_TOO_LARGE);
}

/* --- the call --- */

static void body_of(struct buf *out, int64_t revision, const char *const *names_and_contents) {
	char checksum[SHA256_BASE64];
	buf_fmt(out, "{\"session\":\"" TEST_SESSION "\",\"revision\":%d,\"files\":[", (int)revision);
	for (const char *const *p = names_and_contents; *p; p += 2) {
		struct sha256 d = digest_of(p[1]);
		buf_fmt(out, "%s{\"name\":\"%s\",\"size\":%zu,\"sha256\":\"%s\"}", p == names_and_contents ? "" : ",", p[0],
			strlen(p[1]), sha256_base64(checksum, &d));
	}
	buf_str(out, "]}");
}

static struct got presign(struct bench *b, int64_t revision, const char *const *names_and_contents) {
	AUTO(buf_done) struct buf body = BUF_INIT(1 << 20);
	char token[TOKEN_MAX];
	bench_token(b, 0, token);
	body_of(&body, revision, names_and_contents);
	return ASK(b->api, .method = "POST", .target = "/v1/presign", .token = token, .body = buf_text(&body));
}

static const cJSON *file_at(const struct got *g, int i) {
	assert_int_equal(g->status, 200);
	return cJSON_GetArrayItem(cJSON_GetObjectItem(g->json, "files"), i);
}

static const char *text_at(const cJSON *o, const char *a, const char *b) {
	const cJSON *inner = b ? cJSON_GetObjectItem(o, a) : o;
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(inner, b ? b : a));
	return text ? text : "";
}

static void a_put_is_promised_before_its_url_is_given(void **state) {
	struct bench *b = *state;
	AUTO(got_done) struct got g = presign(b, 1, (const char *const[]){"a b.dat", "abc", "..", "x", NULL});
	const cJSON *file = file_at(&g, 0);
	const char *url = text_at(file, "put", "url");
	assert_true(text_starts(url, "http://cloud.test:8080/headgate-raw/" TEST_SESSION "/lab-1/a%20b.dat?"));
	assert_non_null(strstr(url, "X-Amz-SignedHeaders=content-length%3Bhost%3Bif-none-match%3Bx-amz-checksum-sha256&"));
	const cJSON *headers = cJSON_GetObjectItem(cJSON_GetObjectItem(file, "put"), "headers");
	assert_string_equal(text_at(headers, "content-length", NULL), "3");
	assert_string_equal(text_at(headers, "if-none-match", NULL), "*");
	assert_string_equal(
		text_at(headers, "x-amz-checksum-sha256", NULL), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
	int64_t expires_ms;
	assert_int_equal(time_parse_rfc3339(text_at(file, "put", "expires_at"), &expires_ms), 0);
	assert_int_equal(sigv4_url_expiry_ms(url), expires_ms);
	assert_string_equal(text_at(file_at(&g, 1), "error", "code"), "name_invalid");

	struct object_row row;
	GIVES(1, catalog_object(b->api->catalog, "headgate-raw", TEST_SESSION "/lab-1/a b.dat", &row, &err));
	assert_int_equal(row.stored_ms, 0);
	assert_int_equal(row.size, 3);
	assert_string_equal(row.name, "a b.dat");
	int64_t revisions[4];
	size_t n;
	OK(catalog_undecided_of(b->api->catalog, "lab-1", TEST_SESSION, revisions, 4, &n, &err));
	assert_int_equal(n, 1);
}

static void stored(struct bench *b, const char *key, const char *content) {
	struct sha256 d = digest_of(content);
	OK(catalog_object_stored(
		b->api->catalog, "headgate-raw", key, (int64_t)strlen(content), &d, clock_wall_ms(), &err));
}

static void later_revisions_reuse_what_is_stored(void **state) {
	struct bench *b = *state;
	AUTO(got_done)
	struct got first = presign(b, 1, (const char *const[]){"same", "abc", "changed", "one", "lost", "x", NULL});
	stored(b, TEST_SESSION "/lab-1/same", "abc");
	stored(b, TEST_SESSION "/lab-1/changed", "one");
	AUTO(got_done) struct got again = presign(b, 1, (const char *const[]){"same", "abc", "changed", "two", NULL});
	assert_string_equal(text_at(file_at(&again, 0), "key", NULL), TEST_SESSION "/lab-1/same");
	assert_string_equal(
		text_at(file_at(&again, 0), "exists", "sha256"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
	assert_string_equal(text_at(file_at(&again, 1), "error", "code"), "object_conflict");

	AUTO(got_done)
	struct got second = presign(b, 2, (const char *const[]){"same", "abc", "changed", "two", "lost", "x", NULL});
	assert_string_equal(text_at(file_at(&second, 0), "key", NULL), TEST_SESSION "/lab-1/same");
	assert_string_equal(
		text_at(file_at(&second, 0), "exists", "sha256"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
	assert_string_equal(text_at(file_at(&second, 1), "key", NULL), TEST_SESSION "/lab-1/_headgate/2/changed");
	assert_string_equal(
		text_at(file_at(&second, 2), "key", NULL), TEST_SESSION "/lab-1/_headgate/2/lost"); /* never came */
	stored(b, TEST_SESSION "/lab-1/_headgate/2/changed", "two");
	AUTO(got_done) struct got third = presign(b, 3, (const char *const[]){"changed", "two", NULL});
	assert_string_equal(text_at(file_at(&third, 0), "key", NULL), TEST_SESSION "/lab-1/_headgate/2/changed");
}

static void another_station_has_its_own(void **state) {
	struct bench *b = *state;
	AUTO(got_done) struct got mine = presign(b, 1, (const char *const[]){"f", "abc", NULL});
	stored(b, TEST_SESSION "/lab-1/f", "abc");
	bench_key(b, 0, "lab-2", SCOPE_STATION);
	AUTO(got_done) struct got theirs = presign(b, 1, (const char *const[]){"f", "abc", NULL});
	assert_string_equal(text_at(file_at(&theirs, 0), "key", NULL), TEST_SESSION "/lab-2/f");
	assert_null(cJSON_GetObjectItem(file_at(&theirs, 0), "exists"));
}

static void a_thousand_files_and_not_one_more(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX];
	bench_token(b, 0, token);
	for (int n = 1000; n <= 1001; n++) {
		AUTO(buf_done) struct buf body = BUF_INIT(1 << 20);
		buf_str(&body, "{\"session\":\"" TEST_SESSION "\",\"revision\":1,\"files\":[");
		for (int i = 0; i < n; i++)
			buf_fmt(&body,
				"%s{\"name\":\"f%d\",\"size\":1,\"sha256\":\"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=\"}",
				i ? "," : "", i);
		buf_str(&body, "]}");
		AUTO(got_done)
		struct got g = ASK(b->api, .method = "POST", .target = "/v1/presign", .token = token, .body = buf_text(&body));
		assert_int_equal(g.status, n == 1000 ? 200 : 400);
		if (n == 1000) assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(g.json, "files")), 1000);
		else assert_non_null(strstr(g.text, "files"));
	}
}

static void mistakes_name_their_path(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX];
	bench_token(b, 0, token);
	static const char *const cases[][2] = {
		{"{}", "session"},
		{"{\"session\":\"nonsense\",\"revision\":1,\"files\":[]}", "session"},
		{"{\"session\":\"20261121_101010\",\"files\":[]}", "revision"},
		{"{\"session\":\"20261121_101010\",\"revision\":0,\"files\":[]}", "revision"},
		{"{\"session\":\"20261121_101010\",\"revision\":1}", "files"},
		{"{\"session\":\"20261121_101010\",\"revision\":1,\"files\":[3]}", "files[0]"},
		{"{\"session\":\"20261121_101010\",\"revision\":1,\"files\":[{\"name\":\"a\"}]}", "files[0].size"},
		{"{\"session\":\"20261121_101010\",\"revision\":1,\"files\":[{\"name\":\"a\",\"size\":-1}]}", "files[0].size"},
		{"{\"session\":\"20261121_101010\",\"revision\":1,\"files\":[{\"name\":\"a\",\"size\":1,\"sha256\":\"x\"}]}",
			"files[0].sha256"},
		{"[]", "object"},
		{"{", "JSON"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(got_done)
		struct got g = ASK(b->api, .method = "POST", .target = "/v1/presign", .token = token, .body = cases[i][0]);
		assert_int_equal(g.status, 400);
		assert_string_equal(got_word(&g), "bad_request");
		if (!strstr(g.text, cases[i][1])) fail_msg("%s does not name %s", g.text, cases[i][1]);
	}
}

static void the_host_is_the_callers_or_the_public_one(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX];
	bench_close(b);
	bench_open(b, (const char *const[]){"public-url", "https://ingest.example.org:8443", NULL});
	AUTO(got_done) struct got g = presign(b, 1, (const char *const[]){"f", "abc", NULL});
	assert_true(text_starts(text_at(file_at(&g, 0), "put", "url"), "https://ingest.example.org:8443/headgate-raw/"));
	bench_close(b);
	bench_open(b, NULL);
	bench_token(b, 0, token);
	struct call c;
	struct reply r;
	call_init(&c, b->api);
	reply_init(&r);
	c.body = cJSON_Parse("{\"session\":\"" TEST_SESSION "\",\"revision\":1,\"files\":[]}");
	presign_post(&c, &r); /* no Host at all */
	assert_int_equal(r.fault, FAULT_HOST_MISSING);
	call_add_header(&c, "host", "a/b");
	presign_post(&c, &r);
	assert_int_equal(r.fault, FAULT_HOST_MISSING);
	call_done(&c);
	reply_done(&r);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_the_first_and_of_later_revisions),
		cmocka_unit_test(what_is_there_is_not_sent_again),
		cmocka_unit_test(what_cannot_be_is_an_error_of_that_file),
		TEST_ON_BENCH(a_put_is_promised_before_its_url_is_given),
		TEST_ON_BENCH(later_revisions_reuse_what_is_stored),
		TEST_ON_BENCH(another_station_has_its_own),
		TEST_ON_BENCH(a_thousand_files_and_not_one_more),
		TEST_ON_BENCH(mistakes_name_their_path),
		TEST_ON_BENCH(the_host_is_the_callers_or_the_public_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
