/* SPDX-License-Identifier: MIT */
/* Files whose row was not written any more: found at start and by the PUT that finds them, and read before they are
 * believed.
 */
#include "store_help.h"

#include "cloud/store/reconcile.h"

#define S1 "20261120_134502"

static struct object_row promise(struct catalog *c, const char *key, const char *content) {
	struct object_row row = {.revision = 1, .size = (int64_t)strlen(content)};
	snprintf(row.bucket, sizeof row.bucket, "raw");
	snprintf(row.key, sizeof row.key, "%s", key);
	snprintf(row.station, sizeof row.station, "lab-1");
	snprintf(row.session, sizeof row.session, S1);
	snprintf(row.name, sizeof row.name, "%s", key);
	sha256_of(content, strlen(content), &row.sha256);
	OK(catalog_objects_promise(c, NULL, &row, 1, NULL, &err));
	return row;
}

static void put(struct objects *o, const char *key, const char *content) {
	struct object_write *w = NULL;
	OK(object_begin(o, "raw", key, (int64_t)strlen(content), &w, &err));
	OK(object_append(w, content, strlen(content), &err));
	OK(object_commit(w, NULL, NULL, &err));
}

static int64_t stored_ms(struct catalog *c, const char *key) {
	struct object_row row = {0};
	GIVES(1, catalog_object(c, "raw", key, &row, &err));
	return row.stored_ms;
}

static void test_at_start(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(objects_close) struct objects *o = objects_at(s->dir);
	struct reconcile_report report;
	OK(objects_reconcile(c, o, &report, &err));
	assert_int_equal(report.promised, 0);
	promise(c, "not there", "x");
	promise(c, "whole", "these bytes");
	promise(c, "same size", "other bytes");
	promise(c, "other size", "more");
	struct object_row known = promise(c, "known", "known");
	put(o, "whole", "these bytes");
	put(o, "same size", "wrong bytes");
	put(o, "other size", "less than more");
	put(o, "known", "known");
	put(o, "never promised", "nobody asked");
	OK(catalog_object_stored(c, "raw", "known", known.size, &known.sha256, 77, &err));
	OK(objects_reconcile(c, o, &report, &err));
	assert_int_equal(report.promised, 4);
	assert_int_equal(report.stored, 1);
	assert_int_equal(report.different, 2);
	assert_string_equal(report.first_different, "raw/other size");
	assert_true(stored_ms(c, "whole") > 77);
	assert_int_equal(stored_ms(c, "known"), 77);
	assert_int_equal(stored_ms(c, "not there"), 0);
	/* What is there counts: its row tells the checksum of the file, not that of the promise. */
	struct object_row row = {0};
	struct sha256 wrong;
	sha256_of("wrong bytes", 11, &wrong);
	GIVES(1, catalog_object(c, "raw", "same size", &row, &err));
	assert_true(row.stored_ms > 0);
	assert_true(sha256_equal(&row.sha256, &wrong));
	OK(objects_reconcile(c, o, &report, &err));
	assert_int_equal(report.promised, 1);
	assert_int_equal(report.stored, 0);
}

static void test_one(void **state) {
	const struct scratch *s = *state;
	AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
	AUTO(objects_close) struct objects *o = objects_at(s->dir);
	struct object_row row = {0};
	enum reconciled got = RECONCILED_DIFFERENT;
	OK(object_reconcile(c, o, "raw", "unknown", &got, &row, &err));
	assert_int_equal(got, RECONCILED_ABSENT);
	promise(c, "k", "content");
	OK(object_reconcile(c, o, "raw", "k", &got, NULL, &err));
	assert_int_equal(got, RECONCILED_ABSENT);
	put(o, "k", "content");
	OK(object_reconcile(c, o, "raw", "k", &got, &row, &err));
	assert_int_equal(got, RECONCILED_STORED);
	assert_true(row.stored_ms > 0);
	assert_string_equal(row.station, "lab-1");
	OK(object_reconcile(c, o, "raw", "k", &got, &row, &err));
	assert_int_equal(got, RECONCILED_ABSENT); /* again: nothing to do */
	assert_true(row.stored_ms > 0);
	promise(c, "d", "promised");
	put(o, "d", "arrived.");
	OK(object_reconcile(c, o, "raw", "d", &got, &row, &err));
	assert_int_equal(got, RECONCILED_DIFFERENT);
	assert_true(row.stored_ms > 0);
}

/* --- the whole way: promise, write, SIGKILL anywhere, open again --- */

static void upload_for_ever(void *arg) {
	const struct scratch *s = arg;
	struct catalog *c = catalog_at(s->dir);
	struct objects *o = objects_at(s->dir);
	for (int i = 0;; i++) {
		char key[64], content[64];
		struct error err;
		struct object_row row;
		snprintf(key, sizeof key, "%d.%d", (int)getpid(), i);
		snprintf(content, sizeof content, "content of %s", key);
		row = promise(c, key, content);
		put(o, key, content);
		if (catalog_object_stored(c, "raw", key, row.size, &row.sha256, 0, &err)) _exit(1);
	}
}

struct tally {
	struct objects *objects;
	int whole, open;
};

static int on_row(void *arg, const struct object_row *row) {
	struct tally *t = arg;
	bool exists = object_exists(t->objects, "raw", row->key);
	assert_int_equal(exists, row->stored_ms > 0);
	t->whole += exists;
	t->open += !exists;
	return 0;
}

static void test_killed(void **state) {
	struct scratch *s = *state;
	struct tally last = {0};
	for (int round = 0; round < 15 || (!last.whole && round < 100); round++) { /* a slow disk stores nothing at first */
		kill_during(upload_for_ever, s, 20000 + round * 5003);
		AUTO(catalog_close) struct catalog *c = catalog_at(s->dir);
		AUTO(objects_close) struct objects *o = objects_at(s->dir);
		struct reconcile_report report;
		OK(objects_reconcile(c, o, &report, &err));
		assert_int_equal(report.different, 0);
		/* Now the rows and the files say the same of every object. */
		last = (struct tally){.objects = o};
		OK(catalog_objects(c, NULL, NULL, false, on_row, &last, &err));
		assert_true(last.open <= round + 1);
	}
	assert_true(last.whole > 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_IN_SCRATCH(test_at_start),
		TEST_IN_SCRATCH(test_one),
		TEST_IN_SCRATCH(test_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
