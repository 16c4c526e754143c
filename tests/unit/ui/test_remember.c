/* SPDX-License-Identifier: MIT */
/* What the console keeps for a user: written, read again, and any file that is not ours to understand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "ui/app_internal.h"

struct kept {
	char home[64], *path;
};

static int set_up(void **state) {
	struct kept *k = xcalloc(1, sizeof *k);
	snprintf(k->home, sizeof k->home, "/tmp/headgate-remember-XXXXXX");
	if (!mkdtemp(k->home)) return -1;
	setenv("XDG_STATE_HOME", k->home, 1);
	k->path = xasprintf("%s/headgate/console.json", k->home);
	*state = k;
	return 0;
}

static int tear_down(void **state) {
	struct kept *k = *state;
	struct error err = ERROR_INIT;
	int failed = file_remove_tree(k->home, &err);
	free(k->path);
	free(k);
	return failed;
}

static struct app *app_make(void) {
	struct app *a = xcalloc(1, sizeof *a);
	a->theme = themes[1];
	a->stack[0] = screens[0];
	a->stack_n = 1;
	return a;
}

static void app_drop(struct app *a) {
	for (size_t i = 0; screens[i]; i++) {
		if (a->states[i] && screens[i]->done) screens[i]->done(a->states[i]);
		free(a->states[i]);
	}
	prompt_done(&a->command);
	free(a);
}

static void what_was_kept_comes_back(void **state) {
	struct kept *k = *state;
	char screen[32] = "", theme[32] = "";
	struct app *a = app_make();
	const struct screen *station = screen_by_name("station");
	a->stack[a->stack_n++] = station;
	a->stack[a->stack_n++] = screen_by_name("session"); /* of a moment: not where the next run begins */
	app_self(a, screens[0]);
	prompt_remember(&a->command, "retry 20261120_134502");
	prompt_remember(&a->command, "theme");
	remember_save(a);
	app_drop(a);
	struct stat st;
	assert_int_equal(stat(k->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	a = app_make();
	remember_load(a, screen, sizeof screen, theme, sizeof theme);
	assert_string_equal(screen, "station");
	assert_string_equal(theme, themes[1]->name);
	assert_int_equal(a->command.history_n, 2);
	assert_string_equal(a->command.history[0], "retry 20261120_134502");
	assert_non_null(a->states[0]);
	app_drop(a);
}

static void nothing_new_writes_nothing(void **state) {
	struct kept *k = *state;
	struct app *a = app_make();
	struct stat before, after;
	remember_save(a);
	assert_int_equal(stat(k->path, &before), 0);
	remember_save(a);
	assert_int_equal(stat(k->path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino); /* a new one would have been put in its place */
	app_drop(a);
}

static void history_is_bounded(void **state) {
	(void)state;
	char line[32], screen[32], theme[32];
	struct app *a = app_make();
	for (int i = 0; i < 500; i++) {
		snprintf(line, sizeof line, "retry %d", i);
		prompt_remember(&a->command, line);
	}
	remember_save(a);
	app_drop(a);
	a = app_make();
	remember_load(a, screen, sizeof screen, theme, sizeof theme);
	assert_in_range(a->command.history_n, 1, 100);
	assert_string_equal(a->command.history[a->command.history_n - 1], "retry 499");
	app_drop(a);
}

static void a_file_of_any_shape_is_harmless(void **state) {
	struct kept *k = *state;
	AUTO(xfree) char *folder = xasprintf("%s/headgate", k->home);
	AUTO(xfree) char *large = xcalloc(1, 1 << 20);
	struct error err = ERROR_INIT;
	memset(large, ' ', (1 << 20) - 1);
	const char *const shapes[] = {"", "not json", "[]", "7",
		"{\"screen\":7,\"theme\":[],\"screens\":[],\"history\":{\"a\":\"b\"}}",
		"{\"screens\":{\"sessions\":7,\"station\":{\"pane\":9}},\"history\":[7,null,{}]}",
		"{\"screens\":{\"sessions\":{\"order\":\"none\",\"reverse\":7,\"filter\":\"\\u001b[2J\"}}}", large};
	assert_int_equal(mkdir(folder, 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		char screen[32] = "", theme[32] = "";
		struct app *a = app_make();
		if (file_write_atomic(k->path, shapes[i], strlen(shapes[i]), 0600, &err)) fail_msg("%s", err.text);
		remember_load(a, screen, sizeof screen, theme, sizeof theme);
		assert_string_equal(screen, "");
		assert_string_equal(theme, "");
		assert_int_equal(a->command.history_n, 0);
		app_drop(a);
	}
}

static void a_home_that_is_no_folder_keeps_nothing(void **state) {
	(void)state;
	char screen[32] = "", theme[32] = "";
	const char *home = getenv("HOME");
	AUTO(xfree) char *was = xstrdup(home);
	struct app *a = app_make();
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", "not/a/folder", 1);
	remember_save(a);
	remember_load(a, screen, sizeof screen, theme, sizeof theme);
	if (was) setenv("HOME", was, 1);
	assert_string_equal(screen, "");
	app_drop(a);
}

#define KEPT(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
int main(void) {
	const struct CMUnitTest tests[] = {
		KEPT(what_was_kept_comes_back),
		KEPT(nothing_new_writes_nothing),
		KEPT(history_is_bounded),
		KEPT(a_file_of_any_shape_is_harmless),
		KEPT(a_home_that_is_no_folder_keeps_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
