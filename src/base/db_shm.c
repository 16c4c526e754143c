/* SPDX-License-Identifier: MIT */
/* SQLite maps the index of its write-ahead log (the -shm file) into memory and grows it by one byte a page. Where the
 * file system's blocks are smaller than a page, or space is given only when it is written, the rest of such a page is a
 * hole, and a write to it on a full disk ends the process with SIGBUS. Each region is therefore written to, as the
 * kernel can do without a change of its content, as soon as it is mapped: no room for it is an error like any other.
 *
 * What is left (a kernel before 5.14, a file system that wants new space for each change, a disk that dies) ends the
 * process with a sentence instead of a signal: the journal survives both. Any thread. */
#include "base/db_shm.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static const sqlite3_io_methods *plain; /* SQLite's own for files on disk */
static sqlite3_io_methods guarded;		/* the same but for shm_map */

/* False: there is no room for it. */
static bool shm_fill(void *region, size_t size) {
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)region & ~(page - 1);
	size_t n = (uintptr_t)region + size - from;
	if (madvise((void *)from, n, MADV_POPULATE_WRITE) == 0) return true;
	return errno != EFAULT && errno != ENOMEM && errno != EHWPOISON; /* EINVAL: not writable, or an older kernel */
}

static int shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret) {
	int rc = plain->xShmMap(file, region, size, extend, ret);
	if (rc != SQLITE_OK || !*ret || shm_fill((void *)(uintptr_t)*ret, (size_t)size)) return rc;
	*ret = NULL; /* asked for again once there is room */
	return SQLITE_FULL;
}

/* --- the last line --- */

/* Only a mapped file that cannot be had gives this code. */
static void on_bus(int number, siginfo_t *info, void *context) {
	static const char words[] = ": a file that is mapped into memory cannot be read or written: its disk is full or "
								"failing; free some space on "
								"it or look at it, then start again: nothing that was recorded is lost\n";
	(void)context;
	if (info->si_code != BUS_ADRERR) {
		signal(number, SIG_DFL);
		raise(number);
		return;
	}
	const char *name = program_invocation_short_name;
	(void)!write(STDERR_FILENO, name, strlen(name));
	(void)!write(STDERR_FILENO, words, sizeof words - 1);
	_exit(error_classes[ERR_DISK].exit_status);
}

static void guard_init(void) {
	struct sigaction catch = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
	sigaction(SIGBUS, &catch, NULL);
}

void db_shm_guard(sqlite3 *handle) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	sqlite3_file *file = NULL;
	pthread_once(&once, guard_init);
	if (sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file) return;
	pthread_mutex_lock(&lock);
	if (!plain && file->pMethods && file->pMethods->iVersion >= 2) {
		plain = file->pMethods;
		guarded = *plain;
		guarded.xShmMap = shm_map;
	}
	if (plain && file->pMethods == plain) file->pMethods = &guarded;
	pthread_mutex_unlock(&lock);
}
