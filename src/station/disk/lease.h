/* SPDX-License-Identifier: MIT */
/* Is somebody writing a file? A read lease is refused while a writer has it open (fcntl(2), F_SETLEASE). Thread pool.
 */
#pragma once

#include "station/disk/scan.h"

/* A lease that is broken while we hold it sends SIGIO, whose default ends the process: ignores it. Once, at start. */
void lease_init(void);
enum lease { LEASE_FREE, LEASE_WRITER, LEASE_UNKNOWN };
/* Takes and at once releases a read lease on each file (F_SETLEASE); EAGAIN: a writer has it open. ret_name: the first
 * file with a writer, else the first that cannot be told. */
enum lease snapshot_leases(
	const char *root, const char *session, const struct snapshot *s, char *ret_name, size_t size);
