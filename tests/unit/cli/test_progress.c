/* SPDX-License-Identifier: MIT */
/* cli/progress: lines where nothing can be rewritten, one line on a terminal, cut to its width. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "cli/progress.h"

static const char status_json[] =
	"{\"cloud\":{\"ok\":true},\"queue\":{\"active\":2,\"queued\":1,\"bytes_left\":1100000000,"
	"\"rate_bytes_per_s\":41200000,\"eta_s\":34},\"sessions\":[{\"session\":\"20261120_134502\",\"bytes\":100,"
	"\"sent_bytes\":64}]}";
static const char down_json[] = "{\"cloud\":{\"ok\":false,\"error\":{\"code\":\"unreachable\",\"message\":\"refused "
								"\\u001b[31m\"}},\"queue\":{\"active\":0,\"queued\":4}}";

static int saved, master = -1, readable = -1;

/* Standard error becomes a terminal of `columns`, or a pipe when 0. */
static void stderr_to(unsigned short columns) {
	fflush(stderr);
	saved = dup(2);
	int end;
	if (columns) {
		struct winsize size = {.ws_row = 24, .ws_col = columns};
		master = posix_openpt(O_RDWR | O_NOCTTY);
		assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
		end = open(ptsname(master), O_RDWR | O_NOCTTY);
		assert_int_equal(ioctl(end, TIOCSWINSZ, &size), 0);
		readable = master;
	} else {
		int ends[2];
		assert_int_equal(pipe(ends), 0);
		readable = ends[0];
		end = ends[1];
	}
	assert_int_equal(dup2(end, 2), 2);
	close(end);
}

static const char *stderr_back(void) {
	static char text[1 << 16];
	fflush(stderr);
	fcntl(readable, F_SETFL, O_NONBLOCK);
	size_t at = 0;
	for (ssize_t n; (n = read(readable, text + at, sizeof text - 1 - at)) > 0;) at += (size_t)n;
	text[at] = '\0';
	dup2(saved, 2);
	close(saved);
	close(readable);
	return text;
}

static void test_lines_without_a_terminal(void **state) {
	(void)state;
	setenv("TERM", "xterm", 1);
	stderr_to(0);
	assert_null(progress_new_line());
	struct progress *p = progress_new_bar();
	progress_bytes(p, 0, 1000000, 0, "one");
	progress_bytes(p, 500000, 1000000, 0, "two"); /* too soon for another line */
	progress_free(p);
	const char *text = stderr_back();
	assert_string_equal(text, "  0 %  0 B of 1.0 MB  one\n");
}

static void test_line_on_a_terminal(void **state) {
	(void)state;
	setenv("TERM", "xterm", 1);
	stderr_to(200);
	struct progress *p = progress_new_line();
	assert_non_null(p);
	progress_on_status(p, status_json);
	progress_on_status(p, down_json);
	progress_on_status(p, "no JSON at all");
	progress_free(p);
	const char *text = stderr_back();
	assert_non_null(
		strstr(text, "\r\033[Kheadgate  2 uploading, 1 queued  1.1 GB left  41.2 MB/s  0:34  20261120_134502 64 %"));
	assert_non_null(strstr(text, "0 uploading, 4 queued  cloud: refused \\x1b[31m\r\033[K"));
}

static void test_cut_to_the_width(void **state) {
	(void)state;
	setenv("TERM", "xterm", 1);
	stderr_to(21);
	struct progress *p = progress_new_line();
	progress_on_status(p, status_json);
	progress_clear(p);
	progress_clear(p); /* once is enough */
	progress_free(p);
	assert_string_equal(stderr_back(), "\r\033[Kheadgate  2 uploadin\r\033[K");
}

static void test_bar(void **state) {
	(void)state;
	setenv("TERM", "xterm", 1);
	static const struct {
		const char *lang, *full;
	} cases[] = {{"C.UTF-8", "████████████░░░░░░░░░░░░"}, {"C", "############............"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		setenv("LC_ALL", cases[i].lang, 1);
		stderr_to(100);
		struct progress *p = progress_new_bar();
		progress_bytes(p, 0, 0, 0, "nothing yet");
		for (int k = 0; k < 100; k++) progress_bytes(p, 500, 1000, 0, "half");
		progress_free(p);
		const char *text = stderr_back();
		assert_non_null(strstr(text, cases[i].full));
		assert_non_null(strstr(text, " 50 %  500 B of 1.0 kB  half"));
	}
	unsetenv("LC_ALL");
}

static void test_dumb_terminal(void **state) {
	(void)state;
	static const char *const terms[] = {"dumb", ""};
	for (size_t i = 0; i < ARRAY_LEN(terms); i++) {
		setenv("TERM", terms[i], 1);
		stderr_to(80);
		assert_null(progress_new_line());
		stderr_back();
	}
}

int main(void) {
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines_without_a_terminal),
		cmocka_unit_test(test_line_on_a_terminal), cmocka_unit_test(test_cut_to_the_width), cmocka_unit_test(test_bar),
		cmocka_unit_test(test_dumb_terminal)};
	return cmocka_run_group_tests_name("cli/progress", tests, NULL, NULL);
}
