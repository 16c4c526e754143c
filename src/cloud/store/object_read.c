/* SPDX-License-Identifier: MIT */
/* Reading and looking at objects, and moving one aside: a name leaves a bucket by object_aside alone, one at a time,
 * under its lock. Any thread. */
#include "cloud/store/objects_core.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define READ_BYTES (256 << 10)

static int place_read(const struct objects *o, const char *bucket, const struct place *p, int *ret_fd,
	int64_t *ret_size, struct error *err) {
	AUTO(fd_close) int fd = openat(p->dir_fd, p->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERR_NOT_FOUND, "there is no object under this key in %s", bucket);
	if (fd < 0 || fstat(fd, &st)) return objects_failed(err, errno, "open an object", o->dir);
	if (!S_ISREG(st.st_mode)) /* a pipe would be waited for without end */
		return error_set(
			err, ERR_DISK, "what lies in an object's place in %s/%s is no file: remove it", o->dir, bucket);
	*ret_size = st.st_size;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int object_open(
	struct objects *o, const char *bucket, const char *key, int *ret_fd, int64_t *ret_size, struct error *err) {
	AUTO(place_done) struct place p = {.dir_fd = -1};
	if (place_open(o, bucket, key, &p, err)) return -1;
	return place_read(o, bucket, &p, ret_fd, ret_size, err);
}

static int fd_digest(const struct objects *o, int fd, struct sha256 *ret, int64_t *ret_size, struct error *err) {
	AUTO(xfree) char *bytes = xcalloc(1, READ_BYTES);
	AUTO(digest_free) struct digest *d = digest_new();
	int64_t at = 0;
	for (;;) {
		ssize_t n = pread(fd, bytes, READ_BYTES, at);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return objects_failed(err, errno, "read an object", o->dir);
		if (!n) break;
		digest_add(d, bytes, (size_t)n);
		at += n;
	}
	digest_end(d, ret);
	*ret_size = at;
	return 0;
}

bool object_exists(const struct objects *o, const char *bucket, const char *key) {
	AUTO(place_done) struct place p = {.dir_fd = -1};
	struct error err;
	if (place_open(o, bucket, key, &p, &err)) return false;
	return place_taken(&p);
}

int object_sight(struct objects *o, const char *bucket, const char *key, struct object_sight *ret, struct error *err) {
	AUTO(place_done) struct place p = {.dir_fd = -1};
	struct stat st;
	*ret = (struct object_sight){0};
	if (place_open(o, bucket, key, &p, err)) return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (fstatat(p.dir_fd, p.name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : objects_failed(err, errno, "look at an object", o->dir);
	ret->size = S_ISREG(st.st_mode) ? st.st_size : -1;
	ret->hashed = arrivals_find(o->arrivals, objects_bucket(o, bucket), p.name, &st, &ret->digest, &ret->arrived);
	return 1;
}

/* sync: file and name are on the disk before the bytes are read. */
static int place_hash(struct objects *o, const char *bucket, const char *key, bool sync, int *ret_fd,
	struct object_sight *ret, struct error *err) {
	AUTO(place_done) struct place p = {.dir_fd = -1};
	AUTO(fd_close) int fd = -1;
	struct stat before, after;
	*ret = (struct object_sight){.hashed = true};
	if (place_open(o, bucket, key, &p, err) || place_read(o, bucket, &p, &fd, &ret->size, err)) return -1;
	if (sync && (fdatasync(fd) || fsync(p.dir_fd))) return objects_failed(err, errno, "sync an object", o->dir);
	if (fstat(fd, &before)) return objects_failed(err, errno, "look at an object", o->dir);
	if (fd_digest(o, fd, &ret->digest, &ret->size, err)) return -1;
	if (fstat(fd, &after)) return objects_failed(err, errno, "look at an object", o->dir);
	/* One that changed meanwhile is not remembered. */
	if (after.st_size == ret->size && after.st_ctim.tv_sec == before.st_ctim.tv_sec &&
		after.st_ctim.tv_nsec == before.st_ctim.tv_nsec)
		arrivals_add(o->arrivals, objects_bucket(o, bucket), p.name, &after, &ret->digest, false);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int object_read(
	struct objects *o, const char *bucket, const char *key, int *ret_fd, struct object_sight *ret, struct error *err) {
	return place_hash(o, bucket, key, false, ret_fd, ret, err);
}

int object_settle(
	struct objects *o, const char *bucket, const char *key, int *ret_fd, struct object_sight *ret, struct error *err) {
	return place_hash(o, bucket, key, true, ret_fd, ret, err);
}

/* Under the lock: a name is given to another file only after it was taken from this one, which happens here alone. */
static int aside_move(struct objects *o, const struct place *p, int fd, const char *to, struct error *err) {
	struct stat named, open_file;
	if (fstatat(p->dir_fd, p->name, &named, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : objects_failed(err, errno, "look at an object", o->dir);
	if (fd >= 0 && fstat(fd, &open_file)) return objects_failed(err, errno, "look at an object", o->dir);
	if (fd >= 0 && (named.st_ino != open_file.st_ino || named.st_dev != open_file.st_dev)) return 0;
	if (renameat(p->dir_fd, p->name, o->aside_fd, to) || fsync(o->aside_fd) || fsync(p->dir_fd))
		return objects_failed(err, errno, "move an object aside", o->dir);
	return 1;
}

int object_aside(
	struct objects *o, const char *bucket, const char *key, int fd, char ret_where[OBJECT_ASIDE], struct error *err) {
	AUTO(place_done) struct place p = {.dir_fd = -1};
	char random[9], to[OBJECT_ASIDE - sizeof OBJECTS_ASIDE_DIR];
	if (place_open(o, bucket, key, &p, err)) return err->code == ERR_NOT_FOUND ? 0 : -1;
	random_id(random, sizeof random);
	snprintf(to, sizeof to, "%s.%s.%s", bucket, p.name, random);
	pthread_mutex_lock(&o->aside_lock);
	int moved = aside_move(o, &p, fd, to, err);
	pthread_mutex_unlock(&o->aside_lock);
	if (moved > 0) snprintf(ret_where, OBJECT_ASIDE, OBJECTS_ASIDE_DIR "/%s", to);
	return moved;
}
