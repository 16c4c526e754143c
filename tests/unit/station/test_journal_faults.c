/* SPDX-License-Identifier: MIT */
/* Promises 2 and 3 of reliability.md at the journal: a process that dies, a disk that is full, a reader beside the
 * writer, 100,000 sessions. */
#include "journal_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "station/journal/sql.h"

#define SESSIONS 50

/* --- SIGKILL --- */

/* One line a commit, written to a pipe only after the journal said so: what the outside was told. */
struct told {
	int32_t session, state, steps;
};
struct stepper {
	struct fixture *f;
	struct session_row rows[SESSIONS];
	int steps[SESSIONS];
	int pipe;
};
struct told_arg {
	struct stepper *s;
	struct told told;
};

static void on_told(void *arg, const struct error *err) {
	struct told_arg *t = arg;
	if (err->code || write(t->s->pipe, &t->told, sizeof t->told) != sizeof t->told) _exit(3);
	t->s->f->waiting--;
	free(t);
}

static void step_anywhere(struct stepper *s) {
	int i = rand() % SESSIONS;
	struct session_row *r = &s->rows[i];
	enum session_event e = (enum session_event)(rand() % EVENT_N);
	if (state_next(r->state, e) < 0) return;
	struct told_arg *t = xcalloc(1, sizeof *t);
	struct error err = ERROR_INIT;
	r->tries = ++s->steps[i];
	t->s = s;
	s->f->waiting++;
	if (session_step(s->f->j, r, e, SET_TRIES, "info", "a step", on_told, t, &err)) _exit(4);
	t->told = (struct told){(int32_t)r->id, (int32_t)r->state, s->steps[i]};
}

/* Goes on from what the journal holds, for ever. */
static int load_row(void *arg, const struct session_row *r) {
	struct stepper *s = arg;
	struct session_row *mine = &s->rows[r->id - 1];
	*mine = *r;
	mine->root = xstrdup(r->root);
	mine->reason = NULL;
	s->steps[r->id - 1] = r->tries;
	return 0;
}

static _Noreturn void stepper_main(struct fixture *f, int pipe, unsigned seed) {
	static struct stepper s;
	struct error err = ERROR_INIT;
	srand(seed);
	s.f = f;
	s.pipe = pipe;
	f->waiting = 0;
	uv_loop_init(&f->loop);
	uv_timer_init(&f->loop, &f->guard);
	if (fixture_try_open(f, &err)) _exit(5);
	AUTO(journal_view_close) struct journal_view *v = NULL;
	if (journal_view_open(&v, f->dir, &err)) _exit(6);
	if (journal_sessions(v, &(struct session_filter){.state = -1}, load_row, &s, &err)) _exit(7);
	for (;;) {
		for (int i = 0; i < 20; i++) step_anywhere(&s);
		uv_run(&f->loop, UV_RUN_NOWAIT);
	}
}

struct found {
	int state[SESSIONS + 1], steps[SESSIONS + 1], rows;
};
static int find(void *arg, const struct session_row *r) {
	struct found *f = arg;
	f->state[r->id] = (int)r->state;
	f->steps[r->id] = r->tries;
	f->rows++;
	return 0;
}

/* The journal against what was told: nothing told is lost, and each state is the one its last event explains. */
static void compare(const struct fixture *f, const struct told *last) {
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	struct found found = {0};
	struct error err = ERROR_INIT;
	assert_int_equal(journal_sessions(v, &(struct session_filter){.state = -1}, find, &found, &err), 0);
	assert_int_equal(found.rows, SESSIONS);
	for (int i = 1; i <= SESSIONS; i++) {
		assert_true(found.steps[i] >= last[i].steps);
		if (found.steps[i] == last[i].steps && last[i].steps) assert_int_equal(found.state[i], last[i].state);
	}
	AUTO(xfree) char *path = path_join(f->dir, JOURNAL_FILE);
	sqlite3 *db;
	sqlite3_stmt *s;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
						 "SELECT count(*) FROM session s WHERE state IS NOT (SELECT state FROM event e WHERE e.session "
						 "= s.id AND e.state IS NOT NULL ORDER BY id DESC LIMIT 1) OR tries <> (SELECT count(*) FROM "
						 "event e WHERE e.session = s.id) - 1",
						 -1, &s, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(s, 0), 0);
	sqlite3_finalize(s);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(s, 0), "ok");
	sqlite3_finalize(s);
	sqlite3_close(db);
}

static int hear(int pipe, struct told *last, int most) {
	struct told t;
	int n = 0;
	while (n < most && read(pipe, &t, sizeof t) == sizeof t) {
		last[t.session] = t;
		n++;
	}
	return n;
}

static void a_killed_writer_loses_nothing_it_told(void **state) {
	struct fixture *f = *state;
	struct told last[SESSIONS + 1] = {0};
	for (int i = 0; i < SESSIONS; i++) fixture_add_nth(f, i);
	fixture_wait(f);
	fixture_close(f);
	srand(11);
	for (int round = 0; round < 12; round++) {
		int ends[2];
		assert_int_equal(pipe(ends), 0);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) stepper_main(f, ends[1], (unsigned)round + 100);
		close(ends[1]);
		int most = 1 + rand() % 3000;
		assert_int_equal(hear(ends[0], last, most), most);
		kill(child, SIGKILL);
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		hear(ends[0], last, INT32_MAX);
		close(ends[0]);
		fixture_open(f); /* as the next engine does */
		fixture_close(f);
		compare(f, last);
	}
}

/* --- a full disk --- */

static int count_rows(void *arg, const struct session_row *r) {
	(void)r;
	++*(int *)arg;
	return 0;
}

static int count_sessions(const struct fixture *f) {
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	struct error err = ERROR_INIT;
	int n = 0;
	if (journal_sessions(v, &(struct session_filter){.state = -1}, count_rows, &n, &err)) fail_msg("%s", err.text);
	return n;
}

/* A limit on the size of files stands for the full disk: the same writes fail, in this process alone. */
static void a_full_disk_stops_the_journal_and_loses_nothing(void **state) {
	struct fixture *f = *state;
	signal(SIGXFSZ, SIG_IGN);
	struct rlimit before, small = {.rlim_cur = 400 * 1024};
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int n = 0;
	for (; n < 100000 && !f->failures; n += 50) {
		for (int i = 0; i < 50; i++) fixture_add_nth(f, n + i);
		fixture_wait(f);
	}
	assert_int_equal(f->last.code, ERR_DISK);
	assert_non_null(strstr(f->last.text, "the journal stopped"));
	assert_non_null(strstr(f->last.text, "state.db"));
	int failures = f->failures;
	assert_in_range(failures, 1, 50);
	/* Nothing is taken any more, and said so each time. */
	fixture_flush(f);
	assert_int_equal(f->failures, failures + 1);
	fixture_close(f);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	/* Space returns: each session that was said to be in is in, none that was said to have failed. */
	fixture_open(f);
	assert_int_equal(count_sessions(f), n - failures);
	f->failures = 0;
	fixture_add_nth(f, n);
	fixture_wait(f);
	assert_int_equal(f->failures, 0);
	assert_int_equal(count_sessions(f), n - failures + 1);
}

static void a_folder_that_cannot_be_written_is_named(void **state) {
	(void)state;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (geteuid() == 0 && (setgid(65534) || setuid(65534))) _exit(10);
		uv_loop_t loop;
		uv_loop_init(&loop);
		struct journal *j;
		struct error err = ERROR_INIT;
		const struct journal_options o = {.allow_volatile = true};
		if (journal_open(&j, &loop, "/proc/1", &o, &err) != -1) _exit(11);
		_exit(err.code == ERR_DISK && strstr(err.text, "/proc/1") ? 0 : 12);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- a reader in another process --- */

/* Sees sessions become more and never fewer, and counters that add up, until all are there. */
static int reader_main(const char *dir, int all) {
	struct journal_view *v = NULL;
	struct error err = ERROR_INIT;
	if (journal_view_open(&v, dir, &err)) return 20;
	int64_t seen = 0, version = -1, until = clock_mono_ms() + WAIT_MS;
	while (seen < all) {
		int64_t now;
		struct journal_summary s;
		if (clock_mono_ms() > until) return 21;
		if (journal_view_version(v, &now, &err)) return 22;
		if (now == version) {
			usleep(500);
			continue;
		}
		version = now;
		if (journal_summary(v, 0, &s, &err)) return 23;
		int64_t sum = s.ignored;
		for (int i = 0; i < STATE_N; i++) sum += s.by_state[i];
		if (s.sessions < seen || sum != s.sessions) return 24;
		seen = s.sessions;
	}
	journal_view_close(v);
	return 0;
}

static void another_process_reads_while_it_is_written(void **state) {
	struct fixture *f = *state;
	fixture_flush(f);
	fixture_close(f);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) _exit(reader_main(f->dir, 3000));
	fixture_open(f);
	for (int i = 0; i < 3000; i++) {
		struct session_row r = fixture_add_nth(f, i);
		if (i % 3 == 0) assert_int_equal(fixture_step(f, &r, EVENT_SCANNED), 0);
		if (i % 100 == 0) fixture_wait(f);
	}
	fixture_wait(f);
	assert_int_equal(f->failures, 0);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- size --- */

static void fill(const struct fixture *f, int sessions) {
	AUTO(xfree) char *path = path_join(f->dir, JOURNAL_FILE);
	AUTO(xfree)
	char *sql = xasprintf(
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
		"INSERT INTO session (" SESSION_COLUMNS ") SELECT i, printf('%%08d_%%06d', 20200101 + i / 100000, i %% 100000),"
		" '/data', 1, CASE i %% 1000 WHEN 0 THEN 'held' WHEN 1 THEN 'queued' ELSE 'accepted' END, 0, 0, 1, 0, i, i, 0,"
		" 0, 0, 0, '', 10, 1000, 10, 1000 * (i %% 1000 > 1), 0, 0, '', NULL, 0, NULL, '' FROM n",
		sessions);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void a_hundred_thousand_sessions(void **state) {
	struct fixture *f = *state;
	fixture_close(f);
	fill(f, 100000);
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	struct journal_summary s;
	struct error err = ERROR_INIT;
	int64_t from = clock_mono_ms();
	for (int i = 0; i < 100; i++) assert_int_equal(journal_summary(v, 0, &s, &err), 0);
	print_message("# 100 summaries of 100,000 sessions took %lld ms\n", (long long)(clock_mono_ms() - from));
	assert_int_equal(s.sessions, 100000);
	assert_int_equal(s.by_state[STATE_HELD], 100);
	assert_int_equal(s.by_state[STATE_QUEUED], 100);
	assert_int_equal(s.by_state[STATE_ACCEPTED], 99800);
	assert_int_equal(s.bytes_left, 200 * 1000);
	assert_int_equal(s.oldest_unsafe_ms, 1);
	int n = 0;
	struct session_filter unsettled = {.state = -1, .unsafe_only = true},
						  person = {.state = -1, .attention_only = true};
	assert_int_equal(journal_sessions(v, &unsettled, count_rows, &n, &err), 0);
	assert_int_equal(n, 200);
	n = 0;
	assert_int_equal(journal_sessions(v, &person, count_rows, &n, &err), 0);
	assert_int_equal(n, 100);
	fixture_open(f);
	assert_int_equal(fixture_add(f, "20300101_000000").id, 100001);
	fixture_wait(f);
	assert_int_equal(journal_summary(v, 0, &s, &err), 0);
	assert_int_equal(s.sessions, 100001);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		JOURNAL_TEST(a_killed_writer_loses_nothing_it_told),
		JOURNAL_TEST(a_full_disk_stops_the_journal_and_loses_nothing),
		JOURNAL_TEST(a_folder_that_cannot_be_written_is_named),
		JOURNAL_TEST(another_process_reads_while_it_is_written),
		JOURNAL_TEST(a_hundred_thousand_sessions),
	};
	fixture_quiet();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	log_close();
	return failed;
}
