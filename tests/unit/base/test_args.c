/* SPDX-License-Identifier: MIT */
/* base/args: flags, operands, help and the nearest flag. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/args.h"

static const struct arg_flag flags[] = {
	{"once", 'o', NULL, "ship what is ready"}, {"wait", 'w', "TIME", "how long"}, {"watch", 0, "DIR", "folder"}};
static const struct arg_flag common[] = {{"json", 0, NULL, "JSON lines"}, {"state", 's', "DIR", "state folder"}};
static const struct arg_spec spec = {.program = "prog",
	.command = "run",
	.operands = "ID...",
	.summary = "Runs it",
	.text = "Example:\n  prog run --once",
	.flags = flags,
	.flag_n = ARRAY_LEN(flags),
	.common = common,
	.common_n = ARRAY_LEN(common),
	.operand_min = 0,
	.operand_max = 2};

static int on_flag(void *arg, const char *name, const char *value, struct error *err) {
	if (value && strcmp(value, "bad") == 0) return error_set(err, ERR_USAGE, "bad is not liked");
	buf_fmt(arg, "%s=%s|", name, value ? value : "");
	return 0;
}

#define WORDS_MAX 8
static char words[WORDS_MAX][64];

/* Parses the words (space separated), returns what args_parse did. */
static int parse(const struct arg_spec *s, const char *line, struct buf *seen, bool *help, struct error *err) {
	char *argv[WORDS_MAX + 1] = {NULL}, **operands = NULL;
	int argc = 0, n = 0;
	while (*line) {
		size_t len = strcspn(line, " ");
		snprintf(words[argc], sizeof words[0], "%.*s", (int)len, line);
		argv[argc] = words[argc];
		argc++;
		line += len + (line[len] == ' ');
	}
	if (args_parse(s, argc, argv, on_flag, seen, &operands, &n, help, err)) return -1;
	for (int i = 0; i < n && !*help; i++) buf_fmt(seen, "<%s>", operands[i]);
	return 0;
}

static void expect(const char *line, const char *want) {
	AUTO(buf_done) struct buf seen = BUF_INIT(4096);
	struct error err = ERROR_INIT;
	bool help = true;
	if (parse(&spec, line, &seen, &help, &err)) fail_msg("%s: %s", line, err.text);
	assert_false(help);
	assert_string_equal(buf_text(&seen), want);
}

static void refuse(const struct arg_spec *s, const char *line, const char *why) {
	AUTO(buf_done) struct buf seen = BUF_INIT(4096);
	struct error err = ERROR_INIT;
	bool help;
	assert_int_equal(parse(s, line, &seen, &help, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.text, why)) fail_msg("\"%s\": %s does not say %s", line, err.text, why);
}

static void test_flags(void **state) {
	(void)state;
	expect("run", "");
	expect("run --once --wait 5 a --watch=x --json b", "once=|wait=5|watch=x|json=|<a><b>");
	expect("run -o -w5 -s d", "once=|wait=5|state=d|");
	expect("run -ow 5", "once=|wait=5|");
	expect("run -- --once -x", "<--once><-x>");
}

static void test_help(void **state) {
	(void)state;
	static const char *const lines[] = {"run --help", "run -h", "run --once --help --nonsense"};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		AUTO(buf_done) struct buf seen = BUF_INIT(4096);
		struct error err = ERROR_INIT;
		bool help = false;
		assert_int_equal(parse(&spec, lines[i], &seen, &help, &err), 0);
		assert_true(help);
	}
}

static void test_mistakes(void **state) {
	(void)state;
	refuse(&spec, "run --onec", "there is no flag --onec, did you mean --once?");
	refuse(&spec, "run --stat=x --jsno", "did you mean --json?");
	refuse(&spec, "run --zzzzzzzz", "prog run --help lists them");
	refuse(&spec, "run --wa 5", "there is no flag --wa"); /* --wait or --watch */
	refuse(&spec, "run -x", "there is no flag -x");
	refuse(&spec, "run --wait", "--wait needs a value: --wait TIME");
	refuse(&spec, "run -s", "--state needs a value: --state DIR");
	refuse(&spec, "run --once=3", "--once takes no value");
	refuse(&spec, "run --wait bad", "bad is not liked");
	refuse(&spec, "run a b c", "\"c\" is one word too many");
	struct arg_spec needs = spec;
	needs.operand_min = 1;
	refuse(&needs, "run", "ID... is missing");
	needs.operand_max = 0;
	needs.operand_min = 0;
	needs.command = NULL;
	refuse(&needs, "run a", "prog: \"a\"");
}

static void test_any_operands(void **state) {
	(void)state;
	AUTO(buf_done) struct buf seen = BUF_INIT(4096);
	struct error err = ERROR_INIT;
	struct arg_spec any = spec;
	any.operand_max = -1;
	bool help;
	assert_int_equal(parse(&any, "run a b c d e", &seen, &help, &err), 0);
	assert_string_equal(buf_text(&seen), "<a><b><c><d><e>");
}

/* Every row of the tables stands in the help. */
static void test_help_text(void **state) {
	(void)state;
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 16);
	args_help(&spec, &out);
	const char *text = buf_text(&out);
	assert_true(strncmp(text, "usage: prog run [flags] ID...\n\nRuns it\n", 39) == 0);
	assert_non_null(strstr(text, "Example:\n  prog run --once\n"));
	assert_non_null(strstr(text, "-o, --once       ship what is ready\n"));
	assert_non_null(strstr(text, "    --watch DIR  folder\n"));
	assert_non_null(strstr(text, "flags of every command:\n"));
	assert_non_null(strstr(text, "-s, --state DIR  state folder\n"));
	assert_non_null(strstr(text, "-h, --help"));
	AUTO(buf_done) struct buf bare = BUF_INIT(1 << 16);
	args_help(&(struct arg_spec){.program = "prog", .summary = "Nothing"}, &bare);
	assert_true(strncmp(buf_text(&bare), "usage: prog\n\nNothing\n", 21) == 0);
	assert_null(strstr(buf_text(&bare), "every command"));
}

int main(void) {
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_flags), cmocka_unit_test(test_help),
		cmocka_unit_test(test_mistakes), cmocka_unit_test(test_any_operands), cmocka_unit_test(test_help_text)};
	return cmocka_run_group_tests_name("base/args", tests, NULL, NULL);
}
