/* SPDX-License-Identifier: MIT */
/* base/error: the table of classes, texts that are cut and made safe. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/text.h"

static void test_every_code_has_name_status_and_class(void **state) {
	(void)state;
	for (size_t i = 0; i < ERR_N; i++) {
		assert_non_null(error_classes[i].name);
		assert_true(error_classes[i].exit_status >= 0 && error_classes[i].exit_status < 256);
		assert_true(error_classes[i].retry < RETRY_N);
		for (size_t k = 0; k < i; k++) assert_string_not_equal(error_classes[i].name, error_classes[k].name);
	}
	assert_int_equal(error_classes[ERR_NONE].exit_status, 0);
	assert_int_equal(error_classes[ERR_BUSY].exit_status, 75);
	assert_int_equal(error_classes[ERR_URL_EXPIRED].retry, RETRY_PRESIGN);
}

static void test_set_fills_everything_anew(void **state) {
	(void)state;
	struct error err = {.http = 500, .word = "SlowDown"};
	assert_int_equal(error_set(&err, ERR_DISK, "no room for %s", "x"), -1);
	assert_int_equal(err.code, ERR_DISK);
	assert_string_equal(err.text, "no room for x");
	assert_int_equal(err.http, 0);
	assert_string_equal(err.word, "");
	error_clear(&err);
	assert_int_equal(err.code, ERR_NONE);
	assert_string_equal(err.text, "");
}

static void test_errno_keeps_number_and_words(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	assert_int_equal(error_errno(&err, ERR_DISK, EACCES, "open /x"), -1);
	assert_int_equal(err.os, EACCES);
	assert_string_equal(err.text, "open /x: Permission denied");
	assert_int_equal(error_errno(&err, ERR_DISK, 12345, "open /x"), -1);
	assert_string_equal(err.text, "open /x: error 12345");
}

static void test_errno_words_survive_a_long_path(void **state) {
	(void)state;
	char path[4096];
	for (size_t i = 0; i + 2 < sizeof path; i += 2) memcpy(path + i, "é", 2);
	path[sizeof path - 2] = '\0';
	struct error err = ERROR_INIT;
	assert_int_equal(error_errno(&err, ERR_DISK, EACCES, "open %s", path), -1);
	assert_true(text_ends(err.text, "é…: Permission denied"));
	assert_true(text_is_utf8(err.text, strlen(err.text), NULL));
}

static void test_prefix_goes_before(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	assert_int_equal(error_set(&err, ERR_INPUT, "size is missing"), -1);
	assert_int_equal(error_prefix(&err, "%s:%d", "a.json", 7), -1);
	assert_string_equal(err.text, "a.json:7: size is missing");
	assert_int_equal(err.code, ERR_INPUT);
}

static void test_controls_are_escaped(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	assert_int_equal(error_set(&err, ERR_INPUT, "%s", "a\033[31mb\nc\xff"), -1);
	assert_string_equal(err.text, "a\\x1b[31mb\\x0ac\\xff");
}

static void test_long_text_is_cut_at_a_character(void **state) {
	(void)state;
	char long_text[3000];
	/* every alignment of two-byte characters against the cut */
	for (size_t shift = 0; shift < 4; shift++) {
		memset(long_text, 'x', shift);
		for (size_t i = shift; i + 2 < sizeof long_text; i += 2) memcpy(long_text + i, "ü", 2);
		long_text[shift + (sizeof long_text - shift - 1) / 2 * 2] = '\0';
		struct error err = ERROR_INIT;
		assert_int_equal(error_set(&err, ERR_INPUT, "%s", long_text), -1);
		assert_true(text_ends(err.text, "ü…"));
		assert_true(text_is_utf8(err.text, strlen(err.text), NULL));
		assert_true(strlen(err.text) > sizeof err.text - 6);
		assert_int_equal(error_prefix(&err, "%s", long_text), -1);
		assert_true(text_is_utf8(err.text, strlen(err.text), NULL));
		assert_true(text_ends(err.text, "…"));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_has_name_status_and_class),
		cmocka_unit_test(test_set_fills_everything_anew),
		cmocka_unit_test(test_errno_keeps_number_and_words),
		cmocka_unit_test(test_errno_words_survive_a_long_path),
		cmocka_unit_test(test_prefix_goes_before),
		cmocka_unit_test(test_controls_are_escaped),
		cmocka_unit_test(test_long_text_is_cut_at_a_character),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
