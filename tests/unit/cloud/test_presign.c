/* SPDX-License-Identifier: MIT */
/* What presign decides: by rule, and with a real catalog. */
#include "api_help.h"

#include <sys/statvfs.h>
#include "cloud/api/presign.h"
#include "session/manifest.h"
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
	there.stored_ms = 0; /* lost: the same comes again, other content is new */
	presign_decide(&ask, &there, &v);
	assert_int_equal(v.kind, PRESIGN_PUT);
	there.size = 4;
	presign_decide(&ask, &there, &v);
	assert_int_equal(v.kind, PRESIGN_AGAIN);
}

static void nothing_new_comes_into_a_revision_that_is_decided_or_anothers(void **state) {
	(void)state;
	static const struct {
		enum presign_kind kind;
		enum fault fault;
		enum standing standing;
		enum presign_kind want;
		enum fault want_fault;
	} cases[] = {
		{PRESIGN_PUT, FAULT_NONE, STANDING_OPEN, PRESIGN_PUT, FAULT_NONE},
		{PRESIGN_PUT, FAULT_NONE, STANDING_DECIDED, PRESIGN_ERROR, FAULT_REVISION_DECIDED},
		{PRESIGN_PUT, FAULT_NONE, STANDING_TAKEN, PRESIGN_ERROR, FAULT_REVISION_TAKEN},
		{PRESIGN_ERROR, FAULT_OBJECT_CONFLICT, STANDING_OPEN, PRESIGN_ERROR, FAULT_OBJECT_CONFLICT},
		{PRESIGN_ERROR, FAULT_OBJECT_CONFLICT, STANDING_DECIDED, PRESIGN_ERROR, FAULT_REVISION_DECIDED},
		{PRESIGN_ERROR, FAULT_OBJECT_CONFLICT, STANDING_TAKEN, PRESIGN_ERROR, FAULT_REVISION_TAKEN},
		{PRESIGN_ERROR, FAULT_NAME_INVALID, STANDING_DECIDED, PRESIGN_ERROR, FAULT_NAME_INVALID},
		{PRESIGN_EXISTS, FAULT_NONE, STANDING_TAKEN, PRESIGN_EXISTS, FAULT_NONE},
		{PRESIGN_AGAIN, FAULT_NONE, STANDING_DECIDED, PRESIGN_AGAIN, FAULT_NONE},
	};
	struct presign_ask ask = ask_for("f", 3, "same");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct presign_verdict v = {.kind = cases[i].kind, .fault = cases[i].fault};
		presign_refuse(&ask, cases[i].standing, &v);
		assert_int_equal(v.kind, cases[i].want);
		assert_int_equal(v.fault, cases[i].want_fault);
		if (v.fault >= FAULT_REVISION_DECIDED && v.fault <= FAULT_REVISION_TAKEN)
			assert_non_null(strstr(v.message, "revision 3"));
	}
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

static void body_of(struct buf *out, int64_t revision, const char *instance, const char *const *names_and_contents) {
	char checksum[SHA256_BASE64];
	buf_fmt(out, "{\"session\":\"" TEST_SESSION "\",\"revision\":%d,", (int)revision);
	if (instance) buf_fmt(out, "\"instance\":\"%s\",", instance);
	buf_str(out, "\"files\":[");
	for (const char *const *p = names_and_contents; *p; p += 2) {
		struct sha256 d = digest_of(p[1]);
		buf_fmt(out, "%s{\"name\":\"%s\",\"size\":%zu,\"sha256\":\"%s\"}", p == names_and_contents ? "" : ",", p[0],
			strlen(p[1]), sha256_base64(checksum, &d));
	}
	buf_str(out, "]}");
}

static struct got presign_of(
	struct bench *b, int64_t revision, const char *instance, const char *const *names_and_contents) {
	AUTO(buf_done) struct buf body = BUF_INIT(1 << 20);
	char token[TOKEN_MAX];
	bench_token(b, 0, token);
	body_of(&body, revision, instance, names_and_contents);
	return ASK(b->api, .method = "POST", .target = "/v1/presign", .token = token, .body = buf_text(&body));
}

static struct got presign(struct bench *b, int64_t revision, const char *const *names_and_contents) {
	return presign_of(b, revision, NULL, names_and_contents);
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

static int64_t url_begin_ms(const char *url) {
	AUTO(query_done) struct query q = {0};
	int64_t ms;
	OK(query_parse(&q, strchr(url, '?') + 1, &err));
	assert_int_equal(time_parse_iso_basic(query_get(&q, "X-Amz-Date"), &ms), 0);
	return ms;
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
	assert_int_equal(url_begin_ms(url) + sigv4_url_lasts_ms(url), expires_ms);
	assert_string_equal(text_at(file_at(&g, 1), "error", "code"), "name_invalid");

	struct object_row row;
	GIVES(1, catalog_object(b->api->catalog, "headgate-raw", TEST_SESSION "/lab-1/a b.dat", &row, &err));
	assert_int_equal(row.stored_ms, 0);
	assert_int_equal(row.size, 3);
	assert_string_equal(row.name, "a b.dat");
	AUTO(json_free) cJSON *revisions = NULL;
	OK(rows_revisions(b->api->catalog, "lab-1", TEST_SESSION, &revisions, &err));
	assert_int_equal(cJSON_GetArraySize(revisions), 1);
}

static void stored(struct bench *b, const char *key, const char *content) {
	struct sha256 d = digest_of(content);
	object_put(b->api->objects, "headgate-raw", key, content, strlen(content));
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

/* "put", "exists", or the word of its error. */
static const char *told(const struct got *g, int i) {
	const cJSON *file = file_at(g, i);
	if (cJSON_GetObjectItem(file, "put")) return "put";
	return cJSON_GetObjectItem(file, "exists") ? "exists" : text_at(file, "error", "code");
}

/* What the answer says of the session's revisions: "1 uploading a; 2 uploading -". */
static void assert_revisions(const struct got *g, const char *want) {
	AUTO(buf_done) struct buf out = BUF_INIT(4096);
	const cJSON *r;
	cJSON_ArrayForEach (r, cJSON_GetObjectItem(g->json, "revisions")) {
		const char *instance = cJSON_GetStringValue(cJSON_GetObjectItem(r, "instance"));
		const char *content = cJSON_GetStringValue(cJSON_GetObjectItem(r, "content"));
		buf_fmt(&out, "%s%d %s %s", out.len ? "; " : "", cJSON_GetObjectItem(r, "revision")->valueint,
			text_at(r, "state", NULL), instance ? instance : "-");
		if (content) buf_fmt(&out, " %.8s", content);
	}
	assert_string_equal(buf_text(&out), want);
}

static void decided(struct bench *b, int64_t revision, const char *name, const char *content) {
	AUTO(manifest_done) struct manifest m = {.revision = revision};
	struct manifest_file *f = manifest_add(&m);
	bool again;
	f->name = xstrdup(name);
	f->size = (int64_t)strlen(content);
	f->sha256 = digest_of(content);
	OK(catalog_session_decide(
		b->api->catalog, "lab-1", TEST_SESSION, revision, CLOUD_ACCEPTED, NULL, NULL, &m, &again, &err));
}

static void a_revision_is_that_of_its_first_instance(void **state) {
	struct bench *b = *state;
	AUTO(got_done) struct got first = presign_of(b, 1, "a", (const char *const[]){"f", "abc", "g", "xyz", NULL});
	assert_string_equal(told(&first, 0), "put");
	assert_revisions(&first, "1 uploading a");
	stored(b, TEST_SESSION "/lab-1/f", "abc");
	AUTO(got_done)
	struct got twin = presign_of(b, 1, "b", (const char *const[]){"f", "abc", "g", "xyz", "f", "abd", "..", "x", NULL});
	assert_string_equal(told(&twin, 0), "exists");
	assert_string_equal(told(&twin, 1), "revision_taken");
	assert_string_equal(told(&twin, 2), "revision_taken");
	assert_string_equal(told(&twin, 3), "name_invalid");
	AUTO(got_done) struct got nobody = presign_of(b, 1, NULL, (const char *const[]){"g", "xyz", NULL});
	assert_string_equal(told(&nobody, 0), "revision_taken");
	AUTO(got_done) struct got next = presign_of(b, 2, "b", (const char *const[]){"f", "abc", "g", "xyz", NULL});
	assert_string_equal(told(&next, 0), "exists");
	assert_string_equal(text_at(file_at(&next, 1), "key", NULL), TEST_SESSION "/lab-1/_headgate/2/g");
	assert_revisions(&next, "1 uploading a; 2 uploading b");
	AUTO(got_done) struct got own = presign_of(b, 1, "a", (const char *const[]){"g", "xyz", NULL});
	assert_string_equal(told(&own, 0), "put");
}

/* The manifest of a revision may name a key before the file comes: an older revision that gets the same file meanwhile
 * does not take it away. */
static void a_promised_key_stays(void **state) {
	struct bench *b = *state;
	AUTO(got_done) struct got first = presign_of(b, 1, "a", (const char *const[]){"f", "abc", NULL});
	AUTO(got_done) struct got second = presign_of(b, 2, "b", (const char *const[]){"f", "abc", NULL});
	assert_string_equal(text_at(file_at(&second, 0), "key", NULL), TEST_SESSION "/lab-1/_headgate/2/f");
	stored(b, TEST_SESSION "/lab-1/f", "abc");
	AUTO(got_done) struct got again = presign_of(b, 2, "b", (const char *const[]){"f", "abc", NULL});
	assert_string_equal(told(&again, 0), "put");
	assert_string_equal(text_at(file_at(&again, 0), "key", NULL), TEST_SESSION "/lab-1/_headgate/2/f");
	AUTO(got_done) struct got third = presign_of(b, 3, "b", (const char *const[]){"f", "abc", NULL});
	assert_string_equal(told(&third, 0), "exists");
	stored(b, TEST_SESSION "/lab-1/_headgate/2/f", "abc");
	AUTO(got_done) struct got there = presign_of(b, 2, "b", (const char *const[]){"f", "abc", NULL});
	assert_string_equal(told(&there, 0), "exists");
	assert_string_equal(text_at(file_at(&there, 0), "key", NULL), TEST_SESSION "/lab-1/_headgate/2/f");
}

/* Without an instance nothing is claimed, and what nobody claimed is the first one's that does. */
static void a_look_claims_nothing(void **state) {
	struct bench *b = *state;
	AUTO(got_done) struct got look = presign_of(b, 1, "a", (const char *const[]){NULL});
	assert_revisions(&look, "");
	AUTO(got_done) struct got old = presign_of(b, 1, NULL, (const char *const[]){"f", "abc", NULL});
	assert_revisions(&old, "1 uploading -");
	stored(b, TEST_SESSION "/lab-1/f", "abc");
	AUTO(got_done) struct got there = presign_of(b, 1, "a", (const char *const[]){"f", "abc", NULL});
	assert_string_equal(told(&there, 0), "exists");
	assert_revisions(&there, "1 uploading -");
	AUTO(got_done) struct got claim = presign_of(b, 1, "b", (const char *const[]){"g", "xyz", NULL});
	assert_revisions(&claim, "1 uploading b");
	static const char *const bad[] = {
		"", "a b", "a/b", "12345678901234567890123456789012345678901234567890123456789012345"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(got_done) struct got g = presign_of(b, 1, bad[i], (const char *const[]){NULL});
		assert_int_equal(g.status, 400);
		assert_non_null(strstr(g.text, "instance"));
	}
}

static void nothing_is_added_to_a_decided_revision(void **state) {
	struct bench *b = *state;
	AUTO(got_done) struct got first = presign_of(b, 1, "a", (const char *const[]){"f", "abc", NULL});
	stored(b, TEST_SESSION "/lab-1/f", "abc");
	decided(b, 1, "f", "abc");
	AUTO(got_done)
	struct got g = presign_of(b, 1, "a", (const char *const[]){"f", "abc", "f", "abd", "g", "xyz", NULL});
	assert_string_equal(told(&g, 0), "exists");
	assert_string_equal(told(&g, 1), "revision_decided");
	assert_string_equal(told(&g, 2), "revision_decided");
	struct sha256 content;
	char hex[SHA256_HEX], want[64];
	struct buf text = BUF_INIT(200);
	buf_add(&text, "f\0003\000", 4);
	struct sha256 abc = digest_of("abc");
	buf_fmt(&text, "%s\n", sha256_hex(hex, &abc));
	sha256_of(text.data, text.len, &content);
	buf_done(&text);
	snprintf(want, sizeof want, "1 accepted a %.8s", sha256_hex(hex, &content));
	assert_revisions(&g, want);
}

static char *object_file(struct bench *b, const char *key) {
	char hex[SHA256_HEX];
	struct sha256 digest = digest_of(key);
	sha256_hex(hex, &digest);
	return xasprintf("%s/objects/headgate-raw/%.2s/%s", b->scratch.dir, hex, hex);
}

/* exists is said of what lies in the store. What was lost can be sent again, whoever's revision it is and whether it is
 * decided, as it was and in no other form; what is left of it stays. */
static void what_the_store_lost_can_be_sent_again(void **state) {
	struct bench *b = *state;
	AUTO(got_done) struct got first = presign_of(b, 1, "a", (const char *const[]){"f", "abc", "g", "xyz", NULL});
	stored(b, TEST_SESSION "/lab-1/f", "abc");
	stored(b, TEST_SESSION "/lab-1/g", "xyz");
	decided(b, 1, "f", "abc");
	AUTO(xfree) char *gone = object_file(b, TEST_SESSION "/lab-1/f"), *cut = object_file(b, TEST_SESSION "/lab-1/g");
	assert_int_equal(unlink(gone), 0);
	assert_int_equal(truncate(cut, 2), 0);
	for (int revision = 1; revision <= 2; revision++) {
		AUTO(got_done)
		struct got g = presign_of(b, revision, "a", (const char *const[]){"f", "abc", "g", "xyz", NULL});
		assert_string_equal(told(&g, 0), "put");
		assert_string_equal(told(&g, 1), "put");
		assert_string_equal(text_at(file_at(&g, 0), "key", NULL), TEST_SESSION "/lab-1/f");
	}
	AUTO(got_done) struct got other = presign_of(b, 1, "a", (const char *const[]){"f", "abd", NULL});
	assert_string_equal(told(&other, 0), "revision_decided");
	AUTO(xfree) char *aside = xasprintf("%s/objects/.aside", b->scratch.dir);
	assert_int_equal(files_in(aside), 1);
	stored(b, TEST_SESSION "/lab-1/f", "abc");
	stored(b, TEST_SESSION "/lab-1/g", "xyz");
	AUTO(got_done) struct got healed = presign_of(b, 1, "a", (const char *const[]){"f", "abc", "g", "xyz", NULL});
	assert_string_equal(told(&healed, 0), "exists");
	assert_string_equal(told(&healed, 1), "exists");
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

/* Numbers for revisions and promises that nothing comes of are few; what was promised may be asked for again. */
static void what_is_open_has_a_bound(void **state) {
	struct bench *b = *state;
	const char *const file[] = {"a", "abc", NULL};
	for (int r = 1; r <= REVISIONS_EMPTY_MAX; r++) {
		AUTO(got_done) struct got g = presign(b, r * 5, file);
		assert_int_equal(g.status, 200);
	}
	AUTO(got_done) struct got more = presign(b, 1000, file);
	assert_int_equal(more.status, 429);
	assert_string_equal(got_word(&more), "rate_limited");
	assert_non_null(strstr(more.headers, "Retry-After: "));
	AUTO(got_done) struct got same = presign(b, 5, (const char *const[]){"a", "abc", "b", "abc", NULL});
	assert_int_equal(same.status, 200);
	stored(b, text_at(file_at(&same, 0), "key", NULL), "abc");
	AUTO(got_done)
	struct got next = presign(b, 1000, (const char *const[]){"a", "new", NULL}); /* one of them got something */
	assert_int_equal(next.status, 200);
	AUTO(json_free) cJSON *revisions = NULL;
	OK(rows_revisions(b->api->catalog, "lab-1", TEST_SESSION, &revisions, &err));
	assert_int_equal(cJSON_GetArraySize(revisions), REVISIONS_EMPTY_MAX + 1); /* nothing is left of what was refused */
}

static void promises_have_a_bound(void **state) {
	struct bench *b = *state;
	const struct claim claim = {.station = "lab-1", .session = TEST_SESSION, .revision = 1};
	struct object_row *rows = xcalloc(1000, sizeof *rows);
	enum standing standing;
	for (int i = 0; i <= PROMISES_OPEN_MAX / 1000; i++) {
		for (int k = 0; k < 1000; k++) {
			rows[k] = (struct object_row){.bucket = "headgate-raw", .session = TEST_SESSION, .revision = 1, .size = 3};
			text_copy(rows[k].station, sizeof rows[k].station, "lab-1");
			snprintf(rows[k].name, sizeof rows[k].name, "f%d.%d", i, k);
			snprintf(rows[k].key, sizeof rows[k].key, TEST_SESSION "/lab-1/f%d.%d", i, k);
		}
		if (i < PROMISES_OPEN_MAX / 1000)
			OK(catalog_objects_promise(b->api->catalog, &claim, rows, 1000, &standing, &err));
		else FAILS(ERR_THROTTLED, catalog_objects_promise(b->api->catalog, &claim, rows, 1000, &standing, &err));
	}
	snprintf(rows->name, sizeof rows->name, "f0.0");
	snprintf(rows->key, sizeof rows->key, TEST_SESSION "/lab-1/f0.0");
	OK(catalog_objects_promise(b->api->catalog, &claim, rows, 1, &standing, &err));
	OK(catalog_object_stored(b->api->catalog, "headgate-raw", rows->key, 3, &rows->sha256, 1, &err));
	snprintf(rows->name, sizeof rows->name, "new");
	snprintf(rows->key, sizeof rows->key, TEST_SESSION "/lab-1/new");
	OK(catalog_objects_promise(b->api->catalog, &claim, rows, 1, &standing, &err));
	xfree(rows);
}

/* The last of the room is not for promises: /healthz says so, too. */
static void a_full_disk_promises_nothing(void **state) {
	struct bench *b = *state;
	char token[TOKEN_MAX];
	bench_token(b, 0, token);
	const char *file[] = {"a", "abc", NULL};
	struct statvfs disk;
	assert_int_equal(statvfs(b->scratch.dir, &disk), 0);
	assert_false(api_room(b->api, 0, &(struct error){0}));
	assert_true(api_room(b->api, (int64_t)disk.f_bavail * (int64_t)disk.f_frsize, &(struct error){0}) != 0);
	AUTO(got_done) struct got g = presign(b, 1, file);
	assert_int_equal(g.status, 200);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_the_first_and_of_later_revisions),
		cmocka_unit_test(what_is_there_is_not_sent_again),
		cmocka_unit_test(nothing_new_comes_into_a_revision_that_is_decided_or_anothers),
		cmocka_unit_test(what_cannot_be_is_an_error_of_that_file),
		TEST_ON_BENCH(a_put_is_promised_before_its_url_is_given),
		TEST_ON_BENCH(later_revisions_reuse_what_is_stored),
		TEST_ON_BENCH(another_station_has_its_own),
		TEST_ON_BENCH(a_revision_is_that_of_its_first_instance),
		TEST_ON_BENCH(a_promised_key_stays),
		TEST_ON_BENCH(what_is_open_has_a_bound),
		TEST_ON_BENCH(promises_have_a_bound),
		TEST_ON_BENCH(a_full_disk_promises_nothing),
		TEST_ON_BENCH(a_look_claims_nothing),
		TEST_ON_BENCH(nothing_is_added_to_a_decided_revision),
		TEST_ON_BENCH(what_the_store_lost_can_be_sent_again),
		TEST_ON_BENCH(a_thousand_files_and_not_one_more),
		TEST_ON_BENCH(mistakes_name_their_path),
		TEST_ON_BENCH(the_host_is_the_callers_or_the_public_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
