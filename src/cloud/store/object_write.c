/* SPDX-License-Identifier: MIT */
/* Writing an object; the measurements behind the order of calls are in measured.md.
 *
 * Invariant: a name below a bucket appears by linkat alone, after its bytes are on the disk; linkat never replaces.
 * A key has one write at a time, so that its room is taken once however many connections bring it; one that stands
 * still gives way to the next. A struct object_write belongs to one thread, what is marked so to the store's lock. */
#include "cloud/store/objects_core.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cloud/store/room.h"

#define WRITE_BACK_BYTES (8LL << 20) /* measured.md: early write-back each 8 MB is the largest gain */
/* What is written at once, at multiples of it: pages then come in large folios, at 0.6 of the kernel's time that pieces
 * of odd size cost (and a server's reads are of odd size). Room that is taken beforehand saves a further third. */
#define BLOCK_BYTES (64 << 10)
#define RESERVE_FROM_BYTES (1 << 20)
#define RESERVE_MOST_BYTES (64LL << 20) /* beyond what came */
#define STALL_MS 10000					/* a write that came no STALL_BYTES further in this time gives way */
#define STALL_BYTES (16 << 10)
#define TEMPORARY_NAME 25

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

static int taken(struct error *err, const char *bucket) {
	return error_set(err, ERR_EXISTS, "an object is stored under this key in %s already, and stays as it is", bucket);
}

static int nameless_open(struct object_write *w, struct error *err) {
	w->fd = openat(w->place.dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0444);
	return w->fd < 0 ? objects_failed(err, errno, "make a temporary file", w->objects->dir) : 0;
}

static int named_open(struct object_write *w, struct error *err) {
	random_id(w->temporary, sizeof w->temporary);
	w->fd = openat(w->objects->tmp_fd, w->temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
	if (w->fd < 0) w->temporary[0] = 0;
	if (w->fd < 0 || flock(w->fd, LOCK_EX)) return objects_failed(err, errno, "make a temporary file", w->objects->dir);
	return 0;
}

/* Refuses at once what cannot fit: a body of gigabytes need not be sent to learn it. */
static int room_take(const struct object_write *w, struct error *err) {
	int64_t free_bytes, floor;
	if (disk_room_at(w->fd, w->objects->keep_free, &free_bytes, &floor))
		return objects_failed(err, errno, "ask for free space", w->objects->dir);
	if (w->announced > free_bytes - floor) return objects_failed(err, ENOSPC, "store an object", w->objects->dir);
	return 0;
}

/* Room is taken ahead of the bytes, as much again as has come: who announces much and sends little holds little. */
static int room_ahead(struct object_write *w, struct error *err) {
	int64_t free_bytes, floor;
	if (!w->reserves || w->written < RESERVE_FROM_BYTES || w->reserved > w->written || w->reserved == w->announced)
		return 0;
	int64_t to = MIN(w->announced, w->written + MIN(w->written, RESERVE_MOST_BYTES));
	if (disk_room_at(w->fd, w->objects->keep_free, &free_bytes, &floor))
		return objects_failed(err, errno, "ask for free space", w->objects->dir);
	if (to - w->written > free_bytes - floor) return objects_failed(err, ENOSPC, "store an object", w->objects->dir);
	if (!fallocate(w->fd, FALLOC_FL_KEEP_SIZE, w->written, to - w->written)) w->reserved = to;
	else if (errno == ENOSPC || errno == EDQUOT) return objects_failed(err, errno, "store an object", w->objects->dir);
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
		(objects_folders_again(o, bucket, err) || place_open(o, bucket, key, &w->place, err)))
		return -1;
	w->bucket = objects_bucket(o, bucket);
	if (objects_bucket_in_place(o, w->bucket, err)) return -1;
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
			return objects_failed(err, wrote ? errno : ENOSPC, "write an object", w->objects->dir);
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
	return linkat(AT_FDCWD, objects_fd_path(path, w->fd), w->place.dir_fd, w->place.name, AT_SYMLINK_FOLLOW);
}

static int object_finish(
	struct object_write *w, const struct sha256 *expect, struct sha256 *ret_digest, struct error *err) {
	if (write_check(w, err) || bytes_check(w, expect, ret_digest, err) || block_write(w, NULL, 0, err)) return -1;
	if (write_hold(w, err)) return -1;
	if (fdatasync(w->fd)) return objects_failed(err, errno, "sync an object", w->objects->dir);
	if (place_link(w))
		return errno == EEXIST ? taken(err, "its bucket")
							   : objects_failed(err, errno, "name an object", w->objects->dir);
	struct stat st;
	if (fstat(w->fd, &st)) return objects_failed(err, errno, "look at an object", w->objects->dir);
	arrivals_add(w->objects->arrivals, w->bucket, w->place.name, &st, ret_digest, true);
	if (fsync(w->place.dir_fd)) return objects_failed(err, errno, "sync a folder", w->objects->dir);
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

int objects_writable(struct objects *o, struct error *err) {
	static const char probe[] = "headgate";
	AUTO(object_abort) struct object_write *w = xcalloc(1, sizeof *w);
	*w = (struct object_write){.objects = o, .place.dir_fd = -1, .fd = -1};
	w->place.dir_fd = openat(o->tmp_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->place.dir_fd < 0) return objects_failed(err, errno, "open a folder", o->dir);
	if ((o->by_name ? named_open : nameless_open)(w, err)) return -1;
	ssize_t n = write(w->fd, probe, sizeof probe);
	if (n != sizeof probe) return objects_failed(err, n < 0 ? errno : ENOSPC, "write a probe", o->dir);
	return fdatasync(w->fd) ? objects_failed(err, errno, "sync a probe", o->dir) : 0;
}
