/* SPDX-License-Identifier: MIT */
/* base/util: MIN and MAX that ask once, and arrays that grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"

static int asked;

static int64_t falling(void) { return 100 - asked++; }

static void test_asked_once(void **state) {
	(void)state;
	assert_int_equal(MAX(falling(), 5), 100);
	assert_int_equal(asked, 1);
	assert_int_equal(MIN(falling(), 1000), 99);
	assert_int_equal(asked, 2);
	assert_int_equal(MAX(0, MIN(falling(), falling())), 97);
	assert_int_equal(asked, 4);
}

static void test_types(void **state) {
	(void)state;
	size_t n = 3000;
	int64_t big = 1LL << 40;
	assert_int_equal(MIN(n, 1024), 1024);
	assert_int_equal(MAX(n, 1024), 3000);
	assert_true(MAX(7, big) == big); /* the wider of both */
	assert_true(MIN(0.5, 1) == 0.5);
	assert_int_equal(MIN(-1, big), -1);
}

static void test_array(void **state) {
	(void)state;
	int *numbers = NULL;
	size_t capacity = 0;
	for (size_t i = 0; i < 1000; i++) {
		ARRAY_RESERVE(numbers, i, capacity);
		assert_int_equal(numbers[i], 0); /* new slots are zeroed */
		numbers[i] = (int)i + 1;
	}
	for (size_t i = 0; i < 1000; i++) assert_int_equal(numbers[i], i + 1);
	xfree(numbers);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked_once),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_array),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
