/* SPDX-License-Identifier: MIT */
/* cloud/jobs: between PUT and verdict an object is deleted, cut, or rots by one bit, in this run or before it: it is
 * not accepted, it can be sent again in the form it had, and then the session is. Nothing of what was damaged is
 * removed. */
#include "validate_help.h"

#include <sys/stat.h>

enum harm { DELETED, CUT, ROTTEN, LONGER, LINKED, FOLDER, HARM_N };
enum { DATA, METADATA, MANIFEST, VICTIM_N };

/* A file's times count in ticks of some milliseconds: one that is harmed within the tick of its arrival could not be
 * told. Waits for the next. */
static void next_tick(struct cloud *c, const char *path) {
	AUTO(xfree) char *probe = path_join(c->dir, "probe");
	struct stat object, now = {0};
	assert_int_equal(stat(path, &object), 0);
	do {
		AUTO(fd_close) int fd = open(probe, O_CREAT | O_TRUNC | O_WRONLY, 0600);
		assert_int_equal(write(fd, "x", 1), 1);
		assert_int_equal(fstat(fd, &now), 0);
	} while (now.st_mtim.tv_sec == object.st_ctim.tv_sec && now.st_mtim.tv_nsec == object.st_ctim.tv_nsec);
}

static void rot(const char *path) {
	AUTO(fd_close) int fd = open(path, O_RDWR);
	char byte;
	assert_int_equal(pread(fd, &byte, 1, 3), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 3), 1);
}

static void do_harm(struct cloud *c, const char *key, enum harm harm) {
	AUTO(xfree) char *path = object_path(c, key);
	next_tick(c, path);
	assert_int_equal(chmod(path, 0600), 0);
	if (harm == DELETED) assert_int_equal(unlink(path), 0);
	else if (harm == CUT) assert_int_equal(truncate(path, 5), 0);
	else if (harm == LONGER) assert_int_equal(truncate(path, 5000), 0);
	else if (harm == ROTTEN) rot(path);
	else {
		assert_int_equal(unlink(path), 0);
		assert_int_equal(harm == LINKED ? symlink("/etc/hostname", path) : mkdir(path, 0700), 0);
	}
}

/* As another process: what this one hashed is forgotten. */
static void restart(struct cloud *c) {
	static const char *const buckets[] = {BUCKET, "other-bucket", NULL};
	AUTO(xfree) char *dir = path_join(c->dir, "objects");
	objects_close(c->objects);
	OK(objects_open(&c->objects, dir, buckets, &err));
}

static char *manifest_key(const char *station, int revision) {
	return xasprintf(SESSION "/%s/_headgate/%d/manifest.json", station, revision);
}

static char *victim_key(const struct upload *u, int victim) {
	return victim == MANIFEST ? manifest_key(u->m.station, (int)u->m.revision) : xstrdup(u->m.files[victim].key);
}

static void put_victim(struct cloud *c, const struct upload *u, int victim) {
	if (victim == MANIFEST) put_manifest(c, u);
	else put_file(c, u, (size_t)victim, victim == DATA ? eeg : u->metadata);
}

static int asides(struct cloud *c) {
	AUTO(xfree) char *dir = xasprintf("%s/objects/.aside", c->dir);
	return files_in(dir);
}

/* The newest change of the station's sessions: its state, and how many there are. */
static void expect_changes(struct cloud *c, const char *station, int n, const char *state) {
	AUTO(json_free) cJSON *changes = NULL;
	char cursor[48];
	bool reset;
	OK(rows_changes(c->catalog, station, "", 100, &changes, cursor, &reset, &err));
	assert_int_equal(cJSON_GetArraySize(changes), n);
	assert_string_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(changes, n - 1), "state")->valuestring, state);
}

static const char *check_found(const cJSON *session, const char *name) {
	const cJSON *check;
	cJSON_ArrayForEach (check, cJSON_GetObjectItem(session, "checks"))
		if (strcmp(cJSON_GetObjectItem(check, "name")->valuestring, name) == 0)
			return cJSON_GetObjectItem(check, "found")->valuestring;
	return "";
}

static bool refuses_other_bytes(struct cloud *c, const char *key) {
	struct error err = ERROR_INIT;
	struct object_row row;
	if (catalog_object(c->catalog, BUCKET, key, &row, &err) != 1) fail_msg("%s", err.text);
	return row.stored_ms == 0 && row.lost_ms > 0;
}

static void lost_and_sent_again(struct cloud *c, enum harm harm, int victim, bool again) {
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	AUTO(xfree) char *key = victim_key(&u, victim);
	put_all(c, &u);
	int before = asides(c);
	do_harm(c, key, harm);
	if (again) restart(c);
	for (int i = 0; i < 2; i++) {
		struct validation v = {.read_most = 1 << 30};
		look_into(c, c->station, &v);
		assert_false(v.decided);
		assert_true(v.lost);
	}
	expect_state(c, c->station, 1, "uploading");
	expect_changes(c, c->station, 1, "uploading"); /* told once */
	assert_int_equal(asides(c), before + (harm != DELETED));
	assert_true(refuses_other_bytes(c, key));
	AUTO(json_free) cJSON *waiting = session_json(c, c->station, 1);
	assert_non_null(strstr(check_found(waiting, "objects"), "lost after"));
	put_victim(c, &u, victim);
	assert_true(look(c, c->station));
	expect_state(c, c->station, 1, "accepted");
	expect_changes(c, c->station, 2, "accepted");
}

static void test_lost_between_put_and_verdict(void **state) {
	struct cloud *c = *state;
	for (int harm = 0; harm < HARM_N; harm++)
		for (int victim = 0; victim < VICTIM_N; victim++)
			for (int again = 0; again < 2; again++) {
				next_stations(c);
				lost_and_sent_again(c, (enum harm)harm, victim, again);
			}
}

/* A later revision names what an earlier one brought: lost since then, it is not accepted either. */
static void test_lost_of_an_earlier_revision(void **state) {
	struct cloud *c = *state;
	AUTO(upload_done) struct upload first = upload_new(c->station, 1, "fatigue_level: 4\n");
	put_all(c, &first);
	assert_true(look(c, c->station));
	do_harm(c, first.m.files[0].key, ROTTEN);
	AUTO(upload_done) struct upload second = upload_new(c->station, 2, "fatigue_level: 5\n");
	put_file(c, &second, 1, second.metadata);
	put_manifest(c, &second);
	assert_false(look(c, c->station));
	expect_state(c, c->station, 2, "uploading");
	put_file(c, &first, 0, eeg);
	assert_true(look(c, c->station));
	expect_state(c, c->station, 2, "accepted");
	expect_state(c, c->station, 1, "accepted");
}

/* The check says what was hashed when. */
static void test_what_was_looked_at_is_told(void **state) {
	struct cloud *c = *state;
	static const struct {
		int after; /* a restart after so many of two objects */
		const char *want;
	} cases[] = {
		{-1, "2 objects: 2 hashed on arrival"},
		{1, "2 objects: 1 hashed on arrival, 1 read again"},
		{2, "2 objects: 0 hashed on arrival, 2 read again"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		next_stations(c);
		AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
		put_file(c, &u, 0, eeg);
		if (cases[i].after == 1) restart(c);
		put_file(c, &u, 1, u.metadata);
		if (cases[i].after == 2) restart(c);
		put_manifest(c, &u);
		assert_true(look(c, c->station));
		AUTO(json_free) cJSON *j = session_json(c, c->station, 1);
		assert_string_equal(check_found(j, "objects"), cases[i].want);
	}
}

/* Bytes are read so many a look; the next one goes on. */
static void test_a_look_reads_so_much(void **state) {
	struct cloud *c = *state;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	put_all(c, &u);
	restart(c);
	struct validation v = {.read_most = 1};
	look_into(c, c->station, &v);
	assert_true(v.unfinished && !v.decided);
	assert_int_equal(v.read_bytes, strlen(eeg));
	look_into(c, c->station, &v);
	assert_true(v.decided && !v.unfinished);
	assert_int_equal(v.read_bytes, strlen(u.metadata));
	AUTO(json_free) cJSON *j = session_json(c, c->station, 1);
	assert_string_equal(check_found(j, "objects"), "2 objects: 0 hashed on arrival, 2 read again");
}

/* The folder of all recordings is gone while the cloud runs: what was there is asked for again, and has a place. */
static void test_the_folder_of_all_is_removed(void **state) {
	struct cloud *c = *state;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	AUTO(xfree) char *bucket = xasprintf("%s/objects/" BUCKET, c->dir);
	put_all(c, &u);
	OK(file_remove_tree(bucket, &err));
	assert_false(look(c, c->station));
	expect_state(c, c->station, 1, "uploading");
	put_manifest(c, &u);
	put_file(c, &u, 1, u.metadata);
	assert_false(look(c, c->station));
	put_file(c, &u, 0, eeg);
	assert_true(look(c, c->station));
	expect_state(c, c->station, 1, "accepted");
	AUTO(xfree) char *path = object_path(c, u.m.files[0].key);
	assert_int_equal(access(path, R_OK), 0);
}

/* A folder of the store that was moved away and brought back: nothing was changed meanwhile. */
static void test_what_comes_back_is_stored_again(void **state) {
	struct cloud *c = *state;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	put_all(c, &u);
	AUTO(xfree) char *folder = object_path(c, u.m.files[0].key);
	AUTO(xfree) char *away = xasprintf("%s/away", c->dir);
	*strrchr(folder, '/') = '\0';
	assert_int_equal(rename(folder, away), 0);
	struct validator *v = start(c);
	OK(validator_recover(v, &err));
	for (int64_t until = clock_mono_ms() + 20000; clock_mono_ms() < until;) {
		if (refuses_other_bytes(c, u.m.files[0].key)) break;
		sleep_us(5000);
	}
	assert_true(refuses_other_bytes(c, u.m.files[0].key));
	assert_int_equal(rename(away, folder), 0);
	await_state(c, c->station, "accepted");
	validator_stop(v);
}

/* Another's file in the place of a lost object is none of ours: it is moved aside, and the key is free. */
static void test_a_stranger_in_a_lost_objects_place(void **state) {
	struct cloud *c = *state;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	put_all(c, &u);
	do_harm(c, u.m.files[0].key, DELETED);
	assert_false(look(c, c->station));
	AUTO(xfree) char *path = object_path(c, u.m.files[0].key);
	OK(file_write_atomic(path, "a stranger", 10, 0600, &err));
	int before = asides(c);
	assert_false(look(c, c->station));
	assert_int_equal(asides(c), before + 1);
	put_file(c, &u, 0, eeg);
	assert_true(look(c, c->station));
}

/* --- looks that the program does not survive --- */

static void write_places(struct cloud *c, const char *text) {
	AUTO(xfree) char *path = path_join(c->dir, "validating");
	char place[128] = "";
	snprintf(place, sizeof place, "%s", text);
	OK(file_write_atomic(path, place, sizeof place, 0600, &err));
}

static void test_a_session_that_ends_the_program(void **state) {
	struct cloud *c = *state;
	struct undecided undecided;
	size_t n = 0;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	AUTO(xfree) char *place = xasprintf("%s/%s", c->station, SESSION);
	put_file(c, &u, 0, eeg);
	put_manifest(c, &u);
	for (int died = 1; died <= 5; died++) {
		write_places(c, place);
		validator_stop(start(c)); /* counted before anything is looked at */
		OK(catalog_undecided_of(c->catalog, c->station, SESSION, 0, &undecided, 1, &n, &err));
		assert_int_equal(undecided.attempts, died);
	}
	put_file(c, &u, 1, u.metadata);
	struct validator *v = start(c);
	OK(validator_recover(v, &err));
	await_state(c, c->station, "rejected");
	validator_stop(v);
	expect_rejected(c, c->station, 1, "manifest", "ended 5 times");
	write_places(c, "../../x");
	validator_stop(start(c));
}

static void test_a_look_that_is_survived_forgets(void **state) {
	struct cloud *c = *state;
	AUTO(upload_done) struct upload u = upload_new(c->station, 1, "fatigue_level: 4\n");
	for (int i = 0; i < 4; i++) {
		if (i == 0) put_manifest(c, &u);
		OK(catalog_attempts(c->catalog, c->station, SESSION, true, &err));
	}
	struct validator *v = start(c);
	struct undecided undecided = {.attempts = 9};
	OK(validator_recover(v, &err));
	for (int64_t until = clock_mono_ms() + 20000; undecided.attempts && clock_mono_ms() < until; sleep_us(5000)) {
		size_t n = 0;
		OK(catalog_undecided_of(c->catalog, c->station, SESSION, 0, &undecided, 1, &n, &err));
	}
	assert_int_equal(undecided.attempts, 0);
	validator_stop(v);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_lost_between_put_and_verdict),
		TEST(test_lost_of_an_earlier_revision),
		TEST(test_what_was_looked_at_is_told),
		TEST(test_a_look_reads_so_much),
		TEST(test_the_folder_of_all_is_removed),
		TEST(test_what_comes_back_is_stored_again),
		TEST(test_a_stranger_in_a_lost_objects_place),
		TEST(test_a_session_that_ends_the_program),
		TEST(test_a_look_that_is_survived_forgets),
	};
	return cmocka_run_group_tests_name("cloud/lost", tests, group_setup, group_teardown);
}
