/* SPDX-License-Identifier: MIT */
/* The folder of the object store, its buckets, and where a key lies; the promises are in objects.h.
 *
 *   OBJECTS/<bucket>/<2 hex>/<sha256 of the key>   a whole object, 0444, never opened for writing again
 *   OBJECTS/.tmp/<random>                          a write under way, where O_TMPFILE is not to be had
 *   OBJECTS/.aside/<bucket>.<name>.<random>        what was found damaged; nothing here reads it again
 *
 * Any thread: of struct objects only the list of writes changes after objects_open, under its lock. A bucket's folder
 * that was removed is made again under the same number. */
#include "cloud/store/objects_core.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define TEMPORARY_DIR ".tmp"

/* A full disk is told from a broken one by its words; both are the operator's. */
int objects_failed(struct error *err, int e, const char *what, const char *dir) {
	const char *mend = e == ENOSPC || e == EDQUOT || e == EFBIG ? " (there is no room: free some space)" : "";
	return error_errno(err, ERR_DISK, e, "%s in the object store %s%s", what, dir, mend);
}

/* --- the folder --- */

void objects_close(struct objects *o) {
	if (!o) return;
	for (size_t i = 0; i < o->bucket_n; i++) {
		xfree(o->buckets[i].name);
		if (o->buckets[i].dir_fd >= 0) fd_close(o->buckets[i].dir_fd);
	}
	if (o->tmp_fd >= 0) fd_close(o->tmp_fd);
	if (o->aside_fd >= 0) fd_close(o->aside_fd);
	pthread_mutex_destroy(&o->aside_lock);
	pthread_mutex_destroy(&o->lock);
	arrivals_free(o->arrivals);
	xfree(o->dir);
	xfree(o);
}

/* Makes DIR/name durable and opens it. */
static int subdir_open(const char *dir, const char *name, int *ret_fd, struct error *err) {
	AUTO(xfree) char *path = path_join(dir, name);
	if (file_mkdirs(path, 0700, err) || file_sync_dir(dir, err)) return -1;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) return objects_failed(err, errno, "open a folder", path);
	*ret_fd = fd;
	return 0;
}

/* All 256 at once: made at need, a second writer could name an object in a folder that is not on the disk yet. */
static int folders_make(int bucket_fd, const char *bucket, struct error *err) {
	char folder[3];
	for (int i = 0; i < 256; i++) {
		snprintf(folder, sizeof folder, "%02x", (unsigned)i & 0xff);
		if (mkdirat(bucket_fd, folder, 0700) && errno != EEXIST)
			return objects_failed(err, errno, "make the folders of a bucket", bucket);
	}
	return fsync(bucket_fd) ? objects_failed(err, errno, "sync a bucket", bucket) : 0;
}

static int bucket_add(struct objects *o, const char *name, struct error *err) {
	if (o->bucket_n == BUCKETS_MAX || name[0] == '.' || strchr(name, '/'))
		return error_set(err, ERR_CONFIG, "\"%s\" cannot be a bucket of the object store %s", name, o->dir);
	struct bucket *b = &o->buckets[o->bucket_n++];
	*b = (struct bucket){.name = xstrdup(name), .dir_fd = -1};
	return subdir_open(o->dir, name, &b->dir_fd, err) ? -1 : folders_make(b->dir_fd, name, err);
}

/* A process that was killed leaves temporary names behind; those of one that lives are locked. */
static int temporaries_sweep(struct objects *o, struct error *err) {
	int fd = openat(o->tmp_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		int e = errno;
		if (fd >= 0) fd_close(fd);
		return objects_failed(err, e, "list temporary files", o->dir);
	}
	for (const struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.') continue;
		AUTO(fd_close) int file = openat(o->tmp_fd, e->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (file >= 0 && !flock(file, LOCK_EX | LOCK_NB)) unlinkat(o->tmp_fd, e->d_name, 0);
	}
	closedir(d);
	return 0;
}

const char *objects_fd_path(char to[32], int fd) {
	snprintf(to, 32, "/proc/self/fd/%d", fd);
	return to;
}

/* Whether a nameless file can be made here and reached through /proc: some network and stacked file systems make none,
 * and a container may lack /proc. */
static bool nameless_works(const struct objects *o) {
	char path[32];
	AUTO(fd_close) int fd = openat(o->tmp_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0400);
	return fd >= 0 && !access(objects_fd_path(path, fd), F_OK);
}

int objects_open(struct objects **ret, const char *dir, const char *const *buckets, struct error *err) {
	AUTO(objects_close) struct objects *o = xcalloc(1, sizeof *o);
	o->dir = xstrdup(dir);
	o->tmp_fd = o->aside_fd = -1;
	pthread_mutex_init(&o->aside_lock, NULL);
	pthread_mutex_init(&o->lock, NULL);
	LIST_INIT(&o->writes);
	o->arrivals = arrivals_new();
	if (file_mkdirs(dir, 0700, err) || subdir_open(dir, TEMPORARY_DIR, &o->tmp_fd, err) ||
		subdir_open(dir, OBJECTS_ASIDE_DIR, &o->aside_fd, err))
		return -1;
	for (; *buckets; buckets++)
		if (!objects_has_bucket(o, *buckets) && bucket_add(o, *buckets, err)) return -1;
	if (temporaries_sweep(o, err)) return -1;
	o->by_name = !nameless_works(o);
	*ret = TAKE(o);
	return 0;
}

void objects_keep_free(struct objects *o, int64_t bytes) { o->keep_free = bytes; }

const struct bucket *objects_bucket(const struct objects *o, const char *name) {
	for (size_t i = 0; i < o->bucket_n; i++)
		if (!strcmp(o->buckets[i].name, name)) return &o->buckets[i];
	return NULL;
}

/* One that was removed altogether is made again by the next write (bucket_again). */
int objects_bucket_in_place(const struct objects *o, const struct bucket *b, struct error *err) {
	AUTO(xfree) char *path = path_join(o->dir, b->name);
	struct stat st;
	if (file_is_at(b->dir_fd, path)) return 0;
	if (fstat(b->dir_fd, &st) == 0 && !st.st_nlink && access(path, F_OK)) return 0;
	return error_set(err, ERR_DISK,
		"the folder %s was moved or replaced while it was in use: put it back, or start headgate-cloud again", path);
}

int objects_in_place(const struct objects *o, struct error *err) {
	for (size_t i = 0; i < o->bucket_n; i++)
		if (objects_bucket_in_place(o, &o->buckets[i], err)) return -1;
	return 0;
}

bool objects_has_bucket(const struct objects *o, const char *bucket) { return objects_bucket(o, bucket); }

/* --- places --- */

int place_open(const struct objects *o, const char *bucket, const char *key, struct place *ret, struct error *err) {
	const struct bucket *b = objects_bucket(o, bucket);
	if (!b) return error_set(err, ERR_NOT_FOUND, "there is no bucket %s in the object store %s", bucket, o->dir);
	struct sha256 digest;
	sha256_of(key, strlen(key), &digest);
	sha256_hex(ret->name, &digest);
	ret->bucket = b;
	const char folder[3] = {ret->name[0], ret->name[1], 0};
	ret->dir_fd = openat(b->dir_fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (ret->dir_fd >= 0) return 0;
	if (errno == ENOENT) /* somebody removed it, and all that was in it */
		return error_set(err, ERR_NOT_FOUND, "the folder %s of the bucket %s is gone from the object store %s", folder,
			bucket, o->dir);
	return objects_failed(err, errno, "open a folder", o->dir);
}

void place_done(struct place *p) {
	if (p->dir_fd >= 0) fd_close(p->dir_fd);
}

bool place_taken(const struct place *p) { return !faccessat(p->dir_fd, p->name, F_OK, AT_SYMLINK_NOFOLLOW); }

/* --- folders that were removed --- */

/* The folder of a bucket that somebody removed while it was open: a new one takes its place, under the same number, so
 * that no thread has to hear of it. */
static int bucket_again(const struct objects *o, const struct bucket *b, struct error *err) {
	AUTO(fd_close) int fd = -1;
	struct stat st;
	if (fstat(b->dir_fd, &st)) return objects_failed(err, errno, "look at a bucket", o->dir);
	if (st.st_nlink) return 0;
	if (file_mkdirs(o->dir, 0700, err) || subdir_open(o->dir, b->name, &fd, err)) return -1;
	return dup3(fd, b->dir_fd, O_CLOEXEC) < 0 ? objects_failed(err, errno, "open a bucket", o->dir) : 0;
}

/* After a folder was not found: those that are missing are made again. */
int objects_folders_again(const struct objects *o, const char *bucket, struct error *err) {
	const struct bucket *b = objects_bucket(o, bucket);
	if (err->code != ERR_NOT_FOUND || !b || bucket_again(o, b, err)) return -1;
	return folders_make(b->dir_fd, bucket, err);
}
