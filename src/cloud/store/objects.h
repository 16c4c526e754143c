/* SPDX-License-Identifier: MIT */
/* Object bytes in a folder: write-once, crash-safe. OBJECTS/<bucket>/<2 hex>/<sha256 of the key>, read-only files. A
 * write is: O_TMPFILE (or a temporary name where the file system has none), bytes hashed and written as they come with
 * early write-back, checksum compared, fdatasync, linkat without replacing, fsync of the folder. After a crash there is
 * the whole object or none. Any thread; nothing here holds a lock over a system call that waits for the disk. What an
 * object is (size, checksum) is kept in the catalog: see catalog_object_*. */
#pragma once

#include "base/digest.h"

#define OBJECT_ASIDE 160 /* of a bucket, a name and a random id, with NUL */

struct objects;
MUST_USE int objects_open(
	struct objects **ret, const char *dir, const char *const *buckets /* NULL-terminated */, struct error *err);
void objects_close(struct objects *o);
DEFINE_AUTO_PTR(struct objects, objects_close)
bool objects_has_bucket(const struct objects *o, const char *bucket);

/* What is kept free on the disk for catalog and log: no object takes it (room.h). Before the first write. */
void objects_keep_free(struct objects *o, int64_t bytes);

struct object_write;
/* size: as announced; a body that is longer or shorter fails the append or the commit (ERR_INPUT). ERR_DISK when there
 * is no room, ERR_EXISTS when the key is there, ERR_CONFLICT when another write of it is under
 * way and moves (one that stands still gives way): all before a byte was sent. ERR_NOT_FOUND: no such bucket. */
MUST_USE int object_begin(
	struct objects *o, const char *bucket, const char *key, int64_t size, struct object_write **ret, struct error *err);
/* After a failure only object_abort. */
MUST_USE int object_append(struct object_write *w, const void *bytes, size_t n, struct error *err);
/* expect NULL: not compared. ERR_CHECKSUM when the bytes are others, ERR_EXISTS when the key is there. Frees w in any
 * case. */
MUST_USE int object_commit(struct object_write *w, const struct sha256 *expect, struct sha256 *ret, struct error *err);
void object_abort(struct object_write *w); /* NULL is fine */
DEFINE_AUTO_PTR(struct object_write, object_abort)

/* ERR_NOT_FOUND when it is not there. */
MUST_USE int object_open(
	struct objects *o, const char *bucket, const char *key, int *ret_fd, int64_t *ret_size, struct error *err);
/* What lies under a key, without opening it: 1, 0 when there is none, -1. */
struct object_sight {
	int64_t size;		  /* -1: it is no file */
	bool hashed;		  /* this process hashed these bytes, and the file was not touched since */
	bool arrived;		  /* as they came in, else by reading */
	struct sha256 digest; /* what it was */
};
MUST_USE int object_sight(
	struct objects *o, const char *bucket, const char *key, struct object_sight *ret, struct error *err);
/* Reads and hashes all of it, and remembers it for object_sight. *ret_fd is the file that was read. ERR_NOT_FOUND. */
MUST_USE int object_read(
	struct objects *o, const char *bucket, const char *key, int *ret_fd, struct object_sight *ret, struct error *err);
/* object_read after making sure that file and name are on the disk: for one whose write ended between its link and the
 * catalog's row (reconcile.h). */
MUST_USE int object_settle(
	struct objects *o, const char *bucket, const char *key, int *ret_fd, struct object_sight *ret, struct error *err);
bool object_exists(const struct objects *o, const char *bucket, const char *key);
/* Takes a file that is not what it was stored as out of the way, so that its key can be written again: moved, never
 * removed, to OBJECTS/.aside/<bucket>.<its name>.<random>, which ret_where says. fd: only when the name still is that
 * open file's (-1: whatever is there). 1 moved, 0 nothing there to move, -1. */
MUST_USE int object_aside(
	struct objects *o, const char *bucket, const char *key, int fd, char ret_where[OBJECT_ASIDE], struct error *err);
/* The folders that are open are still those under their names: else what is stored would not be found after a start.
 * ERR_DISK. */
MUST_USE int objects_in_place(const struct objects *o, struct error *err);
MUST_USE int objects_writable(struct objects *o, struct error *err); /* writes, syncs and removes a probe: /healthz */
