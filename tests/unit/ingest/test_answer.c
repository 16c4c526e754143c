/* SPDX-License-Identifier: MIT */
/* Every answer's shape: what is lawful is read into its struct, every member that is replaced by another kind of value
 * is refused by its path, and what would steer a request, a header or the journal never gets through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/answer.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
#define TIME "2026-11-20T13:45:02.000Z"
#define URL                                                                                                            \
	"https://store.example.org:9000/raw/20261120_134502/lab-1/a.edf?X-Amz-Date=20261120T134502Z&X-Amz-Expires=900"
#define PUT_OF(url, headers) "\"put\":{\"url\":\"" url "\",\"headers\":" headers ",\"expires_at\":\"" TIME "\"}"
#define FILE_OF(what) "{\"name\":\"a.edf\",\"bucket\":\"raw\",\"key\":\"20261120_134502/lab-1/a.edf\"," what "}"
#define CHECK "{\"name\":\"objects\",\"verdict\":\"pass\",\"found\":\"3 files\",\"rule\":\"\",\"mend\":\"\"}"
#define SESSION_OF(more)                                                                                               \
	"{\"station\":\"lab-1\",\"session\":\"20261120_134502\",\"revision\":2,\"state\":\"accepted\",\"processing\":"     \
	"\"none\",\"checks\":[" CHECK "],\"content\":\"" HEX64 "\",\"instance\":\"i-1\"" more "}"

static const struct {
	enum answer_id id;
	const char *json;
} lawful[] = {
	{ANSWER_INFO, "{\"service\":\"headgate-cloud\",\"version\":\"0.1.0\",\"api\":1,\"minimum_client\":\"0.1.0\","
				  "\"now\":\"" TIME "\",\"limits\":{\"files_per_call\":1000,\"part_size_rule\":\"16 MiB\","
				  "\"body_bytes\":1048576}}"},
	{ANSWER_AUTHENTICATE,
		"{\"token\":\"eyJ.a-b_c\",\"expires_in\":3600,\"station\":\"lab-1\",\"scopes\":[\"station\"]}"},
	{ANSWER_SCHEMA,
		"{\"version\":1,\"metadata\":{\"file\":\"metadata.txt\",\"keys\":{\"fatigue_level\":{\"type\":\"number\","
		"\"required\":true,\"minimum\":0,\"maximum\":10},\"mode\":{\"type\":\"text\",\"one_of\":[\"a\"]}}}}"},
	{ANSWER_PRESIGN,
		"{\"revisions\":[{\"revision\":1,\"state\":\"accepted\",\"content\":\"" HEX64 "\",\"instance\":\"i-1\"}],"
		"\"files\":[" FILE_OF(PUT_OF(URL, "{\"x-amz-checksum-sha256\":\"" SHA "\",\"host\":\"store\"}")) "]}"},
	{ANSWER_PRESIGN, "{\"files\":[" FILE_OF("\"exists\":{\"size\":7,\"sha256\":\"" SHA "\"}") "]}"},
	{ANSWER_PRESIGN, "{\"files\":[{\"name\":\"a.edf\",\"error\":{\"code\":\"name_invalid\",\"message\":\"it is\"}}]}"},
	{ANSWER_STAT,
		"{\"objects\":[{\"name\":\"a.edf\",\"size\":7,\"checksum\":\"" SHA "\",\"stored_at\":\"" TIME "\"}]}"},
	{ANSWER_STAT, "{\"objects\":[{\"name\":\"a.edf\",\"missing\":true}]}"},
	{ANSWER_SESSIONS, "{\"sessions\":[" SESSION_OF("") "],\"next\":\"c-2\"}"},
	{ANSWER_SESSION, SESSION_OF(",\"revisions\":[" SESSION_OF("") "]")},
	{ANSWER_CHANGES, "{\"changes\":[" SESSION_OF(",\"at\":\"" TIME "\"") "],\"cursor\":\"c-1\",\"reset\":false}"},
	{ANSWER_EVENTS, "{\"stored\":3}"},
	{ANSWER_HEARTBEAT, "{\"now\":\"" TIME "\",\"stations_with_this_key\":1}"},
	{ANSWER_STATIONS, "{\"stations\":[{\"station\":\"lab-1\",\"last_heartbeat_at\":\"" TIME "\",\"queue\":3,\"held\":"
					  "null}],\"next\":null}"},
};

static const struct shape_rules open_rules = {.https = false}, https_rules = {.https = true};

static cJSON *parsed(const char *text) {
	cJSON *json = NULL;
	struct error err = ERROR_INIT;
	if (json_parse(text, strlen(text), &json, &err)) fail_msg("%s: %s", text, err.text);
	return json;
}

static int read_json(enum answer_id id, const cJSON *json, const struct shape_rules *rules, struct error *err) {
	void *read = NULL;
	*err = ERROR_INIT;
	int failed = answer_read(id, json, rules, &read, err);
	assert_int_equal(failed ? ERR_ANSWER : ERR_NONE, err->code);
	assert_int_equal(read == NULL, failed != 0);
	answer_free(id, read);
	return failed;
}

static int read_text(enum answer_id id, const char *text, const struct shape_rules *rules, struct error *err) {
	AUTO(json_free) cJSON *json = parsed(text);
	return read_json(id, json, rules, err);
}

static void test_lawful(void **state) {
	(void)state;
	bool seen[ANSWER_N] = {false};
	struct error err;
	for (size_t i = 0; i < ARRAY_LEN(lawful); i++) {
		seen[lawful[i].id] = true;
		if (read_text(lawful[i].id, lawful[i].json, &https_rules, &err)) fail_msg("%s: %s", lawful[i].json, err.text);
	}
	for (size_t i = 0; i < ANSWER_N; i++) assert_true(seen[i]);
}

static void test_values(void **state) {
	(void)state;
	AUTO(json_free) cJSON *json = parsed(lawful[3].json), *changes = parsed(lawful[10].json);
	struct error err = ERROR_INIT;
	void *read = NULL;
	assert_int_equal(answer_read(ANSWER_PRESIGN, json, &open_rules, &read, &err), 0);
	const struct answer_presign *p = read;
	assert_int_equal(p->revision_n, 1);
	assert_int_equal(p->revisions[0].revision, 1);
	assert_string_equal(p->revisions[0].content, HEX64);
	assert_int_equal(p->file_n, 1);
	assert_string_equal(p->files[0].put->url, URL);
	assert_int_equal(p->files[0].put->header_n, 2);
	assert_string_equal(p->files[0].put->headers[0].name, "x-amz-checksum-sha256");
	assert_string_equal(p->files[0].put->headers[0].value, SHA);
	assert_null(p->files[0].exists);
	answer_free(ANSWER_PRESIGN, read);
	assert_int_equal(answer_read(ANSWER_CHANGES, changes, &open_rules, &read, &err), 0);
	const struct answer_changes *c = read;
	struct answer_session *kept = answer_session_copy(&c->changes[0]);
	answer_free(ANSWER_CHANGES, read);
	assert_string_equal(kept->session, "20261120_134502");
	assert_string_equal(kept->content, HEX64);
	assert_int_equal(kept->revision, 2);
	assert_int_equal(cJSON_GetArraySize(kept->checks), 1);
	answer_session_free(kept);
}

/* --- every member by every other kind --- */

static const char *const kinds[] = {"null", "true", "-7", "0.5", "1e300", "\"\"", "\"\\u001b[2J\\r\\nEvil: 1\"", "[]",
	"{}", "[[]]", "[7]", "{\"a\":{}}", "9007199254740993"};

/* What may stand there: the same kind of JSON value, or null where the member may be missing. Everything else must be
 * refused; a text in place of another is the format's to judge (test_forms). */
static bool is_same_kind(const cJSON *a, const cJSON *b) {
	if (cJSON_IsBool(a)) return cJSON_IsBool(b);
	return (a->type & 0xff) == (b->type & 0xff);
}

static size_t replaced, refused_n;

static void replace_each(enum answer_id id, cJSON *root, cJSON *holder) {
	int n = cJSON_GetArraySize(holder);
	for (int i = 0; i < n; i++) {
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			AUTO(json_free) cJSON *other = parsed(kinds[k]);
			cJSON *member = cJSON_GetArrayItem(holder, i);
			if (is_same_kind(member, other) || cJSON_IsNull(member)) continue;
			struct error err;
			cJSON saved = *member;
			/* the value changes in place, its name and neighbours stay */
			member->type = other->type;
			member->child = other->child;
			member->valuestring = other->valuestring;
			member->valuedouble = other->valuedouble;
			member->valueint = other->valueint;
			int failed = read_json(id, root, &open_rules, &err);
			*member = saved;
			replaced++;
			refused_n += failed != 0;
			if (!failed && !cJSON_IsNull(other)) fail_msg("%s of answer %d took %s", saved.string, (int)id, kinds[k]);
		}
		replace_each(id, root, cJSON_GetArrayItem(holder, i));
	}
}

static void test_every_member(void **state) {
	(void)state;
	struct error err;
	for (size_t i = 0; i < ARRAY_LEN(lawful); i++) {
		AUTO(json_free) cJSON *json = parsed(lawful[i].json);
		for (cJSON *at; (at = cJSON_GetObjectItemCaseSensitive(json, "at"));)
			cJSON_Delete(cJSON_DetachItemViaPointer(json, at));
		/* a member that no table names may be anything */
		cJSON *changes = cJSON_GetObjectItemCaseSensitive(json, "changes");
		if (changes) cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetArrayItem(changes, 0), "at");
		replace_each(lawful[i].id, json, json);
		assert_int_equal(read_json(lawful[i].id, json, &open_rules, &err), 0); /* as it was */
	}
	assert_true(replaced > 500 && refused_n * 10 > replaced * 8);
}

/* --- texts that must not get through --- */

static const struct {
	enum answer_id id;
	const char *json, *path;
} refused[] = {
#define PRESIGN(url, headers) ANSWER_PRESIGN, "{\"files\":[" FILE_OF(PUT_OF(url, headers)) "]}"
	{PRESIGN("ftp://h/b/k?q", "{}"), "files[0].put.url"},
	{PRESIGN("http://h/b/k?X-Amz-Date=1", "{}"), "https"},
	{PRESIGN("https://good.example@evil.example/b/k?q", "{}"), "files[0].put.url"},
	{PRESIGN("https://h:99999/b/k?q", "{}"), "files[0].put.url"},
	{PRESIGN("https:///b/k?q", "{}"), "files[0].put.url"},
	{PRESIGN("https://h/b/k\\u0001?q", "{}"), "files[0].put.url"},
	{PRESIGN("https://h/b/k?q\\r\\nHost: x", "{}"), "files[0].put.url"},
	{PRESIGN("https://h/b/k?q#f", "{}"), "files[0].put.url"},
	{PRESIGN("file:///etc/passwd?q", "{}"), "files[0].put.url"},
	{PRESIGN(URL, "[\"x\"]"), "files[0].put.headers"},
	{PRESIGN(URL, "\"text\""), "files[0].put.headers"},
	{PRESIGN(URL, "{\"a\":[\"x\"]}"), "files[0].put.headers"},
	{PRESIGN(URL, "{\"x-amz-y\":\"a\\r\\nEvil: 1\"}"), "files[0].put.headers.x-amz-y"},
	{PRESIGN(URL, "{\"x-amz-y\":\"\\u00e9\"}"), "files[0].put.headers.x-amz-y"},
	{PRESIGN(URL, "{\"Authorization\":\"Basic eA==\"}"), "files[0].put.headers.Authorization"},
	{PRESIGN(URL, "{\"Transfer-Encoding\":\"chunked\"}"), "files[0].put.headers.Transfer-Encoding"},
	{PRESIGN(URL, "{\"x-amz-y: a\\r\\nEvil\":\"1\"}"), "no header"},
	{ANSWER_PRESIGN, "{\"files\":[{\"name\":\"a\",\"bucket\":\"raw\",\"key\":\"k\"}]}", "exactly one"},
	{ANSWER_PRESIGN,
		"{\"files\":[" FILE_OF(
			"\"exists\":{\"size\":7,\"sha256\":\"" SHA "\"},\"error\":{\"code\":\"x\",\"message\":\"y\"}") "]}",
		"exactly one"},
	{ANSWER_PRESIGN, "{\"files\":[{\"name\":\"a\",\"exists\":{\"size\":7,\"sha256\":\"" SHA "\"}}]}", "bucket and key"},
	{ANSWER_PRESIGN, "{\"files\":[" FILE_OF("\"exists\":{\"size\":-1,\"sha256\":\"" SHA "\"}") "]}", "exists.size"},
	{ANSWER_PRESIGN, "{\"files\":[" FILE_OF("\"exists\":{\"size\":1,\"sha256\":\"AAAA\"}") "]}", "exists.sha256"},
	{ANSWER_AUTHENTICATE, "{\"token\":\"a b\",\"expires_in\":1,\"station\":\"s\"}", "token"},
	{ANSWER_AUTHENTICATE, "{\"token\":\"a\\r\\nX: y\",\"expires_in\":1,\"station\":\"s\"}", "token"},
	{ANSWER_AUTHENTICATE, "{\"token\":\"\",\"expires_in\":1,\"station\":\"s\"}", "token"},
	{ANSWER_AUTHENTICATE, "{\"token\":\"a\",\"expires_in\":-1,\"station\":\"s\"}", "expires_in"},
	{ANSWER_AUTHENTICATE, "{\"token\":\"a\",\"expires_in\":1e15,\"station\":\"s\"}", "expires_in"},
	{ANSWER_AUTHENTICATE, "{\"token\":\"a\",\"expires_in\":1,\"station\":\"../x\"}", "station"},
	{ANSWER_AUTHENTICATE, "{\"token\":\"a\",\"expires_in\":1,\"station\":\"\"}", "station"},
	{ANSWER_CHANGES, "{\"changes\":[],\"cursor\":\"\"}", "cursor"},
	{ANSWER_CHANGES, "{\"changes\":[],\"cursor\":\"a\\nb\"}", "cursor"},
	{ANSWER_CHANGES, "{\"changes\":[]}", "cursor is missing"},
	{ANSWER_CHANGES, "{\"changes\":[{\"session\":\"../../../etc\",\"revision\":1,\"state\":\"x\"}],\"cursor\":\"c\"}",
		"changes[0].session"},
	{ANSWER_CHANGES,
		"{\"changes\":[{\"session\":\"20261120_134502\",\"revision\":0,\"state\":\"x\"}],\"cursor\":\"c\"}",
		"changes[0].revision"},
	{ANSWER_CHANGES,
		"{\"changes\":[{\"session\":\"20261120_134502\",\"revision\":1,\"state\":\"x\",\"content\":\"ABC\"}],"
		"\"cursor\":"
		"\"c\"}",
		"changes[0].content"},
	{ANSWER_STAT, "{\"objects\":[{\"name\":\"a\",\"checksum\":\"" SHA "\"}]}", "objects[0]"},
	{ANSWER_STAT, "{\"objects\":[{\"name\":\"a\",\"size\":3}]}", "objects[0]"},
	{ANSWER_STATIONS, "{\"stations\":[{\"station\":\"\\u001b[2J\"}]}", "stations[0].station"},
	{ANSWER_SESSION, "{}", "session is missing"},
	{ANSWER_SCHEMA, "[]", "must be an object"},
};

static void test_forms(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct error err;
		if (read_text(refused[i].id, refused[i].json, &https_rules, &err) == 0) fail_msg("taken: %s", refused[i].json);
		if (!strstr(err.text, refused[i].path)) fail_msg("%s: %s", refused[i].json, err.text);
	}
}

static char *cursor_answer(size_t n) {
	char *cursor = xcalloc(n + 1, 1);
	memset(cursor, 'c', n);
	char *json = xasprintf("{\"changes\":[],\"cursor\":\"%s\"}", cursor);
	free(cursor);
	return json;
}

static void test_lengths(void **state) {
	(void)state;
	struct error err;
	AUTO(xfree) char *good = cursor_answer(4096), *long_one = cursor_answer(4097), *huge = cursor_answer(1 << 20);
	assert_int_equal(read_text(ANSWER_CHANGES, good, &open_rules, &err), 0);
	assert_int_equal(read_text(ANSWER_CHANGES, long_one, &open_rules, &err), -1);
	assert_int_equal(read_text(ANSWER_CHANGES, huge, &open_rules, &err), -1);
	assert_true(answer_cursor_fits("c-1"));
	assert_false(answer_cursor_fits(""));
	assert_false(answer_cursor_fits("a\nb"));
	assert_false(answer_cursor_fits(huge));
}

/* http where the endpoint is http; nothing less than https where it is https. */
static void test_https(void **state) {
	(void)state;
	struct error err;
	const char *json = "{\"files\":[" FILE_OF(PUT_OF("http://127.0.0.1:8750/raw/k?X-Amz-Date=1", "{}")) "]}";
	assert_int_equal(read_text(ANSWER_PRESIGN, json, &open_rules, &err), 0);
	assert_int_equal(read_text(ANSWER_PRESIGN, json, &https_rules, &err), -1);
	const char *six = "{\"files\":[" FILE_OF(PUT_OF("https://[2001:db8::1]:8750/raw/k?X", "{}")) "]}";
	assert_int_equal(read_text(ANSWER_PRESIGN, six, &https_rules, &err), 0);
}

static void test_routes(void **state) {
	(void)state;
	assert_int_equal(answer_of("GET", "/v1/changes?after=x&wait=20"), ANSWER_CHANGES);
	assert_int_equal(answer_of("GET", "/v1/sessions?state=accepted"), ANSWER_SESSIONS);
	assert_int_equal(answer_of("GET", "/v1/sessions/20261120_134502"), ANSWER_SESSION);
	assert_int_equal(answer_of("GET", "/v1/sessions/lab-1/20261120_134502"), ANSWER_SESSION);
	assert_int_equal(answer_of("GET", "/v1/sessions/"), ANSWER_UNKNOWN);
	assert_int_equal(answer_of("GET", "/v1/presign"), ANSWER_UNKNOWN);
	for (size_t i = 0; i < ANSWER_N; i++) {
		const struct answer_row *r = &answer_rows[i];
		AUTO(xfree) char *path = xasprintf("%s%s", r->path, r->below ? "x" : "");
		assert_int_equal(answer_of(r->method, path), i);
		assert_true(r->bytes_max > 0 && r->shape);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lawful),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_every_member),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_https),
		cmocka_unit_test(test_routes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
