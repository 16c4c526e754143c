/* SPDX-License-Identifier: MIT */
/* The catalog's engine room and its small tables: writing in groups, secrets, keys, objects, stations. */
#include "store_help.h"

#include <sys/resource.h>

#include "cloud/store/catalog_core.h"

/* --- the writer --- */

struct put_setting {
	char name[32], value[32];
	bool fails;
};

static int op_put(struct catalog_write *w, void *arg, struct error *err) {
	const struct put_setting *p = arg;
	if (db_exec(w->db, SQL_SETTING_PUT, err, "tt", p->name, p->value)) return -1;
	return p->fails ? error_set(err, ERR_INPUT, "this operation was made to fail") : 0;
}

/* Its value, or "" when there is none. */
static void setting(struct catalog *c, const char *name, char to[32]) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	OK(catalog_reader_take(c, &r, &err));
	struct error err = ERROR_INIT;
	int found = db_one(r.db, SQL_SETTING_GET, &err, "t", name);
	assert_true(found >= 0);
	snprintf(to, 32, "%s", found ? db_text(r.db, SQL_SETTING_GET, 0) : "");
}

struct writer {
	struct catalog *catalog;
	int id, n;
};

static void *write_many(void *arg) {
	const struct writer *w = arg;
	for (int i = 0; i < w->n; i++) {
		struct put_setting p = {.fails = i % 3 == 2};
		struct error err = ERROR_INIT;
		char got[32];
		snprintf(p.name, sizeof p.name, "%d.%d", w->id, i);
		snprintf(p.value, sizeof p.value, "%d", w->id * 1000 + i);
		int failed = catalog_run(w->catalog, op_put, &p, &err);
		assert_int_equal(failed, p.fails ? -1 : 0);
		if (p.fails) assert_int_equal(err.code, ERR_INPUT);
		setting(w->catalog, p.name, got); /* what was waited for is seen, what failed is not */
		assert_string_equal(got, p.fails ? "" : p.value);
	}
	return NULL;
}

static void test_concurrent_writers(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	struct writer writers[12];
	pthread_t threads[12];
	for (int i = 0; i < 12; i++) writers[i] = (struct writer){.catalog = c, .id = i, .n = 60};
	start_threads(threads, 12, write_many, writers, sizeof writers[0]);
	join_threads(threads, 12);
	catalog_close(TAKE(c));
	c = catalog_at(s->dir);
	for (int i = 0; i < 12; i++) {
		char got[32], name[32], want[32];
		snprintf(name, sizeof name, "%d.%d", i, 58);
		snprintf(want, sizeof want, "%d", i * 1000 + 58);
		setting(c, name, got);
		assert_string_equal(got, want);
	}
}

/* What was posted is written before the catalog closes. */
static void test_posted(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	char got[32];
	for (int i = 0; i < 700; i++) {
		struct put_setting p = {.fails = i == 3};
		snprintf(p.name, sizeof p.name, "%d", i);
		snprintf(p.value, sizeof p.value, "v%d", i);
		catalog_post(c, op_put, &p, sizeof p);
	}
	catalog_close(TAKE(c));
	c = catalog_at(s->dir);
	setting(c, "699", got);
	assert_string_equal(got, "v699");
	setting(c, "3", got);
	assert_string_equal(got, "");
}

struct many_readers {
	struct catalog *catalog;
	pthread_barrier_t *barrier;
};

static void *hold_reader(void *arg) {
	const struct many_readers *m = arg;
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	OK(catalog_reader_take(m->catalog, &r, &err));
	if (m->barrier) pthread_barrier_wait(m->barrier);
	return NULL;
}

/* 64 at once, one that waits for its turn, and none left open in mid-read. */
static void test_readers(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	pthread_barrier_t barrier;
	pthread_t threads[64], late;
	struct many_readers m[64], single = {.catalog = c};
	pthread_barrier_init(&barrier, NULL, 65);
	for (int i = 0; i < 64; i++) m[i] = (struct many_readers){.catalog = c, .barrier = &barrier};
	start_threads(threads, 64, hold_reader, m, sizeof m[0]);
	assert_int_equal(pthread_create(&late, NULL, hold_reader, &single), 0);
	pthread_barrier_wait(&barrier);
	join_threads(threads, 64);
	pthread_join(late, NULL);
	pthread_barrier_destroy(&barrier);
	OK(catalog_writable(c, &err));
}

static void test_full_disk(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	struct rlimit before, small;
	static struct object_row rows[500];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(rows[i].bucket, sizeof rows[i].bucket, "raw");
		snprintf(rows[i].key, sizeof rows[i].key, "%0900zu", i);
	}
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 300000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	FAILS(ERR_DISK, catalog_objects_promise(c, NULL, rows, ARRAY_LEN(rows), NULL, &err));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	struct object_row got;
	GIVES(0, catalog_object(c, "raw", rows[0].key, &got, &err));
	OK(catalog_objects_promise(c, NULL, rows, ARRAY_LEN(rows), NULL, &err));
	GIVES(1, catalog_object(c, "raw", rows[499].key, &got, &err));
}

static void test_one_server_a_folder(void **state) {
	const struct scratch *s = *state;
	AUTO(fd_close) int first = -1;
	AUTO(fd_close) int second = -1;
	AUTO(xfree) char *dir = path_join(s->dir, "data");
	OK(catalog_lock(dir, &first, &err));
	FAILS(ERR_BUSY, catalog_lock(dir, &second, &err));
	fd_close(TAKE_FD(first));
	OK(catalog_lock(dir, &second, &err));
}

static void test_refuses_what_is_no_catalog(void **state) {
	const struct scratch *s = *state;
	struct catalog *c = NULL;
	AUTO(xfree) char *db = path_join(s->dir, "catalog.db");
	AUTO(xfree) char *below = path_join(db, "x");
	static char noise[9000];
	memset(noise, 'x', sizeof noise);
	OK(file_write_atomic(db, noise, sizeof noise, 0600, &err));
	FAILS(ERR_DISK, catalog_open(&c, s->dir, &err));
	GIVES(-1, catalog_open(&c, below, &err));
	assert_null(c);
	catalog_close(NULL);
}

/* --- secrets --- */

struct secret_ask {
	struct catalog *catalog;
	struct secret secret;
};

static void *ask_secret(void *arg) {
	struct secret_ask *a = arg;
	OK(catalog_secret(a->catalog, "jwt_key", &a->secret, &err));
	return NULL;
}

static void test_secrets(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(catalog_close) struct catalog *other = catalog_at(s->dir);
	struct secret_ask asks[8];
	pthread_t threads[8];
	for (int i = 0; i < 8; i++) asks[i] = (struct secret_ask){.catalog = i % 2 ? c : other};
	start_threads(threads, 8, ask_secret, asks, sizeof asks[0]);
	join_threads(threads, 8);
	assert_int_equal(asks[0].secret.len, CATALOG_SECRET_LEN);
	for (int i = 1; i < 8; i++) {
		assert_true(secret_equal(&asks[0].secret, asks[i].secret.bytes, asks[i].secret.len));
		secret_done(&asks[i].secret);
	}
	AUTO(secret_done) struct secret next = {0};
	OK(catalog_secret(c, "s3_secret", &next, &err));
	assert_false(secret_equal(&asks[0].secret, next.bytes, next.len));
	secret_done(&asks[0].secret);
	struct stat st;
	AUTO(xfree) char *path = path_join(s->dir, "catalog.db");
	AUTO(xfree) char *wal = path_join(s->dir, "catalog.db-wal");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* --- keys --- */

static int count_keys(void *arg, const struct api_key *k) {
	int *n = arg;
	assert_true(k->created_ms > 0);
	return ++*n == 2;
}

static void test_keys(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(catalog_close) struct catalog *command = catalog_at(s->dir); /* `headgate-cloud key` beside the server */
	AUTO(secret_done) struct secret text = {0};
	AUTO(secret_done) struct secret second = {0};
	struct api_key key, got;
	OK(catalog_key_add(command, "lab-1", SCOPE_STATION, &text, &key, &err));
	OK(catalog_key_add(command, "lab-2", SCOPE_STATION | SCOPE_ADMIN, &second, &got, &err));
	assert_string_not_equal(text.bytes, second.bytes);
	OK(catalog_key_by_text(c, text.bytes, &got, &err));
	assert_string_equal(got.id, key.id);
	assert_string_equal(got.station, "lab-1");
	assert_int_equal(got.scopes, SCOPE_STATION);
	assert_int_equal(got.revoked_ms, 0);
	OK(catalog_key_by_id(c, key.id, &got, &err));
	assert_string_equal(got.station, "lab-1");
	OK(catalog_writable(c, &err)); /* a later group: the use was written */
	OK(catalog_key_by_id(c, key.id, &got, &err));
	assert_true(got.used_ms >= key.created_ms);
	OK(catalog_key_revoke(command, key.id, &err));
	OK(catalog_key_by_text(c, text.bytes, &got, &err));
	assert_true(got.revoked_ms > 0);
	int64_t revoked_ms = got.revoked_ms;
	sleep_us(3000);
	OK(catalog_key_revoke(command, key.id, &err));
	OK(catalog_key_by_id(c, key.id, &got, &err));
	assert_int_equal(got.revoked_ms, revoked_ms);
	int n = 0;
	OK(catalog_keys(c, count_keys, &n, &err));
	assert_int_equal(n, 2);
}

/* `headgate-cloud key add` in a loop beside a server that writes all the time: both wait their turn, none fails. */
static void test_two_processes(void **state) {
	const struct scratch *s = *state;
	catalog_close(catalog_at(s->dir));
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct catalog *command = catalog_at(s->dir);
		for (int i = 0; i < 60; i++) {
			AUTO(secret_done) struct secret text = {0};
			struct api_key key;
			OK(catalog_key_add(command, "lab-1", SCOPE_STATION, &text, &key, &err));
		}
		catalog_close(command);
		_exit(0);
	}
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	for (int i = 0; i < 200; i++) OK(catalog_writable(c, &err));
	int status = -1, n = -1000; /* count_keys ends at 2 */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	OK(catalog_keys(c, count_keys, &n, &err));
	assert_int_equal(n, -940);
}

static void test_wrong_keys(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(secret_done) struct secret text = {0};
	struct api_key key, got;
	struct error unknown = ERROR_INIT, wrong = ERROR_INIT;
	OK(catalog_key_add(c, "lab-1", SCOPE_STATION, &text, &key, &err));
	text.bytes[text.len - 1] = text.bytes[text.len - 1] == 'a' ? 'b' : 'a';
	assert_int_equal(catalog_key_by_text(c, text.bytes, &got, &wrong), -1);
	text.bytes[5] = text.bytes[5] == 'a' ? 'b' : 'a';
	assert_int_equal(catalog_key_by_text(c, text.bytes, &got, &unknown), -1);
	assert_int_equal(wrong.code, ERR_NOT_FOUND);
	assert_string_equal(wrong.text, unknown.text); /* same words for both */
	assert_null(strstr(wrong.text, key.id));
	FAILS(ERR_NOT_FOUND, catalog_key_by_text(c, "", &got, &err));
	FAILS(ERR_NOT_FOUND, catalog_key_by_text(c, "hg_", &got, &err));
	FAILS(ERR_NOT_FOUND, catalog_key_by_id(c, "nobody", &got, &err));
	FAILS(ERR_NOT_FOUND, catalog_key_revoke(c, "nobody", &err));
	FAILS(ERR_NOT_FOUND, catalog_key_revoke(c, "a name that is longer than an id can be", &err));
	FAILS(ERR_USAGE, catalog_key_add(c, "", SCOPE_STATION, &text, &key, &err));
}

/* The text of a key is nowhere in the files. */
static void test_keys_are_stored_hashed(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(secret_done) struct secret text = {0};
	struct api_key key;
	OK(catalog_key_add(c, "lab-1", SCOPE_STATION, &text, &key, &err));
	static const char *const files[] = {"catalog.db", "catalog.db-wal"};
	bool id_seen = false;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		AUTO(buf_done) struct buf b = BUF_INIT(16 << 20);
		AUTO(xfree) char *path = path_join(s->dir, files[i]);
		OK(file_read(path, 16 << 20, &b, &err));
		assert_null(memmem(b.data, b.len, text.bytes + text.len - 40, 40));
		if (memmem(b.data, b.len, key.id, strlen(key.id))) id_seen = true;
	}
	assert_true(id_seen);
}

static void test_scopes(void **state) {
	(void)state;
	char text[64];
	int bits = 0;
	OK(scopes_parse("station", &bits, &err));
	assert_int_equal(bits, SCOPE_STATION);
	OK(scopes_parse("admin, station", &bits, &err));
	assert_int_equal(bits, SCOPE_STATION | SCOPE_ADMIN);
	assert_string_equal(scopes_text(bits, text, sizeof text), "station admin");
	assert_string_equal(scopes_text(0, text, sizeof text), "");
	OK(scopes_parse(scopes_text(SCOPE_ADMIN, text, sizeof text), &bits, &err));
	assert_int_equal(bits, SCOPE_ADMIN);
	FAILS(ERR_USAGE, scopes_parse("", &bits, &err));
	FAILS(ERR_USAGE, scopes_parse("root\x1b[2J", &bits, &err));
	assert_int_equal(bits, SCOPE_ADMIN);
}

/* --- objects --- */

static struct object_row object(const char *session, int64_t revision, const char *name, const char *content) {
	struct object_row row = {.revision = revision, .size = (int64_t)strlen(content)};
	snprintf(row.bucket, sizeof row.bucket, "raw");
	snprintf(row.key, sizeof row.key, "%s/lab-1/%lld/%s", session, (long long)revision, name);
	snprintf(row.station, sizeof row.station, "lab-1");
	snprintf(row.session, sizeof row.session, "%s", session);
	snprintf(row.name, sizeof row.name, "%s", name);
	sha256_of(content, strlen(content), &row.sha256);
	return row;
}

#define S1 "20261120_134502"
#define S2 "20261120_140000"

static void test_promise_and_store(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	struct object_row row = object(S1, 1, "eeg \xc3\xa9.bin", "first"), got = {0}, other = row;
	GIVES(0, catalog_object(c, "raw", row.key, &got, &err));
	OK(catalog_objects_promise(c, NULL, NULL, 0, NULL, &err));
	OK(catalog_objects_promise(c, NULL, &row, 1, NULL, &err));
	GIVES(1, catalog_object(c, "raw", row.key, &got, &err));
	assert_string_equal(got.name, row.name);
	assert_int_equal(got.stored_ms, 0);
	/* While nothing is stored, a later promise counts. */
	other.size = 6;
	sha256_of("second", 6, &other.sha256);
	OK(catalog_objects_promise(c, NULL, &other, 1, NULL, &err));
	GIVES(1, catalog_object(c, "raw", row.key, &got, &err));
	assert_int_equal(got.size, 6);
	GIVES(0, catalog_object_by_name(c, "lab-1", S1, 1, row.name, &got, &err));
	OK(catalog_object_stored(c, "raw", row.key, 6, &other.sha256, 1234, &err));
	GIVES(1, catalog_object_by_name(c, "lab-1", S1, 1, row.name, &got, &err));
	assert_int_equal(got.stored_ms, 1234);
	assert_true(sha256_equal(&got.sha256, &other.sha256));
	/* Stored: a promise changes nothing, the same news is fine, other news is refused. */
	OK(catalog_objects_promise(c, NULL, &row, 1, NULL, &err));
	OK(catalog_object_stored(c, "raw", row.key, 6, &other.sha256, 9999, &err));
	FAILS(ERR_CONFLICT, catalog_object_stored(c, "raw", row.key, 5, &row.sha256, 9999, &err));
	GIVES(1, catalog_object(c, "raw", row.key, &got, &err));
	assert_int_equal(got.size, 6);
	assert_int_equal(got.stored_ms, 1234);
	/* One that nobody promised is known as well. */
	OK(catalog_object_stored(c, "processed", "any", 5, &row.sha256, 0, &err));
	GIVES(1, catalog_object(c, "processed", "any", &got, &err));
	assert_string_equal(got.station, "");
	assert_true(got.stored_ms > 1234);
}

/* In the writer's own operation: who came first has the revision, and a decision ends it, whatever was read before. */
static void test_claims(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	struct object_row row = object(S1, 1, "a.bin", "first"), got = {0}, lost = {0};
	const struct claim a = {"lab-1", S1, 1, "a"}, b = {"lab-1", S1, 1, "b"}, nobody = {"lab-1", S1, 1, NULL};
	enum standing standing = STANDING_TAKEN;
	OK(catalog_objects_promise(c, &a, &row, 1, &standing, &err));
	assert_int_equal(standing, STANDING_OPEN);
	OK(catalog_object_stored(c, "raw", row.key, row.size, &row.sha256, 1234, &err));
	GIVES(1, catalog_object(c, "raw", row.key, &lost, &err));
	OK(catalog_object_lost(c, &lost, &err));
	GIVES(1, catalog_object(c, "raw", row.key, &lost, &err));
	struct object_row rows[2] = {lost, object(S1, 1, "b.bin", "second")};
	const struct claim *const others[] = {&b, &nobody};
	for (size_t i = 0; i < 2; i++) {
		OK(catalog_objects_promise(c, others[i], rows, 2, &standing, &err));
		assert_int_equal(standing, STANDING_TAKEN);
		GIVES(0, catalog_object(c, "raw", rows[1].key, &got, &err)); /* the lost one alone was promised again */
		OK(catalog_standing(c, others[i], &standing, &err));
		assert_int_equal(standing, STANDING_TAKEN);
	}
	bool again;
	OK(catalog_session_decide(c, "lab-1", S1, 1, CLOUD_REJECTED, NULL, NULL, NULL, &again, &err));
	OK(catalog_objects_promise(c, &a, rows, 2, &standing, &err));
	assert_int_equal(standing, STANDING_DECIDED);
	GIVES(0, catalog_object(c, "raw", rows[1].key, &got, &err));
	/* A look at what is lost alone claims nothing. */
	const struct claim next = {"lab-1", S1, 2, "b"};
	OK(catalog_objects_promise(c, &next, rows, 1, &standing, &err));
	AUTO(json_free) cJSON *revisions = NULL;
	OK(rows_revisions(c, "lab-1", S1, &revisions, &err));
	assert_int_equal(cJSON_GetArraySize(revisions), 1);
}

struct claimer {
	struct catalog *catalog;
	char instance[8];
	enum standing standing;
};

static void *claim_one(void *arg) {
	struct claimer *k = arg;
	struct object_row row = object(S1, 7, k->instance, "x");
	const struct claim claim = {"lab-1", S1, 7, k->instance};
	OK(catalog_objects_promise(k->catalog, &claim, &row, 1, &k->standing, &err));
	return NULL;
}

static void test_twins_at_once(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	struct claimer claimers[16];
	pthread_t threads[16];
	int open = 0;
	for (int i = 0; i < 16; i++) {
		claimers[i] = (struct claimer){.catalog = c};
		snprintf(claimers[i].instance, sizeof claimers[i].instance, "i%d", i);
	}
	start_threads(threads, 16, claim_one, claimers, sizeof claimers[0]);
	join_threads(threads, 16);
	for (int i = 0; i < 16; i++) open += claimers[i].standing == STANDING_OPEN;
	assert_int_equal(open, 1);
}

static void test_newest_stored_revision(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	struct object_row got = {0},
					  rows[] = {object(S1, 1, "a", "one"), object(S1, 2, "a", "two"), object(S1, 3, "a", "3")};
	OK(catalog_objects_promise(c, NULL, rows, 3, NULL, &err));
	for (int i = 0; i < 2; i++)
		OK(catalog_object_stored(c, "raw", rows[i].key, rows[i].size, &rows[i].sha256, 10 + i, &err));
	GIVES(1, catalog_object_by_name(c, "lab-1", S1, 1, "a", &got, &err));
	assert_int_equal(got.revision, 1);
	GIVES(1, catalog_object_by_name(c, "lab-1", S1, 9, "a", &got, &err));
	assert_int_equal(got.revision, 2);
	GIVES(0, catalog_object_by_name(c, "lab-2", S1, 9, "a", &got, &err));
	GIVES(0, catalog_object_by_name(c, "lab-1", S2, 9, "a", &got, &err));
	GIVES(0, catalog_object_by_name(c, "lab-1", S1, 0, "a", &got, &err));
}

static int list_keys(void *arg, const struct object_row *row) {
	struct buf *b = arg;
	buf_fmt(b, "%s;", row->name);
	return row->name[0] == '!';
}

static void assert_listed(
	struct catalog *c, const char *station, const char *session, bool promised, const char *want) {
	AUTO(buf_done) struct buf b = BUF_INIT(1000);
	OK(catalog_objects(c, station, session, promised, list_keys, &b, &err));
	assert_string_equal(buf_text(&b), want);
}

static void test_lists_objects(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	struct object_row rows[] = {object(S1, 1, "a", "1"), object(S1, 1, "b", "2"), object(S2, 1, "c", "3")};
	OK(catalog_objects_promise(c, NULL, rows, 3, NULL, &err));
	OK(catalog_object_stored(c, "raw", rows[0].key, 1, &rows[0].sha256, 1, &err));
	assert_listed(c, NULL, NULL, false, "a;b;c;");
	assert_listed(c, NULL, NULL, true, "b;c;");
	assert_listed(c, "lab-1", NULL, false, "a;b;c;");
	assert_listed(c, "lab-1", S1, true, "b;");
	assert_listed(c, NULL, S2, false, "c;");
	assert_listed(c, "lab-2", NULL, false, "");
	struct object_row stop = object(S2, 1, "!", "4");
	OK(catalog_objects_promise(c, NULL, &stop, 1, NULL, &err));
	assert_listed(c, NULL, S2, false, "!;");
}

/* --- stations --- */

static int beat(struct catalog *c, const char *station, const char *key, const char *json, struct error *err) {
	AUTO(json_free) cJSON *j = NULL;
	int n = -1;
	const char *instance = NULL;
	if (json_parse(json, strlen(json), &j, err) || json_want_text(j, "instance", NULL, &instance, err)) return -1;
	AUTO(xfree) char *kept = rows_beat_kept(j);
	return catalog_heartbeat(c, station, key, instance, kept, &n, err) ? -1 : n;
}

static void test_stations(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(secret_done) struct secret text = {0};
	struct api_key silent, admin;
	OK(catalog_key_add(c, "silent", SCOPE_STATION, &text, &silent, &err));
	OK(catalog_key_add(c, "office", SCOPE_ADMIN, &text, &admin, &err));
	GIVES(1, beat(c, "lab-1", "k1", "{\"instance\":\"i1\",\"version\":\"0.1\",\"queue\":3,\"extra\":1}", &err));
	GIVES(1, beat(c, "lab-1", "k1", "{\"instance\":\"i1\",\"version\":\"0.2\",\"queue\":2}", &err));
	sleep_us(2000);
	GIVES(2, beat(c, "lab-1", "k1", "{\"instance\":\"i2\",\"version\":\"0.3\",\"queue\":1}", &err));
	GIVES(1, beat(c, "lab-2", "k2", "{\"instance\":\"i2\"}", &err));
	FAILS(ERR_INPUT, beat(c, "lab-1", "k1", "{}", &err));
	FAILS(ERR_INPUT, beat(c, "lab-1", "k1", "[]", &err));
	FAILS(ERR_INPUT, beat(c, "lab-1", "k1", "{\"instance\":\"\"}", &err));
	char next[96] = "", names[64] = "";
	for (int pages = 0; pages < 10; pages++) {
		AUTO(json_free) cJSON *array = NULL;
		OK(rows_stations(c, 1, next, &array, next, &err));
		assert_int_equal(cJSON_GetArraySize(array), 1);
		const cJSON *row = cJSON_GetArrayItem(array, 0);
		const char *station = cJSON_GetObjectItem(row, "station")->valuestring;
		snprintf(names + strlen(names), sizeof names - strlen(names), "%s ", station);
		if (!strcmp(station, "lab-1")) {
			assert_string_equal(cJSON_GetObjectItem(row, "version")->valuestring, "0.3");
			assert_int_equal(cJSON_GetObjectItem(row, "queue")->valueint, 1);
			assert_null(cJSON_GetObjectItem(row, "extra"));
			assert_true(cJSON_IsString(cJSON_GetObjectItem(row, "last_heartbeat_at")));
		}
		if (!strcmp(station, "silent")) {
			assert_true(cJSON_IsNull(cJSON_GetObjectItem(row, "last_heartbeat_at")));
			assert_true(cJSON_IsNull(cJSON_GetObjectItem(row, "version")));
		}
		if (!next[0]) break;
	}
	assert_string_equal(names, "lab-1 lab-2 silent ");
	cJSON *array = NULL;
	FAILS(ERR_INPUT, rows_stations(c, 1, "bad", &array, next, &err));
}

/* By a statement of its own: what it says is what the list says of it. */
static void test_one_station(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(secret_done) struct secret text = {0};
	struct api_key silent, admin, revoked;
	OK(catalog_key_add(c, "silent", SCOPE_STATION, &text, &silent, &err));
	OK(catalog_key_add(c, "office", SCOPE_ADMIN, &text, &admin, &err));
	OK(catalog_key_add(c, "gone", SCOPE_STATION, &text, &revoked, &err));
	OK(catalog_key_revoke(c, revoked.id, &err));
	GIVES(1, beat(c, "lab-1", "k1", "{\"instance\":\"i2\",\"version\":\"0.1\",\"queue\":3}", &err));
	sleep_us(2000);
	GIVES(2, beat(c, "lab-1", "k1", "{\"instance\":\"i1\",\"version\":\"0.2\",\"queue\":2}", &err));
	GIVES(1, beat(c, "lab-2", "k2", "{\"instance\":\"i2\"}", &err));
	AUTO(json_free) cJSON *all = NULL;
	char next[CATALOG_NEXT];
	OK(rows_stations(c, 10, "", &all, next, &err));
	assert_int_equal(cJSON_GetArraySize(all), 3);
	for (int i = 0; i < 3; i++) {
		AUTO(json_free) cJSON *one = NULL;
		const cJSON *listed = cJSON_GetArrayItem(all, i);
		OK(rows_station(c, cJSON_GetObjectItem(listed, "station")->valuestring, &one, &err));
		assert_int_equal(cJSON_GetArraySize(one), 1);
		assert_true(cJSON_Compare(cJSON_GetArrayItem(one, 0), listed, true));
	}
	static const char *const none[] = {"office", "gone", "lab", "lab-11", ""};
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		AUTO(json_free) cJSON *one = NULL;
		OK(rows_station(c, none[i], &one, &err));
		assert_int_equal(cJSON_GetArraySize(one), 0);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_IN_SCRATCH(test_concurrent_writers),
		TEST_IN_SCRATCH(test_posted),
		TEST_IN_SCRATCH(test_readers),
		TEST_IN_SCRATCH(test_full_disk),
		TEST_IN_SCRATCH(test_one_server_a_folder),
		TEST_IN_SCRATCH(test_refuses_what_is_no_catalog),
		TEST_IN_SCRATCH(test_secrets),
		TEST_IN_SCRATCH(test_keys),
		TEST_IN_SCRATCH(test_two_processes),
		TEST_IN_SCRATCH(test_wrong_keys),
		TEST_IN_SCRATCH(test_keys_are_stored_hashed),
		cmocka_unit_test(test_scopes),
		TEST_IN_SCRATCH(test_promise_and_store),
		TEST_IN_SCRATCH(test_claims),
		TEST_IN_SCRATCH(test_twins_at_once),
		TEST_IN_SCRATCH(test_newest_stored_revision),
		TEST_IN_SCRATCH(test_lists_objects),
		TEST_IN_SCRATCH(test_stations),
		TEST_IN_SCRATCH(test_one_station),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
