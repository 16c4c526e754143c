/* SPDX-License-Identifier: MIT */
/* The two tables of sessions in memory: order, search, sweep; names as numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "session/name.h"
#include "station/engine/session.h"

static struct session *make(const char *name, size_t root) {
	struct session *s = xcalloc(1, sizeof *s);
	memcpy(s->row.name, name, strlen(name));
	s->root = root;
	return s;
}

static size_t freed;

static void done(struct session *s) {
	freed++;
	free(s);
}

static void test_table(void **state) {
	(void)state;
	static const char *const names[] = {
		"20261120_134502", "20210229_161221", "20261120_120811", "20261120_134502", "20261121_000000"};
	struct sessions t = {0};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) sessions_insert(&t, make(names[i], i));
	for (size_t i = 1; i < t.n; i++) {
		int order = strcmp(t.items[i - 1]->row.name, t.items[i]->row.name);
		assert_true(order < 0 || (order == 0 && t.items[i - 1]->root < t.items[i]->root));
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct session *s = sessions_find(&t, names[i], i);
		assert_non_null(s);
		assert_string_equal(s->row.name, names[i]);
		assert_int_equal(s->root, i);
	}
	assert_null(sessions_find(&t, "20261120_134502", 1));
	assert_null(sessions_find(&t, "20991231_235959", 0));
	assert_null(sessions_find(&t, "19700101_000000", 0));

	freed = 0;
	sessions_find(&t, names[1], 1)->dead = true;
	sessions_find(&t, names[4], 4)->dead = true;
	sessions_sweep(&t, done);
	assert_int_equal(freed, 2);
	assert_int_equal(t.n, 3);
	assert_null(sessions_find(&t, names[1], 1));
	for (size_t i = 0; i < t.n; i++) t.items[i]->dead = true;
	sessions_sweep(&t, done);
	assert_int_equal(t.n, 0);
	free(t.items);
}

static void test_stamps(void **state) {
	(void)state;
	static const char *const names[] = {"20261120_134502", "00000000_000000", "99999999_999999", "20210229_161221"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char back[16];
		assert_true(session_name_is(names[i]));
		assert_string_equal(session_unstamp(back, session_stamp(names[i])), names[i]);
	}
	assert_true(session_stamp("20261120_134502") == 20261120134502);
	assert_true(fingerprint_short("0123456789abcdef0123") == 0x0123456789abcdefULL);
	assert_true(fingerprint_short("") == 0);
}

static void test_accepted(void **state) {
	(void)state;
	struct stub_table t = {0};
	struct session_row row = {.revision = 1, .present = true, .fingerprint = "00000000000000ff"};
	for (int i = 99; i >= 0; i--) { /* as the journal gives them: newest first */
		snprintf(row.name, sizeof row.name, "20261120_%06d", i * 7);
		row.id = i + 1;
		stub_append(&t, &row, (size_t)i % 3);
	}
	stub_sort(&t);
	memcpy(row.name, "20261120_000001", 16);
	row.id = 1000;
	row.revision = 4;
	row.present = false;
	stub_insert(&t, &row, 2);
	assert_int_equal(t.n, 101);
	for (size_t i = 1; i < t.n; i++) assert_true(t.items[i - 1].stamp < t.items[i].stamp);
	struct stub *a = stub_find(&t, 20261120000001, 2);
	assert_non_null(a);
	assert_int_equal(a->id, 1000);
	assert_int_equal(a->revision, 4);
	assert_false(a->present);
	assert_true(a->fingerprint == 0xff);
	assert_null(stub_find(&t, 20261120000001, 1));
	stub_remove(&t, a);
	assert_null(stub_find(&t, 20261120000001, 2));
	assert_int_equal(t.n, 100);
	assert_non_null(stub_find(&t, 20261120000007, 1));
	free(t.items);
	assert_true(sizeof(struct stub) <= 32); /* 100,000 of them are 3 MiB */
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_stamps),
		cmocka_unit_test(test_accepted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
