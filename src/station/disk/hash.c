/* SPDX-License-Identifier: MIT */
/* The identity of a file and its digests. Thread pool (file_still_same also on the loop: one fstat).
 *
 * A digest is worth what the identity beside it is worth: size, mtime, ctime and inode are taken from the open
 * descriptor before the first byte and compared after the last, and again before and after the bytes are sent. Device
 * numbers change over a remount (USB, NFS) and are not looked at. */
#include "station/disk/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest_pair.h"
#include "session/part.h"
#include "station/disk/path.h"

int session_file_open(const char *root, const char *session, const char *name, int *ret_fd, struct error *err) {
	AUTO(fd_close) int dir = -1;
	if (session_dir_open(root, session, &dir, err)) return -1;
	AUTO(fd_close) int fd = open_below(dir, name);
	if (fd < 0 && errno != ELOOP && errno != ENOTDIR && errno != ENXIO) {
		return scan_error(err, errno, root, session, name);
	}
	struct stat st;
	if (fd >= 0 && fstat(fd, &st)) return scan_error(err, errno, root, session, name);
	if (fd < 0 || !S_ISREG(st.st_mode)) {
		return error_set(err, ERR_CHANGED, "%s/%s/%s is not a regular file any more", root, session, name);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int file_still_same(int fd, const struct file_row *f, struct error *err) {
	struct stat st;
	if (fstat(fd, &st)) return error_errno(err, ERR_DISK, errno, "cannot look at %s", f->name);
	struct file_row now = {0};
	file_identity(&st, &now);
	if (now.size != f->size) {
		return error_set(err, ERR_CHANGED, "%s changed: it had %lld bytes and has %lld now", f->name,
			(long long)f->size, (long long)now.size);
	}
	if (now.mtime_ns != f->mtime_ns) {
		return error_set(err, ERR_CHANGED, "%s changed: it was written to", f->name);
	}
	if (now.ctime_ns != f->ctime_ns || now.inode != f->inode) {
		return error_set(
			err, ERR_CHANGED, "%s changed: it was replaced, or its owner, mode or name is another", f->name);
	}
	return 0;
}

int file_open_same(const char *root, const char *session, const struct file_row *f, int *ret_fd, struct error *err) {
	AUTO(fd_close) int fd = -1;
	if (session_file_open(root, session, f->name, &fd, err)) return -1;
	if (file_still_same(fd, f, err)) return -1;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* --- digests --- */

/* The running digests of one file: whole alone up to PART_SINGLE_MAX, else a pair. The part that is being read ends at
 * part_end; the last one is shorter. */
struct hashing {
	struct digest *whole;
	struct digest_pair *pair;
	int64_t size, part_bytes, part_end;
	struct sha256 *parts;
	size_t part_n;
};

static void hashing_done(struct hashing *h) {
	digest_free(h->whole);
	digest_pair_free(h->pair);
	free(h->parts);
}
DEFINE_AUTO_VAL(struct hashing, hashing_done)

static void hashing_init(struct hashing *h, int64_t size) {
	*h = (struct hashing){.size = size, .part_bytes = part_size(size)};
	if (!h->part_bytes) {
		h->whole = digest_new();
		return;
	}
	h->pair = digest_pair_new();
	h->parts = xcalloc((size_t)part_count(size), sizeof *h->parts);
	h->part_end = MIN(h->part_bytes, size);
}

static void hashing_add(struct hashing *h, int64_t at, const char *bytes, size_t n) {
	if (h->whole) digest_add(h->whole, bytes, n);
	while (h->pair && n) {
		size_t take = (size_t)MIN((int64_t)n, h->part_end - at);
		digest_pair_add(h->pair, bytes, take);
		bytes += take;
		n -= take;
		at += (int64_t)take;
		if (at < h->part_end) continue;
		digest_pair_end_part(h->pair, &h->parts[h->part_n++]);
		h->part_end = MIN(h->part_end + h->part_bytes, h->size);
	}
}

static void hashing_end(struct hashing *h, struct sha256 *ret) {
	if (h->whole) digest_end(h->whole, ret);
	else digest_pair_end(h->pair, ret);
}

/* The next bytes of the file into buffer: how many, or -1. Never past the size that was seen at the start. */
static ssize_t hash_read(int fd, char *buffer, int64_t at, int64_t size, const char *name, struct error *err) {
	for (;;) {
		ssize_t n = pread(fd, buffer, (size_t)MIN(size - at, SCAN_READ_BYTES), at);
		if (n > 0) return n;
		if (n < 0 && errno == EINTR) continue;
		if (n < 0)
			return error_errno(
				err, ERR_DISK, errno, "cannot read %s at byte %lld; %s", name, (long long)at, scan_mend(errno));
		return error_set(err, ERR_CHANGED, "%s changed: it ends at byte %lld while it is read", name, (long long)at);
	}
}

static int hash_all(int fd, struct hashing *h, const char *name, const atomic_bool *cancel, _Atomic int64_t *done_bytes,
	struct error *err) {
	AUTO(xfree) char *buffer = xcalloc(1, (size_t)MIN(h->size, SCAN_READ_BYTES));
	for (int64_t at = 0; at < h->size;) {
		if (cancel && atomic_load_explicit(cancel, memory_order_relaxed)) {
			return error_set(err, ERR_CANCELLED, "stopped reading %s", name);
		}
		ssize_t n = hash_read(fd, buffer, at, h->size, name, err);
		scan_beat();
		if (n < 0) return -1;
		hashing_add(h, at, buffer, (size_t)n);
		at += n;
		if (done_bytes) atomic_fetch_add_explicit(done_bytes, n, memory_order_relaxed);
	}
	return 0;
}

int file_hash(const char *root, const char *session, struct file_row *f, const atomic_bool *cancel,
	_Atomic int64_t *done_bytes, struct error *err) {
	AUTO(fd_close) int fd = -1;
	if (session_file_open(root, session, f->name, &fd, err)) return -1;
	struct stat st;
	if (fstat(fd, &st)) return scan_error(err, errno, root, session, f->name);
	struct file_row seen = {.name = f->name};
	file_identity(&st, &seen);
	if (f->mtime_ns && (f->mtime_ns != seen.mtime_ns || f->size != seen.size)) {
		return error_set(err, ERR_CHANGED, "%s changed since the session settled", f->name);
	}
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	AUTO(hashing_done) struct hashing h;
	hashing_init(&h, seen.size);
	if (hash_all(fd, &h, f->name, cancel, done_bytes, err) || file_still_same(fd, &seen, err)) return -1;
	hashing_end(&h, &f->sha256);
	free(f->parts);
	f->parts = TAKE(h.parts);
	f->part_n = h.part_n;
	f->size = seen.size;
	f->mtime_ns = seen.mtime_ns;
	f->ctime_ns = seen.ctime_ns;
	f->inode = seen.inode;
	f->hashed = true;
	return 0;
}
