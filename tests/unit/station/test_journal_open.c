/* SPDX-License-Identifier: MIT */
/* Opening, closing and what lies on the disk: order of callbacks, rights, versions, query plans. */
#include "journal_fixture.h"

#include <sys/stat.h>

#include "session/part.h"
#include "station/journal/sql.h"

/* --- order, closing, opening --- */

struct order {
	struct fixture *f;
	int next, more;
};
struct ticket {
	struct order *order;
	int number;
};

static void on_in_order(void *arg, const struct error *err) {
	struct ticket *t = arg;
	assert_int_equal(err->code, ERR_NONE);
	assert_int_equal(t->number, t->order->next++);
}

static void callbacks_come_in_order_and_closing_waits_for_them(void **state) {
	struct fixture *f = *state;
	struct order order = {.f = f};
	struct ticket *tickets = xcalloc(5000, sizeof *tickets);
	for (int i = 0; i < 5000; i++) {
		tickets[i] = (struct ticket){&order, i};
		journal_set(f->j, "n", "v", on_in_order, &tickets[i]);
	}
	fixture_close(f); /* at once: everything is still queued */
	assert_int_equal(order.next, 5000);
	free(tickets);
}

static void on_again(void *arg, const struct error *err) {
	struct order *o = arg;
	assert_int_equal(err->code, ERR_NONE);
	if (o->more-- > 0) journal_set(o->f->j, "again", "v", on_again, o);
}

static void what_a_callback_submits_while_closing_is_written(void **state) {
	struct fixture *f = *state;
	struct order order = {.f = f, .more = 10};
	journal_set(f->j, "again", "v", on_again, &order);
	fixture_close(f);
	assert_int_equal(order.more, -1);
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	char *value = NULL;
	OK(journal_get(v, "again", &value, E));
	assert_string_equal(value, "v");
	free(value);
}

/* Too late: the thread was told to end. It is called back all the same, with the truth. */
static void what_is_submitted_after_the_end_fails(void **state) {
	struct fixture *f = *state;
	journal_close(f->j, fixture_on_closed, f);
	uv_run(&f->loop, UV_RUN_ONCE);
	assert_false(f->closed);
	f->waiting++;
	journal_set(f->j, "late", "v", fixture_done, f);
	fixture_run(f, NULL, true);
	f->j = NULL;
	assert_int_equal(f->waiting, 0);
	assert_int_equal(f->last.code, ERR_CANCELLED);
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	char *value = NULL;
	OK(journal_get(v, "late", &value, E));
	assert_null(value);
}

static void ids_go_on_after_reopening(void **state) {
	struct fixture *f = *state;
	struct session_row a = fixture_add(f, "20261120_000001");
	fixture_close(f);
	fixture_open(f);
	struct session_row b = fixture_add(f, "20261120_000002");
	fixture_wait(f);
	assert_int_equal(a.id, 1);
	assert_int_equal(b.id, 2);
	struct session_row r = read_session(f, a.name);
	assert_int_equal(r.state, STATE_FOUND);
	assert_int_equal(r.revision, 1);
	session_row_done(&r);
}

static void the_version_moves_with_every_commit_and_only_then(void **state) {
	struct fixture *f = *state;
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	int64_t first = 0, same = 0, moved = 0;
	OK(journal_view_version(v, &first, E));
	OK(journal_view_version(v, &same, E));
	assert_int_equal(first, same);
	for (int i = 0; i < 20; i++) {
		fixture_flush(f);
		OK(journal_view_version(v, &moved, E));
		assert_true(moved > same);
		same = moved;
	}
}

struct moved {
	struct fixture *f;
	struct journal_view *view;
	int64_t version;
	int calls;
};

static void on_moved(void *arg) {
	struct moved *m = arg;
	int64_t version;
	OK(journal_view_version(m->view, &version, E));
	assert_true(version > m->version);
	m->version = version;
	m->calls++;
}

/* Who is told can see what was committed, with another connection. */
static void a_commit_is_told_once_it_can_be_seen(void **state) {
	struct moved m = {.f = *state};
	const struct journal_options o = {.allow_volatile = true, .on_moved = on_moved, .arg = &m};
	fixture_close(m.f);
	OK(journal_open(&m.f->j, &m.f->loop, m.f->dir, &o, E));
	OK(journal_view_open(&m.view, m.f->dir, E));
	OK(journal_view_version(m.view, &m.version, E));
	for (int i = 0; i < 5; i++) {
		m.f->waiting = 1;
		journal_set(m.f->j, "name", i % 2 ? "one" : "two", fixture_done, m.f);
		fixture_wait(m.f);
		assert_int_equal(m.calls, i + 1);
	}
	journal_view_close(m.view);
}

static void files_are_private(void **state) {
	struct fixture *f = *state;
	AUTO(xfree) char *made = path_join(f->dir, "new/folder");
	struct error err = ERROR_INIT;
	const struct journal_options o = {.allow_volatile = true};
	fixture_close(f);
	assert_int_equal(journal_open(&f->j, &f->loop, made, &o, &err), 0);
	const char *const names[] = {
		"new/folder", "new/folder/state.db", "new/folder/state.db-wal", "new/folder/state.db-shm"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO(xfree) char *path = path_join(f->dir, names[i]);
		struct stat st;
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, i ? 0600 : 0700);
	}
}

static void a_journal_of_a_newer_program_is_refused(void **state) {
	struct fixture *f = *state;
	fixture_close(f);
	AUTO(xfree) char *path = path_join(f->dir, JOURNAL_FILE);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	struct error err = ERROR_INIT;
	assert_int_equal(fixture_try_open(f, &err), -1);
	f->j = NULL;
	assert_int_equal(err.code, ERR_DISK);
	assert_non_null(strstr(err.text, "version 99"));
	assert_non_null(strstr(err.text, "up to 2"));
	struct journal_view *v = NULL;
	assert_int_equal(journal_view_open(&v, f->dir, &err), -1);
	assert_int_equal(err.code, ERR_DISK);
}

static void no_journal_yet_is_not_found(void **state) {
	(void)state;
	struct journal_view *v = NULL;
	struct error err = ERROR_INIT;
	assert_int_equal(journal_view_open(&v, "/nonexistent", &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void a_volatile_file_system_is_refused_unless_allowed(void **state) {
	struct fixture *f = *state;
	struct file_system fs;
	struct error err = ERROR_INIT;
	if (file_system_of("/dev/shm", &fs, &err) || fs.durable) skip();
	char dir[] = "/dev/shm/headgate-journal-XXXXXX";
	if (!mkdtemp(dir)) skip();
	fixture_close(f);
	const struct journal_options strict = {0}, lax = {.allow_volatile = true};
	int refused = journal_open(&f->j, &f->loop, dir, &strict, &err);
	int allowed = refused ? journal_open(&f->j, &f->loop, dir, &lax, &(struct error){0}) : 0;
	fixture_close(f);
	struct error ignored = ERROR_INIT;
	(void)!file_remove_tree(dir, &ignored);
	assert_int_equal(refused, -1);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_non_null(strstr(err.text, "allow_volatile"));
	assert_int_equal(allowed, 0);
}

/* --- journals of earlier versions --- */

static const char *here; /* the folder of this file */

static void load_journal(struct fixture *f, const char *name) {
	fixture_close(f);
	AUTO(xfree) char *from = path_join(here, name);
	AUTO(buf_done) struct buf sql = BUF_INIT(16 << 20);
	OK(file_read(from, 16 << 20, &sql, E));
	OK(file_remove_tree(f->dir, E));
	OK(file_mkdirs(f->dir, 0700, E));
	AUTO(xfree) char *path = path_join(f->dir, JOURNAL_FILE);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, buf_text(&sql), NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static char *schema_of(const struct fixture *f) {
	AUTO(xfree) char *path = path_join(f->dir, JOURNAL_FILE);
	struct buf out = BUF_INIT(1 << 20);
	sqlite3 *db;
	sqlite3_stmt *s;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	const char *sql = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite%' ORDER BY name";
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW) buf_fmt(&out, "%s\n", sqlite3_column_text(s, 1));
	sqlite3_finalize(s);
	sqlite3_close(db);
	return buf_take(&out);
}

/* A migration that was released is never edited: the tables of then, migrated, are the tables of now. */
static void a_journal_of_version_1_becomes_one_of_this_version(void **state) {
	struct fixture *f = *state;
	AUTO(xfree) char *fresh = schema_of(f);
	load_journal(f, "journal-v1.sql");
	fixture_open(f);
	fixture_flush(f);
	fixture_close(f);
	AUTO(xfree) char *migrated = schema_of(f);
	assert_string_equal(migrated, fresh);
}

static void a_journal_of_version_1_keeps_what_is_in_it(void **state) {
	struct fixture *f = *state;
	load_journal(f, "journal-v1.sql");
	fixture_open(f);
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	struct session_row a = {0}, b = {0};
	struct error err = ERROR_INIT;
	assert_int_equal(journal_session(v, "20261120_134502", "/data/recordings", &a, &err), 1);
	assert_int_equal(a.state, STATE_ACCEPTED);
	assert_int_equal(a.bytes, (600LL << 20) + 64);
	assert_int_equal(a.accepted_ms, 1763650002000);
	assert_int_equal(a.fingerprint_ms, 1763649990000);
	assert_string_equal(a.processing, "pending");
	assert_true(a.present && !a.ignored);
	assert_int_equal(journal_session(v, "20261120_150000", NULL, &b, &err), 1);
	assert_int_equal(b.state, STATE_HELD);
	assert_true(b.data_safe);
	assert_string_equal(b.reason, "metadata_ranges: fatigue_level 14 is above 10");
	struct file_row *files;
	size_t n;
	read_files(f, a.id, 0, &files, &n);
	assert_int_equal(n, 2);
	assert_string_equal(files[0].name, "eeg/signal \xc3\xa9.dat");
	assert_int_equal(files[0].mtime_ns, 1763649980123456789);
	assert_int_equal(files[0].part_n, part_count(600LL << 20));
	assert_int_equal(files[1].state, FILE_STORED);
	assert_string_equal(files[1].key, "20261120_134502/lab/metadata.txt");
	struct sha256 want;
	sha256_of("signal", 6, &want);
	assert_true(sha256_equal(&want, &files[0].sha256));
	file_rows_free(files, n);
	/* digests of data files alone: not what a content id is, so nothing is known of it */
	assert_false(a.has_content || b.has_content || a.released);
	assert_string_equal(a.folder, "");
	struct check_list checks = {0};
	OK(journal_checks(v, b.id, 1, "local", &checks, E));
	assert_int_equal(checks.n, 1);
	assert_string_equal(checks.items[0].mend, "correct it in metadata.txt");
	check_list_done(&checks);
	struct seen attempts = {0}, outbox = {0}, last = {0};
	OK(journal_attempts(v, a.id, 0, see_attempt, &attempts, E));
	assert_int_equal(attempts.n, 1);
	OK(journal_outbox(v, 0, see_outbox, &outbox, E));
	assert_string_equal(outbox.text, "report-1={\"code\":\"conflict\"} ");
	OK(journal_events(v, 0, 13, 0, see_event, &last, E));
	assert_string_equal(last.text, "0:warn/cloud_lost=the cloud does not answer ");
	char *cursor = NULL;
	OK(journal_get(v, "cursor", &cursor, E));
	assert_string_equal(cursor, "17");
	free(cursor);
	struct journal_summary s;
	OK(journal_summary(v, 0, &s, E));
	assert_int_equal(s.sessions, 3);
	assert_int_equal(s.ignored, 1);
	assert_int_equal(s.by_state[STATE_ACCEPTED], 1);
	assert_int_equal(s.by_state[STATE_HELD], 1);
	assert_int_equal(s.bytes_left, 1000);
	session_row_done(&a);
	session_row_done(&b);
	/* And it goes on. */
	assert_int_equal(fixture_add(f, "20261121_000000").id, 4);
	fixture_wait(f);
	assert_int_equal(f->failures, 0);
}

/* --- statements --- */

/* The console's window in an order that has no index, and the count of what fits a filter: read in its thread pool. */
static bool reads_them_all(int statement) {
	return (statement >= R_WINDOW_SIZE && statement <= R_WINDOW_TRIES_REVERSE) || statement == R_WINDOW_COUNT;
}

/* Every list that is read while a person waits goes through an index, whatever the size. */
static void no_statement_scans_a_table_of_sessions_or_files(void **state) {
	struct fixture *f = *state;
	fixture_close(f);
	AUTO(xfree) char *path = path_join(f->dir, JOURNAL_FILE);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (int i = 0; i < journal_read_schema.statement_n; i++) {
		if (reads_them_all(i)) continue;
		AUTO(xfree) char *sql = xasprintf("EXPLAIN QUERY PLAN %s", journal_read_schema.statements[i]);
		sqlite3_stmt *s;
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
		while (sqlite3_step(s) == SQLITE_ROW) {
			const char *plan = (const char *)sqlite3_column_text(s, 3);
			if (strstr(plan, "SCAN") && !strstr(plan, "INDEX") && !strstr(plan, "outbox"))
				fail_msg("%s: %s", sql, plan);
			if (strstr(plan, "TEMP B-TREE") && i != R_SESSION_BY_NAME) fail_msg("%s: %s", sql, plan);
		}
		sqlite3_finalize(s);
	}
	sqlite3_close(db);
}

int main(int argc, char **argv) {
	here = argc > 1 ? argv[1] : ".";
	const struct CMUnitTest tests[] = {
		JOURNAL_TEST(callbacks_come_in_order_and_closing_waits_for_them),
		JOURNAL_TEST(what_a_callback_submits_while_closing_is_written),
		JOURNAL_TEST(what_is_submitted_after_the_end_fails),
		JOURNAL_TEST(ids_go_on_after_reopening),
		JOURNAL_TEST(the_version_moves_with_every_commit_and_only_then),
		JOURNAL_TEST(a_commit_is_told_once_it_can_be_seen),
		JOURNAL_TEST(files_are_private),
		JOURNAL_TEST(a_journal_of_a_newer_program_is_refused),
		JOURNAL_TEST(no_journal_yet_is_not_found),
		JOURNAL_TEST(a_volatile_file_system_is_refused_unless_allowed),
		JOURNAL_TEST(a_journal_of_version_1_becomes_one_of_this_version),
		JOURNAL_TEST(a_journal_of_version_1_keeps_what_is_in_it),
		JOURNAL_TEST(no_statement_scans_a_table_of_sessions_or_files),
	};
	fixture_quiet();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	log_close();
	return failed;
}
