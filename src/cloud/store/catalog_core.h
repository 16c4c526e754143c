/* SPDX-License-Identifier: MIT */
/* Inside the catalog: how its files reach the database. A write is an operation that the writer (base/db_writer.h) runs
 * inside a group's transaction, undone alone when it fails; a read has a connection of the pool for itself. Included by
 * catalog_*.c only. */
#pragma once

#include "base/db_writer.h"
#include "cloud/store/catalog.h"
#include "cloud/store/catalog_sql.h"

struct catalog_write {
	struct db *db;
	int64_t now_ms; /* wall clock, the same for the group */
	bool changed;	/* a change was written: waiters are woken after the commit */
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

/* The content id in that column: to, or NULL while it is unknown. */
const struct sha256 *catalog_content(struct db *db, int statement, int column, struct sha256 *to);
MUST_USE int catalog_state(struct db *db, int statement, int column, enum cloud_state *ret, struct error *err);

/* Waits until a change later than seq is committed, at most wait_ms, or catalog_wake. */
void catalog_wait_beyond(struct catalog *c, int64_t seq, int64_t wait_ms);
/* Rows of a list: what is asked for, at most 1,000, else 100 (api.md). */
static inline int64_t page_limit(int64_t asked) { return asked > 0 ? MIN(asked, 1000) : 100; }
const char *catalog_instance(const struct catalog *c); /* eight characters that tell this catalog from another */
