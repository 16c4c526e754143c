/* SPDX-License-Identifier: MIT */
/* Log groups: in order, none lost at the end, known ids once, nothing lost while the disk is full for a while. */
#include "store_help.h"

#include <sys/resource.h>

#include "cloud/store/logs.h"

static struct logs *logs_at(const char *dir) {
	struct logs *l = NULL;
	OK(logs_open(&l, dir, &err));
	return l;
}

static void add(struct logs *l, const char *group, int i) {
	cJSON *event = json_object();
	json_add_text(event, "level", "info");
	json_add_i64(event, "i", i);
	logs_add(l, group, "api", event);
}

struct reading {
	int n, stop_at;
	int64_t last_id;
	struct buf texts;
};

static int on_event(void *arg, int64_t id, const char *group, const char *stream, int64_t at_ms, const char *json) {
	struct reading *r = arg;
	assert_true(id > r->last_id);
	assert_true(at_ms > 0);
	r->last_id = id;
	r->n++;
	buf_fmt(&r->texts, "%s|%s|%s\n", group, stream, json);
	return r->n == r->stop_at;
}

static int read_all(struct logs *l, const char *group, int64_t since_ms, struct reading *r) {
	*r = (struct reading){.texts = BUF_INIT(16 << 20)};
	OK(logs_read(l, group, since_ms, 0, INT32_MAX, on_event, r, &err));
	buf_done(&r->texts);
	return r->n;
}

static int known(struct logs *l, const char *stream, const char *id, struct error *err) {
	struct log_known e = {.id = id, .stream = stream, .at_ms = 5000, .json = "{\"level\":\"error\"}"};
	int64_t stored = -1;
	if (logs_add_known(l, LOG_GROUP_STATIONS, &e, 1, &stored, err)) return -1;
	return (int)stored;
}

static void test_adds_and_reads(void **state) {
	const struct scratch *s = *state;
	AUTO(logs_close) struct logs *l = logs_at(s->dir);
	struct reading r;
	for (int i = 0; i < 6000; i++) add(l, i % 2 ? LOG_GROUP_API : LOG_GROUP_AUDIT, i);
	logs_close(TAKE(l)); /* writes what is queued, more than a batch */
	l = logs_at(s->dir);
	assert_int_equal(read_all(l, NULL, 0, &r), 6000);
	assert_int_equal(read_all(l, LOG_GROUP_API, 0, &r), 3000);
	assert_int_equal(read_all(l, LOG_GROUP_VALIDATE, 0, &r), 0);
	assert_int_equal(read_all(l, NULL, clock_wall_ms() + 60000, &r), 0);
	r = (struct reading){.texts = BUF_INIT(1000), .stop_at = 2};
	OK(logs_read(l, LOG_GROUP_API, 0, 0, 100, on_event, &r, &err));
	assert_int_equal(r.n, 2);
	assert_non_null(strstr(buf_text(&r.texts), "/headgate/api|api|{\"level\":\"info\",\"i\":1,\"at\":\"20"));
	int64_t after = r.last_id;
	buf_done(&r.texts);
	r = (struct reading){.texts = BUF_INIT(1000)};
	OK(logs_read(l, LOG_GROUP_API, 0, after, 1, on_event, &r, &err));
	assert_int_equal(r.n, 1);
	assert_non_null(strstr(buf_text(&r.texts), "\"i\":5"));
	buf_done(&r.texts);
}

static void test_keeps_its_own_time(void **state) {
	const struct scratch *s = *state;
	AUTO(logs_close) struct logs *l = logs_at(s->dir);
	struct reading r = {.texts = BUF_INIT(1000)};
	cJSON *event = json_object();
	json_add_text(event, "at", "2026-01-01T00:00:00.000Z");
	logs_add(l, LOG_GROUP_API, "s", event);
	GIVES(1, known(l, "lab-1", "x", &err)); /* the lines queued before it are in its transaction */
	OK(logs_read(l, LOG_GROUP_API, 0, 0, 10, on_event, &r, &err));
	assert_string_equal(buf_text(&r.texts), "/headgate/api|s|{\"at\":\"2026-01-01T00:00:00.000Z\"}\n");
	buf_done(&r.texts);
}

static void test_known_ids(void **state) {
	const struct scratch *s = *state;
	AUTO(logs_close) struct logs *l = logs_at(s->dir);
	struct reading r;
	GIVES(1, known(l, "lab-1", "a", &err));
	GIVES(0, known(l, "lab-1", "a", &err));
	GIVES(1, known(l, "lab-2", "a", &err)); /* each station has ids of its own */
	GIVES(1, known(l, "lab-1", "b", &err));
	/* Durable: seen by another process's eyes, and after a restart. */
	AUTO(logs_close) struct logs *other = logs_at(s->dir);
	GIVES(0, known(other, "lab-1", "b", &err));
	assert_int_equal(read_all(other, LOG_GROUP_STATIONS, 0, &r), 3);
	struct log_known two[] = {{"c", "lab-1", 1, "{}"}, {"c", "lab-1", 2, "{}"}};
	int64_t stored = -1;
	OK(logs_add_known(l, LOG_GROUP_STATIONS, two, 2, &stored, &err));
	assert_int_equal(stored, 1);
	OK(logs_add_known(l, LOG_GROUP_STATIONS, NULL, 0, &stored, &err));
	assert_int_equal(stored, 0);
}

struct adder {
	struct logs *logs;
	int id;
};

static void *add_many(void *arg) {
	const struct adder *a = arg;
	for (int i = 0; i < 200; i++) {
		char id[32];
		snprintf(id, sizeof id, "%d", i); /* the same ids from every thread */
		add(a->logs, LOG_GROUP_API, i);
		struct error err = ERROR_INIT;
		assert_true(known(a->logs, a->id % 2 ? "odd" : "even", id, &err) >= 0);
	}
	return NULL;
}

static void test_concurrent(void **state) {
	const struct scratch *s = *state;
	AUTO(logs_close) struct logs *l = logs_at(s->dir);
	struct adder adders[8];
	pthread_t threads[8];
	struct reading r;
	for (int i = 0; i < 8; i++) adders[i] = (struct adder){.logs = l, .id = i};
	start_threads(threads, 8, add_many, adders, sizeof adders[0]);
	join_threads(threads, 8);
	logs_close(TAKE(l));
	l = logs_at(s->dir);
	assert_int_equal(read_all(l, LOG_GROUP_API, 0, &r), 1600);
	assert_int_equal(read_all(l, LOG_GROUP_STATIONS, 0, &r), 400);
}

/* While the disk is full, reports are refused and lines wait; afterwards all lines are there. */
static void test_full_disk(void **state) {
	const struct scratch *s = *state;
	AUTO(logs_close) struct logs *l = logs_at(s->dir);
	struct rlimit before, small;
	struct reading r;
	AUTO(xfree) char *json = xcalloc(1, 400001);
	memset(json, ' ', 400000);
	struct log_known big = {.id = "big", .stream = "lab-1", .at_ms = 1, .json = json};
	int64_t stored = -1;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 200000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 100; i++) add(l, LOG_GROUP_API, i);
	FAILS(ERR_DISK, logs_add_known(l, LOG_GROUP_STATIONS, &big, 1, &stored, &err));
	assert_int_equal(stored, -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	OK(logs_add_known(l, LOG_GROUP_STATIONS, &big, 1, &stored, &err));
	assert_int_equal(stored, 1);
	assert_int_equal(read_all(l, LOG_GROUP_API, 0, &r), 100);
}

static int64_t size_of(const char *dir) {
	struct stat st;
	AUTO(xfree) char *path = path_join(dir, "logs.db");
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* The file and its write-ahead log. */
static int64_t size_of_all(const char *dir) {
	struct stat st;
	AUTO(xfree) char *wal = path_join(dir, "logs.db-wal");
	return size_of(dir) + (stat(wal, &st) ? 0 : st.st_size);
}

/* One station's events push out its own: others', audit and validation stay; and the bound is one of both files. */
static void test_one_station_pushes_out_its_own(void **state) {
	const struct scratch *s = *state;
	AUTO(logs_close) struct logs *l = logs_at(s->dir);
	struct reading r;
	struct error err = ERROR_INIT;
	AUTO(xfree) char *json = xcalloc(1, 8001);
	memset(json, 'y', 8000);
	logs_bound(l, &(struct logs_bounds){.bytes = 4 << 20});
	for (int i = 0; i < 50; i++) {
		char id[16];
		snprintf(id, sizeof id, "%d", i);
		add(l, LOG_GROUP_AUDIT, i);
		add(l, LOG_GROUP_VALIDATE, i);
		add(l, LOG_GROUP_API, i);
		assert_int_equal(known(l, "good", id, &err), 1);
	}
	for (int i = 0; i < 10; i++) {
		struct log_known batch[450];
		char ids[450][16];
		int64_t stored = 0;
		for (int k = 0; k < 450; k++) {
			snprintf(ids[k], sizeof ids[k], "%d.%d", i, k);
			batch[k] = (struct log_known){.id = ids[k], .stream = "bad", .at_ms = 1, .json = json};
		}
		assert_int_equal(logs_add_known(l, LOG_GROUP_STATIONS, batch, 450, &stored, &err), 0);
		assert_int_equal(stored, 450);
		assert_in_range(size_of_all(s->dir), 1 << 20, 4 << 20);
	}
	assert_int_equal(read_all(l, LOG_GROUP_AUDIT, 0, &r), 50);
	assert_int_equal(read_all(l, LOG_GROUP_VALIDATE, 0, &r), 50);
	assert_int_equal(read_all(l, LOG_GROUP_API, 0, &r), 50);
	for (int i = 0; i < 50; i++) {
		char id[16];
		snprintf(id, sizeof id, "%d", i);
		assert_int_equal(known(l, "good", id, &err), 0); /* still there */
	}
	assert_in_range(read_all(l, LOG_GROUP_STATIONS, 0, &r), 150, 50 + 500);
}

/* The oldest calls go, what stations and validation said stays as long as there are calls to forget. */
static void test_bounded_in_size(void **state) {
	const struct scratch *s = *state;
	AUTO(logs_close) struct logs *l = logs_at(s->dir);
	struct reading r;
	AUTO(xfree) char *filler = xcalloc(1, 2001);
	memset(filler, 'x', 2000);
	logs_bound(l, &(struct logs_bounds){.bytes = 8 << 20});
	for (int i = 0; i < 100; i++) {
		char id[16];
		struct error err = ERROR_INIT;
		snprintf(id, sizeof id, "%d", i);
		assert_int_equal(known(l, "lab-1", id, &err), 1);
	}
	for (int i = 0; i < 30000; i++) {
		cJSON *event = json_object();
		json_add_i64(event, "i", i);
		json_add_text(event, "filler", filler);
		logs_add(l, LOG_GROUP_API, "api", event);
		if (i % 1000 == 999) sleep_us(20000); /* the queue is bounded too */
	}
	struct error err = ERROR_INIT;
	assert_int_equal(known(l, "lab-1", "last", &err), 1);
	assert_int_equal(known(l, "lab-1", "0", &err), 0);
	assert_int_equal(read_all(l, LOG_GROUP_STATIONS, 0, &r), 101);
	logs_close(TAKE(l));
	assert_in_range(size_of(s->dir), 4 << 20, 12 << 20);
	l = logs_at(s->dir);
	assert_in_range(read_all(l, LOG_GROUP_API, 0, &r), 1000, 5000);
}

static void test_bounded_in_age(void **state) {
	const struct scratch *s = *state;
	AUTO(logs_close) struct logs *l = logs_at(s->dir);
	struct reading r;
	struct error err = ERROR_INIT;
	/* its own time is of 1970: a station's clock may be wrong, and what came now is not old */
	assert_int_equal(known(l, "lab-1", "1", &err), 1);
	sleep_us(50000);
	logs_close(TAKE(l));
	l = logs_at(s->dir);
	logs_bound(l, &(struct logs_bounds){.age_ms = 60000});
	assert_int_equal(known(l, "lab-1", "2", &err), 1);
	assert_int_equal(read_all(l, NULL, 0, &r), 2);
	logs_close(TAKE(l));
	l = logs_at(s->dir);
	logs_bound(l, &(struct logs_bounds){.age_ms = 1});
	sleep_us(20000);
	assert_int_equal(known(l, "lab-1", "3", &err), 1);
	logs_close(TAKE(l)); /* it looks after the commit */
	l = logs_at(s->dir);
	assert_in_range(read_all(l, NULL, 0, &r), 0, 1);
}

/* A kind is a few rows and then a number; no sender can make more kinds than there are places. */
static void test_counts(void **state) {
	const struct scratch *s = *state;
	AUTO(logs_close) struct logs *l = logs_at(s->dir);
	struct reading r = {.texts = BUF_INIT(16 << 20)};
	for (int i = 0; i < 5000; i++) {
		char kind[32];
		cJSON *event = json_object(), *same = json_object();
		snprintf(kind, sizeof kind, "kind %d", i);
		json_add_text(same, "code", "always the same");
		logs_count(l, LOG_GROUP_API, "api", "same", same);
		json_add_i64(event, "i", i);
		logs_count(l, LOG_GROUP_API, "api", kind, event);
	}
	logs_close(TAKE(l)); /* tells the numbers */
	l = logs_at(s->dir);
	OK(logs_read(l, LOG_GROUP_API, 0, 0, 1000000, on_event, &r, &err));
	assert_in_range(r.n, 10, 80);
	assert_non_null(strstr(buf_text(&r.texts), "\"code\":\"always the same\""));
	assert_non_null(strstr(buf_text(&r.texts), "\"repeated\":4990"));
	assert_non_null(strstr(buf_text(&r.texts), "\"code\":\"calls_counted\""));
	buf_done(&r.texts);
}

static void test_refuses_what_is_no_log(void **state) {
	const struct scratch *s = *state;
	struct logs *l = NULL;
	AUTO(xfree) char *db = path_join(s->dir, "logs.db");
	static char noise[9000];
	memset(noise, 'x', sizeof noise);
	OK(file_write_atomic(db, noise, sizeof noise, 0600, &err));
	FAILS(ERR_DISK, logs_open(&l, s->dir, &err));
	GIVES(-1, logs_open(&l, db, &err));
	assert_null(l);
	logs_close(NULL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_IN_SCRATCH(test_adds_and_reads),
		TEST_IN_SCRATCH(test_keeps_its_own_time),
		TEST_IN_SCRATCH(test_known_ids),
		TEST_IN_SCRATCH(test_concurrent),
		TEST_IN_SCRATCH(test_full_disk),
		TEST_IN_SCRATCH(test_bounded_in_size),
		TEST_IN_SCRATCH(test_one_station_pushes_out_its_own),
		TEST_IN_SCRATCH(test_bounded_in_age),
		TEST_IN_SCRATCH(test_counts),
		TEST_IN_SCRATCH(test_refuses_what_is_no_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
