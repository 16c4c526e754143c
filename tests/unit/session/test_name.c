/* SPDX-License-Identifier: MIT */
/* session/name and session/part: what is a session, a station, a bucket, a file's name, a key, a part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/name.h"
#include "session/part.h"

static void test_session_names(void **state) {
	(void)state;
	static const struct {
		const char *name;
		bool is, possible;
	} rows[] = {
		{"20261120_134502", true, true},
		{"20240229_000000", true, true},
		{"20210229_161221", true, false},
		{"20261301_000000", true, false},
		{"20261120_240000", true, false},
		{"20261120_126000", true, false},
		{"20261120_120060", true, false},
		{"00000000_000000", true, false},
		{"20261120-134502", false, false},
		{"20261120_13450", false, false},
		{"20261120_1345021", false, false},
		{"2026112a_134502", false, false},
		{"20261120_13450\xd9", false, false},
		{"", false, false},
		{"_______________", false, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (session_name_is(rows[i].name) != rows[i].is) fail_msg("is %s", rows[i].name);
		if (session_name_possible(rows[i].name) != rows[i].possible) fail_msg("possible %s", rows[i].name);
		if (!rows[i].possible) assert_int_equal(session_name_time(rows[i].name), -1);
	}
}

static void test_session_time_is_local(void **state) {
	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	assert_int_equal(session_name_time("20261120_134502"), 1795178702000); /* 12:45:02 UTC */
	assert_int_equal(session_name_time("20260620_134502"), 1781955902000); /* 11:45:02 UTC, summer */
	setenv("TZ", "UTC", 1);
	assert_int_equal(session_name_time("20261120_134502"), 1795182302000);
	assert_int_equal(session_name_time("19690101_000000"), -1); /* before the epoch: no time to show */
}

static void test_station_names(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	char longest[STATION_NAME_MAX + 2];
	memset(longest, 'a', sizeof longest);
	longest[STATION_NAME_MAX] = '\0';
	const char *good[] = {"eeg-lab-2", "a", "0", "A.b_c-d", longest};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) assert_int_equal(station_name_check(good[i], &err), 0);
	char too_long[STATION_NAME_MAX + 2];
	memset(too_long, 'a', sizeof too_long);
	too_long[STATION_NAME_MAX + 1] = '\0';
	const char *bad[] = {"", "-a", ".a", "_a", "a/b", "a b", "..", "é", "a\n", too_long};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		error_clear(&err);
		if (!station_name_check(bad[i], &err)) fail_msg("taken: %s", bad[i]);
		assert_int_equal(err.code, ERR_CONFIG);
		assert_non_null(strstr(err.text, "eeg-lab-2"));
	}
}

static void test_bucket_names(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	static const char *const good[] = {"abc", "headgate-raw", "a.b.c", "0a0", "1.2.3.4a", "1.2.3"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (bucket_name_check(good[i], &err)) fail_msg("%s: %s", good[i], err.text);
	}
	static const struct {
		const char *name, *suggestion;
	} bad[] = {
		{"cogntiv_raw_data", "\"cogntiv-raw-data\""},
		{"Raw", "\"raw\""},
		{"ab", "\"headgate-raw\""},
		{"", "\"headgate-raw\""},
		{"-abc-", "\"abc\""},
		{"a..bc", "\"a.bc\""},
		{"10.0.0.1", "\"headgate-raw\""},
		{"xn--abc", "use \""},
		{"data-s3alias", "use \""},
		{"a/b/c d", "\"a-b-c-d\""},
		{"a123456789b123456789c123456789d123456789e123456789f123456789g123", "use \"a123456789b"},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		error_clear(&err);
		if (!bucket_name_check(bad[i].name, &err)) fail_msg("taken: %s", bad[i].name);
		assert_int_equal(err.code, ERR_CONFIG);
		if (!strstr(err.text, bad[i].suggestion)) fail_msg("%s: %s", bad[i].name, err.text);
	}
}

static void test_file_names(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	char longest[FILE_NAME_MAX + 2];
	memset(longest, 'a', sizeof longest);
	longest[FILE_NAME_MAX] = '\0';
	const char *good[] = {"eeg.dat", "sub/deep er/ä ö.txt", "-leading", "...", ".hidden", "a/.../b", "_headgate2",
		"_headgate/12/manifest.json", "x/_headgate/y", longest};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (file_name_check(good[i], &err)) fail_msg("%s: %s", good[i], err.text);
	}
	char too_long[FILE_NAME_MAX + 2];
	memset(too_long, 'a', sizeof too_long);
	too_long[FILE_NAME_MAX + 1] = '\0';
	const struct {
		const char *name, *words;
	} bad[] = {
		{"", "empty"},
		{"/a", "'/'"},
		{"a//b", "'/'"},
		{"a/", "'/'"},
		{".", "\".\""},
		{"a/./b", "\".\""},
		{"..", "\"..\""},
		{"a/../b", "\"..\""},
		{"a/..", "\"..\""},
		{"a\nb", "control"},
		{"a\x7f", "control"},
		{"a\xc2\x9b", "control"},
		{"a\\b", "backslash"},
		{"caf\xe9", "UTF-8"},
		{"_headgate", "keeps for itself"},
		{"_headgate/x", "keeps for itself"},
		{"_headgate/0/manifest.json", "keeps for itself"},
		{"_headgate/01/manifest.json", "keeps for itself"},
		{"_headgate/1/manifest.json/x", "keeps for itself"},
		{too_long, "768"},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		error_clear(&err);
		if (!file_name_check(bad[i].name, &err)) fail_msg("taken: %s", bad[i].name);
		assert_int_equal(err.code, ERR_INPUT);
		if (!strstr(err.text, bad[i].words)) fail_msg("%s: %s", bad[i].name, err.text);
		assert_null(strchr(err.text, '\n'));
	}
}

static void test_manifest_names(void **state) {
	(void)state;
	int64_t revision = 0;
	char name[64];
	manifest_name(name, sizeof name, 42);
	assert_string_equal(name, "_headgate/42/manifest.json");
	assert_true(is_manifest_name(name, &revision));
	assert_int_equal(revision, 42);
	assert_false(is_manifest_name("_headgate/9999999999999999999/manifest.json", &revision));
	assert_false(is_manifest_name("_headgate/-1/manifest.json", NULL));
	assert_false(is_manifest_name("_headgate//manifest.json", NULL));
	assert_int_equal(revision, 42);
}

static void test_object_keys(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	char key[KEY_MAX + 1], name[KEY_MAX];
	assert_int_equal(object_key(key, sizeof key, "20261120_134502", "lab", 1, false, "a b/c", &err), 0);
	assert_string_equal(key, "20261120_134502/lab/a b/c");
	assert_int_equal(object_key(key, sizeof key, "20261120_134502", "lab", 3, true, "c", &err), 0);
	assert_string_equal(key, "20261120_134502/lab/_headgate/3/c");
	/* A recording's own manifest.json never has the key of the revision's manifest. */
	assert_int_equal(object_key(key, sizeof key, "20261120_134502", "lab", 3, true, "manifest.json", &err), 0);
	assert_string_equal(key, "20261120_134502/lab/_headgate/3/_headgate/manifest.json");
	assert_int_equal(object_key(key, sizeof key, "20261120_134502", "lab", 1, false, "manifest.json", &err), 0);
	assert_string_equal(key, "20261120_134502/lab/manifest.json");
	assert_int_equal(object_key(key, sizeof key, "20261120_134502", "lab", 3, true, "a/manifest.json", &err), 0);
	assert_string_equal(key, "20261120_134502/lab/_headgate/3/a/manifest.json");
	memset(name, 'n', sizeof name);
	name[sizeof name - 1] = '\0';
	assert_int_equal(object_key(key, sizeof key, "20261120_134502", "lab", 1, false, name, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	name[FILE_NAME_MAX] = '\0'; /* the longest that file_name_check lets pass always fits */
	char station[STATION_NAME_MAX + 1];
	memset(station, 's', sizeof station);
	station[STATION_NAME_MAX] = '\0';
	assert_int_equal(object_key(key, sizeof key, "20261120_134502", station, 999999, true, name, &err), 0);
}

static void test_parts(void **state) {
	(void)state;
	const int64_t mib = 1 << 20;
	static const struct {
		int64_t bytes, size, count;
	} rows[] = {
		{0, 0, 0},
		{1, 0, 0},
		{PART_SINGLE_MAX, 0, 0},
		{PART_SINGLE_MAX + 1, PART_SIZE_LEAST, 5},
		{600000000, PART_SIZE_LEAST, 36},
		{PUT_MAX, PART_SIZE_LEAST, 320},
		{PART_SIZE_LEAST * PART_COUNT_MAX, PART_SIZE_LEAST, PART_COUNT_MAX},
		{PART_SIZE_LEAST * PART_COUNT_MAX + 1, 2 * PART_SIZE_LEAST, PART_COUNT_MAX / 2 + 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(part_size(rows[i].bytes), rows[i].size);
		assert_int_equal(part_count(rows[i].bytes), rows[i].count);
	}
	assert_true(part_count(INT64_MAX) > 0 && part_count(INT64_MAX) <= PART_COUNT_MAX);
	for (int64_t bytes = 65 * mib; bytes < 5000000 * mib; bytes = bytes * 3 / 2 + 1) {
		int64_t size = part_size(bytes), count = part_count(bytes);
		assert_true(count <= PART_COUNT_MAX && (count - 1) * size < bytes && count * size >= bytes);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session_names),
		cmocka_unit_test(test_session_time_is_local),
		cmocka_unit_test(test_station_names),
		cmocka_unit_test(test_bucket_names),
		cmocka_unit_test(test_file_names),
		cmocka_unit_test(test_manifest_names),
		cmocka_unit_test(test_object_keys),
		cmocka_unit_test(test_parts),
	};
	return cmocka_run_group_tests_name("session/name", tests, NULL, NULL);
}
