/* SPDX-License-Identifier: MIT */
/* Inside the object store: its folder and the place of a key in it, for its files. Included by objects.c and object_*.c
 * only. */
#pragma once

#include <pthread.h>
#include <sys/queue.h>

#include "cloud/store/arrivals.h"
#include "cloud/store/objects.h"

#define OBJECTS_ASIDE_DIR ".aside"
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

/* A full disk is told from a broken one by its words; both are the operator's. */
int objects_failed(struct error *err, int e, const char *what, const char *dir);
const struct bucket *objects_bucket(const struct objects *o, const char *name); /* NULL: there is none */
MUST_USE int objects_bucket_in_place(const struct objects *o, const struct bucket *b, struct error *err);
/* After a folder was not found, which err says: those that are missing are made again. */
MUST_USE int objects_folders_again(const struct objects *o, const char *bucket, struct error *err);
/* /proc's name of an open file, into to, which is returned. */
const char *objects_fd_path(char to[32], int fd);

/* ERR_NOT_FOUND: no such bucket, or its folder is gone. */
MUST_USE int place_open(
	const struct objects *o, const char *bucket, const char *key, struct place *ret, struct error *err);
void place_done(struct place *p);
DEFINE_AUTO_VAL(struct place, place_done)
bool place_taken(const struct place *p);
