/* SPDX-License-Identifier: MIT */
/* The acts in every state with every combination of what they look at: what the engine asks of the table, and what the
 * commands without an engine leave in a real journal, are the same rows and the same refusals. */
#include "station/told/acts.h"

#include <sqlite3.h>

#include "journal_fixture.h"
#include "station/run/offline.h"

#define RIVAL "'unique_content: every file of it is in session 20260102_000000 too'"
enum { PAUSED = 1, IGNORED = 2, PRESENT = 4, CONTENT = 8, STORED = 16, RIVALLED = 32, FLAGS = 64 };
#define COMBINATIONS (STATE_N * FLAGS)

struct acts_fixture {
	struct fixture *f;
	sqlite3 *db;
	struct config config;
};

static const char *name_of(int i, char to[16]) {
	snprintf(to, 16, "20260101_%02d%02d%02d", i / 3600, i / 60 % 60, i % 60);
	return to;
}

static void sql(sqlite3 *db, const char *text) {
	char *why = NULL;
	if (sqlite3_exec(db, text, NULL, NULL, &why)) fail_msg("%s: %s", text, why);
}

/* Session i is in state i / FLAGS with the flags i % FLAGS. */
static void rows_reset(struct acts_fixture *t) {
	sql(t->db, "BEGIN");
	for (int i = 0; i < COMBINATIONS; i++) {
		char name[16];
		AUTO(xfree)
		char *text =
			xasprintf("UPDATE session SET state = '%s', paused = %d, ignored = %d, present = %d, content_id = %s, "
					  "stored_files = %d,"
					  " stored_bytes = %d, tries = %d, data_safe = %d, reason = %s, folder = 'before', revision = 3,"
					  " next_attempt_ms = 77, released = 0 WHERE name = '%s'",
				state_name((enum session_state)(i / FLAGS)), !!(i & PAUSED), !!(i & IGNORED), !!(i & PRESENT),
				i & CONTENT ? "zeroblob(32)" : "NULL", i & STORED ? 2 : 0, i & STORED ? 20 : 0, i & STORED ? 1 : 0,
				!!(i & STORED), i & RIVALLED ? RIVAL : "'another reason'", name_of(i, name));
		sql(t->db, text);
	}
	sql(t->db, "COMMIT");
}

static int setup(void **state) {
	struct acts_fixture *t = xcalloc(1, sizeof *t);
	void *f = NULL;
	fixture_quiet();
	if (fixture_setup(&f)) return -1;
	t->f = f;
	for (int i = 0; i < COMBINATIONS; i++) {
		struct session_row row = {.root = (char *)(uintptr_t) "/nowhere"};
		name_of(i, row.name);
		journal_add_session(t->f->j, &row, NULL, NULL);
	}
	fixture_close(t->f);
	AUTO(xfree) char *path = xasprintf("%s/state.db", t->f->dir);
	if (sqlite3_open(path, &t->db)) return -1;
	t->config = (struct config){.state_dir = t->f->dir, .allow_volatile = true};
	*state = t;
	return 0;
}

static int teardown(void **state) {
	struct acts_fixture *t = *state;
	void *f = t->f;
	sqlite3_close(t->db);
	int failed = fixture_teardown(&f);
	free(t);
	return failed;
}

static struct session_row read_row(struct journal_view *v, int i) {
	struct session_row row;
	struct error err = ERROR_INIT;
	char name[16];
	if (journal_session(v, name_of(i, name), NULL, &row, &err) != 1) fail_msg("%s", err.text);
	return row;
}

/* As the engine does it: the decision at once, the retry when nothing awaits its commit. */
static void act_online(enum act a, struct session_row *row) {
	const char *verb;
	act_decide(a, row, &verb);
	if (!act_retries(a)) return;
	struct retry r = act_retry(row);
	if (r.event >= 0) row->state = (enum session_state)state_next(row->state, (enum session_event)r.event);
}

static void assert_rows_equal(enum act a, int i, const struct session_row *x, const struct session_row *y) {
	bool same = x->state == y->state && x->revision == y->revision && x->paused == y->paused &&
				x->ignored == y->ignored && x->present == y->present && x->data_safe == y->data_safe &&
				x->released == y->released && x->stored_files == y->stored_files &&
				x->stored_bytes == y->stored_bytes && x->tries == y->tries &&
				x->next_attempt_ms == y->next_attempt_ms && x->has_content == y->has_content &&
				strcmp(x->folder, y->folder) == 0 && !x->reason == !y->reason &&
				(!x->reason || strcmp(x->reason, y->reason) == 0);
	if (!same)
		fail_msg(
			"%s, combination %d in %s: the engine leaves it %s in revision %lld, offline it is %s in revision %lld",
			act_name(a), i, state_name((enum session_state)(i / FLAGS)), state_name(x->state), (long long)x->revision,
			state_name(y->state), (long long)y->revision);
}

static void online_and_offline_leave_the_same_rows(void **state) {
	struct acts_fixture *t = *state;
	static char names[COMBINATIONS][16];
	static const char *fitting[COMBINATIONS];
	static struct session_row online[COMBINATIONS];
	for (int a = 0; a < ACT_N; a++) {
		struct error err = ERROR_INIT;
		struct journal_view *v;
		size_t n = 0;
		rows_reset(t);
		assert_int_equal(journal_view_open(&v, t->f->dir, &err), 0);
		for (int i = 0; i < COMBINATIONS; i++) {
			online[i] = read_row(v, i);
			if (!act_fits((enum act)a, &online[i])) continue;
			fitting[n++] = name_of(i, names[i]);
			act_online((enum act)a, &online[i]);
		}
		assert_true(n > 0);
		if (engine_offline_act(&t->config, (enum act)a, fitting, n, &err)) fail_msg("%s", err.text);
		for (int i = 0; i < COMBINATIONS; i++) {
			struct session_row offline = read_row(v, i);
			assert_rows_equal((enum act)a, i, &online[i], &offline);
			session_row_done(&offline);
			session_row_done(&online[i]);
		}
		journal_view_close(v);
	}
}

/* Whom an act fits depends on state, reason and being ignored alone, which is checked for all; of these one each is
 * asked of a journal. */
static void online_and_offline_refuse_in_the_same_words(void **state) {
	const int looked_at = RIVALLED | IGNORED;
	struct acts_fixture *t = *state;
	struct error err = ERROR_INIT;
	struct journal_view *v;
	rows_reset(t);
	assert_int_equal(journal_view_open(&v, t->f->dir, &err), 0);
	for (int i = 0; i < COMBINATIONS; i++) {
		struct session_row row = read_row(v, i), like = read_row(v, i - i % FLAGS + (i & looked_at));
		for (int a = 0; a < ACT_N; a++) {
			struct error online = ERROR_INIT, offline = ERROR_INIT;
			const char *name = row.name;
			assert_int_equal(act_fits((enum act)a, &row), act_fits((enum act)a, &like));
			if (!act_refuse((enum act)a, &row, &online) || (i & ~looked_at & (FLAGS - 1))) continue;
			assert_int_equal(engine_offline_act(&t->config, (enum act)a, &name, 1, &offline), -1);
			assert_int_equal(offline.code, ERR_INPUT);
			assert_string_equal(offline.text, online.text);
		}
		session_row_done(&row);
		session_row_done(&like);
	}
	journal_view_close(v);
}

/* The rule that a command without an engine did not know: what may be in the cloud already is left as it is. */
static void what_settles_again_is_the_next_revision_once_anything_was_stored(void **state) {
	(void)state;
	struct session_row row = {
		.state = STATE_FAILED, .revision = 1, .stored_files = 1, .stored_bytes = 9, .data_safe = true};
	struct retry r = act_retry(&row);
	assert_int_equal(r.event, EVENT_RETRIED);
	assert_true(r.mask & SET_REVISION && r.mask & SET_STORED && r.mask & SET_FLAGS && r.mask & SET_TRIES);
	assert_true(row.revision == 2 && row.stored_files == 0 && row.stored_bytes == 0 && !row.data_safe);
	row = (struct session_row){.state = STATE_FAILED, .revision = 1, .tries = 1};
	assert_true(act_retry(&row).mask & SET_REVISION && row.revision == 2 && row.tries == 0);
	row = (struct session_row){.state = STATE_HELD, .revision = 1};
	assert_false(act_retry(&row).mask & SET_REVISION || row.revision != 1);
	row = (struct session_row){.state = STATE_REJECTED, .revision = 1};
	assert_true(act_retry(&row).mask & SET_REVISION && row.revision == 2);
	row = (struct session_row){.state = STATE_UPLOADED, .revision = 1, .stored_files = 1, .next_attempt_ms = 7};
	assert_true(act_retry(&row).mask == 0 && row.revision == 1 && row.next_attempt_ms == 7);
}

/* The engine leaves it alone, and a step would bind what is ignored to other files than those that were. */
static void what_is_ignored_is_not_tried_again(void **state) {
	(void)state;
	struct session_row row = {.name = "20260101_000000", .state = STATE_HELD, .reason = (char *)(uintptr_t)RIVAL + 1};
	static const enum act tries[] = {ACT_RETRY, ACT_RELEASE};
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		struct error err = ERROR_INIT;
		row.ignored = false;
		assert_true(act_fits(tries[i], &row));
		row.ignored = true;
		assert_int_equal(act_refuse(tries[i], &row, &err), -1);
		assert_string_equal(err.text, "session 20260101_000000 is ignored: take that back first");
	}
	assert_true(act_fits(ACT_UNIGNORE, &row) && act_fits(ACT_PAUSE, &row));
}

static void of_one_name_the_newest_that_it_fits_is_meant(void **state) {
	(void)state;
	const struct session_row held = {.id = 1, .state = STATE_HELD}, found = {.id = 2, .state = STATE_FOUND},
							 accepted = {.id = 3, .state = STATE_ACCEPTED};
	assert_true(act_means(ACT_RETRY, &accepted, NULL));
	assert_true(act_means(ACT_RETRY, &held, &found) && !act_means(ACT_RETRY, &found, &held));
	assert_true(act_means(ACT_PAUSE, &found, &held) && !act_means(ACT_PAUSE, &held, &found));
	assert_true(act_means(ACT_RELEASE, &found, &accepted) && !act_means(ACT_RELEASE, &accepted, &found));
}

static void names_go_both_ways(void **state) {
	(void)state;
	enum act back = ACT_N;
	for (int a = 0; a < ACT_N; a++) {
		assert_int_equal(act_parse(act_name((enum act)a), &back), 0);
		assert_int_equal(back, a);
	}
	assert_int_equal(act_parse("verify", &back), -1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(online_and_offline_leave_the_same_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(online_and_offline_refuse_in_the_same_words, setup, teardown),
		cmocka_unit_test(what_settles_again_is_the_next_revision_once_anything_was_stored),
		cmocka_unit_test(what_is_ignored_is_not_tried_again),
		cmocka_unit_test(of_one_name_the_newest_that_it_fits_is_meant),
		cmocka_unit_test(names_go_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
