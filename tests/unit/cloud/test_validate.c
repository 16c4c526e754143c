/* SPDX-License-Identifier: MIT */
/* cloud/jobs: a session is decided by what is stored, whatever the order of events; a broken or foreign manifest is
 * refused with words; the thread coalesces, recovers and ends. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "cloud/jobs/validate.h"
#include "session/name.h"

#define SESSION "20261120_134502"
#define BUCKET "headgate-raw"

/* One cloud for all tests; each has stations of its own. */
struct cloud {
	char dir[32];
	int stations;
	char station[16], other[16], third[16];
	struct catalog *catalog;
	struct objects *objects;
	struct logs *logs;
	struct schema schema;
};

static struct cloud *cloud_new(void) {
	static const char *const buckets[] = {BUCKET, "other-bucket", NULL};
	struct error err = ERROR_INIT;
	struct cloud *c = xcalloc(1, sizeof *c);
	snprintf(c->dir, sizeof c->dir, "/tmp/hg-validate-XXXXXX");
	if (!mkdtemp(c->dir)) fail_msg("mkdtemp");
	AUTO(xfree) char *objects = path_join(c->dir, "objects");
	schema_init(&c->schema);
	if (schema_add(&c->schema, "fatigue_level", "number 0..10 required", &err)) fail_msg("%s", err.text);
	if (catalog_open(&c->catalog, c->dir, &err)) fail_msg("%s", err.text);
	if (logs_open(&c->logs, c->dir, &err)) fail_msg("%s", err.text);
	if (objects_open(&c->objects, objects, buckets, &err)) fail_msg("%s", err.text);
	return c;
}

static void cloud_free(struct cloud *c) {
	struct error err = ERROR_INIT;
	objects_close(c->objects);
	logs_close(c->logs);
	catalog_close(c->catalog);
	schema_done(&c->schema);
	if (file_remove_tree(c->dir, &err)) fail_msg("%s", err.text);
	free(c);
}

static void next_stations(struct cloud *c) {
	c->stations++;
	snprintf(c->station, sizeof c->station, "lab-%d", c->stations);
	snprintf(c->other, sizeof c->other, "other-%d", c->stations);
	snprintf(c->third, sizeof c->third, "third-%d", c->stations);
}

static int group_setup(void **state) {
	*state = cloud_new();
	return 0;
}

static int group_teardown(void **state) {
	cloud_free(*state);
	return 0;
}

static int setup(void **state) {
	next_stations(*state);
	return 0;
}

/* --- what a station sends --- */

struct upload {
	struct manifest m;
	char metadata[64]; /* its text */
};

static void upload_done(struct upload *u) { manifest_done(&u->m); }
DEFINE_AUTO_VAL(struct upload, upload_done)

static struct manifest_file *upload_file(
	struct upload *u, const char *name, const char *bytes, int64_t revision, bool revised) {
	struct error err = ERROR_INIT;
	char key[KEY_MAX + 1];
	if (object_key(key, sizeof key, u->m.session, u->m.station, revision, revised, name, &err))
		fail_msg("%s", err.text);
	struct manifest_file *f = manifest_add(&u->m);
	f->name = xstrdup(name);
	f->bucket = xstrdup(BUCKET);
	f->key = xstrdup(key);
	f->size = (int64_t)strlen(bytes);
	sha256_of(bytes, strlen(bytes), &f->sha256);
	return f;
}

static const char *const eeg = "some hundred bytes of EEG, or a good many more in earnest";

static struct upload upload_new(const char *station, int64_t revision, const char *metadata) {
	struct upload u = {.m = {.station = xstrdup(station),
						   .session = xstrdup(SESSION),
						   .software = xstrdup("test"),
						   .metadata = xstrdup("metadata.txt"),
						   .revision = revision}};
	snprintf(u.metadata, sizeof u.metadata, "%s", metadata);
	upload_file(&u, "eeg.dat", eeg, 1, false); /* a later revision refers to it */
	upload_file(&u, "metadata.txt", u.metadata, revision, revision > 1);
	return u;
}

/* As a presigned PUT does it: promise, bytes, row. */
static void put(struct cloud *c, const char *station, int64_t revision, const char *name, const char *key,
	const char *bytes, size_t n) {
	struct error err = ERROR_INIT;
	struct object_row row = {.revision = revision, .size = (int64_t)n};
	struct object_write *w = NULL;
	struct sha256 sha256;
	snprintf(row.bucket, sizeof row.bucket, "%s", BUCKET);
	snprintf(row.key, sizeof row.key, "%s", key);
	snprintf(row.station, sizeof row.station, "%s", station);
	snprintf(row.session, sizeof row.session, "%s", SESSION);
	snprintf(row.name, sizeof row.name, "%s", name);
	sha256_of(bytes, n, &row.sha256);
	if (catalog_session_begin(c->catalog, station, SESSION, revision, &err) ||
		catalog_objects_promise(c->catalog, NULL, &row, 1, NULL, &err) ||
		object_begin(c->objects, BUCKET, key, (int64_t)n, &w, &err) || object_append(w, bytes, n, &err) ||
		object_commit(w, &row.sha256, &sha256, &err) ||
		catalog_object_stored(c->catalog, BUCKET, key, (int64_t)n, &sha256, clock_wall_ms(), &err)) {
		fail_msg("%s: %s", key, err.text);
	}
}

static void put_file(struct cloud *c, const struct upload *u, size_t i, const char *bytes) {
	const struct manifest_file *f = &u->m.files[i];
	put(c, u->m.station, u->m.revision, f->name, f->key, bytes, strlen(bytes));
}

static void put_manifest_text(struct cloud *c, const struct upload *u, const char *text, size_t n) {
	struct error err = ERROR_INIT;
	char name[64], key[KEY_MAX + 1];
	manifest_name(name, sizeof name, u->m.revision);
	if (object_key(key, sizeof key, u->m.session, u->m.station, 1, false, name, &err)) fail_msg("%s", err.text);
	put(c, u->m.station, u->m.revision, name, key, text, n);
}

static void put_manifest(struct cloud *c, const struct upload *u) {
	AUTO(xfree) char *text = manifest_write(&u->m);
	put_manifest_text(c, u, text, strlen(text));
}

static void put_all(struct cloud *c, const struct upload *u) {
	put_file(c, u, 0, eeg);
	put_file(c, u, 1, u->metadata);
	put_manifest(c, u);
}

/* --- what the cloud makes of it --- */

static bool look(struct cloud *c, const char *station) {
	struct error err = ERROR_INIT;
	bool decided = false;
	if (validate_session(c->catalog, c->objects, c->logs, &c->schema, station, SESSION, &decided, &err)) {
		fail_msg("%s", err.text);
	}
	return decided;
}

static cJSON *session_json(struct cloud *c, const char *station, int64_t revision) {
	struct error err = ERROR_INIT;
	struct session_query q = {.station = station, .session = SESSION, .state = -1, .limit = 100, .all_revisions = true};
	AUTO(json_free) cJSON *array = NULL;
	char next[96];
	if (catalog_sessions(c->catalog, &q, &array, next, &err)) fail_msg("%s", err.text);
	AUTO(xfree) char *text = json_text(array); /* parts of it are kept as text */
	json_free(TAKE(array));
	if (json_parse(text, strlen(text), &array, &err)) fail_msg("%s", err.text);
	for (int i = 0; i < cJSON_GetArraySize(array); i++) {
		if (cJSON_GetObjectItem(cJSON_GetArrayItem(array, i), "revision")->valuedouble != (double)revision) continue;
		return cJSON_DetachItemFromArray(array, i);
	}
	return NULL;
}

static void expect_state(struct cloud *c, const char *station, int64_t revision, const char *state) {
	AUTO(json_free) cJSON *j = session_json(c, station, revision);
	if (!j) fail_msg("no revision %d", (int)revision);
	assert_string_equal(cJSON_GetObjectItem(j, "state")->valuestring, state);
}

/* Rejected, and the first hold is of this name with these words. */
static void expect_rejected(
	struct cloud *c, const char *station, int64_t revision, const char *check, const char *words) {
	struct error err = ERROR_INIT;
	AUTO(json_free) cJSON *j = session_json(c, station, revision);
	AUTO(check_list_done) struct check_list checks = {0};
	char reason[300];
	if (!j) fail_msg("no revision %d", (int)revision);
	if (checks_from_json(&checks, cJSON_GetObjectItem(j, "checks"), &err)) fail_msg("%s", err.text);
	checks_reason(&checks, reason, sizeof reason);
	if (strcmp(cJSON_GetObjectItem(j, "state")->valuestring, "rejected") != 0) fail_msg("not rejected: %s", reason);
	if (strncmp(reason, check, strlen(check)) != 0 || !strstr(reason, words)) fail_msg("%s", reason);
	for (size_t i = 0; i < checks.n; i++) assert_true(checks.items[i].verdict == VERDICT_PASS || *checks.items[i].mend);
}

struct lines { /* of the test's own stations */
	const struct cloud *cloud;
	size_t n;
	char last[4096];
};

static int on_line(void *arg, int64_t id, const char *group, const char *stream, int64_t at_ms, const char *json) {
	(void)id, (void)at_ms;
	struct lines *l = arg;
	const struct cloud *c = l->cloud;
	if (strcmp(stream, c->station) != 0 && strcmp(stream, c->other) != 0 && strcmp(stream, c->third) != 0) return 0;
	assert_string_equal(group, LOG_GROUP_VALIDATE);
	l->n++;
	snprintf(l->last, sizeof l->last, "%s", json);
	return 0;
}

static struct lines log_lines(struct cloud *c) {
	struct error err = ERROR_INIT;
	struct lines l = {.cloud = c};
	if (logs_read(c->logs, LOG_GROUP_VALIDATE, 0, 0, 1000, on_line, &l, &err)) fail_msg("%s", err.text);
	return l;
}

/* --- decisions --- */

static void test_accepted(void **state) {
	struct cloud *c = *state;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	put_all(c, &u);
	assert_true(look(c, c->station));
	AUTO(json_free) cJSON *j = session_json(c, c->station, 1);
	assert_string_equal(cJSON_GetObjectItem(j, "state")->valuestring, "accepted");
	assert_int_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(j, "metadata"), "fatigue_level")->valuedouble, 4);
	AUTO(xfree) char *text = json_text(j);
	assert_non_null(strstr(text, "\"manifest\""));
	assert_non_null(strstr(text, "\"objects\""));
	assert_null(strstr(text, "file_kinds")); /* not the cloud's to tell */
	struct lines l = log_lines(c);
	assert_int_equal(l.n, 1);
	assert_non_null(strstr(l.last, "\"code\":\"session_accepted\""));
	assert_non_null(strstr(l.last, "\"session\":\"" SESSION "\""));
}

static void test_again_changes_nothing(void **state) {
	struct cloud *c = *state;
	struct error err = ERROR_INIT;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	put_all(c, &u);
	assert_true(look(c, c->station));
	for (int i = 0; i < 3; i++) assert_false(look(c, c->station));
	AUTO(json_free) cJSON *changes = NULL;
	char cursor[48];
	bool reset;
	if (catalog_changes(c->catalog, c->station, "", 100, &changes, cursor, &reset, &err)) fail_msg("%s", err.text);
	assert_int_equal(cJSON_GetArraySize(changes), 1);
	assert_int_equal(log_lines(c).n, 1);
	assert_false(look(c, "nobody"));
}

/* Whichever comes last completes it, and nothing is decided before. */
static void test_every_order(void **state) {
	struct cloud *c = *state;
	static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	for (size_t o = 0; o < ARRAY_LEN(orders); o++) {
		next_stations(c);
		AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
		for (int i = 0; i < 3; i++) {
			assert_false(look(c, c->station));
			if (orders[o][i] == 2) put_manifest(c, &u);
			else put_file(c, &u, (size_t)orders[o][i], orders[o][i] ? u.metadata : eeg);
		}
		assert_true(look(c, c->station));
		expect_state(c, c->station, 1, "accepted");
	}
}

static void test_a_promise_is_no_object(void **state) {
	struct cloud *c = *state;
	struct error err = ERROR_INIT;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	struct object_row row = {.revision = 1, .size = u.m.files[0].size, .sha256 = u.m.files[0].sha256};
	snprintf(row.bucket, sizeof row.bucket, "%s", BUCKET);
	snprintf(row.key, sizeof row.key, "%s", u.m.files[0].key);
	snprintf(row.station, sizeof row.station, "%s", c->station);
	snprintf(row.session, sizeof row.session, SESSION);
	snprintf(row.name, sizeof row.name, "eeg.dat");
	assert_int_equal(catalog_objects_promise(c->catalog, NULL, &row, 1, NULL, &err), 0);
	put_file(c, &u, 1, u.metadata);
	put_manifest(c, &u);
	assert_false(look(c, c->station));
	expect_state(c, c->station, 1, "uploading");
	put_file(c, &u, 0, eeg);
	assert_true(look(c, c->station));
	expect_state(c, c->station, 1, "accepted");
}

static void test_metadata_rules_then_revision_2(void **state) {
	struct cloud *c = *state;
	AUTO(upload_done) struct upload bad = upload_new(c->station, 1, "fatigue_level: 14\n");
	put_all(c, &bad);
	assert_true(look(c, c->station));
	expect_rejected(c, c->station, 1, "metadata_ranges", "fatigue_level 14 is above 10");
	assert_non_null(strstr(log_lines(c).last, "\"level\":\"error\""));
	AUTO(upload_done) struct upload good = upload_new(c->station, 2, "fatigue_level: 4\n");
	put_file(c, &good, 1, good.metadata);
	assert_false(look(c, c->station));
	put_manifest(c, &good);
	assert_true(look(c, c->station));
	expect_state(c, c->station, 2, "accepted");
	expect_state(c, c->station, 1, "rejected"); /* no old one is touched */
	assert_int_equal(log_lines(c).n, 2);
}

static void test_metadata_not_as_the_rules_name_it(void **state) {
	struct cloud *c = *state;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	upload_file(&u, "other.txt", "x: y\n", 1, false);
	xfree(u.m.metadata);
	u.m.metadata = xstrdup("other.txt");
	put_all(c, &u);
	put_file(c, &u, 2, "x: y\n");
	assert_true(look(c, c->station));
	expect_rejected(c, c->station, 1, "metadata_present", "metadata.txt is not there");
}

static void test_metadata_too_long(void **state) {
	struct cloud *c = *state;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "");
	enum { MB = 1000000 };
	char *big = xcalloc(1, MB + 1);
	memset(big, 'x', MB);
	u.m.files[1].size = MB;
	sha256_of(big, MB, &u.m.files[1].sha256);
	put_file(c, &u, 0, eeg);
	put_file(c, &u, 1, big);
	put_manifest(c, &u);
	free(big);
	assert_true(look(c, c->station));
	expect_rejected(c, c->station, 1, "metadata_parses", "1.0 MB");
}

/* --- manifests that are wrong --- */

static void test_broken_manifests(void **state) {
	struct cloud *c = *state;
	static const struct {
		const char *text, *words;
	} rows[] = {
		{"<html>login</html>", "JSON"},
		{"{}", "version"},
		{"", "JSON"},
		{"{\"version\":1,\"station\":\"lab\",\"session\":\"" SESSION
		 "\",\"revision\":1,\"software\":\"s\",\"metadata\":\"m\","
		 "\"files\":[{\"name\":\"../x\",\"size\":1}]}",
			"files[0]"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		next_stations(c);
		AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
		put_manifest_text(c, &u, rows[i].text, strlen(rows[i].text));
		assert_true(look(c, c->station)); /* at once: what comes later cannot mend it */
		expect_rejected(c, c->station, 1, "manifest", rows[i].words);
	}
}

static void test_manifest_of_another(void **state) {
	struct cloud *c = *state;
	static const struct {
		const char *member, *text;
		int64_t revision;
		const char *words;
	} rows[] = {
		{"station", "another", 1, "station another"},
		{"session", "20261120_134503", 1, "session 20261120_134503"},
		{NULL, NULL, 2, "revision 2"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		next_stations(c);
		AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
		AUTO(xfree) char *text = manifest_write(&u.m);
		AUTO(json_free) cJSON *j = cJSON_Parse(text);
		if (rows[i].member) {
			cJSON_ReplaceItemInObjectCaseSensitive(j, rows[i].member, cJSON_CreateString(rows[i].text));
		}
		cJSON_SetNumberValue(cJSON_GetObjectItem(j, "revision"), (double)rows[i].revision);
		AUTO(xfree) char *changed = json_text(j);
		put_manifest_text(c, &u, changed, strlen(changed));
		assert_true(look(c, c->station));
		expect_rejected(c, c->station, 1, "manifest", rows[i].words);
	}
}

/* A manifest may not name what is not this session's own, whether it is there or not. */
static void test_foreign_keys(void **state) {
	struct cloud *c = *state;
	static const struct {
		const char *session;
		bool others; /* station */
		const char *rest;
	} keys[] = {
		{SESSION, true, "/eeg.dat"},
		{SESSION, false, "/../other-1/eeg.dat"},
		{"20261120_134503", false, "/eeg.dat"},
		{SESSION, false, "/other.dat"},
		{SESSION, false, "/_headgate/2/eeg.dat"}, /* of a revision that is not yet */
		{SESSION, false, "/_headgate/1/eeg.dat"},
		{SESSION, false, "/_headgate/x/eeg.dat"},
		{SESSION, false, "/_headgate/02/eeg.dat"},
		{SESSION, false, ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		next_stations(c);
		AUTO(upload_done) struct upload theirs = upload_new(c->other, 1, "fatigue_level: 4\n");
		put_file(c, &theirs, 0, eeg); /* the very bytes that the manifest describes */
		AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
		xfree(u.m.files[0].key);
		u.m.files[0].key = xasprintf("%s/%s%s", keys[i].session, keys[i].others ? c->other : c->station, keys[i].rest);
		put_manifest(c, &u);
		assert_true(look(c, c->station));
		expect_rejected(c, c->station, 1, "objects", "eeg.dat is named under a key");
		assert_false(look(c, c->other));
		expect_state(c, c->other, 1, "uploading");
	}
}

static void test_foreign_bucket(void **state) {
	struct cloud *c = *state;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	xfree(u.m.files[0].bucket);
	u.m.files[0].bucket = xstrdup("other-bucket");
	put_manifest(c, &u);
	assert_true(look(c, c->station));
	expect_rejected(c, c->station, 1, "objects", "eeg.dat is named under a key");
}

static void test_other_bytes(void **state) {
	struct cloud *c = *state;
	AUTO(upload_done) struct upload size = upload_new(c->station, 1, "fatigue_level: 4\n");
	put_file(c, &size, 0, "shorter");
	put_manifest(c, &size); /* refused although the metadata are still missing */
	assert_true(look(c, c->station));
	expect_rejected(c, c->station, 1, "objects", "eeg.dat has 7 bytes, the manifest says");
	AUTO(upload_done) struct upload sum = upload_new(c->other, 1, "fatigue_level: 4\n");
	sum.m.files[0].sha256.bytes[5] ^= 1;
	put_all(c, &sum);
	assert_true(look(c, c->other));
	expect_rejected(c, c->other, 1, "objects", "eeg.dat has another checksum");
}

static char *object_path(struct cloud *c, const char *key) {
	struct sha256 sha256;
	char hex[SHA256_HEX];
	sha256_of(key, strlen(key), &sha256);
	sha256_hex(hex, &sha256);
	return xasprintf("%s/objects/" BUCKET "/%.2s/%s", c->dir, hex, hex);
}

static void lose(struct cloud *c, const char *key) {
	AUTO(xfree) char *path = object_path(c, key);
	if (unlink(path)) fail_msg("%s is not there", path);
}

/* The catalog says stored, the folder has lost it: said, not waited for. */
static void test_object_lost_on_disk(void **state) {
	struct cloud *c = *state;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	put_all(c, &u);
	lose(c, u.m.files[1].key);
	assert_true(look(c, c->station));
	expect_rejected(c, c->station, 1, "objects", "the metadata: ");
	AUTO(upload_done) struct upload u2 = upload_new(c->other, 1, "fatigue_level: 4\n");
	put_all(c, &u2);
	AUTO(xfree) char *manifest = xasprintf(SESSION "/%s/_headgate/1/manifest.json", c->other);
	lose(c, manifest);
	assert_true(look(c, c->other));
	expect_rejected(c, c->other, 1, "manifest", "");
}

static void test_object_rotten_on_disk(void **state) {
	struct cloud *c = *state;
	struct error err = ERROR_INIT;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	put_file(c, &u, 0, eeg);
	put_file(c, &u, 1, "fatigue_level: 5\n"); /* stored as this, and then told to the catalog as that */
	struct object_row row = {.size = u.m.files[1].size};
	if (catalog_object(c->catalog, BUCKET, u.m.files[1].key, &row, &err) != 1) fail_msg("%s", err.text);
	u.m.files[1].sha256 = row.sha256;
	put_manifest(c, &u);
	lose(c, u.m.files[1].key);
	struct object_write *w = NULL;
	struct sha256 sha256;
	if (object_begin(c->objects, BUCKET, u.m.files[1].key, row.size, &w, &err) ||
		object_append(w, u.metadata, strlen(u.metadata), &err) || object_commit(w, NULL, &sha256, &err)) {
		fail_msg("%s", err.text);
	}
	assert_true(look(c, c->station));
	expect_rejected(c, c->station, 1, "objects", "not those that were stored");
}

static void test_many_files(void **state) {
	struct cloud *c = *state;
	struct error err = ERROR_INIT;
	enum { N = 2000 };
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	struct object_row *rows = xcalloc(N, sizeof *rows);
	for (int i = 0; i < N; i++) {
		char name[32];
		snprintf(name, sizeof name, "trial/%05d.dat", i);
		struct manifest_file *f = upload_file(&u, name, "x", 1, false);
		rows[i] = (struct object_row){.revision = 1, .size = 1, .sha256 = f->sha256};
		snprintf(rows[i].bucket, sizeof rows[i].bucket, "%s", BUCKET);
		snprintf(rows[i].key, sizeof rows[i].key, "%s", f->key);
		snprintf(rows[i].station, sizeof rows[i].station, "%s", c->station);
		snprintf(rows[i].session, sizeof rows[i].session, SESSION);
		snprintf(rows[i].name, sizeof rows[i].name, "%s", name);
	}
	if (catalog_objects_promise(c->catalog, NULL, rows, N, NULL, &err)) fail_msg("%s", err.text);
	put_all(c, &u);
	for (int i = 0; i < N; i++) {
		if (i == N - 1) assert_false(look(c, c->station));
		if (catalog_object_stored(c->catalog, BUCKET, rows[i].key, 1, &rows[i].sha256, 1, &err))
			fail_msg("%s", err.text);
	}
	free(rows);
	assert_true(look(c, c->station));
	expect_state(c, c->station, 1, "accepted");
}

/* --- the thread --- */

static struct validator *start(struct cloud *c) {
	struct error err = ERROR_INIT;
	struct validator *v = NULL;
	if (validator_start(&v, c->catalog, c->objects, c->logs, &c->schema, BUCKET, &err)) fail_msg("%s", err.text);
	return v;
}

static void await_state(struct cloud *c, const char *station, const char *state) {
	for (int64_t until = clock_mono_ms() + 20000; clock_mono_ms() < until;) {
		AUTO(json_free) cJSON *j = session_json(c, station, 1);
		if (j && strcmp(cJSON_GetObjectItem(j, "state")->valuestring, state) == 0) return;
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	fail_msg("%s is not %s", station, state);
}

/* The store itself fails: nobody's session is rejected for that; it is looked at again. */
static void test_store_fails(void **state) {
	struct cloud *c = *state;
	struct error err = ERROR_INIT;
	bool decided = true;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	put_all(c, &u);
	AUTO(xfree) char *key = xasprintf(SESSION "/%s/_headgate/1/manifest.json", c->station);
	AUTO(xfree) char *folder = object_path(c, key);
	AUTO(xfree) char *aside = xasprintf("%s/aside", c->dir);
	*strrchr(folder, '/') = '\0';
	if (rename(folder, aside) || close(open(folder, O_CREAT | O_WRONLY, 0600))) fail_msg("rename");
	assert_int_equal(
		validate_session(c->catalog, c->objects, c->logs, &c->schema, c->station, SESSION, &decided, &err), -1);
	assert_int_equal(err.code, ERR_DISK);
	assert_true(decided); /* untouched */
	struct validator *v = start(c);
	if (validator_recover(v, &err)) fail_msg("%s", err.text);
	for (int64_t until = clock_mono_ms() + 20000; !log_lines(c).n && clock_mono_ms() < until;) {
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	assert_non_null(strstr(log_lines(c).last, "validation_delayed"));
	expect_state(c, c->station, 1, "uploading");
	if (unlink(folder) || rename(aside, folder)) fail_msg("rename");
	await_state(c, c->station, "accepted");
	validator_stop(v);
}

static struct object_row event_of(const char *bucket, const char *station) {
	struct object_row row = {.revision = 1};
	snprintf(row.bucket, sizeof row.bucket, "%s", bucket);
	snprintf(row.station, sizeof row.station, "%s", station);
	snprintf(row.session, sizeof row.session, SESSION);
	return row;
}

static void test_thread_by_events(void **state) {
	struct cloud *c = *state;
	struct validator *v = start(c);
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	struct object_row event = event_of(BUCKET, c->station), elsewhere = event_of("other-bucket", c->station),
					  nobodys = event_of(BUCKET, "");
	put_all(c, &u);
	for (int i = 0; i < 100; i++) {
		validator_object_stored(v, &elsewhere);
		validator_object_stored(v, &nobodys);
	}
	expect_state(c, c->station, 1, "uploading");
	for (int i = 0; i < 1000; i++) validator_object_stored(v, &event); /* coalesced */
	await_state(c, c->station, "accepted");
	validator_stop(v);
	assert_int_equal(log_lines(c).n, 1);
}

static void test_recovery(void **state) {
	struct cloud *c = *state;
	struct error err = ERROR_INIT;
	const char *const stations[] = {c->station, c->other, c->third};
	for (size_t i = 0; i < ARRAY_LEN(stations); i++) {
		AUTO(upload_done) struct upload u = upload_new(stations[i], 1, i == 1 ? "x: y\n" : "fatigue_level: 4\n");
		put_file(c, &u, 0, eeg);
		if (i < 2) put_file(c, &u, 1, u.metadata); /* the third is not whole */
		put_manifest(c, &u);
	}
	struct validator *v = start(c);
	if (validator_recover(v, &err)) fail_msg("%s", err.text);
	await_state(c, c->station, "accepted");
	await_state(c, c->other, "rejected");
	expect_state(c, c->third, 1, "uploading");
	validator_stop(v);
	validator_stop(NULL);
	v = start(c); /* what is queued at the end is left for the next start */
	if (validator_recover(v, &err)) fail_msg("%s", err.text);
	validator_stop(v);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_accepted),
		TEST(test_again_changes_nothing),
		TEST(test_every_order),
		TEST(test_a_promise_is_no_object),
		TEST(test_metadata_rules_then_revision_2),
		TEST(test_metadata_not_as_the_rules_name_it),
		TEST(test_metadata_too_long),
		TEST(test_broken_manifests),
		TEST(test_manifest_of_another),
		TEST(test_foreign_keys),
		TEST(test_foreign_bucket),
		TEST(test_other_bytes),
		TEST(test_object_lost_on_disk),
		TEST(test_object_rotten_on_disk),
		TEST(test_store_fails),
		TEST(test_many_files),
		TEST(test_thread_by_events),
		TEST(test_recovery),
	};
	return cmocka_run_group_tests_name("cloud/validate", tests, group_setup, group_teardown);
}
