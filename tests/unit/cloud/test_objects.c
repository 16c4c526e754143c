/* SPDX-License-Identifier: MIT */
/* Objects: whole or none, once, the right bytes; and the same on a file system without O_TMPFILE. */
#include "store_help.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#define KEY "20261120_134502/lab-1/eeg data.bin"

/* In the place of libc's: a file system without O_TMPFILE. */
static bool no_tmpfile;

int openat(int dir, const char *path, int flags, ...) {
	va_list args;
	va_start(args, flags);
	int mode = va_arg(args, int);
	va_end(args);
	if (no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) return errno = EOPNOTSUPP, -1;
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

static struct objects *objects_on(const char *dir, bool by_name) {
	no_tmpfile = by_name;
	struct objects *o = objects_at(dir);
	no_tmpfile = false;
	return o;
}

static int put(struct objects *o, const char *key, const void *bytes, size_t n, size_t chunk,
	const struct sha256 *expect, struct sha256 *ret, struct error *err) {
	struct object_write *w = NULL;
	if (object_begin(o, "raw", key, (int64_t)n, &w, err)) return -1;
	for (size_t at = 0; at < n; at += chunk)
		if (object_append(w, (const char *)bytes + at, MIN(chunk, n - at), err)) {
			object_abort(w);
			return -1;
		}
	return object_commit(w, expect, ret, err);
}

/* Files below the folder: objects, and what a write left behind. */
static int count_files(const char *dir) {
	int n = 0;
	DIR *d = opendir(dir);
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d));) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
		AUTO(xfree) char *path = path_join(dir, e->d_name);
		n += e->d_type == DT_DIR ? count_files(path) : 1;
	}
	closedir(d);
	return n;
}

static void assert_content(struct objects *o, const char *key, const void *bytes, size_t n) {
	AUTO(fd_close) int fd = -1;
	int64_t size = -1;
	OK(object_open(o, "raw", key, &fd, &size, &err));
	assert_int_equal(size, n);
	AUTO(xfree) char *got = xcalloc(1, n + 1);
	assert_int_equal(read(fd, got, n + 1), n);
	if (n) assert_memory_equal(got, bytes, n);
	AUTO(fd_close) int again = -1;
	struct object_sight sight;
	struct sha256 want;
	sha256_of(bytes, n, &want);
	OK(object_read(o, "raw", key, &again, &sight, &err));
	assert_true(sha256_equal(&want, &sight.digest));
	assert_int_equal(sight.size, n);
}

static void stores_and_reads(struct objects *o) {
	static const size_t sizes[] = {0, 1, 4096, 9 << 20, (17 << 20) + 3};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO(xfree) char *bytes = xcalloc(1, sizes[i] + 1);
		char key[64];
		struct sha256 want, got;
		fill((uint8_t *)bytes, sizes[i], i);
		sha256_of(bytes, sizes[i], &want);
		snprintf(key, sizeof key, KEY " %zu", i);
		assert_false(object_exists(o, "raw", key));
		OK(put(o, key, bytes, sizes[i], 100000, &want, &got, &err));
		assert_true(sha256_equal(&want, &got));
		assert_true(object_exists(o, "raw", key));
		assert_content(o, key, bytes, sizes[i]);
	}
}

static void test_stores_and_reads(void **state) {
	const struct scratch *s = *state;
	AUTO(objects_close) struct objects *o = objects_at(s->dir);
	stores_and_reads(o);
	assert_int_equal(count_files(s->dir), 5);
}

static void test_without_o_tmpfile(void **state) {
	const struct scratch *s = *state;
	AUTO(objects_close) struct objects *o = objects_on(s->dir, true);
	OK(objects_writable(o, &err));
	stores_and_reads(o);
	assert_int_equal(count_files(s->dir), 5);
	FAILS(ERR_EXISTS, put(o, KEY " 1", "x", 1, 1, NULL, NULL, &err));
	struct object_write *w = NULL;
	OK(object_begin(o, "raw", "given up", 10, &w, &err));
	OK(object_append(w, "12345", 5, &err));
	assert_int_equal(count_files(s->dir), 6);
	object_abort(w);
	assert_int_equal(count_files(s->dir), 5);
}

/* `a` and `a/b`, and keys that mean something to a path, are names like any other. */
static void test_keys_are_no_paths(void **state) {
	const struct scratch *s = *state;
	static const char *const keys[] = {"a", "a/b", "../../../etc/passwd", "/", "a\nb", "\xc3\xa9", ""};
	AUTO(objects_close) struct objects *o = objects_at(s->dir);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) OK(put(o, keys[i], keys[i], strlen(keys[i]), 1, NULL, NULL, &err));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) assert_content(o, keys[i], keys[i], strlen(keys[i]));
	assert_int_equal(count_files(s->dir), ARRAY_LEN(keys));
}

static void test_refuses_other_bytes(void **state) {
	const struct scratch *s = *state;
	AUTO(objects_close) struct objects *o = objects_at(s->dir);
	struct sha256 other;
	struct object_write *w = NULL;
	sha256_of("else", 4, &other);
	FAILS(ERR_CHECKSUM, put(o, KEY, "this", 4, 4, &other, NULL, &err));
	OK(object_begin(o, "raw", KEY, 5, &w, &err));
	OK(object_append(w, "shor", 4, &err));
	FAILS(ERR_INPUT, object_commit(w, NULL, NULL, &err));
	OK(object_begin(o, "raw", KEY, 3, &w, &err));
	FAILS(ERR_INPUT, object_append(w, "long", 4, &err));
	object_abort(w);
	object_abort(NULL);
	assert_false(object_exists(o, "raw", KEY));
	assert_int_equal(count_files(s->dir), 0);
	OK(put(o, KEY, "this", 4, 4, NULL, NULL, &err));
}

static void test_write_once(void **state) {
	const struct scratch *s = *state;
	AUTO(objects_close) struct objects *o = objects_at(s->dir);
	struct object_write *late = NULL;
	OK(object_begin(o, "raw", KEY, 5, &late, &err));
	FAILS(ERR_CONFLICT, put(o, KEY, "other", 5, 5, NULL, NULL, &err)); /* one at a time: its room is taken once */
	OK(put(o, "another key", "other", 5, 5, NULL, NULL, &err));
	OK(object_append(late, "first", 5, &err));
	OK(object_commit(late, NULL, NULL, &err));
	FAILS(ERR_EXISTS, object_begin(o, "raw", KEY, 5, &late, &err));
	assert_content(o, KEY, "first", 5);
	/* Read-only on the disk too. */
	AUTO(fd_close) int fd = -1;
	int64_t size;
	struct stat st;
	OK(object_open(o, "raw", KEY, &fd, &size, &err));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
}

struct racer {
	struct objects *objects;
	pthread_barrier_t *barrier;
	char content[32];
	int won;
};

static void *race(void *arg) {
	struct racer *r = arg;
	struct object_write *w = NULL;
	struct error err = ERROR_INIT;
	pthread_barrier_wait(r->barrier);
	r->won = -1;
	if (object_begin(r->objects, "raw", KEY, (int64_t)strlen(r->content), &w, &err)) {
		if (err.code == ERR_EXISTS || err.code == ERR_CONFLICT) r->won = 0;
		return NULL;
	}
	if (object_append(w, r->content, strlen(r->content), &err)) {
		object_abort(w);
		return NULL;
	}
	if (!object_commit(w, NULL, NULL, &err)) r->won = 1;
	else if (err.code == ERR_EXISTS) r->won = 0;
	return NULL;
}

static void test_one_of_many_wins(void **state) {
	const struct scratch *s = *state;
	for (int round = 0; round < 20; round++) {
		char dir[96];
		snprintf(dir, sizeof dir, "%s/%d", s->dir, round);
		AUTO(objects_close) struct objects *o = objects_on(dir, round % 2);
		struct racer racers[4];
		pthread_t threads[4];
		pthread_barrier_t barrier;
		pthread_barrier_init(&barrier, NULL, 4);
		for (int i = 0; i < 4; i++) {
			racers[i] = (struct racer){.objects = o, .barrier = &barrier};
			snprintf(racers[i].content, sizeof racers[i].content, "written by %d", i);
		}
		start_threads(threads, 4, race, racers, sizeof racers[0]);
		join_threads(threads, 4);
		pthread_barrier_destroy(&barrier);
		int winners = 0;
		for (int i = 0; i < 4; i++) {
			assert_true(racers[i].won >= 0);
			if (!racers[i].won) continue;
			winners++;
			assert_content(o, KEY, racers[i].content, strlen(racers[i].content));
		}
		assert_int_equal(winners, 1);
		assert_int_equal(count_files(dir), 1);
	}
}

static void test_unknown_names(void **state) {
	const struct scratch *s = *state;
	AUTO(objects_close) struct objects *o = objects_at(s->dir);
	struct object_write *w = NULL;
	int fd = -1;
	int64_t size = -1;
	assert_true(objects_has_bucket(o, "processed"));
	assert_false(objects_has_bucket(o, ".tmp"));
	assert_false(objects_has_bucket(o, "other"));
	FAILS(ERR_NOT_FOUND, object_begin(o, "other", KEY, 1, &w, &err));
	FAILS(ERR_INPUT, object_begin(o, "raw", KEY, -1, &w, &err));
	FAILS(ERR_NOT_FOUND, object_open(o, "raw", KEY, &fd, &size, &err));
	FAILS(ERR_NOT_FOUND, object_open(o, "other", KEY, &fd, &size, &err));
	struct object_sight sight;
	FAILS(ERR_NOT_FOUND, object_settle(o, "raw", KEY, &fd, &sight, &err));
	FAILS(ERR_NOT_FOUND, object_read(o, "raw", KEY, &fd, &sight, &err));
	GIVES(0, object_sight(o, "raw", KEY, &sight, &err));
	assert_false(object_exists(o, "other", KEY));
	assert_int_equal(fd, -1);
	assert_null(w);
}

static void test_refuses_odd_folders(void **state) {
	const struct scratch *s = *state;
	struct objects *o = NULL;
	FAILS(ERR_CONFIG, objects_open(&o, s->dir, (const char *const[]){"../up", NULL}, &err));
	FAILS(ERR_CONFIG, objects_open(&o, s->dir, (const char *const[]){".tmp", NULL}, &err));
	AUTO(xfree) char *file = path_join(s->dir, "file");
	OK(file_write_atomic(file, "x", 1, 0600, &err));
	GIVES(-1, objects_open(&o, file, test_buckets, &err));
	AUTO(xfree) char *below = path_join(file, "below");
	GIVES(-1, objects_open(&o, below, test_buckets, &err));
	assert_null(o);
}

static void test_room(void **state) {
	const struct scratch *s = *state;
	AUTO(objects_close) struct objects *o = objects_at(s->dir);
	struct object_write *w = NULL;
	OK(objects_writable(o, &err));
	FAILS(ERR_DISK, object_begin(o, "raw", KEY, INT64_MAX, &w, &err));
	/* A limit on the size of files stands for a full disk: write(2) fails in the same place. */
	struct rlimit before, small;
	struct sha256 want;
	uint8_t *bytes = xcalloc(1, 1 << 20);
	fill(bytes, 1 << 20, 7);
	sha256_of(bytes, 1 << 20, &want);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 300000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int by_name = 0; by_name < 2; by_name++) {
		AUTO(objects_close) struct objects *other = objects_on(s->dir, by_name);
		FAILS(ERR_DISK, put(other, KEY, bytes, 1 << 20, 65536, &want, NULL, &err));
	}
	small.rlim_cur = 4;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	FAILS(ERR_DISK, objects_writable(o, &err));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(object_exists(o, "raw", KEY));
	assert_int_equal(count_files(s->dir), 0);
	OK(objects_writable(o, &err));
	OK(put(o, KEY, bytes, 1 << 20, 65536, &want, NULL, &err));
	assert_content(o, KEY, bytes, 1 << 20);
	xfree(bytes);
}

/* The blocks of the one temporary file, in bytes. */
static int64_t temporary_blocks(const char *dir) {
	int64_t bytes = -1;
	AUTO(xfree) char *tmp = path_join(dir, "objects/.tmp");
	DIR *d = opendir(tmp);
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d));) {
		struct stat st;
		if (e->d_name[0] == '.') continue;
		assert_int_equal(fstatat(dirfd(d), e->d_name, &st, 0), 0);
		bytes = (int64_t)st.st_blocks * 512;
	}
	closedir(d);
	return bytes;
}

/* What was announced and has not come takes no more room than what came. */
static void test_holds_what_came(void **state) {
	const struct scratch *s = *state;
	AUTO(objects_close) struct objects *o = objects_on(s->dir, true);
	struct object_write *w = NULL;
	const size_t piece = 1 << 20;
	uint8_t *bytes = xcalloc(1, piece);
	OK(object_begin(o, "raw", KEY, 64 << 20, &w, &err));
	OK(object_append(w, bytes, 1, &err));
	assert_in_range(temporary_blocks(s->dir), 0, 1 << 20);
	for (int i = 1; i <= 8; i++) {
		OK(object_append(w, bytes, piece, &err));
		assert_in_range(temporary_blocks(s->dir), 0, (2 * (i + 1)) << 20);
	}
	object_abort(w);
	xfree(bytes);
}

/* A pipe in an object's place: nobody waits for it. */
static void test_no_pipe_is_waited_for(void **state) {
	const struct scratch *s = *state;
	AUTO(objects_close) struct objects *o = objects_at(s->dir);
	char hex[SHA256_HEX];
	struct sha256 name;
	struct object_sight sight;
	int fd = -1;
	int64_t size;
	sha256_of(KEY, strlen(KEY), &name);
	sha256_hex(hex, &name);
	AUTO(xfree) char *path = xasprintf("%s/objects/raw/%.2s/%s", s->dir, hex, hex);
	assert_int_equal(mkfifo(path, 0600), 0);
	FAILS(ERR_DISK, object_open(o, "raw", KEY, &fd, &size, &err));
	FAILS(ERR_DISK, object_read(o, "raw", KEY, &fd, &sight, &err));
	FAILS(ERR_DISK, object_settle(o, "raw", KEY, &fd, &sight, &err));
	assert_int_equal(fd, -1);
}

/* --- killed while it writes --- */

#define CRASH_BYTES (300 << 10)
struct crash {
	const char *dir;
	int round;
	bool by_name;
};

static size_t crash_size(int i) { return (size_t)(i * 7919 % CRASH_BYTES); }

static void write_for_ever(void *arg) {
	const struct crash *c = arg;
	struct objects *o = objects_on(c->dir, c->by_name);
	static uint8_t bytes[CRASH_BYTES];
	for (int i = 0;; i++) {
		char key[64];
		struct error err;
		snprintf(key, sizeof key, "%d/%d", c->round, i);
		fill(bytes, crash_size(i), (uint64_t)i);
		if (put(o, key, bytes, crash_size(i), 10000, NULL, NULL, &err)) _exit(1);
	}
}

/* Every object that is there is whole, in order without a gap, and nothing else is left. */
static int assert_whole(struct objects *o, int round) {
	static uint8_t bytes[CRASH_BYTES];
	for (int i = 0;; i++) {
		char key[64];
		snprintf(key, sizeof key, "%d/%d", round, i);
		if (!object_exists(o, "raw", key)) return i;
		fill(bytes, crash_size(i), (uint64_t)i);
		assert_content(o, key, bytes, crash_size(i));
	}
}

static void test_killed(void **state) {
	const struct scratch *s = *state;
	int stored = 0;
	for (int round = 0; round < 16 || (!stored && round < 100); round++) { /* a slow disk stores nothing at first */
		struct crash c = {.dir = s->dir, .round = round, .by_name = round % 2};
		kill_during(write_for_ever, &c, 20000 + round * 6007);
		AUTO(objects_close) struct objects *o = objects_at(s->dir);
		stored += assert_whole(o, round);
		assert_int_equal(count_files(s->dir), stored);
	}
	assert_true(stored > 0);
}

/* A second process that opens the folder must not take the temporary file of a write under way. */
static void test_sweep_spares_the_living(void **state) {
	const struct scratch *s = *state;
	AUTO(objects_close) struct objects *o = objects_on(s->dir, true);
	struct object_write *w = NULL;
	OK(object_begin(o, "raw", KEY, 5, &w, &err));
	AUTO(objects_close) struct objects *second = objects_at(s->dir);
	OK(object_append(w, "alive", 5, &err));
	OK(object_commit(w, NULL, NULL, &err));
	assert_content(second, KEY, "alive", 5);
}

/* --- durable before it is named, named before it is answered --- */

/* In the place of libc's: what a write does to the disk, in order, while somebody looks. */
static char seen[16];
static bool looking;
static char fail_at;

static int disk_step(char step) {
	if (!looking) return 0;
	size_t n = strlen(seen);
	if (n + 1 < sizeof seen) seen[n] = step;
	return step == fail_at ? errno = EIO, -1 : 0;
}

int fdatasync(int fd) { return disk_step('d') ? -1 : (int)syscall(SYS_fdatasync, fd); }

int fsync(int fd) { return disk_step('f') ? -1 : (int)syscall(SYS_fsync, fd); }

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
	return disk_step('l') ? -1 : (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

static int put_seen(struct objects *o, const char *key, char fail, struct error *err) {
	memset(seen, 0, sizeof seen);
	fail_at = fail;
	looking = true;
	int status = put(o, key, "durable", 7, 7, NULL, NULL, err);
	looking = false;
	return status;
}

static void test_durable_in_this_order(void **state) {
	const struct scratch *s = *state;
	for (int by_name = 0; by_name < 2; by_name++) {
		AUTO(objects_close) struct objects *o = objects_on(s->dir, by_name);
		const char *key = by_name ? KEY " 2" : KEY;
		FAILS(ERR_DISK, put_seen(o, key, 'd', &err));
		assert_string_equal(seen, "d");
		assert_false(object_exists(o, "raw", key)); /* bytes that are not on the disk have no name */
		FAILS(ERR_DISK, put_seen(o, key, 'l', &err));
		assert_false(object_exists(o, "raw", key));
		OK(put_seen(o, key, 0, &err));
		assert_string_equal(seen, "dlf");
		FAILS(ERR_DISK, put_seen(o, by_name ? KEY " 4" : KEY " 3", 'f', &err)); /* its name may be lost: not answered */
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_IN_SCRATCH(test_stores_and_reads),
		TEST_IN_SCRATCH(test_without_o_tmpfile),
		TEST_IN_SCRATCH(test_keys_are_no_paths),
		TEST_IN_SCRATCH(test_refuses_other_bytes),
		TEST_IN_SCRATCH(test_write_once),
		TEST_IN_SCRATCH(test_one_of_many_wins),
		TEST_IN_SCRATCH(test_unknown_names),
		TEST_IN_SCRATCH(test_refuses_odd_folders),
		TEST_IN_SCRATCH(test_room),
		TEST_IN_SCRATCH(test_holds_what_came),
		TEST_IN_SCRATCH(test_no_pipe_is_waited_for),
		TEST_IN_SCRATCH(test_killed),
		TEST_IN_SCRATCH(test_sweep_spares_the_living),
		TEST_IN_SCRATCH(test_durable_in_this_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
