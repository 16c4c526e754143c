/* SPDX-License-Identifier: MIT */
/* base/clock: the three spellings both ways, dates that do not exist, local midnight over a change of the clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

#define AT INT64_C(1763733731042) /* 2025-11-21 14:02:11.042 UTC, a Friday */

static void test_written_and_read_back(void **state) {
	(void)state;
	char text[TIME_TEXT];
	int64_t ms = 0;
	assert_string_equal(time_rfc3339(text, AT), "2025-11-21T14:02:11.042Z");
	assert_int_equal(time_parse_rfc3339(text, &ms), 0);
	assert_true(ms == AT);
	assert_string_equal(time_iso_basic(text, AT), "20251121T140211Z");
	assert_int_equal(time_parse_iso_basic(text, &ms), 0);
	assert_true(ms == AT - 42);
	assert_string_equal(time_http(text, AT), "Fri, 21 Nov 2025 14:02:11 GMT");
	assert_int_equal(time_parse_http(text, &ms), 0);
	assert_true(ms == AT - 42);
	static const int64_t without_words[] = {0, -1, INT64_MIN, INT64_MAX};
	for (size_t i = 0; i < ARRAY_LEN(without_words); i++) {
		assert_string_equal(time_rfc3339(text, without_words[i]), "");
		assert_string_equal(time_iso_basic(text, without_words[i]), "");
		assert_string_equal(time_http(text, without_words[i]), "");
	}
}

static void test_rfc3339_forms(void **state) {
	(void)state;
	static const struct {
		const char *s;
		int64_t ms;
	} good[] = {{"2025-11-21T14:02:11Z", AT - 42}, {"2025-11-21t14:02:11z", AT - 42},
		{"2025-11-21T16:02:11.042+02:00", AT}, {"2025-11-21T06:32:11.0429999-07:30", AT}, {"1970-01-01T00:00:00Z", 0},
		{"2024-02-29T00:00:00Z", INT64_C(1709164800000)}, {"2016-12-31T23:59:60Z", INT64_C(1483228800000)}};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		int64_t ms = -1;
		if (time_parse_rfc3339(good[i].s, &ms)) fail_msg("%s", good[i].s);
		assert_true(ms == good[i].ms);
	}
	static const char *const wrong[] = {"", "2025-11-21", "2025-11-21 14:02:11Z", "2025-11-21T14:02:11",
		"2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z", "2025-00-01T00:00:00Z", "2025-11-31T00:00:00Z",
		"2025-11-21T24:00:00Z", "2025-11-21T14:60:00Z", "2025-11-21T14:02:61Z", "2025-11-21T14:02:11.Z",
		"2025-11-21T14:02:11Zx", "2025-11-21T14:02:11+2:00", "2025-11-21T14:02:11+24:00", "2025-1-21T14:02:11Z",
		"x025-11-21T14:02:11Z"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		int64_t ms = -1;
		if (!time_parse_rfc3339(wrong[i], &ms)) fail_msg("taken: %s", wrong[i]);
		assert_true(ms == -1);
	}
}

static void test_other_forms_refuse(void **state) {
	(void)state;
	int64_t ms = 0;
	static const char *const amz[] = {
		"", "20251121T140211", "20251121140211Z", "20250229T000000Z", "20251121T140211Zx"};
	for (size_t i = 0; i < ARRAY_LEN(amz); i++) assert_int_equal(time_parse_iso_basic(amz[i], &ms), -1);
	static const char *const http[] = {"", "Fri, 21 Nov 2025 14:02:11", "Fri, 31 Nov 2025 14:02:11 GMT",
		"Xyz, 21 Nov 2025 14:02:11 GMT", "Fri, 21 Xyz 2025 14:02:11 GMT", "Fri, 21 Nov 2025 25:02:11 GMT"};
	for (size_t i = 0; i < ARRAY_LEN(http); i++) assert_int_equal(time_parse_http(http[i], &ms), -1);
}

static void test_dates(void **state) {
	(void)state;
	assert_true(time_valid_date(2024, 2, 29) && time_valid_date(2000, 2, 29) && time_valid_date(2025, 12, 31));
	assert_false(time_valid_date(2021, 2, 29) || time_valid_date(1900, 2, 29) || time_valid_date(2025, 4, 31));
	assert_false(time_valid_date(2025, 0, 1) || time_valid_date(2025, 13, 1) || time_valid_date(2025, 1, 0));
	assert_false(time_valid_date(0, 1, 1) || time_valid_date(10000, 1, 1));
}

static void test_clocks_run(void **state) {
	(void)state;
	int64_t wall = clock_wall_ms(), mono = clock_mono_ms();
	assert_true(wall > INT64_C(1600000000000) && wall < INT64_C(10000000000000));
	assert_true(mono > 0 && clock_mono_ms() >= mono);
	assert_true(llabs(wall / 1000 - (int64_t)time(NULL)) <= 1);
}

static void test_local_midnight(void **state) {
	(void)state;
	char text[TIME_TEXT];
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	/* 26 Oct 2025, 20:00 CET: that day had 25 hours and began at 22:00 UTC the day before */
	int64_t evening = 0, midnight = 0;
	assert_int_equal(time_parse_rfc3339("2025-10-26T19:00:00Z", &evening), 0);
	assert_int_equal(time_parse_rfc3339("2025-10-25T22:00:00Z", &midnight), 0);
	assert_true(time_local_midnight(evening) == midnight);
	assert_true(time_local_midnight(midnight) == midnight);
	assert_true(time_next_midnight(evening) == midnight + INT64_C(25) * 3600000);
	assert_true(time_next_midnight(midnight + INT64_C(24) * 3600000) == midnight + INT64_C(25) * 3600000);
	assert_true(time_next_midnight(midnight + INT64_C(25) * 3600000) == midnight + INT64_C(49) * 3600000);
	assert_int_equal(time_parse_rfc3339("2026-03-28T23:00:00Z", &midnight), 0); /* of 23 hours */
	assert_true(time_next_midnight(midnight) == midnight + INT64_C(23) * 3600000);
	assert_string_equal(time_local_hms(text, evening + 11042), "20:00:11");
}

/* Times of files: what fits in ns is in ns, what does not keeps its ms and its order. */
static void file_times(void **state) {
	(void)state;
	static const struct {
		int64_t s;
		long ns;
		const char *text;
	} times[] = {{-(1LL << 60), 0, ""}, {-62135596800, 0, "0001-01-01T00:00:00.000Z"},
		{-2208988801, 999999999, "1899-12-31T23:59:59.999Z"}, {-2208988800, 0, "1900-01-01T00:00:00.000Z"},
		{-1, 999000000, "1969-12-31T23:59:59.999Z"}, {-1, 999999999, "1969-12-31T23:59:59.999Z"},
		{0, 0, "1970-01-01T00:00:00.000Z"}, {0, 1, "1970-01-01T00:00:00.000Z"},
		{1795234071, 500000001, "2026-11-21T04:07:51.500Z"}, {7258118399, 999999999, "2199-12-31T23:59:59.999Z"},
		{7258118400, 0, "2200-01-01T00:00:00.000Z"}, {9223372036, 854775807, "2262-04-11T23:47:16.854Z"},
		{9223372037, 0, "2262-04-11T23:47:17.000Z"}, {15032385535, 999999999, "2446-05-10T22:38:55.999Z"},
		{253402300799, 999000000, "9999-12-31T23:59:59.999Z"}, {INT64_MAX, 0, ""}};
	int64_t before = INT64_MIN;
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		const struct timespec t = {.tv_sec = (time_t)times[i].s, .tv_nsec = times[i].ns};
		char text[TIME_TEXT];
		int64_t ns = file_time_ns(&t), ms;
		assert_true(ns > before);
		before = ns;
		assert_string_equal(time_any_rfc3339(text, file_time_ms(ns)), times[i].text);
		if (!*text) continue;
		assert_int_equal(time_parse_rfc3339(text, &ms), 0);
		assert_true(ms == file_time_ms(ns));
	}
	/* As journals of before have them. */
	const struct timespec now = {.tv_sec = 1795234071, .tv_nsec = 123456789};
	assert_true(file_time_ns(&now) == 1795234071123456789);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_times),
		cmocka_unit_test(test_written_and_read_back),
		cmocka_unit_test(test_rfc3339_forms),
		cmocka_unit_test(test_other_forms_refuse),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_clocks_run),
		cmocka_unit_test(test_local_midnight),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
