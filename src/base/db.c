/* SPDX-License-Identifier: MIT */
/* SQLite behind one face. Invariants: a statement is either idle (reset, bindings cleared) or being read between
 * db_query and the db_step that gave 0 or -1, or db_reset; prepared[] is filled at first use and never shrinks. One
 * thread at a time. Settings and their reasons: architecture.md "Libraries", measured.md "SQLite". */
#include "base/db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/db_shm.h"

#define BUSY_MS 10000

/* Statements of every database. */
#define SAVEPOINTS(X) X(BEGIN, "SAVEPOINT part") X(KEEP, "RELEASE part") X(UNDO, "ROLLBACK TO part")
enum savepoint {
#define X(id, sql) SAVEPOINT_##id,
	SAVEPOINTS(X)
#undef X
		SAVEPOINT_N
};
static const char *const savepoint_texts[SAVEPOINT_N] = {
#define X(id, sql) [SAVEPOINT_##id] = sql,
	SAVEPOINTS(X)
#undef X
};

struct db {
	sqlite3 *handle;
	char *path;
	const struct db_schema *schema;
	sqlite3_stmt **prepared;	/* schema->statement_n of them, NULL until used */
	sqlite3_stmt *data_version; /* PRAGMA data_version */
	sqlite3_stmt *savepoint[SAVEPOINT_N];
};

#define FILES_MEND "too many files are open: raise the limit (ulimit -n, LimitNOFILE), then start again"

/* No codes of SQLite's. */
#define FILE_TOO_LARGE (-1)
#define FILES_TOO_MANY (-2)

/* What SQLite's result codes mean to an operator. Any other is a bug of ours. A reader that finds a half-written change
 * may not finish it: its writer was killed, at its very beginning (afterwards the WAL needs nobody). */
static const struct {
	int sqlite;
	enum error_code code;
	const char *mend;
} db_causes[] = {
	{SQLITE_FULL, ERR_DISK,
		"free some space on its disk (or quota), then start again: nothing that was recorded is lost"},
	{FILE_TOO_LARGE, ERR_DISK,
		"a limit on the size of files stops it: raise it (ulimit -f, LimitFSIZE), then start again"},
	{FILES_TOO_MANY, ERR_DISK, FILES_MEND},
	{SQLITE_IOERR, ERR_DISK, "look at its disk and mount, then start again"},
	{SQLITE_CORRUPT, ERR_DISK, "the file is damaged: restore it from a copy, or move it away to begin a new one"},
	{SQLITE_NOTADB, ERR_DISK, "the file is no database: move it away, or name another folder"},
	{SQLITE_CANTOPEN, ERR_DISK, "make it and its folder readable and writable for this user"},
	{SQLITE_PERM, ERR_DISK, "make it and its folder readable and writable for this user"},
	{SQLITE_READONLY, ERR_DISK, "make it and its folder writable for this user"},
	{SQLITE_AUTH, ERR_DISK, "make it and its folder readable and writable for this user"},
	{SQLITE_BUSY, ERR_DISK, "another program keeps it locked: end that one, or try again"},
	{SQLITE_LOCKED, ERR_DISK, "another program keeps it locked: end that one, or try again"},
	{SQLITE_PROTOCOL, ERR_DISK, "another program keeps it locked: end that one, or try again"},
	{SQLITE_NOLFS, ERR_DISK, "its file system takes no large files: name a folder on another one"},
	{SQLITE_NOMEM, ERR_DISK, "memory is out: end other programs, then start again"},
	{SQLITE_TOOBIG, ERR_INPUT, "a value is too long for it"},
	{SQLITE_CONSTRAINT, ERR_CONFLICT, NULL},
	{SQLITE_INTERRUPT, ERR_CANCELLED, NULL},
	{SQLITE_READONLY_ROLLBACK, ERR_NOT_FOUND, "its writer was ended while making it: start its writer again"},
	{SQLITE_READONLY_RECOVERY, ERR_NOT_FOUND, "its writer was ended while making it: start its writer again"},
};

#define LIMIT_NEAR_BYTES 65536 /* a write that is refused may be as long */

/* SQLite keeps no errno of a write to its log: one of its files is as large as this process may write. */
static bool db_hits_limit(const struct db *db) {
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	struct rlimit limit;
	struct stat st;
	if (getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_cur == RLIM_INFINITY) return false;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		AUTO(xfree) char *name = xasprintf("%s%s", db->path, suffixes[i]);
		if (stat(name, &st) == 0 && (rlim_t)st.st_size + LIMIT_NEAR_BYTES > limit.rlim_cur) return true;
	}
	return false;
}

/* The code whose row in db_causes says what to do. */
static int db_cause(const struct db *db, int rc, int os) {
	int extended = db->handle ? sqlite3_extended_errcode(db->handle) : rc;
	if (extended == SQLITE_READONLY_ROLLBACK || extended == SQLITE_READONLY_RECOVERY) return extended;
	/* A full disk below the -shm file, or told by fsync, is an I/O error to SQLite. */
	if ((rc & 0xff) == SQLITE_IOERR && (os == ENOSPC || os == EDQUOT)) return SQLITE_FULL;
	if ((rc & 0xff) == SQLITE_IOERR && db_hits_limit(db)) return FILE_TOO_LARGE;
	if ((rc & 0xff) == SQLITE_CANTOPEN && (os == EMFILE || os == ENFILE)) return FILES_TOO_MANY;
	return rc & 0xff;
}

static int db_failed(const struct db *db, int rc, const char *what, struct error *err) {
	enum error_code code = ERR_INTERNAL;
	const char *mend = NULL;
	int os = db->handle ? sqlite3_system_errno(db->handle) : 0, cause = db_cause(db, rc, os);
	for (size_t i = 0; i < ARRAY_LEN(db_causes); i++) {
		if (db_causes[i].sqlite != cause) continue;
		code = db_causes[i].code;
		mend = db_causes[i].mend;
	}
	const char *why = db->handle && cause != SQLITE_FULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(cause);
	if (cause == FILE_TOO_LARGE) why = strerrordesc_np(EFBIG);
	if (cause == FILES_TOO_MANY) why = strerrordesc_np(os);
	error_set(err, code, "%s %s: %s%s%s", what, db->path, why, mend ? "; " : "", mend ? mend : "");
	if (code == ERR_DISK) err->os = os;
	return -1;
}

/* --- opening --- */

static int db_run(struct db *db, const char *sql, const char *what, struct error *err) {
	int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : db_failed(db, rc, what, err);
}

/* The first column of the first row of a fixed statement. */
static int db_pragma(struct db *db, const char *sql, int64_t *ret, char *text, size_t size, struct error *err) {
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL);
	if (rc == SQLITE_OK) rc = sqlite3_step(s);
	if (rc != SQLITE_ROW) {
		int failed = db_failed(db, rc, "read", err);
		sqlite3_finalize(s);
		return failed;
	}
	if (ret) *ret = sqlite3_column_int64(s, 0);
	if (text) snprintf(text, size, "%s", (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	return 0;
}

static int db_too_new(const struct db *db, int64_t version, struct error *err) {
	return error_set(err, ERR_DISK,
		"%s is of version %lld and this program knows up to %d: use the newer program that wrote it, or another folder",
		db->path, (long long)version, db->schema->version);
}

/* All steps in one transaction, so that no reader meets a version in between. user_version is read inside it: another
 * process may have been first. */
static int db_migrate_within(struct db *db, struct error *err) {
	int64_t version = 0;
	char set[64];
	if (db_pragma(db, "PRAGMA user_version", &version, NULL, 0, err)) return -1;
	if (version > db->schema->version) return db_too_new(db, version, err);
	for (; version < db->schema->version; version++)
		if (db_run(db, db->schema->migrations[version], "migrate", err)) return -1;
	snprintf(set, sizeof set, "PRAGMA user_version = %lld", (long long)version);
	return db_run(db, set, "migrate", err);
}

static int db_migrate(struct db *db, struct error *err) {
	int64_t version = 0;
	if (db_pragma(db, "PRAGMA user_version", &version, NULL, 0, err)) return -1;
	if (version == db->schema->version) return 0;
	if (db_begin(db, err)) return -1;
	if (db_migrate_within(db, err) == 0) return db_commit(db, err);
	db_rollback(db);
	return -1;
}

static int db_setup_writer(struct db *db, struct error *err) {
	char mode[16];
	int persist = 1;
	if (db_pragma(db, "PRAGMA journal_mode = WAL", NULL, mode, sizeof mode, err)) return -1;
	if (strcmp(mode, "wal") != 0)
		return error_set(err, ERR_DISK,
			"%s cannot use a write-ahead log (its journal mode stays \"%s\"): its file "
			"system lacks shared memory, name a folder on a local disk",
			db->path, mode);
	/* Else a reader who may not write the folder finds a database it cannot open once the writer has gone. */
	sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
	if (db_run(db,
			"PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"
			"PRAGMA journal_size_limit = 67108864",
			"set up", err))
		return -1;
	return db_migrate(db, err);
}

static int db_setup_reader(struct db *db, struct error *err) {
	int64_t version = 0;
	if (db_pragma(db, "PRAGMA user_version", &version, NULL, 0, err)) return -1;
	if (!version) return error_set(err, ERR_NOT_FOUND, "%s is still empty: start its writer first", db->path);
	if (version > db->schema->version) return db_too_new(db, version, err);
	if (version < db->schema->version)
		return error_set(err, ERR_DISK,
			"%s is of version %lld and this program reads version %d: start its writer once, which migrates it",
			db->path, (long long)version, db->schema->version);
	return 0;
}

/* SQLite would create it 0644 less the umask; its -wal and -shm take over the mode of the file. */
static int db_create_private(const char *path, struct error *err) {
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, ERR_DISK, errno, "open %s (%s)", path,
			errno == EMFILE || errno == ENFILE ? FILES_MEND : "make it and its folder writable for this user");
	fd_close(fd);
	return 0;
}

int db_open(struct db **ret, const char *path, enum db_mode mode, const struct db_schema *schema, struct error *err) {
	int flags = mode == DB_WRITER ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	if (mode == DB_WRITER && db_create_private(path, err)) return -1;
	if (mode != DB_WRITER && access(path, F_OK) && (errno == ENOENT || errno == ENOTDIR))
		return error_set(err, ERR_NOT_FOUND, "there is no %s yet: start its writer first", path);
	AUTO(db_close) struct db *db = xcalloc(1, sizeof *db);
	db->path = xstrdup(path);
	db->schema = schema;
	db->prepared = xcalloc((size_t)schema->statement_n, sizeof(sqlite3_stmt *));
	int rc = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK) return db_failed(db, rc, "open", err);
	db_shm_guard(db->handle);
	sqlite3_busy_timeout(db->handle, mode == DB_BRISK_READER ? DB_BRISK_MS : BUSY_MS);
	if ((mode == DB_WRITER ? db_setup_writer : db_setup_reader)(db, err)) return -1;
	if (mode == DB_BRISK_READER && db_run(db, "PRAGMA cache_size = -" DB_BRISK_CACHE, "set up", err)) return -1;
	*ret = TAKE(db);
	return 0;
}

void db_close(struct db *db) {
	if (!db) return;
	for (int i = 0; i < db->schema->statement_n; i++) sqlite3_finalize(db->prepared[i]);
	sqlite3_finalize(db->data_version);
	for (int i = 0; i < SAVEPOINT_N; i++) sqlite3_finalize(db->savepoint[i]);
	sqlite3_close(db->handle);
	xfree(db->prepared);
	xfree(db->path);
	xfree(db);
}

/* --- statements --- */

static int db_prepare(struct db *db, const char *sql, sqlite3_stmt **ret, struct error *err) {
	int rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
	return rc == SQLITE_OK ? 0 : db_failed(db, rc, "prepare a statement of", err);
}

static int db_statement(struct db *db, int statement, sqlite3_stmt **ret, struct error *err) {
	assert(statement >= 0 && statement < db->schema->statement_n);
	sqlite3_stmt **s = &db->prepared[statement];
	if (!*s && db_prepare(db, db->schema->statements[statement], s, err)) return -1;
	sqlite3_reset(*s);
	sqlite3_clear_bindings(*s);
	*ret = *s;
	return 0;
}

int db_prepare_all(struct db *db, struct error *err) {
	sqlite3_stmt *s;
	for (int i = 0; i < db->schema->statement_n; i++)
		if (db_statement(db, i, &s, err)) return -1;
	return 0;
}

static int db_bind_text(sqlite3_stmt *s, int at, const char *text) {
	return text ? sqlite3_bind_text(s, at, text, -1, SQLITE_TRANSIENT) : sqlite3_bind_null(s, at);
}

static int db_bind_blob(sqlite3_stmt *s, int at, const void *bytes, size_t n) {
	return bytes ? sqlite3_bind_blob64(s, at, bytes, n, SQLITE_TRANSIENT) : sqlite3_bind_null(s, at);
}

/* A blob takes two arguments, hence the order of reading them is spelled out. */
static int db_bind(sqlite3_stmt *s, const char *types, va_list args) {
	int rc = SQLITE_OK, at = 1;
	for (const char *t = types; *t && rc == SQLITE_OK; t++, at++) {
		const void *bytes;
		switch (*t) {
		case 'i': rc = sqlite3_bind_int64(s, at, va_arg(args, int64_t)); break;
		case 'n': rc = sqlite3_bind_int(s, at, va_arg(args, int)); break;
		case 'd': rc = sqlite3_bind_double(s, at, va_arg(args, double)); break;
		case 't': rc = db_bind_text(s, at, va_arg(args, const char *)); break;
		case 'b':
			bytes = va_arg(args, const void *);
			rc = db_bind_blob(s, at, bytes, va_arg(args, size_t));
			break;
		default: rc = SQLITE_MISUSE;
		}
	}
	if (rc == SQLITE_OK && at - 1 != sqlite3_bind_parameter_count(s)) rc = SQLITE_RANGE;
	return rc;
}

static int db_bound(
	struct db *db, int statement, sqlite3_stmt **ret, struct error *err, const char *types, va_list args) {
	if (db_statement(db, statement, ret, err)) return -1;
	int rc = db_bind(*ret, types, args);
	if (rc == SQLITE_MISUSE || rc == SQLITE_RANGE)
		return error_set(err, ERR_INTERNAL, "statement %d of %s was given arguments \"%s\", which do not fit it",
			statement, db->path, types);
	return rc == SQLITE_OK ? 0 : db_failed(db, rc, "bind", err);
}

int db_exec(struct db *db, int statement, struct error *err, const char *types, ...) {
	sqlite3_stmt *s;
	va_list args;
	va_start(args, types);
	int failed = db_bound(db, statement, &s, err, types, args);
	va_end(args);
	if (failed) return -1;
	int rc;
	do rc = sqlite3_step(s);
	while (rc == SQLITE_ROW);
	if (rc != SQLITE_DONE) failed = db_failed(db, rc, "write", err);
	sqlite3_reset(s);
	return failed;
}

int64_t db_changes(const struct db *db) { return sqlite3_changes(db->handle); }

int64_t db_last_id(const struct db *db) { return sqlite3_last_insert_rowid(db->handle); }

int db_query(struct db *db, int statement, struct error *err, const char *types, ...) {
	sqlite3_stmt *s;
	va_list args;
	va_start(args, types);
	int failed = db_bound(db, statement, &s, err, types, args);
	va_end(args);
	return failed;
}

int db_step(struct db *db, int statement, struct error *err) {
	sqlite3_stmt *s = db->prepared[statement];
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) return 1;
	int failed = rc == SQLITE_DONE ? 0 : db_failed(db, rc, "read", err);
	sqlite3_reset(s);
	return failed;
}

void db_reset(struct db *db, int statement) { sqlite3_reset(db->prepared[statement]); }

int db_one(struct db *db, int statement, struct error *err, const char *types, ...) {
	sqlite3_stmt *s;
	va_list args;
	va_start(args, types);
	int failed = db_bound(db, statement, &s, err, types, args);
	va_end(args);
	return failed ? -1 : db_step(db, statement, err);
}

int64_t db_i64(struct db *db, int statement, int column) {
	return sqlite3_column_int64(db->prepared[statement], column);
}

double db_double(struct db *db, int statement, int column) {
	return sqlite3_column_double(db->prepared[statement], column);
}

const char *db_text(struct db *db, int statement, int column) {
	return (const char *)sqlite3_column_text(db->prepared[statement], column);
}

const void *db_blob(struct db *db, int statement, int column, size_t *ret_n) {
	const void *bytes = sqlite3_column_blob(db->prepared[statement], column);
	*ret_n = (size_t)sqlite3_column_bytes(db->prepared[statement], column);
	return bytes;
}

/* --- transactions --- */

int db_begin(struct db *db, struct error *err) { return db_run(db, "BEGIN IMMEDIATE", "begin to write", err); }

int db_commit(struct db *db, struct error *err) {
	int failed = db_run(db, "COMMIT", "write", err);
	if (failed) db_rollback(db);
	return failed;
}

/* SQLite itself has rolled back after some errors (full disk, I/O): then there is nothing left to do. */
void db_rollback(struct db *db) {
	if (!sqlite3_get_autocommit(db->handle)) sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

bool db_in_transaction(const struct db *db) { return !sqlite3_get_autocommit(db->handle); }

static int savepoint_run(struct db *db, enum savepoint which, struct error *err) {
	sqlite3_stmt **s = &db->savepoint[which];
	if (!*s && db_prepare(db, savepoint_texts[which], s, err)) return -1;
	int rc = sqlite3_step(*s);
	int failed = rc == SQLITE_DONE ? 0 : db_failed(db, rc, "write", err);
	sqlite3_reset(*s);
	return failed;
}

int db_savepoint(struct db *db, struct error *err) { return savepoint_run(db, SAVEPOINT_BEGIN, err); }

int db_savepoint_keep(struct db *db, struct error *err) { return savepoint_run(db, SAVEPOINT_KEEP, err); }

int db_savepoint_undo(struct db *db, struct error *err) {
	return savepoint_run(db, SAVEPOINT_UNDO, err) || savepoint_run(db, SAVEPOINT_KEEP, err) ? -1 : 0;
}

void db_reset_all(struct db *db) {
	for (sqlite3_stmt *s = sqlite3_next_stmt(db->handle, NULL); s; s = sqlite3_next_stmt(db->handle, s))
		if (sqlite3_stmt_busy(s)) sqlite3_reset(s);
}

int db_script(struct db *db, const char *sql, struct error *err) { return db_run(db, sql, "write", err); }

sqlite3 *db_handle(struct db *db) { return db->handle; }

bool db_moved(struct db *db) {
	int moved = 0;
	return sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}

int db_data_version(struct db *db, int64_t *ret, struct error *err) {
	if (!db->data_version && db_prepare(db, "PRAGMA data_version", &db->data_version, err)) return -1;
	int rc = sqlite3_step(db->data_version);
	int failed = rc == SQLITE_ROW ? 0 : db_failed(db, rc, "read", err);
	if (!failed) *ret = sqlite3_column_int64(db->data_version, 0);
	sqlite3_reset(db->data_version);
	return failed;
}
