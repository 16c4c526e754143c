/* SPDX-License-Identifier: MIT */
/* What the validator's tests share: one cloud's stores, what a station sends, and what the cloud makes of it. */
#pragma once

#include "store_help.h"

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

static inline struct cloud *cloud_new(void) {
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

static inline void cloud_free(struct cloud *c) {
	struct error err = ERROR_INIT;
	objects_close(c->objects);
	logs_close(c->logs);
	catalog_close(c->catalog);
	schema_done(&c->schema);
	if (file_remove_tree(c->dir, &err)) fail_msg("%s", err.text);
	free(c);
}

static inline void next_stations(struct cloud *c) {
	c->stations++;
	snprintf(c->station, sizeof c->station, "lab-%d", c->stations);
	snprintf(c->other, sizeof c->other, "other-%d", c->stations);
	snprintf(c->third, sizeof c->third, "third-%d", c->stations);
}

static inline int group_setup(void **state) {
	*state = cloud_new();
	return 0;
}

static inline int group_teardown(void **state) {
	cloud_free(*state);
	return 0;
}

static inline int setup(void **state) {
	next_stations(*state);
	return 0;
}

/* --- what a station sends --- */

struct upload {
	struct manifest m;
	char metadata[64]; /* its text */
};

static inline void upload_done(struct upload *u) { manifest_done(&u->m); }
DEFINE_AUTO_VAL(struct upload, upload_done)

static inline struct manifest_file *upload_file(
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

static inline struct upload upload_new(const char *station, int64_t revision, const char *metadata) {
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
static inline void put(struct cloud *c, const char *station, int64_t revision, const char *name, const char *key,
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
	if (catalog_objects_promise(c->catalog, NULL, &row, 1, NULL, &err) ||
		object_begin(c->objects, BUCKET, key, (int64_t)n, &w, &err) || object_append(w, bytes, n, &err) ||
		object_commit(w, &row.sha256, &sha256, &err) ||
		catalog_object_stored(c->catalog, BUCKET, key, (int64_t)n, &sha256, clock_wall_ms(), &err)) {
		fail_msg("%s: %s", key, err.text);
	}
}

static inline void put_file(struct cloud *c, const struct upload *u, size_t i, const char *bytes) {
	const struct manifest_file *f = &u->m.files[i];
	put(c, u->m.station, u->m.revision, f->name, f->key, bytes, strlen(bytes));
}

static inline void put_manifest_text(struct cloud *c, const struct upload *u, const char *text, size_t n) {
	struct error err = ERROR_INIT;
	char name[64], key[KEY_MAX + 1];
	manifest_name(name, sizeof name, u->m.revision);
	if (object_key(key, sizeof key, u->m.session, u->m.station, 1, false, name, &err)) fail_msg("%s", err.text);
	put(c, u->m.station, u->m.revision, name, key, text, n);
}

static inline void put_manifest(struct cloud *c, const struct upload *u) {
	AUTO(xfree) char *text = manifest_write(&u->m);
	put_manifest_text(c, u, text, strlen(text));
}

static inline void put_all(struct cloud *c, const struct upload *u) {
	put_file(c, u, 0, eeg);
	put_file(c, u, 1, u->metadata);
	put_manifest(c, u);
}

/* --- what the cloud makes of it --- */

static inline struct stores stores_of(struct cloud *c) { return (struct stores){c->catalog, c->objects, c->logs}; }

static inline void look_into(struct cloud *c, const char *station, struct validation *v) {
	struct error err = ERROR_INIT;
	const struct stores stores = stores_of(c);
	if (validate_session(&stores, &c->schema, station, SESSION, v, &err)) fail_msg("%s", err.text);
}

static inline bool look(struct cloud *c, const char *station) {
	struct validation v = {.read_most = 1 << 30};
	look_into(c, station, &v);
	return v.decided;
}

static inline cJSON *session_json(struct cloud *c, const char *station, int64_t revision) {
	struct error err = ERROR_INIT;
	struct session_query q = {.station = station, .session = SESSION, .state = -1, .limit = 100, .all_revisions = true};
	AUTO(json_free) cJSON *array = NULL;
	char next[96];
	if (rows_sessions(c->catalog, &q, &array, next, &err)) fail_msg("%s", err.text);
	AUTO(xfree) char *text = json_text(array); /* parts of it are kept as text */
	json_free(TAKE(array));
	if (json_parse(text, strlen(text), &array, &err)) fail_msg("%s", err.text);
	for (int i = 0; i < cJSON_GetArraySize(array); i++) {
		if (cJSON_GetObjectItem(cJSON_GetArrayItem(array, i), "revision")->valuedouble != (double)revision) continue;
		return cJSON_DetachItemFromArray(array, i);
	}
	return NULL;
}

static inline void expect_state(struct cloud *c, const char *station, int64_t revision, const char *state) {
	AUTO(json_free) cJSON *j = session_json(c, station, revision);
	if (!j) fail_msg("no revision %d", (int)revision);
	assert_string_equal(cJSON_GetObjectItem(j, "state")->valuestring, state);
}

/* Rejected, and the first hold is of this name with these words. */
static inline void expect_rejected(
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

static inline int on_line(
	void *arg, int64_t id, const char *group, const char *stream, int64_t at_ms, const char *json) {
	(void)id, (void)at_ms;
	struct lines *l = arg;
	const struct cloud *c = l->cloud;
	if (strcmp(stream, c->station) != 0 && strcmp(stream, c->other) != 0 && strcmp(stream, c->third) != 0) return 0;
	assert_string_equal(group, LOG_GROUP_VALIDATE);
	l->n++;
	snprintf(l->last, sizeof l->last, "%s", json);
	return 0;
}

static inline struct lines log_lines(struct cloud *c) {
	struct error err = ERROR_INIT;
	struct lines l = {.cloud = c};
	if (logs_read(c->logs, LOG_GROUP_VALIDATE, 0, 0, 1000, on_line, &l, &err)) fail_msg("%s", err.text);
	return l;
}

static inline char *object_path(struct cloud *c, const char *key) {
	struct sha256 sha256;
	char hex[SHA256_HEX];
	sha256_of(key, strlen(key), &sha256);
	sha256_hex(hex, &sha256);
	return xasprintf("%s/objects/" BUCKET "/%.2s/%s", c->dir, hex, hex);
}

static inline void lose(struct cloud *c, const char *key) {
	AUTO(xfree) char *path = object_path(c, key);
	if (unlink(path)) fail_msg("%s is not there", path);
}

static inline struct validator *start(struct cloud *c) {
	struct error err = ERROR_INIT;
	struct validator *v = NULL;
	const struct validator_setup setup = {
		.stores = stores_of(c), .schema = &c->schema, .raw_bucket = BUCKET, .data_dir = c->dir};
	if (validator_start(&v, &setup, &err)) fail_msg("%s", err.text);
	return v;
}

static inline void await_state(struct cloud *c, const char *station, const char *state) {
	for (int64_t until = clock_mono_ms() + 20000; clock_mono_ms() < until;) {
		AUTO(json_free) cJSON *j = session_json(c, station, 1);
		if (j && strcmp(cJSON_GetObjectItem(j, "state")->valuestring, state) == 0) return;
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	fail_msg("%s is not %s", station, state);
}
