/* SPDX-License-Identifier: MIT */
/* Files: bounded reads, durable writes, locks, walks, and what kind of file system a path is on. */
#pragma once

#include <sys/stat.h>

#include "base/buf.h"

MUST_USE int file_read(const char *path, size_t max, struct buf *out, struct error *err);
/* Temporary file, fsync, rename over path, fsync of the folder. */
MUST_USE int file_write_atomic(const char *path, const void *bytes, size_t n, mode_t mode, struct error *err);
/* The same without a sync, for what may be lost when the machine fails: it never waits for the disk. */
MUST_USE int file_write_brisk(const char *path, const void *bytes, size_t n, mode_t mode, struct error *err);
MUST_USE int file_mkdirs(const char *path, mode_t mode, struct error *err);
MUST_USE int file_sync_dir(const char *dir, struct error *err);
/* Gives path to the group, with this mode; ERR_CONFIG when there is no such group, ERR_DISK when it may not be given.
 */
MUST_USE int file_group(const char *path, const char *group, mode_t mode, struct error *err);
/* The account's name, "user 1000" when it has none; may ask a directory service. */
void user_name(char *to, size_t size, unsigned uid);
char *path_join(const char *a, const char *b); /* the caller frees */
char *path_expand(const char *path);		   /* leading ~ ; the caller frees */
/* Where a program keeps what it remembers for this user: $XDG_STATE_HOME/NAME, else ~/.local/state/NAME (XDG Base
 * Directory Specification); not absolute when there is no home. The caller frees. */
char *path_state_home(const char *name);
/* Takes an exclusive flock on path (created 0600, the holder's pid inside). ERR_BUSY names the holder's pid. The
 * descriptor holds the lock until it is closed, a crash included. */
MUST_USE int file_lock(const char *path, int *ret_fd, struct error *err);
/* Takes the name of a folder for this process, beside the lock in it, which goes when the folder is removed: the
 * kernel's memory alone holds it, for as long as the descriptor is open, against others of this user in this network
 * namespace. ERR_BUSY. -1 in *ret_fd, and success, where it is not to be had. */
MUST_USE int file_claim(const char *folder, int *ret_fd, struct error *err);
/* stat of what may lie on a file server that is gone: -1 with errno, ETIMEDOUT when there is no answer in time. */
MUST_USE int file_stat_within(const char *path, struct stat *ret, int64_t timeout_ms);
bool file_is_at(int fd, const char *path); /* the open file still stands there */
/* A folder of our own: ERR_CONFIG with the mend when others can write in it (its group may, with group_may), or when it
 * belongs to neither this user nor root. */
MUST_USE int file_folder_own(const char *path, bool group_may, struct error *err);
/* "ext4", "tmpfs", "nfs"…; local is false for network file systems, durable false for tmpfs and ramfs. */
struct file_system {
	const char *name;
	bool local, durable;
	int64_t free_bytes, total_bytes;
};
MUST_USE int file_system_of(const char *path, struct file_system *ret, struct error *err);
MUST_USE int file_write_all(int fd, const void *bytes, size_t n, const char *name, struct error *err);
MUST_USE int file_remove_tree(const char *path, struct error *err); /* never follows links */
