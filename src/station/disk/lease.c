/* SPDX-License-Identifier: MIT */
/* "Is somebody still writing this file?", asked by a read lease that is taken and released at once (fcntl(2),
 * F_SETLEASE). The kernel refuses one with EAGAIN while a descriptor is open for writing. It is held for microseconds:
 * a lease that is kept would block a recorder that opens the file. Thread pool.
 *
 * What a lease cannot tell is LEASE_UNKNOWN, never "free": other users' files without CAP_LEASE (EACCES), file systems
 * without leases (EINVAL, EOPNOTSUPP). The quiet period then decides alone. */
#include "station/disk/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "base/text.h"
#include "station/disk/path.h"

void lease_init(void) { signal(SIGIO, SIG_IGN); }

static enum lease lease_try(int fd) {
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
		fcntl(fd, F_SETLEASE, F_UNLCK);
		return LEASE_FREE;
	}
	return errno == EAGAIN ? LEASE_WRITER : LEASE_UNKNOWN;
}

enum lease snapshot_leases(
	const char *root, const char *session, const struct snapshot *s, char *ret_name, size_t size) {
	struct error ignored = ERROR_INIT;
	AUTO(fd_close) int dir = -1;
	if (session_dir_open(root, session, &dir, &ignored)) return LEASE_UNKNOWN;
	enum lease worst = LEASE_FREE;
	for (size_t i = 0; i < s->n; i++) {
		scan_beat();
		AUTO(fd_close) int fd = open_below(dir, s->files[i].name);
		enum lease l = fd < 0 ? LEASE_UNKNOWN : lease_try(fd);
		if (l == LEASE_FREE) continue;
		if (worst == LEASE_FREE || l == LEASE_WRITER) text_copy(ret_name, size, s->files[i].name);
		worst = l;
		if (l == LEASE_WRITER) break;
	}
	return worst;
}
