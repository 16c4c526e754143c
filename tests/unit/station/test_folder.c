/* SPDX-License-Identifier: MIT */
/* What is the matter with a watched folder, and what in it looks like a recording. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"
#include "station/disk/folder.h"
#include "station/run/folders.h"

static struct error why(int os) {
	struct error err = ERROR_INIT;
	if (os) error_errno(&err, os == ENOENT || os == ENOTDIR ? ERR_NOT_FOUND : ERR_DISK, os, "it fails");
	return err;
}

static void test_states(void **state) {
	(void)state;
	const struct {
		int os;
		size_t n;
		int64_t inode;
		struct folder_memory memory;
		bool may_be_empty;
		enum folder_state want;
	} rows[] = {
		{0, 3, 7, {0}, false, FOLDER_OK},
		{0, 0, 7, {0}, false, FOLDER_OK},
		{0, 0, 7, {.known = true, .inode = 7, .had = true}, false, FOLDER_OK}, /* a person moved them away */
		{0, 0, 8, {.known = true, .inode = 7, .had = true}, false,
			FOLDER_EMPTY}, /* another folder is mounted, or none */
		{0, 0, 8, {.known = true, .inode = 7, .had = true}, true, FOLDER_OK},
		{0, 0, 8, {.known = true, .inode = 7}, false, FOLDER_OK},
		{0, 1, 8, {.known = true, .inode = 7, .had = true}, false, FOLDER_OK},
		{ENOENT, 0, 0, {0}, false, FOLDER_WRONG}, /* never there */
		{ENOENT, 0, 0, {.known = true}, false, FOLDER_LOST},
		{ENOENT, 0, 0, {.had = true}, false, FOLDER_LOST}, /* an older journal */
		{ENOTDIR, 0, 0, {.known = true, .had = true}, false, FOLDER_WRONG},
		{EACCES, 0, 0, {0}, false, FOLDER_LOST},
		{EMFILE, 0, 0, {0}, true, FOLDER_LOST},
		{EIO, 0, 0, {.known = true}, false, FOLDER_LOST},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct error err = why(rows[i].os);
		const struct folder_listing l = {.n = rows[i].n, .inode = rows[i].inode};
		assert_int_equal(folder_judge(&err, &l, &rows[i].memory, rows[i].may_be_empty), rows[i].want);
	}
}

static void make(const char *name) {
	char path[512];
	struct error err = ERROR_INIT;
	snprintf(path, sizeof path, "%s/%s", scratch, name);
	assert_int_equal(file_mkdirs(path, 0755, &err), 0);
}

static const struct near_name *near_of(const struct folder_listing *l, const char *path) {
	for (size_t i = 0; i < l->near_n; i++)
		if (strcmp(l->near[i].path, path) == 0) return &l->near[i];
	return NULL;
}

static void test_near_names(void **state) {
	(void)state;
	static const struct {
		const char *path, *name; /* name NULL: nothing is said of it */
		bool deep;
		const char *why; /* there is no name */
	} rows[] = {
		{"20261120_124033Z", "", false, "is for another folder here"}, /* another one, before it, is to get that name */
		{"20261120T124034", "20261120_124034", false},
		{"2026-11-20_12-40-35", "20261120_124035", false},
		{"2026-11-20T12:40:36.123+0100", "20261120_124036", false},
		{"20261120_124037 (1)", "20261120_124037", false},
		{"20261120_124038 - Copy", "20261120_124038", false},
		{"rec_20261120124040", "20261120_124040", false},
		{"2026.11.20 12h41", "20261120_124100", false},
		{"subject7/20261120_124039", "20261120_124039", true},
		{"20261120/124300", "20261120_124300", true},
		{"2026-11-20/12-44-00", "20261120_124400", true},
		{"2026-11-20/1200 images", NULL, false},
		{"subject7/2026-11-20 12-42-00", "20261120_124200", true},
		{"20261120_124033 copy", "20261120_124033", false},
		{"20261120_150000_b", "", false, "is taken"}, /* a session has it */
		{"20261120_150000", NULL, false},
		{"a/b/20261120_124500", "20261120_124500", true}, /* two levels too deep */
		{"subject7/2026-11-20/12-46-00", "20261120_124600", true},
		{"a/b/c/20261120_124501", NULL, false},
		{"notes", NULL, false},
		{"2026-11-20", NULL, false},
		{"20269920_124033", NULL, false}, /* no date */
		{".20261120_124059.tmp", NULL, false},
		{"@20261120_124058", NULL, false},
		{"lost+found", NULL, false},
		{"serial-20261120124033998877665544332211009988", NULL, false},
	};
	struct config c = {0};
	struct error err = ERROR_INIT;
	struct folder_listing l;
	assert_int_equal(patterns_set(&c.ignore_folders, ".*, @*, lost+found", &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) make(rows[i].path);
	char file[256];
	static const char *const files[] = {"20261120_130000.zip", "20261120_150000.txt", "log 20261120_130001.txt"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) { /* the second belongs to a session, the third is no recording */
		snprintf(file, sizeof file, "%s/%s", scratch, files[i]);
		close(open(file, O_CREAT | O_WRONLY, 0644));
	}
	assert_int_equal(folder_list(&c, scratch, NULL, &l, &err), 0);
	assert_int_equal(l.n, 2);
	size_t want = 1;
	const struct near_name *zip = near_of(&l, files[0]);
	assert_true(zip && zip->kind == NEAR_FILE);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct near_name *n = near_of(&l, rows[i].path);
		if (rows[i].name && !n) fail_msg("nothing is said of %s", rows[i].path);
		if (!rows[i].name && n) fail_msg("%s is said to be %s", rows[i].path, n->name);
		if (!n) continue;
		want++;
		assert_string_equal(n->name, rows[i].name);
		assert_int_equal(n->kind, rows[i].deep ? NEAR_DEEP : NEAR_NAMED);
		char words[160];
		near_words(n, words, sizeof words);
		assert_non_null(strstr(words, *rows[i].name ? rows[i].name : "free"));
		if (rows[i].why) assert_non_null(strstr(words, rows[i].why));
	}
	assert_int_equal(l.near_all, want);
	folder_listing_done(&l);
	c.since = xstrdup("2026-11-21"); /* an old backlog is left alone, whatever it is called */
	assert_int_equal(folder_list(&c, scratch, NULL, &l, &err), 0);
	assert_int_equal(l.near_all, 0);
	folder_listing_done(&l);
	free(c.since);
	option_list_clear(&c.ignore_folders);
}

static void test_a_recording_that_is_watched_itself(void **state) {
	(void)state;
	struct config c = {0};
	struct error err = ERROR_INIT;
	struct folder_listing l;
	char path[256], words[160];
	make("itself/20261120_160000/sub");
	snprintf(path, sizeof path, "%s/itself/20261120_160000", scratch);
	assert_int_equal(folder_list(&c, path, NULL, &l, &err), 0);
	assert_true(l.n == 0 && l.near_all == 1 && l.near[0].kind == NEAR_WATCHED);
	near_words(&l.near[0], words, sizeof words);
	assert_non_null(strstr(words, "watch the folder it lies in"));
	folder_listing_done(&l);
	make("itself/20261120_160000/20261120_160001"); /* a folder of recordings that is called so */
	assert_int_equal(folder_list(&c, path, NULL, &l, &err), 0);
	assert_true(l.n == 1 && l.near_all == 0);
	folder_listing_done(&l);
}

/* A folder of other things costs no more than so many looks, and says that it was cut. */
static void test_bounded(void **state) {
	(void)state;
	struct config c = {0};
	struct error err = ERROR_INIT;
	struct folder_listing l;
	char path[64];
	for (int i = 0; i < NEAR_FOLDERS_MAX + 5; i++) {
		snprintf(path, sizeof path, "many/other-%03d", i);
		make(path);
	}
	for (int i = 0; i < NEAR_KEPT + 7; i++) {
		snprintf(path, sizeof path, "many/20261120T12%02d%02d", i / 60, i % 60);
		make(path);
	}
	char many[256];
	snprintf(many, sizeof many, "%s/many", scratch);
	assert_int_equal(folder_list(&c, many, NULL, &l, &err), 0);
	assert_true(l.near_cut);
	assert_int_equal(l.near_n, NEAR_KEPT);
	assert_int_equal(l.near_all, NEAR_KEPT + 7);
	folder_listing_done(&l);
}

/* Without a journal: every recording is new, and a folder that is not there is a mistake. */
static void test_looked_at_by_a_command(void **state) {
	(void)state;
	struct config c = {0};
	struct error err = ERROR_INIT;
	struct folders f;
	make("watch/20261120_150000");
	char there[256], gone[256];
	snprintf(there, sizeof there, "%s/watch", scratch);
	snprintf(gone, sizeof gone, "%s/nowhere", scratch);
	option_list_add(&c.watch, there);
	option_list_add(&c.watch, gone);
	assert_int_equal(folders_look(&c, NULL, 5000, &f, &err), 0);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.items[0].state, FOLDER_OK);
	assert_int_equal(f.items[0].strange, 1);
	assert_string_equal(f.items[0].first_strange, "20261120_150000");
	assert_int_equal(f.items[1].state, FOLDER_WRONG);
	assert_non_null(strstr(f.items[1].why.text, gone));
	assert_true(f.look.wrong == 1 && f.look.strange == 1 && f.look.lost == 0);
	folders_done(&f);
	option_list_clear(&c.watch);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_near_names),
		cmocka_unit_test(test_a_recording_that_is_watched_itself),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_looked_at_by_a_command),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
