/* SPDX-License-Identifier: MIT */
/* base/secret: wiping, comparison, and the files it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../scratch.h"
#include "base/secret.h"

static char *put(const char *name, const void *bytes, size_t n, mode_t mode) {
	struct error err = ERROR_INIT;
	char *path = path_join(scratch, name);
	if (file_write_atomic(path, bytes, n, mode, &err)) fail_msg("%s", err.text);
	return path;
}

static void test_set_compare_wipe(void **state) {
	(void)state;
	AUTO(secret_done) struct secret s = {0};
	assert_false(secret_equal(&s, "", 0));
	secret_set(&s, "hg_abc", 6);
	assert_string_equal(s.bytes, "hg_abc");
	assert_true(secret_equal(&s, "hg_abc", 6));
	assert_false(secret_equal(&s, "hg_abd", 6));
	assert_false(secret_equal(&s, "hg_ab", 5));
	secret_set(&s, s.bytes, 3); /* from itself */
	assert_string_equal(s.bytes, "hg_");
	char bytes[] = "remains";
	secret_wipe(bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++) assert_int_equal(bytes[i], 0);
	secret_wipe(NULL, 0);
	secret_done(&s);
	assert_null(s.bytes);
}

static void test_first_line_is_read(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(secret_done) struct secret s = {0};
	AUTO(xfree) char *path = put("good", " \thg_key \r\nsecond line\n", 23, 0600);
	assert_int_equal(secret_read_file(&s, path, &err), 0);
	assert_string_equal(s.bytes, "hg_key");
	AUTO(xfree) char *bare = put("bare", "abc", 3, 0400);
	assert_int_equal(secret_read_file(&s, bare, &err), 0);
	assert_string_equal(s.bytes, "abc");
}

static void test_files_open_to_others_are_refused(void **state) {
	(void)state;
	static const mode_t modes[] = {0640, 0604, 0620, 0602, 0644, 0666};
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct error err = ERROR_INIT;
		AUTO(secret_done) struct secret s = {0};
		AUTO(xfree) char *path = put("open", "hg_key\n", 7, modes[i]);
		assert_int_equal(secret_read_file(&s, path, &err), -1);
		assert_int_equal(err.code, ERR_CONFIG);
		assert_non_null(strstr(err.text, "chmod 600 "));
		assert_null(strstr(err.text, "hg_key"));
		assert_null(s.bytes);
	}
}

static void test_other_files_are_refused(void **state) {
	(void)state;
	char *big = xcalloc(1, 5000);
	memset(big, 'k', 5000);
	AUTO(xfree) char *fifo = path_join(scratch, "fifo"), *missing = path_join(scratch, "missing");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	char *paths[] = {put("empty", "", 0, 0600), put("blank", "  \nkey\n", 7, 0600), put("nul", "a\0b\n", 4, 0600),
		put("big", big, 5000, 0600), xstrdup(scratch), TAKE(fifo), TAKE(missing)};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct error err = ERROR_INIT;
		AUTO(secret_done) struct secret s = {0};
		assert_int_equal(secret_read_file(&s, paths[i], &err), -1);
		assert_int_equal(err.code, ERR_CONFIG);
		assert_non_null(strstr(err.text, paths[i]));
		free(paths[i]);
	}
	free(big);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_compare_wipe),
		cmocka_unit_test(test_first_line_is_read),
		cmocka_unit_test(test_files_open_to_others_are_refused),
		cmocka_unit_test(test_other_files_are_refused),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
