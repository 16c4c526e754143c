/* SPDX-License-Identifier: MIT */
/* Preloaded into a program, stands for a kernel that runs out of what inotify needs; the real limits belong to the
 * whole machine.
 *
 *   WATCH_LIMIT=N       after N watches there is no room for more (ENOSPC)
 *   WATCH_OVERFLOW=FILE while FILE exists, what is read is lost and IN_Q_OVERFLOW told instead */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static atomic_int queue = -1;
static atomic_long watches;

int inotify_init1(int flags) {
	int fd = REAL(inotify_init1)(flags);
	atomic_store(&queue, fd);
	return fd;
}

int inotify_add_watch(int fd, const char *path, uint32_t mask) {
	const char *limit = getenv("WATCH_LIMIT");
	if (limit && atomic_load(&watches) >= strtol(limit, NULL, 10)) return errno = ENOSPC, -1;
	int wd = REAL(inotify_add_watch)(fd, path, mask);
	if (wd >= 0) atomic_fetch_add(&watches, 1);
	return wd;
}

ssize_t read(int fd, void *to, size_t n) {
	const char *file = getenv("WATCH_OVERFLOW");
	ssize_t got = REAL(read)(fd, to, n);
	const struct inotify_event lost = {.wd = -1, .mask = IN_Q_OVERFLOW};
	if (fd != atomic_load(&queue) || got < (ssize_t)sizeof lost || !file || access(file, F_OK) != 0) return got;
	memcpy(to, &lost, sizeof lost);
	return sizeof lost;
}
