/* SPDX-License-Identifier: MIT */
/* Every screen in several situations and sizes, as a terminal shows it, against tests/ui/golden/CASE.txt.
 * HEADGATE_GOLDEN=write writes them anew; look at each before it is committed. argv[1]: that folder. */
#include "console.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "situation.h"
#include "ui/screens/screen.h"

static const char *folder;

static const struct golden {
	const char *name;
	enum situation situation;
	const char *detail; /* the session in model.detail, or NULL */
	const char *keys;
	const char *theme;
	bool ascii, read_only;
} goldens[] = {
	{.name = "sessions-live", .situation = SITUATION_LIVE},
	{.name = "sessions-why-held", .situation = SITUATION_LIVE, .detail = "20261120_124033", .keys = "Down Down w"},
	{.name = "sessions-marks", .situation = SITUATION_LIVE, .keys = "Space Space Down i"},
	{.name = "sessions-filter", .situation = SITUATION_LIVE, .keys = "/ text:held"},
	{.name = "sessions-command", .situation = SITUATION_LIVE, .keys = ": text:ret"},
	{.name = "sessions-help", .situation = SITUATION_LIVE, .keys = "?"},
	{.name = "sessions-ascii", .situation = SITUATION_LIVE, .ascii = true},
	{.name = "sessions-mono", .situation = SITUATION_LIVE, .theme = "mono"},
	{.name = "sessions-light-read-only", .situation = SITUATION_LIVE, .theme = "light", .read_only = true},
	{.name = "sessions-safe-theme", .situation = SITUATION_ALL_SAFE, .theme = "safe"},
	{.name = "sessions-empty", .situation = SITUATION_EMPTY},
	{.name = "sessions-engine-gone", .situation = SITUATION_ENGINE_GONE},
	{.name = "sessions-cloud-lost", .situation = SITUATION_CLOUD_LOST, .keys = "w"},
	{.name = "sessions-journal-bad", .situation = SITUATION_JOURNAL_BAD},
	{.name = "sessions-journal-lost", .situation = SITUATION_JOURNAL_LOST},
	{.name = "sessions-disk-filling", .situation = SITUATION_DISK_FILLING},
	{.name = "sessions-hostile", .situation = SITUATION_HOSTILE},
	{.name = "session-uploading", .situation = SITUATION_LIVE, .detail = "20261120_134502", .keys = "Enter"},
	{.name = "session-held", .situation = SITUATION_LIVE, .detail = "20261120_124033", .keys = "Down Down Enter"},
	{.name = "session-files", .situation = SITUATION_LIVE, .detail = "20261120_134502", .keys = "Enter Tab Down"},
	{.name = "session-metadata", .situation = SITUATION_LIVE, .detail = "20261120_134502", .keys = "Enter Tab Tab"},
	{.name = "session-checks",
		.situation = SITUATION_LIVE,
		.detail = "20261120_124033",
		.keys = "Down Down Enter Tab Tab Tab"},
	{.name = "session-attempts",
		.situation = SITUATION_LIVE,
		.detail = "20261120_131110",
		.keys = "Down Enter Tab Tab Tab Tab Down"},
	{.name = "session-events",
		.situation = SITUATION_LIVE,
		.detail = "20261120_124033",
		.keys = "Down Down Enter Left"},
	{.name = "session-rejected",
		.situation = SITUATION_LIVE,
		.detail = "20261120_110000",
		.keys = "G Up Up Up Up Enter"},
	{.name = "session-waiting",
		.situation = SITUATION_LIVE,
		.detail = "20261120_123001",
		.keys = "Down Down Down Enter"},
	{.name = "session-hostile-files",
		.situation = SITUATION_HOSTILE,
		.detail = "20261120_134502",
		.keys = "Enter Tab Down Down"},
	{.name = "session-hostile-metadata",
		.situation = SITUATION_HOSTILE,
		.detail = "20261120_134502",
		.keys = "Enter Tab Tab"},
	{.name = "session-hostile-ascii",
		.situation = SITUATION_HOSTILE,
		.detail = "20261120_134502",
		.keys = "Enter Tab",
		.ascii = true},
	{.name = "session-not-read", .situation = SITUATION_LIVE, .keys = "Enter"},
	{.name = "session-engine-gone", .situation = SITUATION_ENGINE_GONE, .detail = "20261120_134502", .keys = "Enter"},
	{.name = "station-live", .situation = SITUATION_LIVE, .keys = "8"},
	{.name = "station-ascii", .situation = SITUATION_LIVE, .keys = "8", .ascii = true},
	{.name = "station-events", .situation = SITUATION_LIVE, .keys = "8 Tab Down"},
	{.name = "station-configuration", .situation = SITUATION_LIVE, .keys = "8 Tab Tab"},
	{.name = "station-fleet", .situation = SITUATION_LIVE, .keys = "8 Left"},
	{.name = "station-engine-gone", .situation = SITUATION_ENGINE_GONE, .keys = "8"},
	{.name = "station-cloud-lost", .situation = SITUATION_CLOUD_LOST, .keys = "8"},
	{.name = "station-disk-filling", .situation = SITUATION_DISK_FILLING, .keys = "8"},
	{.name = "station-nothing-known", .situation = SITUATION_JOURNAL_BAD, .keys = "8"},
	{.name = "handover", .situation = SITUATION_LIVE, .keys = "H"},
	{.name = "handover-mono", .situation = SITUATION_LIVE, .keys = "H", .theme = "mono"},
	{.name = "handover-journal-bad", .situation = SITUATION_JOURNAL_BAD, .keys = "H"},
};
static const int sizes[][2] = {{3, 20}, {12, 40}, {24, 80}, {50, 200}};

static void golden_size(const struct golden *g, int rows, int cols, struct buf *out) {
	const struct console_options o = {
		.rows = rows, .cols = cols, .theme = g->theme, .ascii = g->ascii, .read_only = g->read_only};
	struct console *c = console_open(&o);
	situation_make(g->situation, &c->app.model);
	if (g->detail) situation_detail(&c->app.model, g->detail);
	console_start(c);
	console_press(c, g->keys ? g->keys : "");
	buf_fmt(out, "=== %s, %dx%d\n", g->name, cols, rows);
	console_dump(c, out);
	situation_free(&c->app.model);
	console_close(c);
}

static void golden_case(const struct golden *g) {
	AUTO(buf_done) struct buf now = BUF_INIT(4 << 20), then = BUF_INIT(4 << 20);
	AUTO(xfree) char *path = xasprintf("%s/%s.txt", folder, g->name);
	const char *mode = getenv("HEADGATE_GOLDEN");
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) golden_size(g, sizes[i][0], sizes[i][1], &now);
	assert_true(buf_ok(&now));
	if (mode && strcmp(mode, "write") == 0) {
		if (file_write_atomic(path, buf_text(&now), now.len, 0644, &err)) fail_msg("%s", err.text);
		return;
	}
	if (file_read(path, 4 << 20, &then, &err)) fail_msg("%s (HEADGATE_GOLDEN=write makes it)", err.text);
	if (strcmp(buf_text(&now), buf_text(&then)) == 0) return;
	fail_msg("%s differs; what is drawn now:\n%s", path, buf_text(&now));
}

static void test_golden(void **state) { golden_case(*state); }

/* A screen that is added has its cases here, named "SCREEN-what" or "SCREEN". */
static void test_every_screen(void **state) {
	(void)state;
	for (size_t i = 0; screens[i]; i++) {
		size_t k = 0, n = strlen(screens[i]->name);
		while (k < ARRAY_LEN(goldens) &&
			   (strncmp(goldens[k].name, screens[i]->name, n) != 0 || !strchr("-", goldens[k].name[n])))
			k++;
		if (k == ARRAY_LEN(goldens)) fail_msg("no golden of the screen %s", screens[i]->name);
	}
}

int main(int argc, char **argv) {
	struct CMUnitTest tests[ARRAY_LEN(goldens) + 1];
	if (argc < 2) return 2;
	folder = argv[1];
	for (size_t i = 0; i < ARRAY_LEN(goldens); i++)
		tests[i] = (struct CMUnitTest){
			.name = goldens[i].name, .test_func = test_golden, .initial_state = (void *)(uintptr_t)&goldens[i]};
	tests[ARRAY_LEN(goldens)] = (struct CMUnitTest)cmocka_unit_test(test_every_screen);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
