/* SPDX-License-Identifier: MIT */
/* Snapshots, leases and digests over real folders: what a recorder, an operator or an attacker may leave there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "session/part.h"
#include "station/disk/hash.h"
#include "station/disk/lease.h"
#include "station/disk/scan.h"
#include "station/disk/path.h"

#define SESSION "20261120_134502"
#define NOBODY 65534

struct place {
	char root[64], session[96];
};

static int setup(void **state) {
	struct place *p = xcalloc(1, sizeof *p);
	snprintf(p->root, sizeof p->root, "/tmp/headgate-scan-XXXXXX");
	if (!mkdtemp(p->root)) return -1;
	chmod(p->root, 0755);
	snprintf(p->session, sizeof p->session, "%s/" SESSION, p->root);
	*state = p;
	return mkdir(p->session, 0755);
}

static int teardown(void **state) {
	struct place *p = *state;
	struct error err = ERROR_INIT;
	int failed = file_remove_tree(p->root, &err);
	if (failed) fprintf(stderr, "%s\n", err.text);
	free(p);
	return failed;
}

static char *at(const struct place *p, const char *name) {
	static char path[8192];
	snprintf(path, sizeof path, "%s/%s", p->session, name);
	return path;
}

static void put(const struct place *p, const char *name, const char *text) {
	int fd = open(at(p, name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void take(const struct place *p, struct snapshot *s) {
	struct error err = ERROR_INIT;
	if (snapshot_take(p->root, SESSION, NULL, NULL, s, &err)) fail_msg("%s", err.text);
}

/* --- snapshots --- */

static void lists_files_by_name_with_their_identity(void **state) {
	struct place *p = *state;
	assert_int_equal(mkdir(at(p, "sub"), 0755), 0);
	put(p, "sub/b.dat", "bb");
	put(p, "sub.dat", "ccc");
	put(p, "a b\xc3\xa9.dat", "a");
	AUTO(snapshot_done) struct snapshot s = {0};
	take(p, &s);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.files[0].name, "a b\xc3\xa9.dat");
	assert_string_equal(s.files[1].name, "sub.dat");
	assert_string_equal(s.files[2].name, "sub/b.dat");
	assert_int_equal(s.files[2].size, 2);
	assert_int_equal(s.bytes, 6);
	struct stat st;
	assert_int_equal(stat(at(p, "sub/b.dat"), &st), 0);
	assert_int_equal(s.files[2].inode, st.st_ino);
	assert_int_equal(s.files[2].mtime_ns, st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec);
	assert_int_equal(s.files[2].ctime_ns, st.st_ctim.tv_sec * 1000000000LL + st.st_ctim.tv_nsec);
	assert_in_range(s.newest_ms, clock_wall_ms() - 60000, clock_wall_ms());
	assert_false(s.files[2].hashed);
	assert_int_equal(s.bad_n, 0);
}

static void fingerprint_moves_with_names_sizes_and_mtimes(void **state) {
	struct place *p = *state;
	put(p, "a", "1");
	struct timespec when[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000}};
	assert_int_equal(utimensat(AT_FDCWD, at(p, "a"), when, 0), 0);
	struct snapshot s[5] = {0};
	take(p, &s[0]);
	assert_int_equal(strlen(s[0].fingerprint), 64);
	take(p, &s[1]);
	assert_string_equal(s[0].fingerprint, s[1].fingerprint);
	when[1].tv_nsec = 1;
	assert_int_equal(utimensat(AT_FDCWD, at(p, "a"), when, 0), 0);
	take(p, &s[2]);
	assert_string_not_equal(s[1].fingerprint, s[2].fingerprint);
	put(p, "b", "");
	take(p, &s[3]);
	assert_string_not_equal(s[2].fingerprint, s[3].fingerprint);
	assert_int_equal(mkfifo(at(p, "pipe"), 0600), 0);
	take(p, &s[4]);
	assert_string_not_equal(s[3].fingerprint, s[4].fingerprint);
	for (int i = 0; i < 5; i++) snapshot_done(&s[i]);
}

static void names_every_odd_kind_and_follows_no_link(void **state) {
	struct place *p = *state;
	put(p, "good.dat", "x");
	assert_int_equal(mkdir(at(p, "tmp"), 0755), 0);
	assert_int_equal(mkfifo(at(p, "tmp/pipe"), 0600), 0);
	assert_int_equal(symlink("../../etc/passwd", at(p, "out")), 0);
	assert_int_equal(symlink(".", at(p, "loop")), 0);
	assert_int_equal(symlink("/", at(p, "top")), 0);
	assert_int_equal(symlink("self", at(p, "self")), 0);
	AUTO(fd_close) int sock = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	assert_in_range(snprintf(name.sun_path, sizeof name.sun_path, "%s", at(p, "sock")), 1, sizeof name.sun_path - 1);
	assert_int_equal(bind(sock, (struct sockaddr *)&name, sizeof name), 0);
	AUTO(snapshot_done) struct snapshot s = {0};
	take(p, &s);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.files[0].name, "good.dat");
	const char *const bad[] = {"loop: link to .", "out: link to ../../etc/passwd", "self: link to self", "sock: socket",
		"tmp/pipe: FIFO", "top: link to /"};
	assert_int_equal(s.bad_n, ARRAY_LEN(bad));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) assert_string_equal(s.bad_kinds[i], bad[i]);
	assert_null(s.bad_kinds[s.bad_n]);
}

static void names_a_device(void **state) {
	struct place *p = *state;
	if (mknod(at(p, "null"), S_IFCHR | 0600, makedev(1, 3)) || mknod(at(p, "ram"), S_IFBLK | 0600, makedev(1, 0)))
		skip();
	AUTO(snapshot_done) struct snapshot s = {0};
	take(p, &s);
	assert_int_equal(s.bad_n, 2);
	assert_string_equal(s.bad_kinds[0], "null: character device");
	assert_string_equal(s.bad_kinds[1], "ram: block device");
}

static void an_error_says_what_where_and_the_mend(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	assert_int_equal(scan_error(&err, ENOENT, "/r", SESSION, ""), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "/r/" SESSION " is not there"));
	assert_int_equal(scan_error(&err, EACCES, "/r", SESSION, "a/b"), -1);
	assert_int_equal(err.code, ERR_DISK);
	assert_int_equal(err.os, EACCES);
	assert_non_null(strstr(err.text, "/r/" SESSION "/a/b: Permission denied; let the user"));
	assert_int_equal(scan_error(&err, EIO, "/r", SESSION, "a/b"), -1);
	assert_int_equal(err.code, ERR_DISK);
	assert_non_null(strstr(err.text, "look at the disk"));
}

static void keeps_names_that_the_check_will_refuse(void **state) {
	struct place *p = *state;
	put(p, "new\nline", "1");
	put(p, "bad\xff.dat", "2");
	put(p, "-rf", "3");
	put(p, "back\\slash", "4");
	AUTO(snapshot_done) struct snapshot s = {0};
	take(p, &s);
	assert_int_equal(s.n, 4);
	assert_string_equal(s.files[0].name, "-rf");
	assert_string_equal(s.files[2].name, "bad\xff.dat");
	assert_string_equal(s.files[3].name, "new\nline");
}

static void a_folder_that_is_gone_or_a_link_is_an_error(void **state) {
	struct place *p = *state;
	struct error err = ERROR_INIT;
	struct snapshot s = {.bytes = 7};
	assert_int_equal(snapshot_take(p->root, "20200101_000000", NULL, NULL, &s, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(snapshot_take("/nonexistent", SESSION, NULL, NULL, &s, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	char link[128];
	snprintf(link, sizeof link, "%s/20200102_000000", p->root);
	assert_int_equal(symlink(p->session, link), 0);
	assert_int_equal(snapshot_take(p->root, "20200102_000000", NULL, NULL, &s, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.text, "is a link"));
	assert_int_equal(s.bytes, 7);
}

static void depth_is_bounded(void **state) {
	struct place *p = *state;
	char deep[256] = "";
	for (int i = 0; i < SCAN_DEPTH_MAX; i++) {
		snprintf(deep + strlen(deep), sizeof deep - strlen(deep), "%sd%d", i ? "/" : "", i);
		assert_int_equal(mkdir(at(p, deep), 0755), 0);
	}
	size_t n = strlen(deep);
	snprintf(deep + n, sizeof deep - n, "/file");
	put(p, deep, "x");
	AUTO(snapshot_done) struct snapshot s = {0};
	take(p, &s);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.files[0].name, deep);
	AUTO(fd_close) int fd = -1;
	struct error err = ERROR_INIT;
	assert_int_equal(session_file_open(p->root, SESSION, deep, &fd, &err), 0);
	snprintf(deep + n, sizeof deep - n, "/too-deep");
	assert_int_equal(mkdir(at(p, deep), 0755), 0);
	struct snapshot none = {0};
	assert_int_equal(snapshot_take(p->root, SESSION, NULL, NULL, &none, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.text, "16 folders deep"));
}

static void ten_thousand_files_and_no_more(void **state) {
	struct place *p = *state;
	char name[32];
	for (int i = 0; i < SCAN_FILES_MAX; i++) {
		snprintf(name, sizeof name, "f%05d", i);
		AUTO(fd_close) int fd = open(at(p, name), O_WRONLY | O_CREAT, 0644);
		assert_true(fd >= 0);
	}
	AUTO(snapshot_done) struct snapshot s = {0};
	int64_t from = clock_mono_ms();
	take(p, &s);
	print_message("# a snapshot of %zu files took %lld ms\n", s.n, (long long)(clock_mono_ms() - from));
	assert_int_equal(s.n, SCAN_FILES_MAX);
	assert_string_equal(s.files[SCAN_FILES_MAX - 1].name, "f10000");
	put(p, "one-more", "");
	struct snapshot none = {0};
	struct error err = ERROR_INIT;
	assert_int_equal(snapshot_take(p->root, SESSION, NULL, NULL, &none, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.text, "more than 10001 files"));
}

static void a_snapshot_can_be_cancelled(void **state) {
	struct place *p = *state;
	put(p, "a", "");
	atomic_bool cancel = true;
	struct snapshot none = {0};
	struct error err = ERROR_INIT;
	assert_int_equal(snapshot_take(p->root, SESSION, NULL, &cancel, &none, &err), -1);
	assert_int_equal(err.code, ERR_CANCELLED);
}

/* --- roots --- */

static void a_root_lists_its_sessions_in_order(void **state) {
	struct place *p = *state;
	char path[128];
	const char *const folders[] = {"20261120_140000", "20210229_161221", "notes", "20261120_14000", "20261120-140001"};
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		snprintf(path, sizeof path, "%s/%s", p->root, folders[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	snprintf(path, sizeof path, "%s/20261120_150000", p->root);
	close(open(path, O_CREAT | O_WRONLY, 0644));
	snprintf(path, sizeof path, "%s/20261120_160000", p->root);
	assert_int_equal(symlink(p->session, path), 0);
	struct listed *names;
	size_t n;
	struct error err = ERROR_INIT;
	assert_int_equal(root_list(p->root, &names, &n, &err), 0);
	assert_int_equal(n, 5);
	assert_string_equal(names[0].name, "20210229_161221");
	assert_string_equal(names[1].name, SESSION);
	assert_string_equal(names[2].name, "20261120_140000");
	assert_string_equal(names[3].name, "20261120_150000"); /* a file: told, not forgotten */
	assert_string_equal(names[4].name, "20261120_160000");
	free(names);
	struct snapshot s;
	assert_int_equal(snapshot_take(p->root, "20261120_150000", NULL, NULL, &s, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.text, "is a file, and a session is a folder"));
	assert_int_equal(root_list("/nonexistent", &names, &n, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(root_list("/etc/passwd", &names, &n, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* --- leases --- */

static enum lease leases_of(const struct place *p, const struct snapshot *s) {
	char name[64] = "";
	return snapshot_leases(p->root, SESSION, s, name, sizeof name);
}

static enum lease leases(const struct place *p) {
	AUTO(snapshot_done) struct snapshot s = {0};
	take(p, &s);
	return leases_of(p, &s);
}

static void a_lease_tells_a_writer(void **state) {
	struct place *p = *state;
	lease_init();
	put(p, "a", "1");
	put(p, "b", "2");
	AUTO(snapshot_done) struct snapshot s = {0};
	take(p, &s);
	char name[64] = "";
	enum lease idle = snapshot_leases(p->root, SESSION, &s, name, sizeof name);
	if (idle == LEASE_UNKNOWN) skip(); /* this file system grants none */
	assert_int_equal(idle, LEASE_FREE);
	assert_int_equal(leases(p), LEASE_FREE);
	AUTO(fd_close) int reader = open(at(p, "b"), O_RDONLY);
	assert_true(reader >= 0);
	assert_int_equal(leases(p), LEASE_FREE);
	int writer = open(at(p, "b"), O_WRONLY | O_APPEND);
	assert_int_equal(leases(p), LEASE_WRITER);
	assert_int_equal(snapshot_leases(p->root, SESSION, &s, name, sizeof name), LEASE_WRITER);
	assert_string_equal(name, "b");
	close(writer);
	assert_int_equal(snapshot_leases(p->root, SESSION, &s, name, sizeof name), LEASE_FREE);
}

static void a_lease_that_cannot_be_had_is_unknown(void **state) {
	struct place *p = *state;
	put(p, "a", "1");
	AUTO(snapshot_done) struct snapshot s = {0};
	take(p, &s);
	assert_int_equal(unlink(at(p, "a")), 0);
	assert_int_equal(symlink("/etc/hostname", at(p, "a")), 0); /* a link took its place */
	assert_int_equal(leases_of(p, &s), LEASE_UNKNOWN);
	assert_int_equal(unlink(at(p, "a")), 0);
	char name[64] = "";
	assert_int_equal(snapshot_leases(p->root, SESSION, &s, name, sizeof name), LEASE_UNKNOWN);
	assert_string_equal(name, "a");
	assert_int_equal(snapshot_leases("/nonexistent", SESSION, &s, name, sizeof name), LEASE_UNKNOWN);
}

/* A recorder that opens the file while we hold the lease makes the kernel send SIGIO to us. */
static void a_broken_lease_does_not_end_the_process(void **state) {
	(void)state;
	lease_init();
	assert_int_equal(raise(SIGIO), 0);
}

/* --- digests --- */

static int hash(const struct place *p, struct file_row *f, struct error *err) {
	_Atomic int64_t done = 0;
	int r = file_hash(p->root, SESSION, f, NULL, &done, err);
	if (!r) assert_int_equal(done, f->size);
	return r;
}

static void digests_a_small_file(void **state) {
	struct place *p = *state;
	put(p, "abc", "abc");
	put(p, "empty", "");
	struct error err = ERROR_INIT;
	struct file_row f = {.name = xstrdup("abc")}, empty = {.name = xstrdup("empty")};
	assert_int_equal(hash(p, &f, &err), 0);
	char hex[SHA256_HEX];
	assert_string_equal(sha256_hex(hex, &f.sha256), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(f.hashed);
	assert_int_equal(f.part_n, 0);
	assert_null(f.parts);
	assert_int_equal(f.size, 3);
	assert_true(f.inode > 0 && f.mtime_ns > 0 && f.ctime_ns > 0);
	assert_int_equal(hash(p, &empty, &err), 0);
	assert_string_equal(
		sha256_hex(hex, &empty.sha256), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	file_row_done(&f);
	file_row_done(&empty);
}

/* Part digests against digests made apart, over sizes around the edges of a part. */
static void digests_the_parts_of_a_large_file(void **state) {
	struct place *p = *state;
	const int64_t sizes[] = {PART_SINGLE_MAX, PART_SINGLE_MAX + 1, 5 * PART_SIZE_LEAST, 5 * PART_SIZE_LEAST + 3};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO(fd_close) int fd = open(at(p, "large"), O_RDWR | O_CREAT | O_TRUNC, 0644);
		assert_int_equal(ftruncate(fd, sizes[i]), 0);
		for (int64_t off = 12345; off < sizes[i]; off += 4444444)
			assert_int_equal(pwrite(fd, "seed", 4, MIN(off, sizes[i] - 4)), 4);
		struct error err = ERROR_INIT;
		struct file_row f = {.name = xstrdup("large")};
		assert_int_equal(hash(p, &f, &err), 0);
		assert_int_equal(f.part_n, part_count(sizes[i]));
		char *bytes = xcalloc(1, (size_t)sizes[i]);
		assert_int_equal(pread(fd, bytes, (size_t)sizes[i], 0), sizes[i]);
		struct sha256 want;
		sha256_of(bytes, (size_t)sizes[i], &want);
		assert_true(sha256_equal(&want, &f.sha256));
		for (size_t k = 0; k < f.part_n; k++) {
			int64_t from = (int64_t)k * part_size(sizes[i]);
			sha256_of(bytes + from, (size_t)MIN(part_size(sizes[i]), sizes[i] - from), &want);
			assert_true(sha256_equal(&want, &f.parts[k]));
		}
		free(bytes);
		file_row_done(&f);
	}
}

static void a_sparse_file_of_5_gb_is_opened_and_can_be_cancelled(void **state) {
	struct place *p = *state;
	AUTO(fd_close) int fd = open(at(p, "sparse"), O_RDWR | O_CREAT, 0644);
	assert_int_equal(ftruncate(fd, 5LL << 30), 0);
	AUTO(snapshot_done) struct snapshot s = {0};
	take(p, &s);
	assert_int_equal(s.bytes, 5LL << 30);
	atomic_bool cancel = true;
	_Atomic int64_t done = 0;
	struct error err = ERROR_INIT;
	assert_int_equal(file_hash(p->root, SESSION, &s.files[0], &cancel, &done, &err), -1);
	assert_int_equal(err.code, ERR_CANCELLED);
	assert_int_equal(done, 0);
	assert_false(s.files[0].hashed);
}

/* Changes the file once the reader has read its first block; the reader must notice whatever the change is. */
struct meddler {
	const char *path;
	_Atomic int64_t done;
	int (*meddle)(const char *path);
	int result;
};

static void *meddler_main(void *arg) {
	struct meddler *m = arg;
	for (int64_t until = clock_mono_ms() + 20000; !m->done && clock_mono_ms() < until;) usleep(100);
	m->result = m->meddle(m->path);
	return NULL;
}

static int meddle_append(const char *path) {
	AUTO(fd_close) int fd = open(path, O_WRONLY | O_APPEND);
	return write(fd, "more", 4) == 4 ? 0 : -1;
}
static int meddle_truncate(const char *path) { return truncate(path, 3 << 20); }
static int meddle_in_place(const char *path) {
	AUTO(fd_close) int fd = open(path, O_WRONLY);
	return pwrite(fd, "x", 1, 5) == 1 ? 0 : -1;
}

static void a_file_that_moves_under_the_reader_is_told(void **state) {
	struct place *p = *state;
	int (*const meddles[])(const char *) = {meddle_append, meddle_truncate, meddle_in_place};
	for (size_t i = 0; i < ARRAY_LEN(meddles); i++) {
		int fd = open(at(p, "moving"), O_RDWR | O_CREAT | O_TRUNC, 0644);
		assert_int_equal(ftruncate(fd, 600 << 20), 0);
		close(fd);
		char path[128];
		snprintf(path, sizeof path, "%s", at(p, "moving"));
		struct meddler m = {.path = path, .meddle = meddles[i], .result = -1};
		pthread_t thread;
		assert_int_equal(pthread_create(&thread, NULL, meddler_main, &m), 0);
		struct file_row f = {.name = xstrdup("moving")};
		struct error err = ERROR_INIT;
		int r = file_hash(p->root, SESSION, &f, NULL, &m.done, &err);
		pthread_join(thread, NULL);
		assert_int_equal(m.result, 0);
		assert_int_equal(r, -1);
		assert_int_equal(err.code, ERR_CHANGED);
		assert_false(f.hashed);
		file_row_done(&f);
	}
}

static void a_file_that_changed_since_the_snapshot_is_told(void **state) {
	struct place *p = *state;
	put(p, "a", "one");
	AUTO(snapshot_done) struct snapshot s = {0};
	take(p, &s);
	put(p, "a", "three");
	struct error err = ERROR_INIT;
	assert_int_equal(hash(p, &s.files[0], &err), -1);
	assert_int_equal(err.code, ERR_CHANGED);
}

static void opening_for_sending_compares_the_identity(void **state) {
	struct place *p = *state;
	put(p, "a", "one");
	struct error err = ERROR_INIT;
	struct file_row f = {.name = xstrdup("a")};
	assert_int_equal(hash(p, &f, &err), 0);
	AUTO(fd_close) int fd = -1;
	assert_int_equal(file_open_same(p->root, SESSION, &f, &fd, &err), 0);
	assert_int_equal(file_still_same(fd, &f, &err), 0);
	/* The same size and mtime with other content: ctime tells. */
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	put(p, "a", "two");
	struct timespec when[2] = {st.st_atim, st.st_mtim};
	assert_int_equal(utimensat(AT_FDCWD, at(p, "a"), when, 0), 0);
	assert_int_equal(file_still_same(fd, &f, &err), -1);
	assert_int_equal(err.code, ERR_CHANGED);
	assert_non_null(strstr(err.text, "replaced"));
	int other = -1;
	assert_int_equal(file_open_same(p->root, SESSION, &f, &other, &err), -1);
	assert_int_equal(err.code, ERR_CHANGED);
	assert_int_equal(other, -1);
	/* Replaced by a link, by a FIFO, by nothing; a folder of its path replaced by a link. */
	assert_int_equal(unlink(at(p, "a")), 0);
	assert_int_equal(file_open_same(p->root, SESSION, &f, &other, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(symlink("/etc/passwd", at(p, "a")), 0);
	assert_int_equal(file_open_same(p->root, SESSION, &f, &other, &err), -1);
	assert_int_equal(err.code, ERR_CHANGED);
	assert_int_equal(unlink(at(p, "a")), 0);
	assert_int_equal(mkfifo(at(p, "a"), 0600), 0);
	assert_int_equal(file_open_same(p->root, SESSION, &f, &other, &err), -1);
	assert_int_equal(err.code, ERR_CHANGED);
	/* Even where the link leads to the very file. */
	put(p, "b", "three");
	assert_int_equal(unlink(at(p, "a")), 0);
	assert_int_equal(symlink("b", at(p, "a")), 0);
	assert_int_equal(session_file_open(p->root, SESSION, "a", &other, &err), -1);
	assert_int_equal(err.code, ERR_CHANGED);
	assert_int_equal(symlink("/etc", at(p, "dir")), 0);
	assert_int_equal(session_file_open(p->root, SESSION, "dir/passwd", &other, &err), -1);
	assert_int_equal(err.code, ERR_CHANGED);
	file_row_done(&f);
}

/* As nobody: root reads everything, and this test could not fail. */
static int unreadable_child(const struct place *p) {
	if (geteuid() == 0 && (setgid(NOBODY) || setuid(NOBODY))) return 10;
	struct error err = ERROR_INIT;
	struct file_row f = {.name = xstrdup("secret")};
	if (file_hash(p->root, SESSION, &f, NULL, NULL, &err) != -1) return 11;
	if (err.code != ERR_DISK || err.os != EACCES || !strstr(err.text, "let the user")) return 12;
	struct snapshot s = {0};
	if (snapshot_take(p->root, SESSION, NULL, NULL, &s, &err) != -1) return 13;
	if (err.code != ERR_DISK || !strstr(err.text, "closed")) return 14;
	struct listed *names;
	size_t n;
	char closed[128];
	snprintf(closed, sizeof closed, "%s/closed", p->session);
	if (root_list(closed, &names, &n, &err) != -1 || err.code != ERR_DISK) return 15;
	file_row_done(&f);
	return 0;
}

static void what_cannot_be_read_is_named_with_the_mend(void **state) {
	struct place *p = *state;
	put(p, "secret", "x");
	assert_int_equal(chmod(at(p, "secret"), 0), 0);
	assert_int_equal(mkdir(at(p, "closed"), 0), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) _exit(unreadable_child(p));
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(chmod(at(p, "closed"), 0700), 0);
}

#define SCAN_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		SCAN_TEST(lists_files_by_name_with_their_identity),
		SCAN_TEST(fingerprint_moves_with_names_sizes_and_mtimes),
		SCAN_TEST(names_every_odd_kind_and_follows_no_link),
		SCAN_TEST(names_a_device),
		SCAN_TEST(an_error_says_what_where_and_the_mend),
		SCAN_TEST(keeps_names_that_the_check_will_refuse),
		SCAN_TEST(a_folder_that_is_gone_or_a_link_is_an_error),
		SCAN_TEST(depth_is_bounded),
		SCAN_TEST(ten_thousand_files_and_no_more),
		SCAN_TEST(a_snapshot_can_be_cancelled),
		SCAN_TEST(a_root_lists_its_sessions_in_order),
		SCAN_TEST(a_lease_tells_a_writer),
		SCAN_TEST(a_lease_that_cannot_be_had_is_unknown),
		SCAN_TEST(a_broken_lease_does_not_end_the_process),
		SCAN_TEST(digests_a_small_file),
		SCAN_TEST(digests_the_parts_of_a_large_file),
		SCAN_TEST(a_sparse_file_of_5_gb_is_opened_and_can_be_cancelled),
		SCAN_TEST(a_file_that_moves_under_the_reader_is_told),
		SCAN_TEST(a_file_that_changed_since_the_snapshot_is_told),
		SCAN_TEST(opening_for_sending_compares_the_identity),
		SCAN_TEST(what_cannot_be_read_is_named_with_the_mend),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
