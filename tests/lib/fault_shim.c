/* SPDX-License-Identifier: MIT */
/* Preloaded into a program, makes the Nth of its changes to certain files fail: a full disk, an I/O error, or the
 * process's own death at exactly that point. Changes are write, pwrite, ftruncate, fsync, fdatasync and unlink of files
 * whose path contains FAULT_PATH.
 *
 *   FAULT_AT=N        the N-th change, from 1
 *   FAULT_WHILE=FILE  every change while FILE exists
 *   FAULT_DO=kill     SIGKILL before it; torn: SIGKILL after half of it was written; ENOSPC, EIO: it fails, and with
 *                     FAULT_AT every later one too; slow: every sync takes FAULT_MS longer; stuck: no read
 *                     ever ends, as on a file server that is gone */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

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
	if (present ? access(present, F_OK) != 0 : !wanted || n < wanted) return 0;
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

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

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

ssize_t read(int fd, void *to, size_t n) {
	while (does("stuck") && fd_concerns(fd)) pause();
	return REAL(read)(fd, to, n);
}
