/* SPDX-License-Identifier: MIT */
/* Opening below a watch root, for scan.c, lease.c and hash.c: one openat a step, O_NOFOLLOW at each, so that a link
 * that appears between two looks leads nowhere. Any thread. */
#pragma once

#include <sys/stat.h>

#include "station/journal/rows.h"

/* The session's folder. ERR_NOT_FOUND, ERR_DISK; ERR_INPUT when it is a link or a file. */
MUST_USE int session_dir_open(const char *root, const char *session, int *ret_fd, struct error *err);
/* A file below an open folder by its '/'-separated relative name: the descriptor, or -1 with errno (ELOOP or ENOTDIR
 * when a step is a link or no folder). Never blocks on a FIFO. */
int open_below(int dir, const char *name);
/* "cannot read PATH: WORDS; MEND" by errno e, as ERR_NOT_FOUND or ERR_DISK; name "" is the session itself. */
int scan_error(struct error *err, int e, const char *root, const char *session, const char *name);
const char *scan_mend(int e); /* what to do about errno e */
/* Size, mtime, ctime and inode. */
void file_identity(const struct stat *st, struct file_row *f);
/* Opens one regular file of a session for reading, no link followed at any step below the root. ERR_NOT_FOUND,
 * ERR_DISK, ERR_CHANGED when the name is not that of a regular file (any more). */
MUST_USE int session_file_open(const char *root, const char *session, const char *name, int *ret_fd, struct error *err);
