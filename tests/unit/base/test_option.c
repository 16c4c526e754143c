/* SPDX-License-Identifier: MIT */
/* base/option: every type from every source, where a value came from, and what is said of a mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/option.h"

struct thing {
	char *text, *other;
	struct option_list list;
	int64_t count, any, bytes, time;
	bool flag;
	int called;
	char free_name[32];
};

static int set_called(void *config, const char *value, struct error *err) {
	if (strcmp(value, "no") == 0) return error_set(err, ERR_INPUT, "no is not liked");
	((struct thing *)config)->called = value[0];
	return 0;
}
static void show_called(const void *config, char *to, size_t size) {
	snprintf(to, size, "%c", ((const struct thing *)config)->called);
}
static int set_free(void *config, const char *name, const char *value, struct error *err) {
	if (!*value) return error_set(err, ERR_CONFIG, "%s is empty", name);
	snprintf(((struct thing *)config)->free_name, 32, "%s", name);
	return 0;
}

#define AT(f) offsetof(struct thing, f)
enum { TEXT, LIST, COUNT, ANY, BYTES, TIME, FLAG, CALLED, SECRET, OTHER, ROWS };
static const struct option rows[] = {
	[TEXT] = {"one", "text", OPTION_TEXT, AT(text), .initial = "hello", .flag = "text"},
	[LIST] = {"one", "list", OPTION_LIST, AT(list), .flag = "list"},
	[COUNT] = {"one", "count", OPTION_INT, AT(count), 1, 64, "4", .flag = "count"},
	[ANY] = {"one", "any", OPTION_INT, AT(any)},
	[BYTES] = {"two", "bytes", OPTION_BYTES, AT(bytes), 1024, 1LL << 30, "1MiB"},
	[TIME] = {"two", "time", OPTION_DURATION, AT(time), 100, 3600000, "10s"},
	[FLAG] = {"two", "flag", OPTION_BOOL, AT(flag), .initial = "no", .flag = "flag"},
	[CALLED] = {"two", "called", OPTION_CALL, .set = set_called, .show = show_called, .initial = "x"},
	[SECRET] = {"two", "secret", OPTION_CALL, .set = set_called, .secret = true, .no_file = true,
		.help = "do otherwise"},
	[OTHER] = {"two", "other", OPTION_TEXT, AT(other)},
};

static struct thing thing;
static struct option_origin origins[ROWS];
static struct option_set set;
static char first[64], second[64];

static int setup(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	snprintf(first, sizeof first, "/tmp/test_option.XXXXXX");
	snprintf(second, sizeof second, "/tmp/test_option.XXXXXX");
	close(mkstemp(first));
	close(mkstemp(second));
	memset(&thing, 0, sizeof thing);
	set = (struct option_set){.rows = rows,
		.n = ROWS,
		.config = &thing,
		.origins = origins,
		.env_prefix = "TESTOPT_",
		.free_section = "two.free",
		.free_set = set_free};
	return options_default(&set, &err);
}

static int teardown(void **state) {
	(void)state;
	options_done(&set);
	unlink(second);
	return unlink(first);
}

static void put(const char *path, const char *text) {
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void read_file(const char *path, const char *text) {
	struct error err = ERROR_INIT;
	put(path, text);
	if (options_file(&set, path, true, &err)) fail_msg("%s", err.text);
}

static void refuse(const char *text, int line, const char *why) {
	struct error err = ERROR_INIT;
	char place[128];
	put(first, text);
	assert_int_equal(options_file(&set, first, true, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
	snprintf(place, sizeof place, "%s:%d: ", first, line);
	if (strncmp(err.text, place, strlen(place)) != 0) fail_msg("%s does not begin with %s", err.text, place);
	if (!strstr(err.text, why)) fail_msg("%s does not say %s", err.text, why);
}

static void shows(size_t row, const char *text) {
	char shown[256];
	option_show(&set, row, shown, sizeof shown);
	assert_string_equal(shown, text);
}

static void test_defaults(void **state) {
	(void)state;
	static const char *const initial[ROWS] = {"hello", "", "4", "0", "1MiB", "10s", "no", "x", "", ""};
	for (size_t i = 0; i < ROWS; i++) {
		shows(i, initial[i]);
		assert_int_equal(origins[i].source, SOURCE_DEFAULT);
		assert_string_equal(origins[i].where, "default");
	}
}

static void test_bad_default(void **state) {
	(void)state;
	static const struct option bad[] = {{"one", "count", OPTION_INT, AT(count), 1, 64, "65"}};
	struct error err = ERROR_INIT;
	struct thing other = {0};
	struct option_origin origin;
	struct option_set s = {bad, 1, &other, &origin, "X_"};
	assert_int_equal(options_default(&s, &err), -1);
}

static void test_file(void **state) {
	(void)state;
	char where[128];
	read_file(first,
		"[one]\ntext = a b\nlist = x\nlist = y\ncount = 64\nany = 9223372036854775807\n[two]\nbytes = 600MB\n"
		"time = 1.5m\nflag = on\ncalled = z\n[two.free]\nwhat ever = 1\n");
	static const char *const want[ROWS] = {
		"a b", "x, y", "64", "9223372036854775807", "600MB", "90s", "yes", "z", "", ""};
	for (size_t i = 0; i < ROWS; i++) shows(i, want[i]);
	snprintf(where, sizeof where, "%s:2", first);
	assert_string_equal(origins[TEXT].where, where);
	assert_int_equal(origins[TEXT].source, SOURCE_FILE);
	assert_string_equal(thing.free_name, "what ever");
	read_file(first, "[one]\ntext =\n");
	assert_null(thing.text);
}

static void test_list_sources(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	read_file(first, "[one]\nlist = a\nlist = b\n");
	read_file(second, "[one]\nlist = c\nlist = d\n");
	shows(LIST, "c, d");
	read_file(second, "[one]\nlist = c\nlist = d\n"); /* read twice: --config names the system's own */
	shows(LIST, "c, d");
	setenv("TESTOPT_ONE_LIST", "e, f", 1);
	assert_int_equal(options_environment(&set, &err), 0);
	unsetenv("TESTOPT_ONE_LIST");
	shows(LIST, "e, f");
	assert_string_equal(origins[LIST].where, "TESTOPT_ONE_LIST");
	assert_int_equal(options_flag(&set, "list", "g", &err), 0);
	assert_int_equal(options_flag(&set, "list", "h", &err), 0);
	shows(LIST, "g, h");
	assert_int_equal(thing.list.n, 2);
	read_file(first, "[one]\nlist =\n");
	assert_int_equal(thing.list.n, 0);
}

static void test_file_mistakes(void **state) {
	(void)state;
	refuse("[one]\ntxet = a\n", 2, "did you mean \"text\"");
	refuse("[onne]\ntext = a\n", 2, "did you mean [one]");
	refuse("[unheard]\ntext = a\n", 2, "unknown section [unheard]");
	refuse("[two.fre]\ntext = a\n", 2, "did you mean [two.free]");
	refuse("text = a\n", 1, "before any [section]");
	refuse("[two]\ntext = a\n", 2, "belongs under [one]");
	refuse("[two]\nzzzzzzzzzz = a\n", 2, "its keys are \"bytes\"");
	refuse("[one]\ncount = 65\n", 2, "[one] count: \"65\" is not a whole number from 1 to 64");
	refuse("[one]\nany = -1\n", 2, "0 or more");
	refuse("[one]\nany = 1x\n", 2, "0 or more");
	refuse("[two]\nbytes = 12 apples\n", 2, "[two] bytes");
	refuse("[two]\nbytes = 2GiB\n", 2, "range from 1KiB to 1GiB");
	refuse("[two]\n\ntime = soon\n", 3, "[two] time");
	refuse("[two]\ntime = 1ms\n", 2, "range from 100ms to 1h");
	refuse("[two]\nflag = maybe\n", 2, "neither yes nor no");
	refuse("[two]\ncalled = no\n", 2, "no is not liked");
	refuse("[two]\nsecret = x\n", 2, "do otherwise, or set TESTOPT_TWO_SECRET");
	refuse("[two.free]\nx =\n", 2, "x is empty");
}

static void test_missing_file(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	assert_int_equal(options_file(&set, "/nowhere/x.ini", false, &err), 0);
	assert_int_equal(err.code, ERR_NONE);
	assert_int_equal(options_file(&set, "/nowhere/x.ini", true, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
}

static void test_environment(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	setenv("TESTOPT_TWO_SECRET", "key", 1);
	setenv("TESTOPT_TWO_TIME", "1h", 1);
	assert_int_equal(options_environment(&set, &err), 0);
	shows(SECRET, "(set)");
	shows(TIME, "1h");
	assert_int_equal(origins[TIME].source, SOURCE_ENVIRONMENT);
	setenv("TESTOPT_TWO_TIME", "never", 1);
	assert_int_equal(options_environment(&set, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_non_null(strstr(err.text, "the variable TESTOPT_TWO_TIME: "));
	unsetenv("TESTOPT_TWO_TIME");
	unsetenv("TESTOPT_TWO_SECRET");
}

static void test_unknown_variable(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	setenv("TESTOPT_OTHER_THING", "x", 1); /* of no section of ours */
	assert_int_equal(options_environment(&set, &err), 0);
	unsetenv("TESTOPT_OTHER_THING");
	setenv("TESTOPT_TWO_TIMER", "1s", 1);
	assert_int_equal(options_environment(&set, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_non_null(strstr(err.text, "TESTOPT_TWO_TIMER names no key, did you mean TESTOPT_TWO_TIME?"));
	set.env_shared = "two";
	assert_int_equal(options_environment(&set, &err), 0);
	unsetenv("TESTOPT_TWO_TIMER");
	setenv("TESTOPT_ONE_QQQQQQQQQQQQQQQQ", "1", 1);
	assert_int_equal(options_environment(&set, &err), -1);
	assert_non_null(strstr(err.text, "unset it"));
	unsetenv("TESTOPT_ONE_QQQQQQQQQQQQQQQQ");
}

static void test_flags(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	assert_ptr_equal(option_by_flag(&set, "count"), &rows[COUNT]);
	assert_null(option_by_flag(&set, "any"));
	assert_int_equal(options_flag(&set, "count", "7", &err), 0);
	assert_string_equal(origins[COUNT].where, "--count");
	assert_int_equal(options_flag(&set, "flag", NULL, &err), 0);
	assert_true(thing.flag);
	assert_int_equal(options_flag(&set, "count", "many", &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.text, "--count: "));
	assert_int_equal(options_flag(&set, "nope", "1", &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
}

static void test_numbers_written(void **state) {
	(void)state;
	static const struct {
		enum option_type type;
		int64_t n;
		const char *text;
	} cases[] = {{OPTION_BYTES, 0, "0B"}, {OPTION_BYTES, 1, "1B"}, {OPTION_BYTES, 1000, "1kB"},
		{OPTION_BYTES, 1024, "1KiB"}, {OPTION_BYTES, 20000000, "20MB"}, {OPTION_BYTES, 5LL << 40, "5TiB"},
		{OPTION_DURATION, 0, "0ms"}, {OPTION_DURATION, 90000, "90s"}, {OPTION_DURATION, 172800000, "2d"},
		{OPTION_INT, -5, "-5"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[32];
		option_write_number(cases[i].type, cases[i].n, text, sizeof text);
		assert_string_equal(text, cases[i].text);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void) {
	static const struct CMUnitTest tests[] = {TEST(test_defaults), TEST(test_bad_default), TEST(test_file),
		TEST(test_list_sources), TEST(test_file_mistakes), TEST(test_missing_file), TEST(test_environment),
		TEST(test_unknown_variable), TEST(test_flags), TEST(test_numbers_written)};
	return cmocka_run_group_tests_name("base/option", tests, NULL, NULL);
}
