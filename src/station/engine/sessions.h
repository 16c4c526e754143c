/* SPDX-License-Identifier: MIT */
/* The engine's sessions in memory: those in work in full, in order of name (the oldest recording first); accepted ones,
 * and found ones whose turn has not come, as a few numbers each, so that 100,000 of them fit. Loop thread. */
#pragma once

#include <sys/queue.h>

#include "station/journal/journal.h"

struct session;
TAILQ_HEAD(session_queue, session);

struct sessions {
	struct session **items; /* in order of name, then root */
	size_t n, capacity;
};
/* NULL when there is none. */
struct session *sessions_find(const struct sessions *t, const char *name, size_t root);
void sessions_insert(struct sessions *t, struct session *s);
void sessions_remove(struct sessions *t, struct session *s); /* out of the table, not freed */
/* Removes and frees the dead ones; `done` lets their parts go first. */
void sessions_sweep(struct sessions *t, void (*done)(struct session *s));

/* A session of which the journal knows the rest: 32 bytes. */
struct stub {
	int64_t stamp;		  /* the name's digits */
	int64_t id;			  /* 0: not in the journal yet */
	uint64_t fingerprint; /* the first 16 hex digits */
	uint32_t root : 15, present : 1, revision : 16;
	uint32_t unreadable : 1; /* accepted, and when it was last to be compared it could not be read */
	uint32_t admitted : 1;	 /* of those that waited: it is in work, and leaves the table with the next sweep */
	uint32_t suspect : 1;	 /* accepted, and it may be another one now: to be compared at once (engine.suspects) */
};
struct stub_table {
	struct stub *items; /* in order of stamp, then root */
	size_t n, capacity;
};
int64_t session_stamp(const char *name); /* "20261120_134502" -> 20261120134502 */
const char *session_unstamp(char to[16], int64_t stamp);
uint64_t fingerprint_short(const char *hex);
/* NULL when there is none. */
struct stub *stub_find(const struct stub_table *t, int64_t stamp, size_t root);
void stub_append(struct stub_table *t, const struct session_row *row, size_t root); /* then stub_sort */
void stub_sort(struct stub_table *t);
void stub_insert(struct stub_table *t, const struct session_row *row, size_t root);
void stub_remove(struct stub_table *t, struct stub *a);
