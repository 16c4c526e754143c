/* SPDX-License-Identifier: MIT */
/* cli/child: starting, listening to and ending child processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/child.h"

static char err_path[64];
static char *const env[] = {(char[]){"PATH=/usr/bin:/bin"}, (char[]){"TOLD=yes"}, NULL};

static int setup(void **state) {
	(void)state;
	snprintf(err_path, sizeof err_path, "/tmp/test_child.XXXXXX");
	int fd = mkstemp(err_path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state) {
	(void)state;
	return unlink(err_path);
}

static struct child start(const char *script, bool want_out) {
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct child c = CHILD_NONE;
	struct error err = ERROR_INIT;
	if (child_start(&c, argv, env, err_path, want_out, &err)) fail_msg("%s", err.text);
	return c;
}

static void test_output(void **state) {
	(void)state;
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 20), log = BUF_INIT(1 << 20);
	struct error err = ERROR_INIT;
	const char *argv[] = {"/bin/sh", "-c", "echo out $TOLD; echo complaint >&2; cat", NULL};
	assert_int_equal(child_output(argv, env, err_path, &out, &err), 0);
	assert_string_equal(buf_text(&out), "out yes\n");
	assert_int_equal(file_read(err_path, 1 << 20, &log, &err), 0);
	assert_string_equal(buf_text(&log), "complaint\n");
}

static void test_output_fails(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 20), small = BUF_INIT(16);
	const char *bad[] = {"/bin/sh", "-c", "exit 7", NULL}, *gone[] = {"/nowhere/prog", "x", NULL};
	const char *much[] = {"/bin/sh", "-c", "yes | head -c 100000", NULL};
	assert_int_equal(child_output(bad, env, err_path, &out, &err), -1);
	assert_non_null(strstr(err.text, "status 7"));
	assert_int_equal(child_output(gone, env, err_path, &out, &err), -1);
	assert_non_null(strstr(err.text, "status 127"));
	assert_int_equal(child_output(much, env, err_path, &small, &err), -1);
	assert_int_equal(child_output(bad, env, "/nowhere/log", &out, &err), -1);
	assert_int_equal(err.code, ERR_DISK);
}

static void test_line(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	char line[64];
	struct child c = start("echo ready http://x; exec sleep 60", true);
	assert_int_equal(child_line(&c, line, sizeof line, 10000, &err), 0);
	assert_string_equal(line, "ready http://x");
	assert_int_equal(child_line(&c, line, sizeof line, 50, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_true(child_runs(&c, NULL));
	child_stop(&c, 10000);
	assert_false(child_runs(&c, NULL));
	assert_int_equal(c.out, -1);
	c = start("exit 3", true);
	assert_int_equal(child_line(&c, line, sizeof line, 10000, &err), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
	child_stop(&c, 10000);
}

static void test_status(void **state) {
	(void)state;
	int status = 0;
	struct child c = start("exit 3", false);
	for (int i = 0; i < 500 && child_runs(&c, &status); i++) usleep(10000);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	child_stop(&c, 0); /* nothing is there any more */
}

/* One that does not listen to SIGTERM is ended all the same. */
static void test_stubborn(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	char line[64];
	struct child c = start("trap '' TERM; echo set; while :; do sleep 0.1; done", true);
	assert_int_equal(child_line(&c, line, sizeof line, 10000, &err), 0);
	int64_t began_ms = clock_mono_ms();
	child_stop(&c, 100);
	assert_true(clock_mono_ms() - began_ms < 10000);
	assert_int_equal(c.pid, 0);
}

/* Ctrl-C on our terminal must not reach it: it has a group of its own. */
static void test_own_group(void **state) {
	(void)state;
	struct child c = start("exec sleep 60", false);
	assert_int_equal(getpgid(c.pid), c.pid);
	assert_int_not_equal(getpgid(c.pid), getpgid(0));
	child_stop(&c, 10000);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void) {
	static const struct CMUnitTest tests[] = {TEST(test_output), TEST(test_output_fails), TEST(test_line),
		TEST(test_status), TEST(test_stubborn), TEST(test_own_group)};
	return cmocka_run_group_tests_name("cli/child", tests, NULL, NULL);
}
