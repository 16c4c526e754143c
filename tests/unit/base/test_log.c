/* SPDX-License-Identifier: MIT */
/* base/log: lines, levels, rotation, threads, and a disk that takes nothing. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static char folder[64], path[96];

static int setup(void **state) {
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/test_log.XXXXXX");
	if (!mkdtemp(folder)) return -1;
	snprintf(path, sizeof path, "%s/x.log", folder);
	return 0;
}

static const char *numbered(int i) {
	static char name[128];
	if (i) snprintf(name, sizeof name, "%s.%d", path, i);
	else snprintf(name, sizeof name, "%s", path);
	return name;
}

static int teardown(void **state) {
	(void)state;
	log_close();
	for (int i = 0; i < 6; i++) unlink(numbered(i));
	return rmdir(folder);
}

static char *slurp(const char *name, char *to, size_t size) {
	FILE *f = fopen(name, "r");
	assert_non_null(f);
	to[fread(to, 1, size - 1, f)] = '\0';
	fclose(f);
	return to;
}

static void test_json(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	char text[4096];
	struct stat st;
	assert_int_equal(log_open(path, LOG_INFO, 1 << 20, 2, &err), 0);
	log_event(LOG_DEBUG, "test", "not kept", NULL);
	log_event(
		LOG_WARN, "test", "a \"quoted\"\nline", "session", "20210229_161221", "why", "\033[31m", "none", NULL, NULL);
	slurp(path, text, sizeof text);
	assert_non_null(strchr(text, '\n'));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	AUTO(json_free) cJSON *o = NULL;
	assert_int_equal(json_parse(text, strlen(text) - 1, &o, &err), 0);
	const char *value;
	static const char *const members[][2] = {{"level", "warn"}, {"module", "test"}, {"message", "a \"quoted\"\nline"},
		{"session", "20210229_161221"}, {"why", "\033[31m"}};
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		assert_int_equal(json_want_text(o, members[i][0], NULL, &value, &err), 0);
		assert_string_equal(value, members[i][1]);
	}
	assert_int_equal(json_want_text(o, "at", NULL, &value, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_rotation(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	char text[4096];
	assert_int_equal(log_open(path, LOG_INFO, 1000, 2, &err), 0);
	for (int i = 0; i < 60; i++) log_event(LOG_INFO, "test", "a line of some length to fill the file", NULL);
	for (int i = 0; i < 3; i++) {
		struct stat st;
		assert_int_equal(stat(numbered(i), &st), 0);
		assert_true(st.st_size <= 1000);
		slurp(numbered(i), text, sizeof text);
		assert_int_equal(text[0], '{');
		assert_int_equal(text[strlen(text) - 1], '\n');
	}
	assert_int_equal(access(numbered(3), F_OK), -1);
	assert_int_equal(log_open(path, LOG_INFO, 1000, 0, &err), 0);
	for (int i = 0; i < 60; i++) log_event(LOG_INFO, "test", "a line of some length to fill the file", NULL);
	assert_int_equal(access(path, F_OK), 0);
}

static void *writer(void *arg) {
	for (int i = 0; i < 200; i++) log_event(LOG_INFO, "test", "from a thread", "thread", arg, NULL);
	return NULL;
}

static void test_threads(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	pthread_t threads[4];
	static char text[1 << 18];
	assert_int_equal(log_open(path, LOG_INFO, 0, 0, &err), 0);
	for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, writer, folder), 0);
	for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
	slurp(path, text, sizeof text);
	int lines = 0;
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, lines++) {
		AUTO(json_free) cJSON *o = NULL;
		assert_int_equal(json_parse(line, (size_t)(end - line), &o, &err), 0);
	}
	assert_int_equal(lines, 800);
}

/* A disk that takes nothing neither stops nor ends the program. */
static void test_full_disk(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	char text[4096];
	if (access("/dev/full", W_OK)) skip();
	assert_int_equal(symlink("/dev/full", path), 0);
	assert_int_equal(log_open(path, LOG_INFO, 1 << 20, 1, &err), 0);
	log_event(LOG_INFO, "test", "not taken", NULL);
	log_event(LOG_INFO, "test", "not taken", NULL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(log_open(path, LOG_INFO, 1 << 20, 1, &err), 0);
	log_event(LOG_INFO, "test", "kept", NULL);
	slurp(path, text, sizeof text);
	assert_non_null(strstr(text, "kept"));
	assert_null(strstr(text, "not taken"));
}

static void test_lost_is_said(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	static char big[20000], text[4096];
	memset(big, 'x', sizeof big - 1);
	assert_int_equal(log_open(path, LOG_INFO, 0, 0, &err), 0);
	log_event(LOG_INFO, "test", big, NULL); /* beyond the ceiling of a line */
	log_event(LOG_INFO, "test", "after", NULL);
	slurp(path, text, sizeof text);
	assert_non_null(strstr(text, "1 lines were lost"));
	assert_non_null(strstr(text, "after"));
}

static void test_stderr(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	char text[4096];
	int saved = dup(2);
	assert_non_null(freopen(path, "w", stderr));
	assert_int_equal(log_open(NULL, LOG_WARN, 0, 0, &err), 0);
	log_event(LOG_INFO, "test", "not kept", NULL);
	log_event(LOG_ERROR, "test", "it \033[1m broke", "why", "a\nb", "none", NULL, NULL);
	log_overwrite("<clear>");
	log_event(LOG_ERROR, "test", "over a line of progress", NULL);
	log_overwrite("");
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	slurp(path, text, sizeof text);
	assert_non_null(strstr(text, " error test: it "));
	assert_null(strchr(text, '\033'));
	assert_null(strstr(text, "not kept"));
	const char *second = strchr(text, '\n') + 1;
	assert_true(strncmp(second, "<clear>", 7) == 0);
	assert_ptr_equal(strchr(second, '\n'), text + strlen(text) - 1);
}

static void test_levels(void **state) {
	(void)state;
	static const char *const names[LOG_LEVEL_N] = {"debug", "info", "warn", "error"};
	enum log_level level;
	for (int i = 0; i < LOG_LEVEL_N; i++) {
		assert_int_equal(log_level_parse(names[i], &level), 0);
		assert_int_equal(level, i);
	}
	assert_int_equal(log_level_parse("loud", &level), -1);
	struct error err = ERROR_INIT;
	assert_int_equal(log_open("/nowhere/at/all.log", LOG_INFO, 0, 0, &err), -1);
	assert_int_equal(err.code, ERR_DISK);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void) {
	static const struct CMUnitTest tests[] = {TEST(test_json), TEST(test_rotation), TEST(test_threads),
		TEST(test_full_disk), TEST(test_lost_is_said), TEST(test_stderr), TEST(test_levels)};
	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
