/* SPDX-License-Identifier: MIT */
/* SQLite behind one face: open with our settings, migrate by user_version, statements prepared once from a table of
 * named SQL. A struct db belongs to one thread at a time. */
#pragma once

#include <sqlite3.h>

#include "base/error.h"

#define DB_BRISK_MS 400
#define DB_BRISK_CACHE "512" /* KiB, SQLite keeps 2000 */
enum db_mode {
	DB_WRITER,		 /* creates (0600); WAL, synchronous=FULL, foreign_keys, SQLITE_FCNTL_PERSIST_WAL; migrates */
	DB_READER,		 /* read-only, busy time-out; ERR_NOT_FOUND when there is none (or an empty one) */
	DB_BRISK_READER, /* the same for a console: a lock is waited for DB_BRISK_MS only, and little is kept in memory */
};
struct db_schema {
	const char *const *migrations; /* [i] brings user_version i to i + 1; all in one transaction */
	int version; /* number of migrations; a newer file is refused with ERR_DISK naming both versions */
	const char *const *statements; /* SQL by statement id */
	int statement_n;
};
struct db;
/* SQLite's own failures become ERR_DISK with the mend (full, unreadable, damaged, locked for 10 s), a violated
 * constraint ERR_CONFLICT, anything that only a bug can cause ERR_INTERNAL. */
MUST_USE int db_open(
	struct db **ret, const char *path, enum db_mode mode, const struct db_schema *schema, struct error *err);
void db_close(struct db *db);
DEFINE_AUTO_PTR(struct db, db_close)
/* Statements are prepared at their first use, so that a command that reads one row stays quick. This prepares them all.
 */
MUST_USE int db_prepare_all(struct db *db, struct error *err);
/* Types, one letter an argument: i int64_t, n int (plain), d double, t const char * (NULL binds NULL; copied), b const
 * void *, size_t (copied; NULL binds NULL). */
MUST_USE int db_exec(struct db *db, int statement, struct error *err, const char *types, ...); /* runs to its end */
int64_t db_changes(const struct db *db);
int64_t db_last_id(const struct db *db);
/* Reading: db_query binds; db_step gives 1 for a row, 0 at the end (and resets), -1 on an error; db_reset leaves early.
 */
MUST_USE int db_query(struct db *db, int statement, struct error *err, const char *types, ...);
MUST_USE int db_step(struct db *db, int statement, struct error *err);
void db_reset(struct db *db, int statement);
int64_t db_i64(struct db *db, int statement, int column);
double db_double(struct db *db, int statement, int column);
const char *db_text(struct db *db, int statement, int column); /* NULL for NULL; valid until the next step */
const void *db_blob(struct db *db, int statement, int column, size_t *ret_n);
/* One row or none: db_query + one db_step; 1 a row (reset by the caller), 0 none, -1 error. */
MUST_USE int db_one(struct db *db, int statement, struct error *err, const char *types, ...);
MUST_USE int db_begin(struct db *db, struct error *err);  /* BEGIN IMMEDIATE */
MUST_USE int db_commit(struct db *db, struct error *err); /* rolls back when it fails */
void db_rollback(struct db *db);
bool db_in_transaction(const struct db *db);
/* A part of a transaction that can be undone alone: begun, then kept or undone. */
MUST_USE int db_savepoint(struct db *db, struct error *err);
MUST_USE int db_savepoint_keep(struct db *db, struct error *err);
MUST_USE int db_savepoint_undo(struct db *db, struct error *err);
void db_reset_all(struct db *db);										   /* statements that are being read */
MUST_USE int db_script(struct db *db, const char *sql, struct error *err); /* fixed text only, never outside text */
sqlite3 *db_handle(struct db *db);
MUST_USE int db_data_version(struct db *db, int64_t *ret, struct error *err); /* PRAGMA data_version */
bool db_moved(struct db *db); /* its file was removed, or another one stands in its place */
