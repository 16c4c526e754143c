/* SPDX-License-Identifier: MIT */
/* base/db: settings, migrations, statements, transactions and what is said when a file is bad. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/db.h"

enum { PUT, GET, ALL, COUNT, BROKEN_ARGS, STATEMENT_N };
static const char *const sql[STATEMENT_N] = {
	[PUT] = "INSERT INTO t(id, name, weight, bytes, small) VALUES(?, ?, ?, ?, ?)",
	[GET] = "SELECT id, name, weight, bytes, small FROM t WHERE id = ?",
	[ALL] = "SELECT id FROM t ORDER BY id",
	[COUNT] = "SELECT count(*) FROM t",
	[BROKEN_ARGS] = "DELETE FROM t WHERE id = ? AND name = ?",
};
static const char *const steps[] = {
	"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, weight REAL, bytes BLOB)",
	"ALTER TABLE t ADD COLUMN small INTEGER; CREATE UNIQUE INDEX t_name ON t(name)",
	"CREATE TABLE u(id INTEGER REFERENCES t(id))",
};
static const struct db_schema version_1 = {steps, 1, sql, 0};
static const struct db_schema version_2 = {steps, 2, sql, STATEMENT_N};
static const struct db_schema version_3 = {steps, 3, sql, STATEMENT_N};

static char folder[64], path[128];

static int setup(void **state) {
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/test_db.XXXXXX");
	if (!mkdtemp(folder)) return -1;
	snprintf(path, sizeof path, "%s/t.db", folder);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	static const char *const ends[] = {"", "-wal", "-shm"};
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		char file[160];
		snprintf(file, sizeof file, "%s%s", path, ends[i]);
		unlink(file);
	}
	return rmdir(folder);
}

static struct db *must_open(enum db_mode mode, const struct db_schema *schema) {
	struct db *db = NULL;
	struct error err = ERROR_INIT;
	if (db_open(&db, path, mode, schema, &err)) fail_msg("%s", err.text);
	return db;
}

static int64_t pragma(struct db *db, const char *text) {
	sqlite3_stmt *s;
	assert_int_equal(sqlite3_prepare_v2(db_handle(db), text, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	int64_t value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return value;
}

static void test_settings(void **state) {
	(void)state;
	struct stat st;
	AUTO(db_close) struct db *db = must_open(DB_WRITER, &version_2);
	assert_int_equal(pragma(db, "PRAGMA synchronous"), 2);
	assert_int_equal(pragma(db, "PRAGMA foreign_keys"), 1);
	assert_int_equal(pragma(db, "PRAGMA user_version"), 2);
	assert_int_equal(pragma(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	struct error err = ERROR_INIT;
	assert_int_equal(db_prepare_all(db, &err), 0);
}

/* A reader who may not write the folder opens what the writer left: persist-wal keeps -wal and -shm. */
static void test_wal_stays(void **state) {
	(void)state;
	char wal[160];
	db_close(must_open(DB_WRITER, &version_2));
	snprintf(wal, sizeof wal, "%s-wal", path);
	assert_int_equal(access(wal, F_OK), 0);
	db_close(must_open(DB_READER, &version_2));
}

static void test_types(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(db_close) struct db *db = must_open(DB_WRITER, &version_2);
	assert_int_equal(db_exec(db, PUT, &err, "itdbn", INT64_MAX, "ä'; --", 0.5, "\0\1", (size_t)2, -7), 0);
	assert_int_equal(db_changes(db), 1);
	assert_int_equal(db_last_id(db), INT64_MAX);
	assert_int_equal(db_one(db, GET, &err, "i", INT64_MAX), 1);
	size_t n = 0;
	assert_string_equal(db_text(db, GET, 1), "ä'; --");
	assert_true(db_double(db, GET, 2) == 0.5);
	assert_memory_equal(db_blob(db, GET, 3, &n), "\0\1", 2);
	assert_int_equal(n, 2);
	assert_int_equal(db_i64(db, GET, 4), -7);
	db_reset(db, GET);
	assert_int_equal(db_exec(db, PUT, &err, "itdbn", (int64_t)1, NULL, 0.0, NULL, (size_t)0, 0), 0);
	assert_int_equal(db_one(db, GET, &err, "i", (int64_t)1), 1);
	assert_null(db_text(db, GET, 1));
	assert_null(db_blob(db, GET, 3, &n));
	db_reset(db, GET);
	assert_int_equal(db_one(db, GET, &err, "i", (int64_t)99), 0);
}

static void test_rows(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(db_close) struct db *db = must_open(DB_WRITER, &version_2);
	for (int64_t i = 1; i <= 3; i++)
		assert_int_equal(db_exec(db, PUT, &err, "itdbn", i, NULL, 0.0, NULL, (size_t)0, 0), 0);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(db_query(db, ALL, &err, ""), 0);
		for (int64_t i = 1; i <= 3; i++) {
			assert_int_equal(db_step(db, ALL, &err), 1);
			assert_int_equal(db_i64(db, ALL, 0), i);
		}
		assert_int_equal(db_step(db, ALL, &err), 0);
	}
}

static void test_wrong_arguments(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(db_close) struct db *db = must_open(DB_WRITER, &version_2);
	assert_int_equal(db_exec(db, BROKEN_ARGS, &err, "i", (int64_t)1), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_int_equal(db_exec(db, BROKEN_ARGS, &err, "ix", (int64_t)1), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_int_equal(db_exec(db, BROKEN_ARGS, &err, "itt", (int64_t)1, "a", "b"), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
}

static void test_constraint(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(db_close) struct db *db = must_open(DB_WRITER, &version_2);
	assert_int_equal(db_exec(db, PUT, &err, "itdbn", (int64_t)1, "a", 0.0, NULL, (size_t)0, 0), 0);
	assert_int_equal(db_exec(db, PUT, &err, "itdbn", (int64_t)2, "a", 0.0, NULL, (size_t)0, 0), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_int_equal(db_exec(db, PUT, &err, "itdbn", (int64_t)2, "b", 0.0, NULL, (size_t)0, 0), 0);
}

static int64_t count(struct db *db) {
	struct error err = ERROR_INIT;
	assert_int_equal(db_one(db, COUNT, &err, ""), 1);
	int64_t n = db_i64(db, COUNT, 0);
	db_reset(db, COUNT);
	return n;
}

static void test_transactions(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(db_close) struct db *db = must_open(DB_WRITER, &version_2);
	assert_int_equal(db_begin(db, &err), 0);
	assert_int_equal(db_script(db, "INSERT INTO t(id) VALUES(1)", &err), 0);
	db_rollback(db);
	db_rollback(db); /* none open: nothing happens */
	assert_int_equal(count(db), 0);
	assert_int_equal(db_begin(db, &err), 0);
	assert_int_equal(db_script(db, "INSERT INTO t(id) VALUES(1)", &err), 0);
	assert_int_equal(db_commit(db, &err), 0);
	assert_int_equal(count(db), 1);
	assert_int_equal(db_commit(db, &err), -1);
	assert_int_equal(db_script(db, "INSERT INTO nowhere VALUES(1)", &err), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
}

/* A failed COMMIT leaves no transaction open: here a foreign key that is checked at the end. */
static void test_commit_fails(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	static const char *const deferred[] = {
		"CREATE TABLE t(id INTEGER PRIMARY KEY); CREATE TABLE u(t REFERENCES t DEFERRABLE INITIALLY DEFERRED)"};
	static const struct db_schema schema = {deferred, 1, NULL, 0};
	AUTO(db_close) struct db *db = must_open(DB_WRITER, &schema);
	assert_int_equal(db_begin(db, &err), 0);
	assert_int_equal(db_script(db, "INSERT INTO u VALUES(5)", &err), 0);
	assert_int_equal(db_commit(db, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_int_equal(db_begin(db, &err), 0);
	db_rollback(db);
}

static void test_migrations(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct db *db = must_open(DB_WRITER, &version_1);
	assert_int_equal(db_script(db, "INSERT INTO t(id, name) VALUES(1, 'kept')", &err), 0);
	db_close(db);
	struct db *none = NULL;
	assert_int_equal(db_open(&none, path, DB_READER, &version_3, &err), -1);
	assert_int_equal(err.code, ERR_DISK);
	assert_non_null(strstr(err.text, "version 1"));
	db = must_open(DB_WRITER, &version_3);
	assert_int_equal(pragma(db, "PRAGMA user_version"), 3);
	assert_int_equal(count(db), 1);
	db_close(db);
	for (int mode = DB_WRITER; mode <= DB_READER; mode++) {
		error_clear(&err);
		assert_int_equal(db_open(&none, path, (enum db_mode)mode, &version_2, &err), -1);
		assert_int_equal(err.code, ERR_DISK);
		assert_non_null(strstr(err.text, "version 3"));
		assert_non_null(strstr(err.text, "up to 2"));
	}
	assert_null(none);
}

/* A migration that fails leaves the version it had, and nothing of itself. */
static void test_migration_fails(void **state) {
	(void)state;
	static const char *const bad[] = {"CREATE TABLE t(id)", "CREATE TABLE half(id); CREATE TABLE t(id)"};
	static const struct db_schema one = {bad, 1, NULL, 0}, two = {bad, 2, NULL, 0};
	struct error err = ERROR_INIT;
	struct db *none = NULL;
	assert_int_equal(db_open(&none, path, DB_WRITER, &two, &err), -1);
	AUTO(db_close) struct db *db = must_open(DB_WRITER, &one);
	assert_int_equal(pragma(db, "PRAGMA user_version"), 1);
	assert_int_equal(pragma(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
}

static void test_missing(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct db *none = NULL;
	assert_int_equal(db_open(&none, path, DB_READER, &version_1, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(db_open(&none, path, DB_READER, &version_1, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(db_open(&none, "/nowhere/at/all.db", DB_WRITER, &version_1, &err), -1);
	assert_int_equal(err.code, ERR_DISK);
	assert_int_equal(err.os, ENOENT);
}

static void test_damaged(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct db *none = NULL;
	FILE *f = fopen(path, "w");
	for (int i = 0; i < 1000; i++) fputs("this is no database at all\n", f);
	fclose(f);
	for (int mode = DB_WRITER; mode <= DB_READER; mode++) {
		assert_int_equal(db_open(&none, path, (enum db_mode)mode, &version_1, &err), -1);
		assert_int_equal(err.code, ERR_DISK);
		assert_non_null(strstr(err.text, path));
		assert_non_null(strstr(err.text, "move it away"));
	}
}

static void test_full(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(db_close) struct db *db = must_open(DB_WRITER, &version_2);
	char big[65536];
	memset(big, 'x', sizeof big);
	pragma(db, "PRAGMA max_page_count = 20");
	assert_int_equal(db_exec(db, PUT, &err, "itdbn", (int64_t)1, NULL, 0.0, big, sizeof big, 0), 0);
	assert_int_equal(db_exec(db, PUT, &err, "itdbn", (int64_t)2, NULL, 0.0, big, sizeof big, 0), -1);
	assert_int_equal(err.code, ERR_DISK);
	assert_non_null(strstr(err.text, "free some space"));
	assert_int_equal(count(db), 1);
}

static void test_reader(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(db_close) struct db *writer = must_open(DB_WRITER, &version_2);
	AUTO(db_close) struct db *reader = must_open(DB_READER, &version_2);
	int64_t before = -1, after = -1;
	assert_int_equal(db_data_version(reader, &before, &err), 0);
	assert_int_equal(db_data_version(reader, &after, &err), 0);
	assert_int_equal(before, after);
	assert_int_equal(db_script(writer, "INSERT INTO t(id) VALUES(1)", &err), 0);
	assert_int_equal(db_data_version(reader, &after, &err), 0);
	assert_int_not_equal(before, after);
	assert_int_equal(count(reader), 1);
	assert_int_equal(db_script(reader, "INSERT INTO t(id) VALUES(2)", &err), -1);
	assert_int_equal(err.code, ERR_DISK);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void) {
	static const struct CMUnitTest tests[] = {TEST(test_settings), TEST(test_wal_stays), TEST(test_types),
		TEST(test_rows), TEST(test_wrong_arguments), TEST(test_constraint), TEST(test_transactions),
		TEST(test_commit_fails), TEST(test_migrations), TEST(test_migration_fails), TEST(test_missing),
		TEST(test_damaged), TEST(test_full), TEST(test_reader)};
	return cmocka_run_group_tests_name("base/db", tests, NULL, NULL);
}
