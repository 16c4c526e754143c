/* SPDX-License-Identifier: MIT */
/* Sessions and changes in the catalog: decided once, listed as api.md says, paged and followed while data arrives, and
 * consistent after a SIGKILL. */
#include "store_help.h"

#include "base/json.h"

#define S1 "20261120_134502"
#define S2 "20261120_140000"

static void add_metadata(struct metadata *m, const char *text) { OK(metadata_parse(text, strlen(text), m, &err)); }

static bool decide(
	struct catalog *c, const char *station, const char *session, int64_t revision, enum cloud_state state) {
	AUTO(check_list_done) struct check_list checks = {0};
	AUTO(metadata_done) struct metadata metadata = {0};
	bool again = false;
	check_add(&checks, CHECK_MANIFEST, VERDICT_PASS, "1 file", "complete", "");
	add_metadata(&metadata, "fatigue_level: 3\nhardware_model: HX \xc3\xa9\nzero = 0\n");
	OK(catalog_session_decide(c, station, session, revision, state, &checks, &metadata, NULL, &again, &err));
	return again;
}

static void store(struct catalog *c, const char *station, const char *session, int64_t revision, const char *name,
	int64_t size, int64_t at_ms) {
	struct object_row row = {.revision = revision, .size = size};
	snprintf(row.bucket, sizeof row.bucket, "raw");
	snprintf(row.key, sizeof row.key, "%s/%s/%lld/%s", session, station, (long long)revision, name);
	snprintf(row.station, sizeof row.station, "%s", station);
	snprintf(row.session, sizeof row.session, "%s", session);
	snprintf(row.name, sizeof row.name, "%s", name);
	OK(catalog_objects_promise(c, NULL, &row, 1, NULL, &err));
	OK(catalog_object_stored(c, row.bucket, row.key, size, &row.sha256, at_ms, &err));
}

static cJSON *list(struct catalog *c, struct session_query q, char next[96]) {
	cJSON *array = NULL;
	OK(rows_sessions(c, &q, &array, next, &err));
	return as_told(array);
}

/* "lab-1/S/1 " of each, in order. */
static void assert_listed(struct catalog *c, struct session_query q, const char *want) {
	char next[96], got[512] = "";
	AUTO(json_free) cJSON *array = list(c, q, next);
	const cJSON *s;
	cJSON_ArrayForEach (s, array) {
		const char *session = cJSON_GetObjectItem(s, "session")->valuestring;
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s/%s/%d ",
			cJSON_GetObjectItem(s, "station")->valuestring, session + strlen(session) - 6,
			cJSON_GetObjectItem(s, "revision")->valueint);
	}
	assert_string_equal(got, want);
	assert_string_equal(next, "");
}

/* --- one session --- */

static void test_members(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	char next[96];
	begin_session(c, "lab-1", S1, 1);
	begin_session(c, "lab-1", S1, 1);
	store(c, "lab-1", S1, 1, "a.bin", 100, 1700000000000);
	store(c, "lab-1", S1, 1, "_headgate/1/manifest.json", 7, 1700000000500);
	store(c, "lab-1", S1, 1, "metadata.txt", 11, 1700000001000);
	AUTO(json_free) cJSON *before = list(c, (struct session_query){.state = -1}, next);
	AUTO(xfree) char *text = json_text(before);
	assert_string_equal(text, "[{\"station\":\"lab-1\",\"session\":\"" S1 "\",\"revision\":1,\"state\":\"uploading\","
							  "\"processing\":\"none\",\"checks\":[],\"metadata\":{},\"bytes\":111,\"files\":2,"
							  "\"uploaded_at\":null,\"decided_at\":null,\"content\":null,\"instance\":null}]");
	assert_false(decide(c, "lab-1", S1, 1, CLOUD_ACCEPTED));
	AUTO(json_free) cJSON *after = list(c, (struct session_query){.state = -1}, next);
	cJSON *row = cJSON_GetArrayItem(after, 0);
	int64_t decided_ms = 0;
	assert_int_equal(time_parse_rfc3339(cJSON_GetObjectItem(row, "decided_at")->valuestring, &decided_ms), 0);
	assert_true(clock_wall_ms() - decided_ms < 60000);
	cJSON_DeleteItemFromObject(row, "decided_at");
	AUTO(xfree) char *decided = json_text(after);
	assert_string_equal(decided,
		"[{\"station\":\"lab-1\",\"session\":\"" S1 "\",\"revision\":1,\"state\":\"accepted\","
		"\"processing\":\"none\",\"checks\":[{\"name\":\"manifest\",\"verdict\":\"pass\",\"found\":\"1 file\","
		"\"rule\":\"complete\",\"mend\":\"\"}],\"metadata\":{\"fatigue_level\":3,\"hardware_model\":\"HX \xc3\xa9\","
		"\"zero\":0},\"bytes\":111,\"files\":2,\"uploaded_at\":\"2023-11-14T22:13:21.000Z\","
		"\"content\":null,\"instance\":null}]");
}

/* A revision weighs what its manifest names, whatever arrived beside it. */
static void test_weight_by_manifest(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(manifest_done) struct manifest m = {0};
	bool again = true;
	char next[96];
	store(c, "lab-1", S1, 1, "stray", 5000, 5);
	for (int i = 1; i <= 3; i++) {
		struct manifest_file *f = manifest_add(&m);
		f->name = xstrdup("x");
		f->size = i * 10;
	}
	OK(catalog_session_decide(c, "lab-1", S1, 2, CLOUD_REJECTED, NULL, NULL, &m, &again, &err));
	assert_false(again);
	AUTO(json_free) cJSON *rows = list(c, (struct session_query){.state = CLOUD_REJECTED}, next);
	assert_int_equal(cJSON_GetArraySize(rows), 1);
	assert_int_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(rows, 0), "bytes")->valueint, 60);
	assert_int_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(rows, 0), "files")->valueint, 3);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(cJSON_GetArrayItem(rows, 0), "metadata")), 0);
	FAILS(ERR_INTERNAL, catalog_session_decide(c, "lab-1", S1, 3, CLOUD_UPLOADING, NULL, NULL, NULL, &again, &err));
}

struct judge {
	struct catalog *catalog;
	enum cloud_state state;
	bool again;
};

static void *judge_session(void *arg) {
	struct judge *j = arg;
	j->again = decide(j->catalog, "lab-1", S1, 1, j->state);
	return NULL;
}

/* Events come twice, from several threads: one decision, one change. */
static void test_decided_once(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	struct judge judges[8];
	pthread_t threads[8];
	char next[96], cursor[48];
	for (int i = 0; i < 8; i++)
		judges[i] = (struct judge){.catalog = c, .state = i % 2 ? CLOUD_ACCEPTED : CLOUD_REJECTED};
	start_threads(threads, 8, judge_session, judges, sizeof judges[0]);
	join_threads(threads, 8);
	int first = -1;
	for (int i = 0; i < 8; i++) {
		if (judges[i].again) continue;
		assert_int_equal(first, -1);
		first = i;
	}
	assert_true(first >= 0);
	AUTO(json_free) cJSON *rows = list(c, (struct session_query){.state = (int)judges[first].state}, next);
	assert_int_equal(cJSON_GetArraySize(rows), 1);
	AUTO(json_free) cJSON *changes = NULL;
	bool reset;
	OK(rows_changes(c, NULL, "", 0, &changes, cursor, &reset, &err));
	assert_false(reset);
	assert_int_equal(cJSON_GetArraySize(changes), 1);
	assert_string_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(changes, 0), "state")->valuestring,
		cloud_state_names[judges[first].state]);
}

/* --- lists --- */

static void test_filters(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	begin_session(c, "lab-1", S1, 1);
	begin_session(c, "lab-2", S1, 1);
	begin_session(c, "lab-1", S2, 1);
	decide(c, "lab-1", S1, 1, CLOUD_REJECTED);
	decide(c, "lab-2", S1, 1, CLOUD_ACCEPTED);
	begin_session(c, "lab-1", S1, 2);
	assert_listed(c, (struct session_query){.state = -1}, "lab-2/134502/1 lab-1/140000/1 lab-1/134502/2 ");
	assert_listed(c, (struct session_query){.state = -1, .all_revisions = true},
		"lab-1/134502/1 lab-2/134502/1 lab-1/140000/1 lab-1/134502/2 ");
	assert_listed(c, (struct session_query){.state = -1, .station = "lab-1"}, "lab-1/140000/1 lab-1/134502/2 ");
	assert_listed(c, (struct session_query){.state = -1, .session = S1}, "lab-2/134502/1 lab-1/134502/2 ");
	assert_listed(c, (struct session_query){.state = -1, .session = S1, .station = "lab-1", .all_revisions = true},
		"lab-1/134502/1 lab-1/134502/2 ");
	assert_listed(c, (struct session_query){.state = CLOUD_UPLOADING}, "lab-1/140000/1 lab-1/134502/2 ");
	assert_listed(c, (struct session_query){.state = CLOUD_REJECTED}, "");
	assert_listed(c, (struct session_query){.state = -1, .processing = "none", .station = "lab-2"}, "lab-2/134502/1 ");
	assert_listed(c, (struct session_query){.state = -1, .processing = "done"}, "");
	assert_listed(c, (struct session_query){.state = -1, .since_ms = clock_wall_ms() + 60000}, "");
	assert_listed(
		c, (struct session_query){.state = -1, .since_ms = clock_wall_ms() - 60000, .session = S2}, "lab-1/140000/1 ");
	cJSON *none = NULL;
	char next[96];
	FAILS(ERR_INPUT, rows_sessions(c, &(struct session_query){.state = -1, .cursor = "17"}, &none, next, &err));
	FAILS(ERR_INPUT, rows_sessions(c, &(struct session_query){.state = -1, .cursor = "s1 OR 1=1"}, &none, next, &err));
}

struct arrival {
	struct catalog *catalog;
	int n;
};

static void *arrive(void *arg) {
	const struct arrival *a = arg;
	for (int i = 0; i < a->n; i++) {
		char station[32];
		snprintf(station, sizeof station, "late-%d", i);
		begin_session(a->catalog, station, S2, 1);
		decide(a->catalog, station, S2, 1, CLOUD_ACCEPTED);
	}
	return NULL;
}

/* Every session that was there when paging began is on one page exactly, though others arrive meanwhile. */
static void test_pages_while_data_arrives(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	struct arrival a = {.catalog = c, .n = 60};
	pthread_t thread;
	int seen[100] = {0};
	char station[32], next[96] = "";
	for (int i = 0; i < 100; i++) {
		snprintf(station, sizeof station, "early-%d", i);
		begin_session(c, station, S1, 1);
	}
	assert_int_equal(pthread_create(&thread, NULL, arrive, &a), 0);
	do {
		AUTO(json_free) cJSON *page = list(c, (struct session_query){.state = -1, .limit = 7, .cursor = next}, next);
		const cJSON *row;
		assert_in_range(cJSON_GetArraySize(page), 1, 7);
		cJSON_ArrayForEach (row, page) {
			int i;
			if (sscanf(cJSON_GetObjectItem(row, "station")->valuestring, "early-%d", &i) == 1) seen[i]++;
		}
	} while (next[0]);
	pthread_join(thread, NULL);
	for (int i = 0; i < 100; i++) assert_int_equal(seen[i], 1);
}

static int collect(void *arg, const char *station, const char *session, int64_t attempts) {
	struct buf *b = arg;
	buf_fmt(b, "%s/%s/%lld ", station, session, (long long)attempts);
	return 0;
}

static void test_undecided(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(buf_done) struct buf b = BUF_INIT(1000);
	struct undecided revisions[2] = {0};
	size_t n = 9;
	begin_session(c, "lab-1", S1, 3);
	begin_session(c, "lab-1", S1, 1);
	begin_session(c, "lab-1", S1, 2);
	begin_session(c, "lab-2", S1, 1);
	decide(c, "lab-1", S1, 2, CLOUD_ACCEPTED);
	OK(catalog_undecided(c, collect, &b, &err));
	assert_string_equal(buf_text(&b), "lab-1/" S1 "/0 lab-2/" S1 "/0 ");
	/* Looks that the program did not survive are counted, and forgotten by one that it did. */
	for (int i = 0; i < 3; i++) OK(catalog_attempts(c, "lab-2", S1, true, &err));
	buf_clear(&b);
	OK(catalog_undecided(c, collect, &b, &err));
	assert_string_equal(buf_text(&b), "lab-1/" S1 "/0 lab-2/" S1 "/3 ");
	OK(catalog_undecided_of(c, "lab-2", S1, 0, revisions, 2, &n, &err));
	assert_int_equal(n, 0); /* no manifest: there is nothing to look at */
	store(c, "lab-2", S1, 1, "_headgate/1/manifest.json", 9, 5);
	store(c, "lab-1", S1, 1, "_headgate/1/manifest.json", 9, 5);
	store(c, "lab-1", S1, 3, "_headgate/3/manifest.json", 9, 5);
	OK(catalog_undecided_of(c, "lab-2", S1, 0, revisions, 2, &n, &err));
	assert_int_equal(revisions[0].attempts, 3);
	OK(catalog_attempts(c, "lab-2", S1, false, &err));
	OK(catalog_undecided_of(c, "lab-2", S1, 0, revisions, 2, &n, &err));
	assert_int_equal(revisions[0].attempts, 0);
	OK(catalog_undecided_of(c, "lab-1", S1, 0, revisions, 2, &n, &err));
	assert_int_equal(n, 2);
	assert_int_equal(revisions[0].revision, 1);
	assert_int_equal(revisions[1].revision, 3);
	OK(catalog_undecided_of(c, "lab-1", S1, 1, revisions, 2, &n, &err));
	assert_int_equal(n, 1);
	assert_int_equal(revisions[0].revision, 3);
	OK(catalog_undecided_of(c, "lab-1", S1, 0, revisions, 1, &n, &err));
	assert_int_equal(n, 1);
	OK(catalog_undecided_of(c, "lab-1", S2, 0, revisions, 2, &n, &err));
	assert_int_equal(n, 0);
}

/* --- changes --- */

static int changes_or_reset(
	struct catalog *c, const char *station, const char *after, int64_t limit, char cursor[48], bool *ret_reset) {
	AUTO(json_free) cJSON *array = NULL;
	OK(rows_changes(c, station, after, limit, &array, cursor, ret_reset, &err));
	return cJSON_GetArraySize(array);
}

static int changes(struct catalog *c, const char *station, const char *after, int64_t limit, char cursor[48]) {
	bool reset;
	int n = changes_or_reset(c, station, after, limit, cursor, &reset);
	assert_false(reset);
	return n;
}

/* From the first change again, and said so; the cursor that came is good from then on. */
static int resets(struct catalog *c, const char *after) {
	bool reset = false;
	char cursor[48];
	int n = changes_or_reset(c, NULL, after, 0, cursor, &reset);
	assert_true(reset);
	assert_int_equal(changes(c, NULL, cursor, 0, cursor), 0);
	return n;
}

static void test_changes(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	char cursor[48], mine[48], again[48];
	assert_int_equal(changes(c, NULL, "", 0, cursor), 0);
	for (int i = 1; i <= 5; i++) decide(c, i % 2 ? "lab-1" : "lab-2", S1, i, CLOUD_ACCEPTED);
	assert_int_equal(changes(c, NULL, cursor, 2, cursor), 2);
	assert_int_equal(changes(c, NULL, cursor, 2, cursor), 2);
	assert_int_equal(changes(c, NULL, cursor, 2, cursor), 1);
	assert_int_equal(changes(c, NULL, cursor, 2, cursor), 0);
	assert_int_equal(changes(c, "lab-1", "", 0, mine), 3);
	assert_int_equal(changes(c, "lab-2", NULL, 0, mine), 2);
	assert_string_equal(mine, cursor); /* past the others' */
	decide(c, "lab-1", S2, 1, CLOUD_REJECTED);
	/* The same cursor gives the same, after a restart too. */
	catalog_close(TAKE(c));
	c = catalog_at(s->dir);
	assert_int_equal(changes(c, "lab-1", cursor, 0, again), 1);
	assert_int_equal(changes(c, "lab-1", cursor, 0, again), 1);
	assert_int_equal(changes(c, "lab-2", cursor, 0, again), 0);
	/* What is no cursor of this catalog is none, whatever it is. */
	static const char *const bad[] = {"1", "c-", "c-short", "c-abcdefgh-", "c-abcdefgh-1x", "c-abcdefgh--1", "nonsense",
		"c-abcdefgh-1-0123456789abcdef"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) assert_int_equal(resets(c, bad[i]), 6);
	/* One of an older version names no tag, and is good. */
	cursor[strlen("c-abcdefgh-5")] = '\0';
	assert_int_equal(changes(c, NULL, cursor, 0, again), 1);
}

/* A cursor of a store that was rebuilt or restored begins anew: what comes twice is recognised, what never comes is
 * not. */
static void test_cursor_of_another_store(void **state) {
	const struct scratch *s = *state;
	AUTO(xfree) char *dir = path_join(s->dir, "other");
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(catalog_close) struct catalog *other = catalog_at(dir);
	char cursor[48], ahead[64];
	for (int i = 1; i <= 5; i++) decide(c, "lab-1", S1, i, CLOUD_ACCEPTED);
	decide(other, "lab-1", S1, 1, CLOUD_ACCEPTED);
	assert_int_equal(changes(c, NULL, "", 0, cursor), 5);
	snprintf(ahead, sizeof ahead, "%.*s00", (int)strlen("c-abcdefgh-5"), cursor);
	assert_int_equal(resets(other, cursor), 1);
	assert_int_equal(resets(c, ahead), 5);
}

static void copy_catalog(const char *from, const char *to) {
	AUTO(buf_done) struct buf bytes = BUF_INIT(64 << 20);
	AUTO(xfree) char *a = path_join(from, "catalog.db"), *b = path_join(to, "catalog.db");
	OK(file_mkdirs(to, 0700, &err));
	OK(file_read(a, bytes.max, &bytes, &err));
	OK(file_write_atomic(b, buf_text(&bytes), bytes.len, 0600, &err));
}

/* An older copy of the catalog takes its place and goes on: the change that a station's cursor names is another one
 * now, or is not there yet. */
static void test_cursor_of_a_restored_store(void **state) {
	const struct scratch *s = *state;
	AUTO(xfree) char *copy = path_join(s->dir, "copy");
	char early[48], late[48];
	struct catalog *c = catalog_at(s->dir);
	decide(c, "lab-1", S1, 1, CLOUD_ACCEPTED);
	assert_int_equal(changes(c, NULL, "", 0, early), 1);
	catalog_close(c);
	copy_catalog(s->dir, copy);
	c = catalog_at(s->dir);
	for (int i = 2; i <= 3; i++) decide(c, "lab-1", S1, i, CLOUD_ACCEPTED);
	assert_int_equal(changes(c, NULL, early, 0, late), 2);
	catalog_close(c);
	c = catalog_at(copy);
	assert_int_equal(changes(c, NULL, early, 0, early), 0);
	assert_int_equal(resets(c, late), 1);
	for (int i = 2; i <= 4; i++) decide(c, "lab-1", S2, i, CLOUD_ACCEPTED);
	assert_int_equal(resets(c, late), 4);
	assert_int_equal(changes(c, NULL, early, 0, early), 3);
	catalog_close(c);
}

struct waiter {
	struct catalog *catalog;
	char after[48];
	int64_t waited_ms;
};

static void *wait_change(void *arg) {
	struct waiter *w = arg;
	int64_t from = clock_mono_ms();
	catalog_wait_change(w->catalog, w->after, 20000);
	w->waited_ms = clock_mono_ms() - from;
	return NULL;
}

static void test_wait_change(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	struct waiter w[3];
	pthread_t threads[3];
	char cursor[48];
	assert_int_equal(changes(c, NULL, "", 0, cursor), 0);
	int64_t from = clock_mono_ms();
	catalog_wait_change(c, cursor, 30);
	assert_true(clock_mono_ms() - from >= 29);
	for (int i = 0; i < 3; i++) {
		w[i] = (struct waiter){.catalog = c};
		snprintf(w[i].after, sizeof w[i].after, "%s", cursor);
	}
	start_threads(threads, 3, wait_change, w, sizeof w[0]);
	decide(c, "lab-1", S1, 1, CLOUD_ACCEPTED);
	join_threads(threads, 3);
	for (int i = 0; i < 3; i++) assert_true(w[i].waited_ms < 10000);
	/* What was there before is not waited for, nor is a cursor that is none. */
	from = clock_mono_ms();
	catalog_wait_change(c, cursor, 20000);
	catalog_wait_change(c, "no cursor", 20000);
	assert_true(clock_mono_ms() - from < 10000);
	assert_int_equal(changes(c, NULL, cursor, 0, cursor), 1);
	for (int i = 0; i < 3; i++) snprintf(w[i].after, sizeof w[i].after, "%s", cursor);
	start_threads(threads, 3, wait_change, w, sizeof w[0]);
	catalog_wake(c);
	join_threads(threads, 3);
	for (int i = 0; i < 3; i++) assert_true(w[i].waited_ms < 10000);
}

/* --- killed while it writes --- */

struct crash {
	const char *dir;
	int round, acknowledged_fd;
};

static void decide_for_ever(void *arg) {
	const struct crash *k = arg;
	struct catalog *c = catalog_at(k->dir);
	char station[32];
	snprintf(station, sizeof station, "crash-%d", k->round);
	for (int i = 1;; i++) {
		store(c, station, S1, i, "a", 5, 5);
		begin_session(c, station, S1, i);
		decide(c, station, S1, i, CLOUD_ACCEPTED);
		if (write(k->acknowledged_fd, &i, sizeof i) != sizeof i) _exit(1);
	}
}

/* All that was acknowledged is there, whole: state, metadata and change belong together. */
static int assert_consistent(const char *dir, int round, int acknowledged) {
	AUTO(catalog_close) struct catalog *c = catalog_at(dir);
	char station[32], next[96] = "", cursor[48] = "";
	int decided = 0, revision = 0, told = 0;
	snprintf(station, sizeof station, "crash-%d", round);
	do {
		struct session_query q = {
			.state = -1, .station = station, .all_revisions = true, .limit = 1000, .cursor = next};
		AUTO(json_free) cJSON *page = list(c, q, next);
		const cJSON *row;
		cJSON_ArrayForEach (row, page) {
			bool accepted = !strcmp(cJSON_GetObjectItem(row, "state")->valuestring, "accepted");
			assert_int_equal(cJSON_GetObjectItem(row, "revision")->valueint, ++revision);
			assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(row, "metadata")), accepted ? 3 : 0);
			assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(row, "checks")), accepted ? 1 : 0);
			decided += accepted;
		}
	} while (next[0]);
	for (int n; (n = changes(c, station, cursor, 1000, cursor)) > 0;) told += n;
	assert_int_equal(told, decided);
	assert_true(decided >= acknowledged);
	assert_true(decided <= acknowledged + 1);
	OK(catalog_writable(c, &err));
	return decided;
}

static void test_killed(void **state) {
	const struct scratch *s = *state;
	int decided = 0;
	for (int round = 0; round < 12 || (!decided && round < 100); round++) { /* a slow disk decides nothing at first */
		int fds[2], acknowledged = 0;
		assert_int_equal(pipe(fds), 0);
		struct crash k = {.dir = s->dir, .round = round, .acknowledged_fd = fds[1]};
		kill_during(decide_for_ever, &k, 20000 + round * 7013);
		fd_close(fds[1]);
		while (read(fds[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
		}
		fd_close(fds[0]);
		decided += assert_consistent(s->dir, round, acknowledged);
	}
	assert_true(decided > 0);
}

/* Metadata as long as allowed: a page ends early, the next ones hold the rest, and what is told is what was written. */
static void test_long_metadata_makes_short_pages(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(buf_done) struct buf text = BUF_INIT(1 << 20);
	AUTO(metadata_done) struct metadata metadata = {0};
	char next[96] = "";
	int sessions = 0, pages = 0;
	buf_str(&text, "quoted: a \"b\" \\ \xc3\xa9\n");
	for (int i = 0; i < 3000; i++) buf_fmt(&text, "key %d: %030d x\nnumber %d: %d.5\n", i, i, i, i);
	OK(metadata_parse(buf_text(&text), text.len, &metadata, &err));
	for (int i = 1; i <= 40; i++) {
		bool again;
		store(c, "lab-1", S1, i, "a", 5, 5);
		OK(catalog_session_decide(c, "lab-1", S1, i, CLOUD_ACCEPTED, NULL, &metadata, NULL, &again, &err));
	}
	do {
		const struct session_query q = {.state = -1, .all_revisions = true, .limit = 1000, .cursor = next};
		AUTO(json_free) cJSON *page = list(c, q, next);
		const cJSON *row;
		cJSON_ArrayForEach (row, page) {
			const cJSON *told = cJSON_GetObjectItem(row, "metadata");
			assert_int_equal(cJSON_GetObjectItem(row, "revision")->valueint, ++sessions);
			assert_int_equal(cJSON_GetArraySize(told), 6001);
			assert_string_equal(cJSON_GetObjectItem(told, "quoted")->valuestring, "a \"b\" \\ \xc3\xa9");
			assert_true(cJSON_GetObjectItem(told, "number 17")->valuedouble == 17.5);
		}
		pages++;
	} while (next[0]);
	assert_int_equal(sessions, 40);
	assert_in_range(pages, 2, 6);
}

static void test_state_names(void **state) {
	(void)state;
	for (int i = 0; i < CLOUD_STATE_N; i++) assert_true(strlen(cloud_state_names[i]) > 0);
	assert_string_equal(cloud_state_names[CLOUD_REJECTED], "rejected");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_IN_SCRATCH(test_members),
		TEST_IN_SCRATCH(test_weight_by_manifest),
		TEST_IN_SCRATCH(test_decided_once),
		TEST_IN_SCRATCH(test_filters),
		TEST_IN_SCRATCH(test_pages_while_data_arrives),
		TEST_IN_SCRATCH(test_undecided),
		TEST_IN_SCRATCH(test_changes),
		TEST_IN_SCRATCH(test_cursor_of_another_store),
		TEST_IN_SCRATCH(test_cursor_of_a_restored_store),
		TEST_IN_SCRATCH(test_wait_change),
		TEST_IN_SCRATCH(test_killed),
		TEST_IN_SCRATCH(test_long_metadata_makes_short_pages),
		cmocka_unit_test(test_state_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
