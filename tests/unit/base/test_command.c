/* SPDX-License-Identifier: MIT */
/* base/command: dispatch, help, the nearest word, what goes to which stream, exit statuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/command.h"

/* --- standard output and error of a call, in files --- */

static char folder[64], out_path[96], err_path[96];
static int saved_out, saved_err;

static int setup(void **state) {
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/test_command.XXXXXX");
	if (!mkdtemp(folder)) return -1;
	snprintf(out_path, sizeof out_path, "%s/out", folder);
	snprintf(err_path, sizeof err_path, "%s/err", folder);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	unlink(out_path);
	unlink(err_path);
	return rmdir(folder);
}

static void capture_begin(const char *out) {
	fflush(stdout);
	fflush(stderr);
	saved_out = dup(1);
	saved_err = dup(2);
	assert_non_null(freopen(out, "w", stdout));
	assert_non_null(freopen(err_path, "w", stderr));
}

static void capture_end(void) {
	fflush(stdout);
	fflush(stderr);
	clearerr(stdout);
	dup2(saved_out, 1);
	dup2(saved_err, 2);
	close(saved_out);
	close(saved_err);
}

static const char *slurp(const char *path) {
	static char texts[2][8192];
	static int next;
	char *text = texts[next++ % 2];
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof texts[0] - 1, f)] = '\0';
	fclose(f);
	return text;
}

/* --- a program --- */

static int run_good(int argc, char **argv) {
	printf("good %d %s\n", argc, argv[0]);
	return 0;
}

static int run_bad(int argc, char **argv) {
	(void)argc, (void)argv;
	struct error err = ERROR_INIT;
	error_set(&err, ERR_BUSY, "it is \033[31m held");
	return command_fail("prog", &err);
}

static const struct command commands[] = {{"good", "does good", run_good}, {"badly", "does not", run_bad}};
static const struct command_set set = {
	.program = "prog", .summary = "A program.", .text = "More.", .commands = commands, .n = 2, .version = true};

static int call(const struct command_set *s, const char *a, const char *b) {
	char *argv[] = {(char *)"prog", (char *)a, (char *)b, NULL};
	capture_begin(out_path);
	int status = command_main(s, a ? (b ? 3 : 2) : 1, argv);
	capture_end();
	return status;
}

static void test_dispatch(void **state) {
	(void)state;
	assert_int_equal(call(&set, "good", "x"), 0);
	assert_string_equal(slurp(out_path), "good 2 good\n");
	assert_int_equal(call(&set, "badly", NULL), 75);
	const char *said = slurp(err_path);
	assert_true(strncmp(said, "prog: it is ", 12) == 0);
	assert_null(strchr(said, '\033'));
	assert_string_equal(slurp(out_path), "");
}

static void test_unknown(void **state) {
	(void)state;
	assert_int_equal(call(&set, "goood", NULL), 2);
	assert_string_equal(slurp(err_path), "prog: there is no command \"goood\", did you mean \"good\"?\n");
	assert_int_equal(call(&set, "nonsense", NULL), 2);
	assert_non_null(strstr(slurp(err_path), "prog --help lists them"));
}

static void test_help(void **state) {
	(void)state;
	static const char *const words[] = {"--help", "-h", "help"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		assert_int_equal(call(&set, words[i], NULL), 0);
		const char *text = slurp(out_path);
		assert_non_null(strstr(text, "usage: prog COMMAND"));
		assert_non_null(strstr(text, "  good   does good\n  badly  does not\n"));
		assert_non_null(strstr(text, "\nMore.\n"));
	}
	assert_int_equal(call(&set, NULL, NULL), 2);
	assert_non_null(strstr(slurp(err_path), "usage: prog COMMAND"));
	assert_string_equal(slurp(out_path), "");
}

static void test_version(void **state) {
	(void)state;
	struct command_set verbs = set;
	assert_int_equal(call(&set, "--version", NULL), 0);
	assert_string_equal(slurp(out_path), "prog " HEADGATE_VERSION "\n");
	verbs.version = false;
	assert_int_equal(call(&verbs, "--version", NULL), 2);
}

static void test_full_output(void **state) {
	(void)state;
	char *argv[] = {(char *)"prog", (char *)"good", NULL};
	if (access("/dev/full", W_OK)) skip();
	capture_begin("/dev/full");
	int status = command_main(&set, 2, argv);
	capture_end();
	assert_int_equal(status, 74);
	assert_non_null(strstr(slurp(err_path), "standard output"));
}

static int on_flag(void *arg, const char *name, const char *value, struct error *err) {
	(void)value, (void)err;
	snprintf(arg, 16, "%s", name);
	return 0;
}

static void test_args(void **state) {
	(void)state;
	static const struct arg_flag flags[] = {{"once", 0, NULL, "one time"}};
	static const struct arg_spec spec = {
		.program = "prog", .command = "run", .summary = "Runs.", .flags = flags, .flag_n = 1};
	static const struct {
		const char *word;
		int status;
		const char *out, *err;
	} cases[] = {
		{"--once", -1, "", ""}, {"--help", 0, "usage: prog run", ""}, {"--oncee", 2, "", "did you mean --once?"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char seen[16] = "", *argv[] = {(char *)"run", (char *)cases[i].word, NULL}, **operands;
		int n;
		capture_begin(out_path);
		int status = command_args(&spec, 2, argv, on_flag, seen, &operands, &n);
		capture_end();
		assert_int_equal(status, cases[i].status);
		assert_non_null(strstr(slurp(out_path), cases[i].out));
		assert_non_null(strstr(slurp(err_path), cases[i].err));
		assert_string_equal(seen, i == 0 ? "once" : "");
	}
}

static void test_json(void **state) {
	(void)state;
	cJSON *o = json_object();
	json_add_text(o, "a", "b\n");
	capture_begin(out_path);
	command_json(o);
	capture_end();
	assert_string_equal(slurp(out_path), "{\"a\":\"b\\n\"}\n");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void) {
	static const struct CMUnitTest tests[] = {TEST(test_dispatch), TEST(test_unknown), TEST(test_help),
		TEST(test_version), TEST(test_full_output), TEST(test_args), TEST(test_json)};
	return cmocka_run_group_tests_name("base/command", tests, NULL, NULL);
}
