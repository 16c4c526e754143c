/* SPDX-License-Identifier: MIT */
/* Object bytes in a folder; the promises are in objects.h, the measurements behind the order of calls in measured.md.
 *
 *   OBJECTS/<bucket>/<2 hex>/<sha256 of the key>   a whole object, 0444, never opened for writing again
 *   OBJECTS/.tmp/<random>                          a write under way, where O_TMPFILE is not to be had
 *   OBJECTS/.aside/<bucket>.<name>.<random>        what was found damaged; nothing here reads it again
 *
 * Invariant: a name below a bucket appears by linkat alone, after its bytes are on the disk; linkat never replaces.
 * A key has one write at a time, so that its room is taken once however many connections bring it; one that stands
 * still gives way to the next. Any thread: of struct objects only the list of writes changes after objects_open, under
 * its lock; a struct object_write belongs to one thread, what is marked so to the lock. A name leaves a
 * bucket by object_aside alone, one at a time. */
#include "cloud/store/objects.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/queue.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cloud/store/room.h"
#include "cloud/store/arrivals.h"

#define WRITE_BACK_BYTES (8LL << 20) /* measured.md: early write-back each 8 MB is the largest gain */
#define READ_BYTES (256 << 10)
/* What is written at once, at multiples of it: pages then come in large folios, at 0.6 of the kernel's time that pieces
 * of odd size cost (and a server's reads are of odd size). Room that is taken beforehand saves a further third. */
#define BLOCK_BYTES (64 << 10)
#define RESERVE_FROM_BYTES (1 << 20)
#define RESERVE_MOST_BYTES (64LL << 20) /* beyond what came */
#define STALL_MS 10000					/* a write that came no STALL_BYTES further in this time gives way */
#define STALL_BYTES (16 << 10)
#define TEMPORARY_DIR ".tmp"
#define TEMPORARY_NAME 25
#define ASIDE_DIR ".aside"
#define BUCKETS_MAX 16

struct bucket {
	char *name;
	int dir_fd;
};
struct objects {
	char *dir;
	int tmp_fd, aside_fd;
	pthread_mutex_t aside_lock;
	struct arrivals *arrivals;
	bool by_name; /* no O_TMPFILE, or no /proc to link it from */
	struct bucket buckets[BUCKETS_MAX];
	size_t bucket_n;
	int64_t keep_free;
	pthread_mutex_t lock;
	LIST_HEAD(, object_write) writes;
};

/* Where a key lies: the folder is open, the name is that of the file in it. */
struct place {
	const struct bucket *bucket;
	int dir_fd;
	char name[SHA256_HEX];
};

struct object_write {
	LIST_ENTRY(object_write) next; /* the lock's, while listed */
	bool listed;				   /* the lock's */
	atomic_bool replaced;		   /* another connection has the key now */
	_Atomic int64_t moved_ms;	   /* when it came STALL_BYTES further, monotonic */
	int64_t moved_at;			   /* received then */
	struct objects *objects;
	const struct bucket *bucket;
	struct place place;
	char temporary[TEMPORARY_NAME]; /* in .tmp, or "" */
	int fd;
	int64_t announced, received, written, written_back; /* received - written bytes stand in block */
	int64_t reserved;									/* room is taken up to here */
	bool reserves;										/* the file system can */
	struct digest *digest;
	char *block; /* BLOCK_BYTES; the beginning of the next one */
};

/* A full disk is told from a broken one by its words; both are the operator's. */
static int disk_failed(struct error *err, int e, const char *what, const char *dir) {
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
	if (fd < 0) return disk_failed(err, errno, "open a folder", path);
	*ret_fd = fd;
	return 0;
}

/* All 256 at once: made at need, a second writer could name an object in a folder that is not on the disk yet. */
static int folders_make(int bucket_fd, const char *bucket, struct error *err) {
	char folder[3];
	for (int i = 0; i < 256; i++) {
		snprintf(folder, sizeof folder, "%02x", (unsigned)i & 0xff);
		if (mkdirat(bucket_fd, folder, 0700) && errno != EEXIST)
			return disk_failed(err, errno, "make the folders of a bucket", bucket);
	}
	return fsync(bucket_fd) ? disk_failed(err, errno, "sync a bucket", bucket) : 0;
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
		return disk_failed(err, e, "list temporary files", o->dir);
	}
	for (const struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.') continue;
		AUTO(fd_close) int file = openat(o->tmp_fd, e->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (file >= 0 && !flock(file, LOCK_EX | LOCK_NB)) unlinkat(o->tmp_fd, e->d_name, 0);
	}
	closedir(d);
	return 0;
}

static const char *fd_path(char to[32], int fd) {
	snprintf(to, 32, "/proc/self/fd/%d", fd);
	return to;
}

/* Whether a nameless file can be made here and reached through /proc: some network and stacked file systems make none,
 * and a container may lack /proc. */
static bool nameless_works(const struct objects *o) {
	char path[32];
	AUTO(fd_close) int fd = openat(o->tmp_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0400);
	return fd >= 0 && !access(fd_path(path, fd), F_OK);
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
		subdir_open(dir, ASIDE_DIR, &o->aside_fd, err))
		return -1;
	for (; *buckets; buckets++)
		if (!objects_has_bucket(o, *buckets) && bucket_add(o, *buckets, err)) return -1;
	if (temporaries_sweep(o, err)) return -1;
	o->by_name = !nameless_works(o);
	*ret = TAKE(o);
	return 0;
}

void objects_keep_free(struct objects *o, int64_t bytes) { o->keep_free = bytes; }

void objects_use_names(struct objects *o) { o->by_name = true; }

static const struct bucket *bucket_of(const struct objects *o, const char *name) {
	for (size_t i = 0; i < o->bucket_n; i++)
		if (!strcmp(o->buckets[i].name, name)) return &o->buckets[i];
	return NULL;
}

/* One that was removed altogether is made again by the next write (bucket_again). */
static int bucket_in_place(const struct objects *o, const struct bucket *b, struct error *err) {
	AUTO(xfree) char *path = path_join(o->dir, b->name);
	struct stat st;
	if (file_is_at(b->dir_fd, path)) return 0;
	if (fstat(b->dir_fd, &st) == 0 && !st.st_nlink && access(path, F_OK)) return 0;
	return error_set(err, ERR_DISK,
		"the folder %s was moved or replaced while it was in use: put it back, or start headgate-cloud again", path);
}

int objects_in_place(const struct objects *o, struct error *err) {
	for (size_t i = 0; i < o->bucket_n; i++)
		if (bucket_in_place(o, &o->buckets[i], err)) return -1;
	return 0;
}

bool objects_has_bucket(const struct objects *o, const char *bucket) { return bucket_of(o, bucket); }

/* --- places --- */

static int place_open(
	const struct objects *o, const char *bucket, const char *key, struct place *ret, struct error *err) {
	const struct bucket *b = bucket_of(o, bucket);
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
	return disk_failed(err, errno, "open a folder", o->dir);
}

static void place_done(struct place *p) {
	if (p->dir_fd >= 0) fd_close(p->dir_fd);
}
DEFINE_AUTO_VAL(struct place, place_done)

static bool place_taken(const struct place *p) { return !faccessat(p->dir_fd, p->name, F_OK, AT_SYMLINK_NOFOLLOW); }

static int taken(struct error *err, const char *bucket) {
	return error_set(err, ERR_EXISTS, "an object is stored under this key in %s already, and stays as it is", bucket);
}

/* --- writing --- */

/* The folder of a bucket that somebody removed while it was open: a new one takes its place, under the same number, so
 * that no thread has to hear of it. */
static int bucket_again(const struct objects *o, const struct bucket *b, struct error *err) {
	AUTO(fd_close) int fd = -1;
	struct stat st;
	if (fstat(b->dir_fd, &st)) return disk_failed(err, errno, "look at a bucket", o->dir);
	if (st.st_nlink) return 0;
	if (file_mkdirs(o->dir, 0700, err) || subdir_open(o->dir, b->name, &fd, err)) return -1;
	return dup3(fd, b->dir_fd, O_CLOEXEC) < 0 ? disk_failed(err, errno, "open a bucket", o->dir) : 0;
}

/* After a folder was not found: those that are missing are made again. */
static int folders_again(const struct objects *o, const char *bucket, struct error *err) {
	const struct bucket *b = bucket_of(o, bucket);
	if (err->code != ERR_NOT_FOUND || !b || bucket_again(o, b, err)) return -1;
	return folders_make(b->dir_fd, bucket, err);
}

static int nameless_open(struct object_write *w, struct error *err) {
	w->fd = openat(w->place.dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0444);
	return w->fd < 0 ? disk_failed(err, errno, "make a temporary file", w->objects->dir) : 0;
}

static int named_open(struct object_write *w, struct error *err) {
	random_id(w->temporary, sizeof w->temporary);
	w->fd = openat(w->objects->tmp_fd, w->temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
	if (w->fd < 0) w->temporary[0] = 0;
	if (w->fd < 0 || flock(w->fd, LOCK_EX)) return disk_failed(err, errno, "make a temporary file", w->objects->dir);
	return 0;
}

/* Refuses at once what cannot fit: a body of gigabytes need not be sent to learn it. */
static int room_take(const struct object_write *w, struct error *err) {
	int64_t free_bytes, floor;
	if (disk_room_at(w->fd, w->objects->keep_free, &free_bytes, &floor))
		return disk_failed(err, errno, "ask for free space", w->objects->dir);
	if (w->announced > free_bytes - floor) return disk_failed(err, ENOSPC, "store an object", w->objects->dir);
	return 0;
}

/* Room is taken ahead of the bytes, as much again as has come: who announces much and sends little holds little. */
static int room_ahead(struct object_write *w, struct error *err) {
	int64_t free_bytes, floor;
	if (!w->reserves || w->written < RESERVE_FROM_BYTES || w->reserved > w->written || w->reserved == w->announced)
		return 0;
	int64_t to = MIN(w->announced, w->written + MIN(w->written, RESERVE_MOST_BYTES));
	if (disk_room_at(w->fd, w->objects->keep_free, &free_bytes, &floor))
		return disk_failed(err, errno, "ask for free space", w->objects->dir);
	if (to - w->written > free_bytes - floor) return disk_failed(err, ENOSPC, "store an object", w->objects->dir);
	if (!fallocate(w->fd, FALLOC_FL_KEEP_SIZE, w->written, to - w->written)) w->reserved = to;
	else if (errno == ENOSPC || errno == EDQUOT) return disk_failed(err, errno, "store an object", w->objects->dir);
	else w->reserves = false; /* some file systems cannot; then it is only slower */
	return 0;
}

/* --- one write a key --- */

static struct object_write *write_of(const struct objects *o, const struct place *place) {
	struct object_write *w;
	LIST_FOREACH(w, &o->writes, next)
	if (strcmp(w->place.name, place->name) == 0 && w->place.bucket == place->bucket) return w;
	return NULL;
}

/* Called with the lock. Its room is free at once; its own connection learns of it at its next bytes. */
static void write_replace(struct object_write *w) {
	LIST_REMOVE(w, next);
	w->listed = false;
	atomic_store(&w->replaced, true);
	(void)!ftruncate(w->fd, 0);
}

static int write_enter(struct object_write *w, struct error *err) {
	struct objects *o = w->objects;
	int64_t now_ms = clock_mono_ms();
	atomic_store(&w->moved_ms, now_ms);
	pthread_mutex_lock(&o->lock);
	struct object_write *other = write_of(o, &w->place);
	bool busy = other && now_ms - atomic_load(&other->moved_ms) < STALL_MS;
	if (!busy) {
		if (other) write_replace(other);
		LIST_INSERT_HEAD(&o->writes, w, next);
		w->listed = true;
	}
	pthread_mutex_unlock(&o->lock);
	return busy ? error_set(err, ERR_CONFLICT, "another connection is sending this object now: wait for it") : 0;
}

static void write_leave(struct object_write *w) {
	pthread_mutex_lock(&w->objects->lock);
	if (w->listed) LIST_REMOVE(w, next);
	w->listed = false;
	pthread_mutex_unlock(&w->objects->lock);
}

static int write_check(const struct object_write *w, struct error *err) {
	if (!atomic_load(&w->replaced)) return 0;
	return error_set(err, ERR_CONFLICT, "another connection sends this object now, as this one stood still");
}

/* All of it is here: from now on it gives way to nobody, however long the disk takes. */
static int write_hold(struct object_write *w, struct error *err) {
	pthread_mutex_lock(&w->objects->lock);
	atomic_store(&w->moved_ms, INT64_MAX / 2);
	pthread_mutex_unlock(&w->objects->lock);
	return write_check(w, err);
}

static void write_moved(struct object_write *w) {
	if (w->received - w->moved_at < STALL_BYTES) return;
	w->moved_at = w->received;
	atomic_store(&w->moved_ms, clock_mono_ms());
}

int object_begin(struct objects *o, const char *bucket, const char *key, int64_t size, struct object_write **ret,
	struct error *err) {
	AUTO(object_abort) struct object_write *w = xcalloc(1, sizeof *w);
	*w = (struct object_write){.objects = o, .place.dir_fd = -1, .fd = -1, .announced = size, .reserves = true};
	if (size < 0) return error_set(err, ERR_INPUT, "an object cannot have %lld bytes", (long long)size);
	if (place_open(o, bucket, key, &w->place, err) &&
		(folders_again(o, bucket, err) || place_open(o, bucket, key, &w->place, err)))
		return -1;
	w->bucket = bucket_of(o, bucket);
	if (bucket_in_place(o, w->bucket, err)) return -1;
	if (place_taken(&w->place)) return taken(err, bucket);
	if ((o->by_name ? named_open : nameless_open)(w, err) || write_enter(w, err) || room_take(w, err)) return -1;
	w->digest = digest_new();
	w->block = xcalloc(1, BLOCK_BYTES);
	*ret = TAKE(w);
	return 0;
}

/* Writes what stands in the block and n further bytes. */
static int block_write(struct object_write *w, const char *bytes, size_t n, struct error *err) {
	struct iovec parts[] = {{w->block, (size_t)(w->received - w->written)}, {(char *)(uintptr_t)bytes, n}};
	for (size_t i = 0; i < ARRAY_LEN(parts);) {
		ssize_t wrote = parts[i].iov_len ? writev(w->fd, parts + i, (int)(ARRAY_LEN(parts) - i)) : 0;
		if (wrote < 0 && errno == EINTR) continue;
		if (wrote < 0 || (!wrote && parts[i].iov_len))
			return disk_failed(err, wrote ? errno : ENOSPC, "write an object", w->objects->dir);
		w->written += wrote;
		for (; i < ARRAY_LEN(parts) && (size_t)wrote >= parts[i].iov_len; i++) wrote -= (ssize_t)parts[i].iov_len;
		if (i == ARRAY_LEN(parts)) break;
		parts[i].iov_base = (char *)parts[i].iov_base + wrote;
		parts[i].iov_len -= (size_t)wrote;
	}
	return 0;
}

int object_append(struct object_write *w, const void *bytes, size_t n, struct error *err) {
	if (write_check(w, err)) return -1;
	if ((int64_t)n > w->announced - w->received)
		return error_set(
			err, ERR_INPUT, "the body is longer than the %lld bytes it was announced with", (long long)w->announced);
	size_t kept = (size_t)(w->received - w->written), now = (kept + n) / BLOCK_BYTES * BLOCK_BYTES;
	digest_add(w->digest, bytes, n);
	if (now) {
		now -= kept;
		if (room_ahead(w, err) || block_write(w, bytes, now, err)) return -1;
		w->received += (int64_t)now;
		kept = 0;
	}
	memcpy(w->block + kept, (const char *)bytes + now, n - now);
	w->received += (int64_t)(n - now);
	write_moved(w);
	if (w->written - w->written_back < WRITE_BACK_BYTES) return 0;
	/* A hint: what it could not do, fdatasync does or reports. */
	(void)sync_file_range(w->fd, w->written_back, w->written - w->written_back, SYNC_FILE_RANGE_WRITE);
	w->written_back = w->written;
	return 0;
}

static int bytes_check(
	struct object_write *w, const struct sha256 *expect, struct sha256 *ret_digest, struct error *err) {
	if (w->received != w->announced)
		return error_set(err, ERR_INPUT, "the body ended after %lld of the %lld bytes it was announced with",
			(long long)w->received, (long long)w->announced);
	digest_end(w->digest, ret_digest);
	if (!expect || sha256_equal(expect, ret_digest)) return 0;
	char wanted[SHA256_BASE64], got[SHA256_BASE64];
	return error_set(err, ERR_CHECKSUM, "the bytes that arrived have the SHA-256 %s instead of %s: send them again",
		sha256_base64(got, ret_digest), sha256_base64(wanted, expect));
}

/* Gives the file its name, which no other write of the same key can take as well. */
static int place_link(const struct object_write *w) {
	char path[32];
	if (w->temporary[0]) return linkat(w->objects->tmp_fd, w->temporary, w->place.dir_fd, w->place.name, 0);
	return linkat(AT_FDCWD, fd_path(path, w->fd), w->place.dir_fd, w->place.name, AT_SYMLINK_FOLLOW);
}

static int object_finish(
	struct object_write *w, const struct sha256 *expect, struct sha256 *ret_digest, struct error *err) {
	if (write_check(w, err) || bytes_check(w, expect, ret_digest, err) || block_write(w, NULL, 0, err)) return -1;
	if (write_hold(w, err)) return -1;
	if (fdatasync(w->fd)) return disk_failed(err, errno, "sync an object", w->objects->dir);
	if (place_link(w))
		return errno == EEXIST ? taken(err, "its bucket") : disk_failed(err, errno, "name an object", w->objects->dir);
	struct stat st;
	if (fstat(w->fd, &st)) return disk_failed(err, errno, "look at an object", w->objects->dir);
	arrivals_add(w->objects->arrivals, w->bucket, w->place.name, &st, ret_digest, true);
	if (fsync(w->place.dir_fd)) return disk_failed(err, errno, "sync a folder", w->objects->dir);
	return 0;
}

int object_commit(struct object_write *write, const struct sha256 *expect, struct sha256 *ret, struct error *err) {
	AUTO(object_abort) struct object_write *w = write;
	struct sha256 digest;
	if (object_finish(w, expect, &digest, err)) return -1;
	if (ret) *ret = digest;
	return 0;
}

void object_abort(struct object_write *w) {
	if (!w) return;
	write_leave(w);
	if (w->temporary[0]) unlinkat(w->objects->tmp_fd, w->temporary, 0);
	if (w->fd >= 0) fd_close(w->fd);
	place_done(&w->place);
	digest_free(w->digest);
	xfree(w->block);
	xfree(w);
}

/* --- reading --- */

static int place_read(const struct objects *o, const char *bucket, const struct place *p, int *ret_fd,
	int64_t *ret_size, struct error *err) {
	AUTO(fd_close) int fd = openat(p->dir_fd, p->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERR_NOT_FOUND, "there is no object under this key in %s", bucket);
	if (fd < 0 || fstat(fd, &st)) return disk_failed(err, errno, "open an object", o->dir);
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
		if (n < 0) return disk_failed(err, errno, "read an object", o->dir);
		if (!n) break;
		digest_add(d, bytes, (size_t)n);
		at += n;
	}
	digest_end(d, ret);
	*ret_size = at;
	return 0;
}

int object_digest(
	struct objects *o, const char *bucket, const char *key, struct sha256 *ret, int64_t *ret_size, struct error *err) {
	AUTO(fd_close) int fd = -1;
	int64_t size;
	if (object_open(o, bucket, key, &fd, &size, err)) return -1;
	return fd_digest(o, fd, ret, ret_size, err);
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
		return errno == ENOENT ? 0 : disk_failed(err, errno, "look at an object", o->dir);
	ret->size = S_ISREG(st.st_mode) ? st.st_size : -1;
	ret->hashed = arrivals_find(o->arrivals, bucket_of(o, bucket), p.name, &st, &ret->digest, &ret->arrived);
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
	if (sync && (fdatasync(fd) || fsync(p.dir_fd))) return disk_failed(err, errno, "sync an object", o->dir);
	if (fstat(fd, &before)) return disk_failed(err, errno, "look at an object", o->dir);
	if (fd_digest(o, fd, &ret->digest, &ret->size, err)) return -1;
	if (fstat(fd, &after)) return disk_failed(err, errno, "look at an object", o->dir);
	/* One that changed meanwhile is not remembered. */
	if (after.st_size == ret->size && after.st_ctim.tv_sec == before.st_ctim.tv_sec &&
		after.st_ctim.tv_nsec == before.st_ctim.tv_nsec)
		arrivals_add(o->arrivals, bucket_of(o, bucket), p.name, &after, &ret->digest, false);
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
		return errno == ENOENT ? 0 : disk_failed(err, errno, "look at an object", o->dir);
	if (fd >= 0 && fstat(fd, &open_file)) return disk_failed(err, errno, "look at an object", o->dir);
	if (fd >= 0 && (named.st_ino != open_file.st_ino || named.st_dev != open_file.st_dev)) return 0;
	if (renameat(p->dir_fd, p->name, o->aside_fd, to) || fsync(o->aside_fd) || fsync(p->dir_fd))
		return disk_failed(err, errno, "move an object aside", o->dir);
	return 1;
}

int object_aside(
	struct objects *o, const char *bucket, const char *key, int fd, char ret_where[OBJECT_ASIDE], struct error *err) {
	AUTO(place_done) struct place p = {.dir_fd = -1};
	char random[9], to[OBJECT_ASIDE - sizeof ASIDE_DIR];
	if (place_open(o, bucket, key, &p, err)) return err->code == ERR_NOT_FOUND ? 0 : -1;
	random_id(random, sizeof random);
	snprintf(to, sizeof to, "%s.%s.%s", bucket, p.name, random);
	pthread_mutex_lock(&o->aside_lock);
	int moved = aside_move(o, &p, fd, to, err);
	pthread_mutex_unlock(&o->aside_lock);
	if (moved > 0) snprintf(ret_where, OBJECT_ASIDE, ASIDE_DIR "/%s", to);
	return moved;
}

int objects_writable(struct objects *o, struct error *err) {
	static const char probe[] = "headgate";
	AUTO(object_abort) struct object_write *w = xcalloc(1, sizeof *w);
	*w = (struct object_write){.objects = o, .place.dir_fd = -1, .fd = -1};
	w->place.dir_fd = openat(o->tmp_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->place.dir_fd < 0) return disk_failed(err, errno, "open a folder", o->dir);
	if ((o->by_name ? named_open : nameless_open)(w, err)) return -1;
	ssize_t n = write(w->fd, probe, sizeof probe);
	if (n != sizeof probe) return disk_failed(err, n < 0 ? errno : ENOSPC, "write a probe", o->dir);
	return fdatasync(w->fd) ? disk_failed(err, errno, "sync a probe", o->dir) : 0;
}
