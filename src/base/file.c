/* SPDX-License-Identifier: MIT */
/* Files and folders: bounded reads, durable writes, locks. Any thread; every function here may wait for the disk. Kinds
 * of file systems are in file_system.c. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/text.h"

static enum error_code code_of(int e) { return e == ENOENT || e == ENOTDIR ? ERR_NOT_FOUND : ERR_DISK; }

int file_read(const char *path, size_t max, struct buf *out, struct error *err) {
	/* O_NONBLOCK: a FIFO under this name must not hang us. */
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0) return error_errno(err, code_of(errno), errno, "cannot read %s", path);
	if (!S_ISREG(st.st_mode)) return error_set(err, ERR_INPUT, "%s is not a regular file", path);
	AUTO(buf_done) struct buf all = BUF_INIT(MIN(max, out->max - out->len));
	char chunk[16384];
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return error_errno(err, ERR_DISK, errno, "cannot read %s", path);
		if (n == 0) break;
		buf_add(&all, chunk, (size_t)n);
		if (buf_check(&all, path, err)) return -1;
	}
	buf_add(out, all.data, all.len);
	return 0;
}

int file_write_all(int fd, const void *bytes, size_t n, const char *name, struct error *err) {
	const char *at = bytes;
	while (n) {
		ssize_t put = write(fd, at, n);
		if (put < 0 && errno == EINTR) continue;
		if (put < 0) return error_errno(err, ERR_DISK, errno, "cannot write %s", name);
		at += put;
		n -= (size_t)put;
	}
	return 0;
}

/* The folder of path; the caller frees. */
static char *parent_of(const char *path) {
	const char *slash = strrchr(path, '/');
	if (!slash) return xstrdup(".");
	return xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
}

int file_sync_dir(const char *dir, struct error *err) {
	AUTO(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0) return error_errno(err, code_of(errno), errno, "cannot sync the folder %s", dir);
	return 0;
}

static int write_whole(
	int fd, const void *bytes, size_t n, mode_t mode, bool sync, const char *path, struct error *err) {
	if (fchmod(fd, mode) != 0) return error_errno(err, ERR_DISK, errno, "cannot set the mode of %s", path);
	if (file_write_all(fd, bytes, n, path, err)) return -1;
	if (sync && fsync(fd) != 0) return error_errno(err, ERR_DISK, errno, "cannot sync %s", path);
	return 0;
}

static int write_replacing(const char *path, const void *bytes, size_t n, mode_t mode, bool sync, struct error *err) {
	AUTO(xfree) char *temporary = xasprintf("%s.XXXXXX", path);
	AUTO(fd_close) int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) return error_errno(err, code_of(errno), errno, "cannot write %s", path);
	int failed = write_whole(fd, bytes, n, mode, sync, path, err);
	if (!failed && rename(temporary, path) != 0)
		failed = error_errno(err, ERR_DISK, errno, "cannot put %s in its place", path);
	if (failed) {
		unlink(temporary);
		return -1;
	}
	AUTO(xfree) char *dir = parent_of(path);
	return sync ? file_sync_dir(dir, err) : 0;
}

int file_write_atomic(const char *path, const void *bytes, size_t n, mode_t mode, struct error *err) {
	return write_replacing(path, bytes, n, mode, true, err);
}

int file_write_brisk(const char *path, const void *bytes, size_t n, mode_t mode, struct error *err) {
	return write_replacing(path, bytes, n, mode, false, err);
}

int file_group(const char *path, const char *group, mode_t mode, struct error *err) {
	struct group entry, *found = NULL;
	struct stat st;
	char memory[4096];
	getgrnam_r(group, &entry, memory, sizeof memory, &found);
	if (!found) return error_set(err, ERR_CONFIG, "there is no group %s on this machine", group);
	/* as it is to be: then another may own it, as a reader does the -shm file of a journal that it was first to open */
	if (stat(path, &st) == 0 && st.st_gid == found->gr_gid && (st.st_mode & 07777) == mode) return 0;
	/* the mode last: a change of the group takes the set-group-ID bit away (chown(2)) */
	if (lchown(path, (uid_t)-1, found->gr_gid) || chmod(path, mode))
		return error_errno(err, ERR_DISK, errno,
			"cannot give %s to the group %s (who owns it and is in that group can: chgrp it)", path, group);
	return 0;
}

void user_name(char *to, size_t size, unsigned uid) {
	struct passwd entry, *found = NULL;
	char memory[4096];
	if (getpwuid_r(uid, &entry, memory, sizeof memory, &found) == 0 && found) snprintf(to, size, "%s", found->pw_name);
	else snprintf(to, size, "user %u", uid);
}

int file_mkdirs(const char *path, mode_t mode, struct error *err) {
	AUTO(xfree) char *part = xstrdup(path);
	for (char *at = part + (*part == '/');; at++) {
		if (*at && *at != '/') continue;
		char end = *at;
		*at = '\0';
		struct stat st;
		if (*part && mkdir(part, mode) != 0 && errno != EEXIST)
			return error_errno(err, ERR_DISK, errno, "cannot make the folder %s", part);
		if (*part && (stat(part, &st) != 0 || !S_ISDIR(st.st_mode)))
			return error_set(err, ERR_DISK, "%s is not a folder: move it away", part);
		if (!end) return 0;
		*at = end;
	}
}

char *path_join(const char *a, const char *b) {
	while (*b == '/' && *a) b++;
	if (!*a) return xstrdup(b);
	return xasprintf("%s%s%s", a, text_ends(a, "/") || !*b ? "" : "/", b);
}

char *path_expand(const char *path) {
	if (path[0] != '~' || (path[1] && path[1] != '/')) return xstrdup(path);
	const char *home = getenv("HOME");
	if (home && *home) return path_join(home, path + 1);
	struct passwd entry, *found = NULL;
	char text[4096];
	if (getpwuid_r(getuid(), &entry, text, sizeof text, &found) == 0 && found && found->pw_dir)
		return path_join(found->pw_dir, path + 1);
	return xstrdup(path);
}

char *path_state_home(const char *name) {
	const char *xdg = getenv("XDG_STATE_HOME");
	AUTO(xfree) char *state = xdg && *xdg == '/' ? xstrdup(xdg) : path_expand("~/.local/state");
	return path_join(state, name);
}

/* ERR_BUSY with the pid that stands in the file. */
static int lock_is_held(int fd, const char *path, struct error *err) {
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
	pid[MAX(n, 0)] = '\0';
	text_trim(pid);
	int64_t number = 0;
	if (text_to_i64(pid, 1, INT32_MAX, &number)) return error_set(err, ERR_BUSY, "%s is held by another process", path);
	return error_set(err, ERR_BUSY, "%s is held by process %d", path, (int)number);
}

int file_lock(const char *path, int *ret_fd, struct error *err) {
	AUTO(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) return error_errno(err, code_of(errno), errno, "cannot open the lock %s", path);
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EINTR) continue;
		if (errno == EWOULDBLOCK) return lock_is_held(fd, path, err);
		return error_errno(err, ERR_DISK, errno, "cannot lock %s", path);
	}
	char pid[16];
	int n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
	if (ftruncate(fd, 0) != 0) return error_errno(err, ERR_DISK, errno, "cannot write %s", path);
	if (file_write_all(fd, pid, (size_t)n, path, err)) return -1;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int file_folder_own(const char *path, bool group_may, struct error *err) {
	struct stat st;
	char owner[64], self[64];
	mode_t others = group_may ? S_IWOTH : S_IWOTH | S_IWGRP;
	if (stat(path, &st)) return error_errno(err, code_of(errno), errno, "cannot look at the folder %s", path);
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		user_name(owner, sizeof owner, st.st_uid);
		user_name(self, sizeof self, geteuid());
		return error_set(err, ERR_CONFIG,
			"the folder %s belongs to %s, who could change what %s keeps there: chown %s %s", path, owner, self, self,
			path);
	}
	if (st.st_mode & others)
		return error_set(err, ERR_CONFIG,
			"others can write in the folder %s, and so change what is kept there: chmod %s %s", path,
			group_may ? "o-w" : "go-w", path);
	return 0;
}

/* Another user's process may hold any name: that is none of ours. */
static bool claim_is_ours(const struct sockaddr_un *name, socklen_t size, int *ret_pid) {
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct ucred peer = {0};
	socklen_t n = sizeof peer;
	if (fd < 0 || connect(fd, (const struct sockaddr *)name, size)) return false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) || peer.uid != geteuid()) return false;
	*ret_pid = (int)peer.pid;
	return true;
}

int file_claim(const char *folder, int *ret_fd, struct error *err) {
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	AUTO(xfree) char *real = realpath(folder, NULL), *parent = real ? parent_of(real) : NULL;
	struct stat st;
	int pid = 0;
	*ret_fd = -1;
	if (!real || stat(parent, &st)) return 0;
	/* by the folder it lies in, whose numbers outlive it, and its name there; the first byte is 0: no file */
	struct sha256 sum;
	char hex[65];
	const char *base = strrchr(real, '/') + 1;
	sha256_of(base, strlen(base), &sum); /* of any length */
	sha256_hex(hex, &sum);
	int n = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "headgate:%u:%llx:%llx:%.32s", (unsigned)geteuid(),
		(unsigned long long)st.st_dev, (unsigned long long)st.st_ino, hex);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) return 0;
	if (bind(fd, (const struct sockaddr *)&name, size) == 0 && listen(fd, 8) == 0) {
		*ret_fd = TAKE_FD(fd);
		return 0;
	}
	if (errno != EADDRINUSE || !claim_is_ours(&name, size, &pid)) return 0;
	return error_set(err, ERR_BUSY,
		"process %d still works for the folder %s, which was removed under it; it ends within seconds, or end it", pid,
		folder);
}

bool file_is_at(int fd, const char *path) {
	struct stat open, there;
	if (fstat(fd, &open) || stat(path, &there)) return false;
	return open.st_dev == there.st_dev && open.st_ino == there.st_ino && there.st_nlink > 0;
}

#define TREE_DEPTH_MAX 200 /* descriptors are held on the way down */
static int remove_entry(int parent, const char *name, const char *path, int depth, struct error *err);

/* Empties the folder; takes fd. */
static int remove_entries(int fd, const char *path, int depth, struct error *err) {
	DIR *dir = fdopendir(fd);
	if (!dir) {
		fd_close(fd);
		return error_errno(err, ERR_DISK, errno, "cannot read the folder %s", path);
	}
	int failed = 0;
	const struct dirent *entry = NULL;
	while (!failed && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
		AUTO(xfree) char *inner = path_join(path, entry->d_name);
		failed = remove_entry(dirfd(dir), entry->d_name, inner, depth + 1, err);
	}
	closedir(dir);
	return failed;
}

/* Removes name in the folder parent; path is for error texts. */
static int remove_entry(int parent, const char *name, const char *path, int depth, struct error *err) {
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return 0;
	if (errno != EISDIR && errno != EPERM) return error_errno(err, ERR_DISK, errno, "cannot remove %s", path);
	if (depth > TREE_DEPTH_MAX) return error_set(err, ERR_DISK, "cannot remove %s: it is nested too deeply", path);
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) return error_errno(err, ERR_DISK, errno, "cannot remove %s", path);
	if (remove_entries(fd, path, depth, err)) return -1;
	if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		return error_errno(err, ERR_DISK, errno, "cannot remove %s", path);
	return 0;
}

int file_remove_tree(const char *path, struct error *err) { return remove_entry(AT_FDCWD, path, path, 0, err); }
