/* SPDX-License-Identifier: MIT */
/* The bytes of one file: digests, and whether an open one is still what was hashed. Blocking: in threads. */
#pragma once

#include "station/disk/scan.h"

/* Digests of one file: the whole and, above PART_SINGLE_MAX, each part, in one read. Fills sha256, parts, hashed and
 * the identity (size, mtime, ctime, inode) taken from the open descriptor before the first byte, compared after the
 * last: ERR_CHANGED when it moved, or when f's own size and mtime (if mtime_ns is set) are others. done_bytes (may be
 * NULL) grows as it reads. */
MUST_USE int file_hash(const char *root, const char *session, struct file_row *f, const atomic_bool *cancel,
	_Atomic int64_t *done_bytes, struct error *err);
/* Opens the file for sending and compares its identity with f; ERR_CHANGED. O_NOFOLLOW on every step below the root. */
MUST_USE int file_open_same(
	const char *root, const char *session, const struct file_row *f, int *ret_fd, struct error *err);
MUST_USE int file_still_same(int fd, const struct file_row *f, struct error *err);
