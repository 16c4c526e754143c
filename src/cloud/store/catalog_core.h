/* SPDX-License-Identifier: MIT */
/* Inside the catalog: how its files reach the database. A write is an operation that the writer thread runs inside a
 * group's transaction, in a savepoint of its own; a read has a connection of the pool for itself. Included by
 * catalog_*.c only. */
#pragma once

#include "base/db.h"
#include "cloud/store/catalog.h"
#include "cloud/store/catalog_sql.h"

struct catalog_write {
	struct db *db;
	int64_t now_ms; /* wall clock, the same for the group */
	int64_t change; /* the newest change written: waiters are woken by it after the commit */
};
typedef int catalog_operation(struct catalog_write *w, void *arg, struct error *err);
/* Waits until the group is durable, or undone. An operation that fails undoes only itself. */
MUST_USE int catalog_run(struct catalog *c, catalog_operation *op, void *arg, struct error *err);
/* Does not wait and is not missed when it fails; n bytes of arg are copied. */
void catalog_post(struct catalog *c, catalog_operation *op, const void *arg, size_t n);

struct catalog_reader {
	struct catalog *catalog;
	struct db *db;
};
MUST_USE int catalog_reader_take(struct catalog *c, struct catalog_reader *ret, struct error *err);
void catalog_reader_done(struct catalog_reader *r); /* resets what is still being read, ends its transaction */
DEFINE_AUTO_VAL(struct catalog_reader, catalog_reader_done)

/* Adds the member content: 64 hexadecimal digits of the blob in that column, null while it is unknown. */
void catalog_add_content(cJSON *o, struct db *db, int statement, int column);

/* Waits until a change later than seq is committed, at most wait_ms, or catalog_wake. */
void catalog_wait_beyond(struct catalog *c, int64_t seq, int64_t wait_ms);
#define PAGE_BYTES_MAX ((size_t)4 << 20) /* of a list's text: a page that is longer ends early, with a cursor */
/* Rows of a list: what is asked for, at most 1,000, else 100 (api.md). */
static inline int64_t page_limit(int64_t asked) { return asked > 0 ? MIN(asked, 1000) : 100; }
const char *catalog_instance(const struct catalog *c); /* eight characters that tell this catalog from another */
