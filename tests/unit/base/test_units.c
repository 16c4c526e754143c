/* SPDX-License-Identifier: MIT */
/* base/units: every accepted spelling, limits, rounding. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "base/util.h"

static void test_bytes_are_read(void **state) {
	(void)state;
	static const struct {
		const char *s;
		int64_t v;
	} rows[] = {{"0", 0}, {"4096", 4096}, {"12B", 12}, {"600MB", 600000000}, {"64 MiB", 64 << 20}, {"1.5G", 1500000000},
		{"1k", 1000}, {"1KB", 1000}, {"1Ki", 1024}, {"2gib", INT64_C(2) << 30}, {"1T", 1000000000000},
		{"0.5 TiB", INT64_C(1) << 39}, {"9223372036854775807", INT64_MAX}};
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t v = -1;
		if (unit_parse_bytes(rows[i].s, &v, &err)) fail_msg("%s: %s", rows[i].s, err.text);
		assert_true(v == rows[i].v);
	}
	static const char *const wrong[] = {"", "MB", "-1", "1X", "1 M B", "1..5M", ".", "9223372036854775808", "9300000T",
		"1e3", "1,5G", "99999999.9TiB", "00000000000000000000000000000000000001"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		int64_t v = 7;
		assert_int_equal(unit_parse_bytes(wrong[i], &v, &err), -1);
		assert_int_equal(err.code, ERR_INPUT);
		assert_non_null(strstr(err.text, "600MB"));
		assert_int_equal(v, 7);
	}
}

static void test_durations_are_read(void **state) {
	(void)state;
	static const struct {
		const char *s;
		int64_t v;
	} rows[] = {{"10", 10000}, {"10s", 10000}, {"1.5m", 90000}, {"2h", 7200000}, {"30d", INT64_C(2592000000)},
		{"250ms", 250}, {"5 min", 300000}, {"0", 0}};
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t v = -1;
		assert_int_equal(unit_parse_duration(rows[i].s, &v, &err), 0);
		assert_true(v == rows[i].v);
	}
	int64_t v = 0;
	assert_int_equal(unit_parse_duration("10x", &v, &err), -1);
	assert_int_equal(unit_parse_duration("-1s", &v, &err), -1);
	assert_int_equal(unit_parse_duration("1s\033", &v, &err), -1);
	assert_string_equal(err.text, "\"1s\\x1b\" is not a duration: write 250ms, 10s, 1.5m, 2h or 30d");
}

static void test_bytes_are_written(void **state) {
	(void)state;
	static const struct {
		int64_t v;
		const char *s;
	} rows[] = {{0, "0 B"}, {999, "999 B"}, {1000, "1.0 kB"}, {999949, "999.9 kB"}, {999950, "1.0 MB"},
		{612400000, "612.4 MB"}, {5000000000, "5.0 GB"}, {INT64_MAX, "9.2 EB"}, {-1, "-"}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) assert_string_equal(UNIT_BYTES(rows[i].v), rows[i].s);
	assert_string_equal(UNIT_RATE(41200000.4), "41.2 MB/s");
	assert_string_equal(UNIT_RATE(12), "12 B/s");
	assert_string_equal(UNIT_RATE(-1), "-");
	assert_string_equal(UNIT_RATE(1e30), "-");
	assert_string_equal(UNIT_RATE((double)NAN), "-");
}

static void test_durations_are_written(void **state) {
	(void)state;
	static const struct {
		int64_t ms;
		const char *duration, *age;
	} rows[] = {{0, "0:00", "now"}, {1999, "0:01", "now"}, {34000, "0:34", "34 s"}, {61000, "1:01", "1 min"},
		{7510000, "2:05:10", "2 h"}, {INT64_C(273600000), "3d 4h", "3 d"}, {-1, "-", "-"}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char age[UNIT_TEXT];
		assert_string_equal(UNIT_DURATION(rows[i].ms), rows[i].duration);
		assert_string_equal(unit_age(age, rows[i].ms), rows[i].age);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_are_read),
		cmocka_unit_test(test_durations_are_read),
		cmocka_unit_test(test_bytes_are_written),
		cmocka_unit_test(test_durations_are_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
