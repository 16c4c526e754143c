/* SPDX-License-Identifier: MIT */
/* base/file: bounded reads, atomic writes, locks that a crash releases, trees that are removed without following links.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../scratch.h"

static void must(int failed, const struct error *err) {
	if (failed) fail_msg("%s", err->text);
}

static void test_write_and_read(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(xfree) char *path = path_join(scratch, "a file");
	AUTO(buf_done) struct buf b = BUF_INIT(100);
	must(file_write_atomic(path, "one", 3, 0640, &err), &err);
	must(file_write_atomic(path, "a\0b\n", 4, 0600, &err), &err);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	must(file_read(path, 4, &b, &err), &err);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "a\0b\n", 4);
	must(file_read(path, 100, &b, &err), &err);
	assert_int_equal(b.len, 8); /* added to what is there */
	assert_int_equal(file_read(path, 3, &b, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_int_equal(b.len, 8);
}

static void test_reading_what_is_no_file(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(buf_done) struct buf b = BUF_INIT(100);
	AUTO(xfree) char *none = path_join(scratch, "none"), *fifo = path_join(scratch, "fifo");
	assert_int_equal(file_read(none, 10, &b, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(err.os, ENOENT);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(file_read(fifo, 10, &b, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_int_equal(file_read(scratch, 10, &b, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
}

static void test_failed_write_leaves_nothing(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(xfree) char *missing = path_join(scratch, "no/such/file");
	assert_int_equal(file_write_atomic(missing, "x", 1, 0600, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	/* a folder stands in its place: the temporary file must go again */
	AUTO(xfree) char *inner = path_join(scratch, "place/target"), *place = path_join(scratch, "place");
	must(file_mkdirs(inner, 0700, &err), &err);
	assert_int_equal(file_write_atomic(inner, "x", 1, 0600, &err), -1);
	assert_int_equal(rmdir(inner), 0);
	assert_int_equal(rmdir(place), 0); /* empty: nothing was left */
	/* a full disk */
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_int_equal(file_write_all(full, "x", 1, "/dev/full", &err), -1);
	assert_int_equal(err.os, ENOSPC);
	assert_string_equal(err.text, "cannot write /dev/full: No space left on device");
	close(full);
}

static void test_folders(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct stat st;
	AUTO(xfree) char *deep = path_join(scratch, "d1//d2/d3/"), *file = path_join(scratch, "plain");
	must(file_mkdirs(deep, 0700, &err), &err);
	must(file_mkdirs(deep, 0700, &err), &err);
	assert_int_equal(stat(deep, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	must(file_sync_dir(deep, &err), &err);
	must(file_write_atomic(file, "", 0, 0600, &err), &err);
	AUTO(xfree) char *under = path_join(file, "x");
	assert_int_equal(file_mkdirs(file, 0700, &err), -1);
	assert_int_equal(file_mkdirs(under, 0700, &err), -1);
	assert_int_equal(err.code, ERR_DISK);
	assert_int_equal(file_sync_dir(under, &err), -1);
	must(file_mkdirs("/", 0700, &err), &err);
}

static void test_paths(void **state) {
	(void)state;
	static const char *const rows[][3] = {{"/a", "b", "/a/b"}, {"/a/", "b", "/a/b"}, {"/a", "/b", "/a/b"},
		{"", "b", "b"}, {"", "/b", "/b"}, {"/", "b", "/b"}, {"a", "", "a"}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(xfree) char *path = path_join(rows[i][0], rows[i][1]);
		assert_string_equal(path, rows[i][2]);
	}
	AUTO(xfree) char *home = xstrdup(getenv("HOME"));
	setenv("HOME", "/home/x", 1);
	AUTO(xfree) char *a = path_expand("~"), *b = path_expand("~/y"), *c = path_expand("~z/y"), *d = path_expand("/~");
	assert_string_equal(a, "/home/x");
	assert_string_equal(b, "/home/x/y");
	assert_string_equal(c, "~z/y");
	assert_string_equal(d, "/~");
	unsetenv("HOME");
	AUTO(xfree) char *e = path_expand("~/y");
	assert_true(e[0] == '/'); /* from the user database */
	if (home) setenv("HOME", home, 1);
}

static void test_lock_is_exclusive_and_dies_with_its_holder(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(xfree) char *path = path_join(scratch, "lock");
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		int fd = -1;
		char ok = file_lock(path, &fd, &err) ? '0' : '1';
		if (write(ready[1], &ok, 1) != 1) _exit(1);
		pause();
		_exit(0);
	}
	char ok = 0;
	assert_int_equal(read(ready[0], &ok, 1), 1);
	assert_int_equal(ok, '1');
	int fd = -1;
	assert_int_equal(file_lock(path, &fd, &err), -1);
	assert_int_equal(err.code, ERR_BUSY);
	assert_int_equal(fd, -1);
	char words[64];
	snprintf(words, sizeof words, "held by process %d", (int)child);
	assert_non_null(strstr(err.text, words));
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	must(file_lock(path, &fd, &err), &err);
	/* in one process too: flock goes by open file */
	int second = -1;
	assert_int_equal(file_lock(path, &second, &err), -1);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(file_lock(path, &second, &err), -1);
	assert_non_null(strstr(err.text, "another process"));
	close(fd);
	close(ready[0]);
	close(ready[1]);
	AUTO(xfree) char *missing = path_join(scratch, "no/lock"), *link = path_join(scratch, "link");
	assert_int_equal(file_lock(missing, &fd, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(symlink("lock", link), 0);
	assert_int_equal(file_lock(link, &fd, &err), -1);
	assert_int_equal(err.code, ERR_DISK);
}

static void test_a_claim_outlives_its_folder(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(xfree) char *folder = path_join(scratch, "claimed");
	AUTO(xfree) char *beside = path_join(scratch, "claimed-too");
	int first = -1, second = -1, other = -1;
	must(file_mkdirs(folder, 0700, &err), &err);
	must(file_mkdirs(beside, 0700, &err), &err);
	must(file_claim(folder, &first, &err), &err);
	assert_true(first >= 0);
	assert_int_equal(rmdir(folder), 0);
	must(file_mkdirs(folder, 0700, &err), &err);
	assert_int_equal(file_claim(folder, &second, &err), -1);
	assert_int_equal(err.code, ERR_BUSY);
	assert_int_equal(second, -1);
	must(file_claim(beside, &other, &err), &err);
	assert_true(other >= 0);
	close(first);
	must(file_claim(folder, &second, &err), &err);
	assert_true(second >= 0);
	close(second);
	close(other);
}

static void test_a_file_that_is_replaced_is_another(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(xfree) char *path = path_join(scratch, "there");
	must(file_write_atomic(path, "1", 1, 0600, &err), &err);
	AUTO(fd_close) int fd = open(path, O_RDONLY);
	assert_true(file_is_at(fd, path));
	must(file_write_atomic(path, "1", 1, 0600, &err), &err);
	assert_false(file_is_at(fd, path));
	assert_int_equal(unlink(path), 0);
	assert_false(file_is_at(fd, path));
}

static void test_an_answer_in_time(void **state) {
	(void)state;
	struct stat st;
	assert_int_equal(file_stat_within(scratch, &st, 60000), 0);
	assert_true(S_ISDIR(st.st_mode));
	AUTO(xfree) char *none = path_join(scratch, "none");
	assert_int_equal(file_stat_within(none, &st, 60000), -1);
	assert_int_equal(errno, ENOENT);
}

static void test_trees_go_without_following_links(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(xfree) char *tree = path_join(scratch, "tree");
	AUTO(xfree) char *deep = path_join(scratch, "tree/a/b/c");
	AUTO(xfree) char *kept = path_join(scratch, "kept");
	AUTO(xfree) char *file = path_join(scratch, "kept/file");
	AUTO(xfree) char *link = path_join(scratch, "tree/a/link");
	AUTO(xfree) char *data = path_join(scratch, "tree/a/b/data");
	AUTO(xfree) char *root = path_join(scratch, "rootlink");
	must(file_mkdirs(deep, 0700, &err), &err);
	must(file_mkdirs(kept, 0700, &err), &err);
	must(file_write_atomic(file, "x", 1, 0600, &err), &err);
	must(file_write_atomic(data, "x", 1, 0600, &err), &err);
	assert_int_equal(symlink(kept, link), 0);
	assert_int_equal(symlink(kept, root), 0);
	must(file_remove_tree(tree, &err), &err);
	must(file_remove_tree(root, &err), &err);
	must(file_remove_tree(tree, &err), &err); /* gone already: fine */
	assert_int_equal(access(tree, F_OK), -1);
	assert_int_equal(access(file, F_OK), 0);
	assert_int_equal(file_remove_tree("/proc/self/status", &err), -1);
	assert_int_equal(err.code, ERR_DISK);
}

static void test_kinds_of_file_system(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct file_system fs = {0};
	must(file_system_of(scratch, &fs, &err), &err);
	assert_non_null(fs.name);
	assert_true(fs.total_bytes > 0 && fs.free_bytes >= 0 && fs.free_bytes <= fs.total_bytes);
	must(file_system_of("/dev/shm", &fs, &err), &err);
	assert_string_equal(fs.name, "tmpfs");
	assert_true(fs.local && !fs.durable);
	must(file_system_of("/proc", &fs, &err), &err);
	assert_string_equal(fs.name, "unknown");
	assert_int_equal(file_system_of("/no/such/path", &fs, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_and_read),
		cmocka_unit_test(test_reading_what_is_no_file),
		cmocka_unit_test(test_failed_write_leaves_nothing),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_lock_is_exclusive_and_dies_with_its_holder),
		cmocka_unit_test(test_a_claim_outlives_its_folder),
		cmocka_unit_test(test_a_file_that_is_replaced_is_another),
		cmocka_unit_test(test_an_answer_in_time),
		cmocka_unit_test(test_trees_go_without_following_links),
		cmocka_unit_test(test_kinds_of_file_system),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
