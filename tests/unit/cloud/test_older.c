/* SPDX-License-Identifier: MIT */
/* A catalog of before: it is brought up to date, and the content ids of what it decided are known, by themselves or
 * when they are asked for. And what nothing ever came of is forgotten. */
#include "api_help.h"

#include <sqlite3.h>

#include "cloud/jobs/collect.h"
#include "cloud/jobs/content.h"
#include "cloud/store/catalog_sql.h"
#include "session/manifest.h"
#include "session/name.h"

static void sql(const char *dir, const char *text) {
	AUTO(xfree) char *path = path_join(dir, "catalog.db");
	sqlite3 *db = NULL;
	char *why = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s", why);
	sqlite3_close(db);
}

static int64_t sql_number(const char *dir, const char *text) {
	AUTO(xfree) char *path = path_join(dir, "catalog.db");
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return n;
}

/* --- the migration --- */

static void test_migration(void **state) {
	const struct scratch *s = *state;
	sql(s->dir,
		"PRAGMA journal_mode = WAL;" CATALOG_MIGRATION_1 "PRAGMA user_version = 1;"
		"INSERT INTO setting VALUES ('instance', 'abcdefgh');"
		"INSERT INTO session (station, session, revision, state, begun_ms, changed_ms)"
		" VALUES ('lab-1', '20261120_134502', 1, 'accepted', 5, 5), ('lab-1', '20261120_134502', 2, 'uploading', 6, 6);"
		"INSERT INTO object (bucket, key, station, session, name, revision, size, sha256)"
		" VALUES ('raw', 'k', 'lab-1', '20261120_134502', 'f', 2, 3, zeroblob(32));"
		"INSERT INTO change (session, station, state, processing, at_ms) VALUES (1, 'lab-1', 'accepted', 'none', 5);");
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(json_free) cJSON *changes = NULL;
	AUTO(json_free) cJSON *revisions = NULL;
	char cursor[48];
	bool reset = true;
	/* A cursor that an older program gave is good. */
	OK(rows_changes(c, "lab-1", "c-abcdefgh-0", 0, &changes, cursor, &reset, &err));
	assert_false(reset);
	assert_int_equal(cJSON_GetArraySize(changes), 1);
	assert_true(strlen(cursor) == strlen("c-abcdefgh-1-01234567"));
	OK(rows_revisions(c, "lab-1", "20261120_134502", &revisions, &err));
	AUTO(xfree) char *text = json_text(revisions);
	assert_string_equal(text, "[{\"revision\":1,\"state\":\"accepted\",\"content\":null,\"instance\":null},"
							  "{\"revision\":2,\"state\":\"uploading\",\"content\":null,\"instance\":null}]");
	/* A promise whose age is not known is as old as the migration. */
	struct object_row rows[2];
	size_t n = 9;
	OK(catalog_objects_unused(c, clock_wall_ms() - 60000, rows, 2, &n, &err));
	assert_int_equal(n, 0);
	OK(catalog_objects_unused(c, clock_wall_ms() + 60000, rows, 2, &n, &err));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].lost_ms, 0);
}

/* --- content ids --- */

static struct stores stores_at(const struct bench *b) { return api_stores(b->api); }

/* A revision as an older program left it: its manifest stored, decided, without a content id. "": of no manifest; else
 * its text. */
static void old_revision(struct bench *b, int64_t revision, const char *manifest) {
	struct object_row row = {
		.bucket = "headgate-raw", .station = "lab-1", .session = TEST_SESSION, .revision = revision};
	bool again;
	OK(catalog_session_decide(
		b->api->catalog, "lab-1", TEST_SESSION, revision, CLOUD_ACCEPTED, NULL, NULL, NULL, &again, &err));
	if (!manifest[0]) return;
	manifest_name(row.name, sizeof row.name, revision);
	snprintf(row.key, sizeof row.key, TEST_SESSION "/lab-1/%s", row.name);
	row.size = (int64_t)strlen(manifest);
	sha256_of(manifest, strlen(manifest), &row.sha256);
	object_put(b->api->objects, row.bucket, row.key, manifest, strlen(manifest));
	OK(catalog_object_arrived(b->api->catalog, &row, &err));
}

static char *manifest_of(int64_t revision, struct sha256 *ret_content) {
	AUTO(manifest_done)
	struct manifest m = {.station = xstrdup("lab-1"),
		.session = xstrdup(TEST_SESSION),
		.software = xstrdup("test"),
		.metadata = xstrdup("metadata.txt"),
		.revision = revision};
	struct manifest_file *f = manifest_add(&m);
	f->name = xstrdup("metadata.txt");
	f->bucket = xstrdup("headgate-raw");
	f->key = xstrdup(TEST_SESSION "/lab-1/metadata.txt");
	f->size = revision;
	manifest_content(&m, ret_content);
	return manifest_write(&m);
}

static void expect_content(const cJSON *revision, const struct sha256 *want) {
	char hex[SHA256_HEX];
	const char *got = cJSON_GetStringValue(cJSON_GetObjectItem(revision, "content"));
	if (!want) assert_null(got);
	else assert_string_equal(got ? got : "null", sha256_hex(hex, want));
}

static void old_revisions(struct bench *b, struct sha256 content[3]) {
	AUTO(xfree) char *first = manifest_of(1, &content[0]), *second = manifest_of(2, &content[1]);
	old_revision(b, 1, first);
	old_revision(b, 2, second);
	old_revision(b, 3, "no manifest");
	old_revision(b, 4, "");
	sql(b->scratch.dir, "UPDATE session SET content = NULL");
}

static void test_contents_when_asked_for(void **state) {
	struct bench *b = *state;
	struct sha256 content[3];
	char token[TOKEN_MAX];
	old_revisions(b, content);
	bench_token(b, 0, token);
	for (int i = 0; i < 2; i++) {
		if (i) sql(b->scratch.dir, "UPDATE session SET content = NULL");
		AUTO(got_done)
		struct got g = i ? ASK(b->api, .method = "GET", .target = "/v1/sessions/" TEST_SESSION, .token = token)
						 : ASK(b->api, .method = "POST", .target = "/v1/presign", .token = token,
							   .body = "{\"session\":\"" TEST_SESSION "\",\"revision\":5,\"files\":[]}");
		assert_int_equal(g.status, 200);
		const cJSON *list = cJSON_GetObjectItem(g.json, "revisions");
		const cJSON *one = cJSON_GetArrayItem(list, i ? 2 : 0), *two = cJSON_GetArrayItem(list, i ? 1 : 1);
		expect_content(one, &content[0]);
		expect_content(two, &content[1]);
		expect_content(cJSON_GetArrayItem(list, i ? 0 : 2), NULL);
	}
	/* What cannot be known is not looked for again. */
	assert_int_equal(sql_number(b->scratch.dir, "SELECT count(*) FROM session WHERE content IS NULL"), 0);
}

static void test_contents_by_themselves(void **state) {
	struct bench *b = *state;
	struct sha256 content[3];
	old_revisions(b, content);
	bench_close(b);
	bench_open(b, NULL);
	for (int64_t until = clock_mono_ms() + 20000; clock_mono_ms() < until; sleep_us(5000))
		if (!sql_number(b->scratch.dir, "SELECT count(*) FROM session WHERE content IS NULL")) break;
	AUTO(json_free) cJSON *revisions = NULL;
	OK(rows_revisions(b->api->catalog, "lab-1", TEST_SESSION, &revisions, &err));
	expect_content(cJSON_GetArrayItem(revisions, 0), &content[0]);
	expect_content(cJSON_GetArrayItem(revisions, 1), &content[1]);
	expect_content(cJSON_GetArrayItem(revisions, 2), NULL);
	expect_content(cJSON_GetArrayItem(revisions, 3), NULL);
}

/* A manifest that is lost is asked for again when it is there again. */
static void test_a_lost_manifest(void **state) {
	struct bench *b = *state;
	struct sha256 content[3];
	old_revisions(b, content);
	const struct stores stores = stores_at(b);
	struct object_row row;
	AUTO(json_free) cJSON *revisions = NULL;
	GIVES(1,
		catalog_object(b->api->catalog, "headgate-raw", TEST_SESSION "/lab-1/_headgate/1/manifest.json", &row, &err));
	OK(catalog_object_lost(b->api->catalog, &row, &err));
	char where[OBJECT_ASIDE];
	GIVES(1, object_aside(b->api->objects, row.bucket, row.key, -1, where, &err));
	for (int i = 0; i < 2; i++) {
		json_free(TAKE(revisions));
		OK(content_complete(&stores, "lab-1", TEST_SESSION, &err));
		OK(rows_revisions(b->api->catalog, "lab-1", TEST_SESSION, &revisions, &err));
		expect_content(cJSON_GetArrayItem(revisions, 0), i ? &content[0] : NULL);
		expect_content(cJSON_GetArrayItem(revisions, 1), &content[1]);
		if (i) break;
		AUTO(xfree) char *text = manifest_of(1, &content[0]);
		object_put(b->api->objects, row.bucket, row.key, text, strlen(text));
		row.stored_ms = clock_wall_ms();
		OK(catalog_object_arrived(b->api->catalog, &row, &err));
	}
}

/* --- what nothing came of --- */

static void promise(struct catalog *c, const char *session, int64_t revision, const char *name, const char *content) {
	struct object_row row = {
		.bucket = "raw", .station = "lab-1", .revision = revision, .size = (int64_t)strlen(content)};
	text_copy(row.session, sizeof row.session, session);
	text_copy(row.name, sizeof row.name, name);
	snprintf(row.key, sizeof row.key, "%s/%lld/%s", session, (long long)revision, name);
	sha256_of(content, strlen(content), &row.sha256);
	const struct claim claim = {"lab-1", session, revision, "a"};
	OK(catalog_objects_promise(c, &claim, &row, 1, NULL, &err));
}

static void bring(struct catalog *c, struct objects *o, const char *key, const char *content) {
	struct object_row row;
	GIVES(1, catalog_object(c, "raw", key, &row, &err));
	object_put(o, "raw", key, content, strlen(content));
	row.stored_ms = clock_wall_ms();
	OK(catalog_object_arrived(c, &row, &err));
}

static int64_t objects_of(const char *dir) { return sql_number(dir, "SELECT count(*) FROM object"); }
static int64_t sessions_of(const char *dir) { return sql_number(dir, "SELECT count(*) FROM session"); }

static void test_what_was_never_used_is_forgotten(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(objects_close) struct objects *o = objects_at(s->dir);
	bool more = true;
	promise(c, "20261120_000001", 1, "never", "x"); /* goes, its session too */
	promise(c, "20261120_000002", 1, "never", "x"); /* goes, its session has something */
	promise(c, "20261120_000002", 1, "came", "y");
	promise(c, "20261120_000002", 2, "never", "z");	 /* goes, its revision too */
	promise(c, "20261120_000003", 1, "lost", "w");	 /* stays: it was stored */
	promise(c, "20261120_000004", 1, "linked", "v"); /* stays: a crash kept its row from hearing of it */
	promise(c, "20261120_000005", 1, "newest", "u"); /* goes; the newest session stays a while */
	bring(c, o, "20261120_000002/1/came", "y");
	bring(c, o, "20261120_000003/1/lost", "w");
	object_put(o, "raw", "20261120_000004/1/linked", "v", 1);
	struct object_row row;
	GIVES(1, catalog_object(c, "raw", "20261120_000003/1/lost", &row, &err));
	OK(catalog_object_lost(c, &row, &err));
	OK(collect_unused(c, o, clock_wall_ms() - 60000, &more, &err)); /* not yet */
	assert_int_equal(objects_of(s->dir), 7);
	assert_int_equal(sessions_of(s->dir), 6);
	for (int i = 0; i < 2; i++) {
		OK(collect_unused(c, o, clock_wall_ms() + 60000, &more, &err));
		assert_false(more);
		assert_int_equal(objects_of(s->dir), 3);
		assert_int_equal(sessions_of(s->dir), 4);
	}
	GIVES(1, catalog_object(c, "raw", "20261120_000004/1/linked", &row, &err));
	assert_true(row.stored_ms > 0);
	/* One whose body was still on its way has its whole row. */
	promise(c, "20261120_000006", 1, "slow", "t");
	GIVES(1, catalog_object(c, "raw", "20261120_000006/1/slow", &row, &err));
	OK(collect_unused(c, o, clock_wall_ms() + 60000, &more, &err));
	GIVES(0, catalog_object(c, "raw", "20261120_000006/1/slow", &(struct object_row){0}, &err));
	object_put(o, "raw", row.key, "t", 1);
	row.stored_ms = clock_wall_ms();
	OK(catalog_object_arrived(c, &row, &err));
	struct object_row again;
	GIVES(1, catalog_object_by_name(c, "lab-1", "20261120_000006", 1, "slow", &again, &err));
	assert_int_equal(again.stored_ms, row.stored_ms);
	GIVES(0, catalog_undecided_of(c, "lab-1", "20261120_000006", 0, &(struct undecided){0}, 1, &(size_t){0}, &err));
}

/* A manifest that came names its files' keys: they stay promised until its revision is decided. */
static void test_a_manifest_keeps_its_promises(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(objects_close) struct objects *o = objects_at(s->dir);
	bool more, again;
	promise(c, "20261120_000001", 2, "late", "x");
	promise(c, "20261120_000001", 2, "_headgate/2/manifest.json", "m");
	bring(c, o, "20261120_000001/2/_headgate/2/manifest.json", "m");
	OK(collect_unused(c, o, clock_wall_ms() + 60000, &more, &err));
	assert_int_equal(objects_of(s->dir), 2);
	OK(catalog_session_decide(c, "lab-1", "20261120_000001", 2, CLOUD_REJECTED, NULL, NULL, NULL, &again, &err));
	OK(collect_unused(c, o, clock_wall_ms() + 60000, &more, &err));
	assert_int_equal(objects_of(s->dir), 1);
}

/* So much at a time, and said when there is more. */
static void test_a_bounded_share(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(objects_close) struct objects *o = objects_at(s->dir);
	struct object_row *rows = xcalloc(COLLECT_MOST + 5, sizeof *rows);
	bool more = false;
	for (int i = 0; i < COLLECT_MOST + 5; i++) {
		rows[i] = (struct object_row){.bucket = "raw", .station = "lab-1", .session = "20261120_000001", .revision = 1};
		snprintf(rows[i].key, sizeof rows[i].key, "k%d", i);
		snprintf(rows[i].name, sizeof rows[i].name, "k%d", i);
	}
	OK(catalog_objects_promise(c, NULL, rows, COLLECT_MOST + 5, NULL, &err));
	xfree(rows);
	OK(collect_unused(c, o, clock_wall_ms() + 60000, &more, &err));
	assert_true(more);
	assert_int_equal(objects_of(s->dir), 5);
	OK(collect_unused(c, o, clock_wall_ms() + 60000, &more, &err));
	assert_false(more);
	assert_int_equal(objects_of(s->dir), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_IN_SCRATCH(test_migration),
		TEST_ON_BENCH(test_contents_when_asked_for),
		TEST_ON_BENCH(test_contents_by_themselves),
		TEST_ON_BENCH(test_a_lost_manifest),
		TEST_IN_SCRATCH(test_what_was_never_used_is_forgotten),
		TEST_IN_SCRATCH(test_a_manifest_keeps_its_promises),
		TEST_IN_SCRATCH(test_a_bounded_share),
	};
	return cmocka_run_group_tests_name("cloud/older", tests, NULL, NULL);
}
