/* SPDX-License-Identifier: MIT */
/* cloud/jobs: a session is decided by what is stored, whatever the order of events; a broken or foreign manifest is
 * refused with words; the thread coalesces, recovers and ends. */
#include "validate_help.h"

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
	if (rows_changes(c->catalog, c->station, "", 100, &changes, cursor, &reset, &err)) fail_msg("%s", err.text);
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

/* Sizes that nothing holds are claims; however large, the session can be listed. */
static void test_claimed_sizes(void **state) {
	struct cloud *c = *state;
	char name[] = "x";
	struct manifest m = {.n = 10001, .files = xcalloc(10001, sizeof *m.files)};
	for (size_t i = 0; i < m.n; i++) m.files[i] = (struct manifest_file){.name = name, .size = 5LL << 40};
	bool again;
	OK(catalog_session_decide(c->catalog, c->other, SESSION, 1, CLOUD_REJECTED, NULL, NULL, &m, &again, &err));
	free(m.files);
	AUTO(json_free) cJSON *j = session_json(c, c->other, 1);
	assert_float_equal(cJSON_GetObjectItem(j, "bytes")->valuedouble, 9007199254740991.0, 0);
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

static void test_many_files(void **state) {
	struct cloud *c = *state;
	struct error err = ERROR_INIT;
	enum { N = 500 };
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
		object_put(c->objects, BUCKET, rows[i].key, "x", 1);
		if (catalog_object_stored(c->catalog, BUCKET, rows[i].key, 1, &rows[i].sha256, 1, &err))
			fail_msg("%s", err.text);
	}
	free(rows);
	assert_true(look(c, c->station));
	expect_state(c, c->station, 1, "accepted");
}

/* --- the thread --- */

/* The store itself fails: nobody's session is rejected for that; it is looked at again. */
static void test_store_fails(void **state) {
	struct cloud *c = *state;
	struct error err = ERROR_INIT;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	put_all(c, &u);
	AUTO(xfree) char *key = xasprintf(SESSION "/%s/_headgate/1/manifest.json", c->station);
	AUTO(xfree) char *folder = object_path(c, key);
	AUTO(xfree) char *aside = xasprintf("%s/aside", c->dir);
	*strrchr(folder, '/') = '\0';
	if (rename(folder, aside) || close(open(folder, O_CREAT | O_WRONLY, 0600))) fail_msg("rename");
	const struct stores stores = stores_of(c);
	struct validation failed = {.read_most = 1 << 30};
	assert_int_equal(validate_session(&stores, &c->schema, c->station, SESSION, &failed, &err), -1);
	assert_int_equal(err.code, ERR_DISK);
	assert_false(failed.decided);
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
/* However many revisions were begun before it, with a manifest that waits or with nothing. */
static void test_a_late_revision_is_looked_at(void **state) {
	struct cloud *c = *state;
	struct validation v = {.read_most = 1 << 30};
	for (int64_t r = 2; r < 1500; r++) begin_session(c->catalog, c->station, SESSION, r);
	for (int64_t r = 1500; r < 1800; r++) {
		AUTO(upload_done) struct upload waits = upload_new(c->station, r, "fatigue_level: 4\n");
		put_manifest(c, &waits);
	}
	AUTO(upload_done) struct upload u = upload_new(c->station, 1801, "fatigue_level: 4\n");
	put(c, c->station, 1, u.m.files[0].name, u.m.files[0].key, eeg, strlen(eeg));
	put_file(c, &u, 1, u.metadata);
	put_manifest(c, &u);
	int looks = 0;
	do look_into(c, c->station, &v);
	while (++looks < 100 && v.unfinished);
	assert_int_equal(looks, 2); /* what has no manifest is not looked at */
	for (int64_t r = 1500; r <= 1801; r += 301) {
		const struct claim claim = {.station = c->station, .session = SESSION, .revision = r};
		enum standing standing = STANDING_TAKEN;
		OK(catalog_standing(c->catalog, &claim, &standing, &err));
		assert_int_equal(standing, r == 1801 ? STANDING_DECIDED : STANDING_OPEN);
	}
}

/* Objects moved away under their names: nothing is decided until they are back. */
static void test_nothing_is_decided_on_what_was_moved(void **state) {
	struct cloud *c = *state;
	const struct stores stores = stores_of(c);
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	AUTO(xfree) char *objects = path_join(c->dir, "objects/" BUCKET);
	AUTO(xfree) char *away = path_join(c->dir, "away");
	struct validation v = {.read_most = 1 << 30};
	put_all(c, &u);
	assert_int_equal(rename(objects, away), 0);
	FAILS(ERR_DISK, validate_session(&stores, &c->schema, c->station, SESSION, &v, &err));
	expect_state(c, c->station, 1, "uploading");
	assert_int_equal(rename(away, objects), 0);
	look_into(c, c->station, &v);
	expect_state(c, c->station, 1, "accepted");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_accepted),
		TEST(test_a_late_revision_is_looked_at),
		TEST(test_nothing_is_decided_on_what_was_moved),
		TEST(test_again_changes_nothing),
		TEST(test_every_order),
		TEST(test_a_promise_is_no_object),
		TEST(test_metadata_rules_then_revision_2),
		TEST(test_metadata_not_as_the_rules_name_it),
		TEST(test_metadata_too_long),
		TEST(test_broken_manifests),
		TEST(test_manifest_of_another),
		TEST(test_foreign_keys),
		TEST(test_claimed_sizes),
		TEST(test_foreign_bucket),
		TEST(test_other_bytes),
		TEST(test_store_fails),
		TEST(test_many_files),
		TEST(test_thread_by_events),
		TEST(test_recovery),
	};
	return cmocka_run_group_tests_name("cloud/validate", tests, group_setup, group_teardown);
}
