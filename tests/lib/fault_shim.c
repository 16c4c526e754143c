/* SPDX-License-Identifier: MIT */
/* Preloaded into a program, makes the Nth of its changes to certain files fail: a full disk, an I/O error, or the
 * process's own death at exactly that point. Changes are write, pwrite, ftruncate, fsync, fdatasync and unlink of files
 * whose path contains FAULT_PATH.
 *
 *   FAULT_AT=N        the N-th change, from 1
 *   FAULT_FSTYPE=N    the file system that they are on says that it is of this kind
 *   FAULT_WHILE=FILE  every change while FILE exists
 *   FAULT_DO=kill     SIGKILL before it; torn: SIGKILL after half of it was written; ENOSPC, EIO: it fails, and with
 *                     FAULT_AT every later one too; slow: every sync takes FAULT_MS longer; stuck: no read
 *                     ever ends, as on a file server that is gone; hang: while FAULT_WHILE exists no call ends that
 *                     opens, reads, lists or looks at one; bad: every read of one fails then with EIO; glitch: the
 * FAULT_AT-th call that opens, reads, lists or looks at one fails with EIO, that one only, and then FILE is made */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static atomic_long changes;

static bool concerns(const char *path) {
	const char *wanted = getenv("FAULT_PATH");
	return wanted && strstr(path, wanted);
}

static bool fd_concerns(int fd) {
	char link[64], path[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	path[n < 0 ? 0 : n] = '\0';
	return n > 0 && concerns(path);
}

static bool does(const char *what) {
	const char *wanted = getenv("FAULT_DO");
	return wanted && strcmp(wanted, what) == 0;
}

static void die(void) {
	kill(getpid(), SIGKILL);
	for (;;) pause();
}

/* Counts one change: 0 to go on, 1 when it is to be torn, -1 with errno when it fails. */
static int change(void) {
	const char *at = getenv("FAULT_AT"), *present = getenv("FAULT_WHILE");
	long n = atomic_fetch_add(&changes, 1) + 1, wanted = at ? strtol(at, NULL, 10) : 0;
	if (present ? REAL(access)(present, F_OK) != 0 : !wanted || n < wanted) return 0;
	if (does("kill")) die();
	if (does("torn")) return 1;
	if (does("ENOSPC")) return errno = ENOSPC, -1;
	if (does("EIO")) return errno = EIO, -1;
	return 0;
}

/* Of what has no half. */
static bool change_fails(void) {
	int fault = change();
	if (fault > 0) die();
	return fault < 0;
}

static void sync_slowly(void) {
	const char *ms = getenv("FAULT_MS");
	if (does("slow") && ms) nanosleep(&(struct timespec){.tv_nsec = strtol(ms, NULL, 10) * 1000000L}, NULL);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) {
	int fault = fd_concerns(fd) ? change() : 0;
	if (fault < 0) return -1;
	ssize_t done = REAL(pwrite)(fd, bytes, fault ? n / 2 : n, at);
	if (fault) die();
	return done;
}

/* Meson asks for 64-bit offsets, which makes the names above those of pwrite64 and ftruncate64: the others too. */
ssize_t narrow_pwrite(int fd, const void *bytes, size_t n, off_t at) __asm__("pwrite");
ssize_t narrow_pwrite(int fd, const void *bytes, size_t n, off_t at) { return pwrite(fd, bytes, n, at); }

ssize_t write(int fd, const void *bytes, size_t n) {
	int fault = fd_concerns(fd) ? change() : 0;
	if (fault < 0) return -1;
	ssize_t done = REAL(write)(fd, bytes, fault ? n / 2 : n);
	if (fault) die();
	return done;
}

int ftruncate(int fd, off_t size) {
	if (fd_concerns(fd) && change_fails()) return -1;
	return REAL(ftruncate)(fd, size);
}

int narrow_ftruncate(int fd, off_t size) __asm__("ftruncate");
int narrow_ftruncate(int fd, off_t size) { return ftruncate(fd, size); }

int fsync(int fd) {
	if (fd_concerns(fd) && change_fails()) return -1;
	if (fd_concerns(fd)) sync_slowly();
	return REAL(fsync)(fd);
}

int fdatasync(int fd) {
	if (fd_concerns(fd) && change_fails()) return -1;
	if (fd_concerns(fd)) sync_slowly();
	return REAL(fdatasync)(fd);
}

int unlink(const char *path) {
	if (concerns(path) && change_fails()) return -1;
	return REAL(unlink)(path);
}

/* --- hang --- */

static bool hangs(void) {
	const char *present = getenv("FAULT_WHILE");
	int before = errno; /* readdir tells of its end by leaving it as it was */
	bool are = present && does("hang") && REAL(access)(present, F_OK) == 0;
	errno = before;
	return are;
}

static atomic_long calls;

/* Of a disk that fails once. */
static bool glitches(bool concerned) {
	const char *at = getenv("FAULT_AT"), *told = getenv("FAULT_WHILE");
	if (!concerned || !at || !does("glitch")) return false;
	if (atomic_fetch_add(&calls, 1) + 1 != strtol(at, NULL, 10)) return false;
	int fd = told ? REAL(open)(told, O_WRONLY | O_CREAT, 0600) : -1;
	if (fd >= 0) REAL(close)(fd);
	errno = EIO;
	return true;
}

static bool glitch_at(int dir, const char *path) {
	if (!does("glitch")) return false;
	return glitches(concerns(path) || (*path != '/' && fd_concerns(dir)));
}

static void hang_path(const char *path) {
	while (hangs() && concerns(path)) nanosleep(&(struct timespec){.tv_nsec = 20000000L}, NULL);
}

static void hang_fd(int fd) {
	while (hangs() && fd_concerns(fd)) nanosleep(&(struct timespec){.tv_nsec = 20000000L}, NULL);
}

static void hang_at(int dir, const char *path) {
	hang_path(path);
	if (*path != '/') hang_fd(dir);
}

#define MODE(flags) /* of open's last argument, when there is one */                                                   \
	va_list args;                                                                                                      \
	va_start(args, flags);                                                                                             \
	mode_t mode = (flags) & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;                                          \
	va_end(args)

int open(const char *path, int flags, ...) {
	MODE(flags);
	if (glitch_at(AT_FDCWD, path)) return -1;
	hang_path(path);
	return REAL(open)(path, flags, mode);
}

int narrow_open(const char *path, int flags, ...) __asm__("open");
int narrow_open(const char *path, int flags, ...) {
	MODE(flags);
	return open(path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...) {
	MODE(flags);
	if (glitch_at(dir, path)) return -1;
	hang_at(dir, path);
	return REAL(openat)(dir, path, flags, mode);
}

int narrow_openat(int dir, const char *path, int flags, ...) __asm__("openat");
int narrow_openat(int dir, const char *path, int flags, ...) {
	MODE(flags);
	return openat(dir, path, flags, mode);
}

DIR *opendir(const char *path) {
	if (glitch_at(AT_FDCWD, path)) return NULL;
	hang_path(path);
	return REAL(opendir)(path);
}

struct dirent *readdir(DIR *dir) {
	if (does("glitch") && glitches(fd_concerns(dirfd(dir)))) return NULL;
	hang_fd(dirfd(dir));
	return REAL(readdir)(dir);
}

int stat(const char *restrict path, struct stat *restrict to) {
	hang_path(path);
	return REAL(stat)(path, to);
}

int fstat(int fd, struct stat *to) {
	if (does("glitch") && glitches(fd_concerns(fd))) return -1;
	hang_fd(fd);
	return REAL(fstat)(fd, to);
}

int fstatat(int dir, const char *restrict path, struct stat *restrict to, int flags) {
	if (glitch_at(dir, path)) return -1;
	hang_at(dir, path);
	return REAL(fstatat)(dir, path, to, flags);
}

int statfs(const char *path, struct statfs *to) {
	hang_path(path);
	const char *type = getenv("FAULT_FSTYPE");
	int failed = REAL(statfs)(path, to);
	if (!failed && type && concerns(path)) to->f_type = strtol(type, NULL, 0);
	return failed;
}

int access(const char *path, int how) {
	hang_path(path);
	return REAL(access)(path, how);
}

int inotify_add_watch(int fd, const char *path, uint32_t mask) {
	hang_path(path);
	return REAL(inotify_add_watch)(fd, path, mask);
}

static bool is_bad(int fd) {
	const char *present = getenv("FAULT_WHILE");
	return present && does("bad") && fd_concerns(fd) && REAL(access)(present, F_OK) == 0;
}

ssize_t pread(int fd, void *to, size_t n, off_t at) {
	if (does("glitch") && glitches(fd_concerns(fd))) return -1;
	if (is_bad(fd)) return errno = EIO, -1;
	hang_fd(fd);
	return REAL(pread)(fd, to, n, at);
}

/* What is not in memory is not there: RWF_NOWAIT does not wait, here as elsewhere. */
ssize_t preadv2(int fd, const struct iovec *to, int n, off_t at, int flags) {
	if (does("glitch") && glitches(fd_concerns(fd))) return -1;
	if (is_bad(fd)) return errno = EIO, -1;
	if (hangs() && fd_concerns(fd) && flags & RWF_NOWAIT) return errno = EAGAIN, -1;
	hang_fd(fd);
	return REAL(preadv2)(fd, to, n, at, flags);
}

ssize_t read(int fd, void *to, size_t n) {
	while (does("stuck") && fd_concerns(fd)) pause();
	hang_fd(fd);
	return REAL(read)(fd, to, n);
}
