/* SPDX-License-Identifier: MIT */
/* Inside the log: its statements and what its files share. Included by logs.c and logs_*.c only. */
#pragma once

#include <pthread.h>

#include "base/db_writer.h"
#include "cloud/store/logs.h"

#define LOGS_BATCH_BYTES_MAX (1 << 20)
#define LOGS_ROW_BYTES 160 /* of a row and its places in the indexes, beside its text */

#define OLDEST "DELETE FROM event WHERE id IN (SELECT id FROM event "
/* clang-format off */
#define LOGS_STATEMENTS(X) \
	X(ADD, "INSERT INTO event (group_name, stream, at_ms, json, stored_ms) VALUES (?1, ?2, ?3, ?4, ?5)") \
	X(ADD_KNOWN, "INSERT OR IGNORE INTO event (group_name, stream, at_ms, json, known, stored_ms)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)") \
	/* two, as a group is found by its index, however little of the log is of it */ \
	X(READ, "SELECT id, group_name, stream, at_ms, json FROM event WHERE id > ?1 AND at_ms >= ?2 ORDER BY id LIMIT ?3") \
	X(READ_GROUP, "SELECT id, group_name, stream, at_ms, json FROM event" \
		" WHERE group_name = ?4 AND id > ?1 AND at_ms >= ?2 ORDER BY id LIMIT ?3") \
	X(PAGES, "SELECT page_count - freelist_count, freelist_count, page_size" \
		" FROM pragma_page_count, pragma_freelist_count, pragma_page_size") \
	X(SHARES, "SELECT group_name, stream, events, bytes FROM share WHERE events > 0 ORDER BY bytes DESC") \
	X(TRIM, OLDEST "WHERE group_name = ?1 AND stream = ?2 ORDER BY id LIMIT ?3)") \
	X(BRIEF, "PRAGMA busy_timeout = 50") \
	X(CUT, "PRAGMA wal_checkpoint(TRUNCATE)") \
	X(PATIENT, "PRAGMA busy_timeout = 10000") \
	X(TRIM_AGE, OLDEST "ORDER BY id LIMIT ?1) AND max(stored_ms, at_ms * (stored_ms = 0)) < ?2")
/* clang-format on */
enum logs_statement {
#define X(id, sql) LOGS_##id,
	LOGS_STATEMENTS(X)
#undef X
		LOGS_N
};
extern const struct db_schema logs_schema;

#define COUNT_KINDS 64 /* told apart in a window; further ones are counted as one */
#define KIND_TEXT 160

/* What comes again and again within a window. */
struct counted {
	char kind[KIND_TEXT]; /* "": free */
	const char *group, *stream;
	cJSON *event; /* the first one; each further one is like it */
	int64_t rows, more;
};
struct logs {
	char *path, *dir;
	struct logs_bounds bounds;
	struct db_writer *writer;
	struct db *db;	 /* the writer's */
	int64_t aged_ms; /* the writer's: when it last looked for old ones, monotonic */
	pthread_mutex_t lock;
	size_t bytes; /* of lines that are queued */
	int64_t dropped;
	struct counted counted[COUNT_KINDS];
	int64_t uncounted;	   /* of further kinds */
	int64_t window_end_ms; /* monotonic; 0: nothing is counted */
};

/* In the writer's thread, outside a transaction: before one, and after it. */
MUST_USE int logs_make_room(struct logs *l, struct error *err);
void logs_keep_short(struct logs *l);
int64_t logs_batch_bytes(const struct logs *l); /* what a transaction may have */
