/* SPDX-License-Identifier: MIT */
/* base/ini: values with their line numbers, and the lines that inih alone would cut or miscount. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/ini.h"

static char path[64];

static int setup(void **state) {
	(void)state;
	snprintf(path, sizeof path, "/tmp/test_ini.XXXXXX");
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state) {
	(void)state;
	return unlink(path);
}

static void put(const char *bytes, size_t n) {
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

/* Collects "LINE[section]name=value " into a buffer; refuses the name "bad". */
static int on_value(void *arg, const char *section, const char *name, const char *value, int line, struct error *err) {
	if (strcmp(name, "bad") == 0) return error_set(err, ERR_INPUT, "bad is not liked");
	buf_fmt(arg, "%d[%s]%s=%s|", line, section, name, value);
	return 0;
}

static void expect(const char *text, size_t n, const char *seen) {
	AUTO(buf_done) struct buf got = BUF_INIT(1 << 16);
	struct error err = ERROR_INIT;
	put(text, n);
	if (ini_read(path, on_value, &got, &err)) fail_msg("%s", err.text);
	assert_string_equal(buf_text(&got), seen);
}

static void refuse(const char *text, size_t n, int line, const char *why) {
	AUTO(buf_done) struct buf got = BUF_INIT(1 << 16);
	struct error err = ERROR_INIT;
	char place[128];
	put(text, n);
	assert_int_equal(ini_read(path, on_value, &got, &err), -1);
	assert_int_equal(err.code == ERR_CONFIG || err.code == ERR_INPUT, 1);
	snprintf(place, sizeof place, "%s:%d: ", path, line);
	if (strncmp(err.text, place, strlen(place)) != 0) fail_msg("%s does not begin with %s", err.text, place);
	if (!strstr(err.text, why)) fail_msg("%s does not say %s", err.text, why);
}

#define EXPECT(text, seen) expect(text, sizeof(text) - 1, seen)
#define REFUSE(text, line, why) refuse(text, sizeof(text) - 1, line, why)

static void test_values(void **state) {
	(void)state;
	EXPECT("", "");
	EXPECT(
		"\n# note\n; note\n[a]\nx = 1\r\n[b.c]\n y: two words ; a note\n\tz=\n", "5[a]x=1|7[b.c]y=two words|8[b.c]z=|");
	EXPECT("\xEF\xBB\xBF[a]\nurl = https://host:80/x=y\nlast = \xC3\xA4", "2[a]url=https://host:80/x=y|3[a]last=ä|");
	EXPECT("x = before any section\n", "1[]x=before any section|");
}

/* Indentation does not continue the value before, as inih would have it. */
static void test_indentation(void **state) {
	(void)state;
	EXPECT("[a]\nx = 1\n    y = 2\n", "2[a]x=1|3[a]y=2|");
}

static void test_long_lines(void **state) {
	(void)state;
	char text[1024], seen[512];
	for (int n = INI_LINE_MAX - 1; n <= INI_LINE_MAX + 10; n++) {
		snprintf(text, sizeof text, "[a]\nx=%0*d\nbad=1\n", n - 2, 0);
		if (n <= INI_LINE_MAX) {
			refuse(text, strlen(text), 3, "bad is not liked"); /* the long line is whole, the count right after it */
			snprintf(text, sizeof text, "[a]\nx=%0*d\ny=2", n - 2, 0);
			snprintf(seen, sizeof seen, "2[a]x=%0*d|3[a]y=2|", n - 2, 0);
			expect(text, strlen(text), seen);
		} else {
			snprintf(seen, sizeof seen, "has %d characters, more than the %d", n, INI_LINE_MAX);
			refuse(text, strlen(text), 2, seen);
		}
	}
	snprintf(text, sizeof text, "# %0600d\n[a]\nx=1\n", 0);
	expect(text, strlen(text), "3[a]x=1|");
}

static void test_mistakes(void **state) {
	(void)state;
	REFUSE("[a]\nx=1\nbad = 2\n", 3, "bad is not liked");
	REFUSE("[a]\nwhat is this\nx=1\nbad = 2\n", 2, "neither");
	REFUSE("[a\nx=1\n", 1, "neither");
	REFUSE("[a]\nx=\xFF\n", 2, "UTF-8");
	REFUSE("[a]\nx=1\0002\n", 2, "UTF-8");
	REFUSE("[0123456789012345678901234567890123456789012345678x]\nx=1\n", 1, "49 characters");
}

static void test_files(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	assert_int_equal(ini_read("/nowhere/x.ini", on_value, NULL, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(ini_read("/etc/passwd/x.ini", on_value, NULL, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(ini_read("/tmp", on_value, NULL, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
	char name[300];
	memset(name, 'x', sizeof name - 1);
	name[0] = '/';
	name[sizeof name - 1] = '\0';
	assert_int_equal(ini_read(name, on_value, NULL, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void) {
	static const struct CMUnitTest tests[] = {
		TEST(test_values), TEST(test_indentation), TEST(test_long_lines), TEST(test_mistakes), TEST(test_files)};
	return cmocka_run_group_tests_name("base/ini", tests, NULL, NULL);
}
