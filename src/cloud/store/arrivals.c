/* SPDX-License-Identifier: MIT */
/* A table of places by the name's first digits; a newer one takes the place of an older. The memory of places that were
 * never taken is never touched. */
#include "cloud/store/arrivals.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PLACES (1 << 16) /* 8 MiB when all are taken */

struct arrival {
	const void *bucket; /* NULL: free */
	uint8_t name[SHA256_LEN];
	struct sha256 digest;
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
	bool arrived;
};
struct arrivals {
	pthread_mutex_t lock;
	struct arrival *places;
};

struct arrivals *arrivals_new(void) {
	struct arrivals *a = xcalloc(1, sizeof *a);
	pthread_mutex_init(&a->lock, NULL);
	a->places = xcalloc(PLACES, sizeof *a->places);
	return a;
}

void arrivals_free(struct arrivals *a) {
	if (!a) return;
	pthread_mutex_destroy(&a->lock);
	free(a->places);
	free(a);
}

static struct arrival *place_of(struct arrivals *a, const struct sha256 *name) {
	return &a->places[(name->bytes[0] | name->bytes[1] << 8) % PLACES];
}

static bool same_time(const struct timespec *a, const struct timespec *b) {
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same(const struct arrival *p, const void *bucket, const struct sha256 *name, const struct stat *st) {
	return p->bucket == bucket && memcmp(p->name, name->bytes, sizeof p->name) == 0 && p->device == st->st_dev &&
		   p->inode == st->st_ino && p->size == st->st_size && same_time(&p->modified, &st->st_mtim) &&
		   same_time(&p->changed, &st->st_ctim);
}

void arrivals_add(struct arrivals *a, const void *bucket, const char hex[SHA256_HEX], const struct stat *st,
	const struct sha256 *digest, bool arrived) {
	struct sha256 name;
	if (sha256_from_hex(hex, &name)) return;
	pthread_mutex_lock(&a->lock);
	struct arrival *p = place_of(a, &name);
	*p = (struct arrival){.bucket = bucket,
		.digest = *digest,
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = st->st_size,
		.modified = st->st_mtim,
		.changed = st->st_ctim,
		.arrived = arrived};
	memcpy(p->name, name.bytes, sizeof p->name);
	pthread_mutex_unlock(&a->lock);
}

bool arrivals_find(struct arrivals *a, const void *bucket, const char hex[SHA256_HEX], const struct stat *st,
	struct sha256 *ret_digest, bool *ret_arrived) {
	struct sha256 name;
	if (sha256_from_hex(hex, &name)) return false;
	pthread_mutex_lock(&a->lock);
	const struct arrival *p = place_of(a, &name);
	bool found = is_same(p, bucket, &name, st);
	if (found) {
		*ret_digest = p->digest;
		*ret_arrived = p->arrived;
	}
	pthread_mutex_unlock(&a->lock);
	return found;
}
