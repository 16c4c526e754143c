/* SPDX-License-Identifier: MIT */
/* What the store's tests share: a scratch folder, calls that must work or fail with a code, threads that start at once,
 * and a child process that is killed. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cloud/api/rows.h"
#include "cloud/store/catalog.h"
#include "cloud/store/objects.h"

/* A call that must work: its sentence is shown when it does not. */
#define OK(call)                                                                                                       \
	do {                                                                                                               \
		struct error err = ERROR_INIT;                                                                                 \
		if ((call) != 0) fail_msg("%s: %s", #call, err.text);                                                          \
	} while (0)
/* One whose answer is a number: a count, or whether there is a row. */
#define GIVES(want, call)                                                                                              \
	do {                                                                                                               \
		struct error err = ERROR_INIT;                                                                                 \
		const int got_ = (call);                                                                                       \
		if (got_ != (want)) fail_msg("%s: %d, %s", #call, got_, err.text);                                             \
	} while (0)
/* One that must fail with this code and a sentence. */
#define FAILS(with, call)                                                                                              \
	do {                                                                                                               \
		struct error err = ERROR_INIT;                                                                                 \
		assert_int_equal((call), -1);                                                                                  \
		if (err.code != (with)) fail_msg("%s: code %d, %s", #call, (int)err.code, err.text);                           \
		assert_true(strlen(err.text) > 10);                                                                            \
	} while (0)

/* A list as a caller gets it: read from its text, as parts of it are kept as text. Takes list. */
static inline cJSON *as_told(cJSON *list) {
	cJSON *told = NULL;
	AUTO(xfree) char *text = json_text(list);
	json_free(list);
	OK(json_parse(text, strlen(text), &told, &err));
	return told;
}

struct scratch {
	char dir[64];
};

static inline int scratch_make(void **state) {
	struct scratch *s = xcalloc(1, sizeof *s);
	snprintf(s->dir, sizeof s->dir, "/tmp/headgate-store-XXXXXX");
	*state = s;
	return mkdtemp(s->dir) ? 0 : -1;
}

static inline int scratch_remove(void **state) {
	struct scratch *s = *state;
	struct error err;
	int failed = file_remove_tree(s->dir, &err);
	xfree((char *)s);
	return failed;
}

#define TEST_IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

static const char *const test_buckets[] = {"raw", "processed", NULL};

static inline struct catalog *catalog_at(const char *dir) {
	struct catalog *c = NULL;
	OK(catalog_open(&c, dir, &err));
	return c;
}

static inline struct objects *objects_at(const char *dir) {
	struct objects *o = NULL;
	AUTO(xfree) char *path = path_join(dir, "objects");
	OK(objects_open(&o, path, test_buckets, &err));
	return o;
}

/* A revision begins with a promise: that of a file that never comes. */
static inline void begin_session(struct catalog *c, const char *station, const char *session, int64_t revision) {
	struct object_row row = {.bucket = "raw", .name = "never", .revision = revision, .size = 1};
	snprintf(row.key, sizeof row.key, "%s/%s/%lld/never", session, station, (long long)revision);
	snprintf(row.station, sizeof row.station, "%s", station);
	snprintf(row.session, sizeof row.session, "%s", session);
	OK(catalog_objects_promise(c, NULL, &row, 1, NULL, &err));
}

/* The bytes of an object without its row in the catalog. */
static inline void object_put(struct objects *o, const char *bucket, const char *key, const void *bytes, size_t n) {
	struct object_write *w = NULL;
	OK(object_begin(o, bucket, key, (int64_t)n, &w, &err));
	OK(object_append(w, bytes, n, &err));
	OK(object_commit(w, NULL, NULL, &err));
}

static inline int files_in(const char *dir) {
	DIR *d = opendir(dir);
	int n = 0;
	if (!d) return -1;
	for (const struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* Bytes that differ with the seed at every place. */
static inline void fill(uint8_t *to, size_t n, uint64_t seed) {
	uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;
	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		to[i] = (uint8_t)x;
	}
}

static inline void sleep_us(long us) {
	const struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
	nanosleep(&t, NULL);
}

static inline void start_threads(pthread_t *threads, size_t n, void *(*run)(void *), void *args, size_t size) {
	for (size_t i = 0; i < n; i++) assert_int_equal(pthread_create(&threads[i], NULL, run, (char *)args + i * size), 0);
}

static inline void join_threads(pthread_t *threads, size_t n) {
	for (size_t i = 0; i < n; i++) pthread_join(threads[i], NULL);
}

/* Runs work(arg) in a child of its own and kills that after `us` microseconds. */
static inline void kill_during(void (*work)(void *arg), void *arg, long us) {
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		work(arg);
		_exit(0);
	}
	sleep_us(us);
	kill(pid, SIGKILL);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
}
