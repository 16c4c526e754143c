/* SPDX-License-Identifier: MIT */
/* The model as the source fills it: from a real journal, from what an engine says, from a journal that is damaged or
 * not there. */
#include "../station/journal_fixture.h"

#include <math.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/text.h"
#include "station/control/server.h"
#include "ui/model/source_internal.h"

/* Two parts that only this test has: one of the journal's with data of its own, and the fleet, asked for often. */
struct doubled {
	int64_t at_ms, sessions;
	char *text;
};

static int read_doubled(const struct part_read *r, void *data, struct error *err) {
	struct doubled *d = data;
	struct journal_summary summary;
	if (journal_summary(r->view, 0, &summary, err)) return -1;
	d->sessions = summary.sessions * *(const int64_t *)r->wish;
	d->text = xasprintf("%lld", (long long)d->sessions);
	return 0;
}

static void doubled_done(void *data) { free(((struct doubled *)data)->text); }

static const struct part part_doubled = {.name = "doubled",
	.size = sizeof(struct doubled),
	.read = read_doubled,
	.wish_size = sizeof(int64_t),
	.done = doubled_done};
static struct part part_often; /* see main */

static const struct part *const table[] = {&part_link, &part_status, &part_summary, &part_doubled, &part_page,
	&part_detail, &part_events, &part_handover, &part_fleet, &part_often, NULL};

struct station {
	struct fixture *journal;
	struct source_options options;
	struct config_line config[1];
	struct model model;
	struct source *source;
	unsigned changed;
	char said[512], recordings[64], home[64];
	bool closed, said_failed;
};

static void on_change(void *arg, unsigned changed) { ((struct station *)arg)->changed |= changed; }
static void on_say(void *arg, bool failed, const char *text) {
	struct station *t = arg;
	t->said_failed = failed;
	text_copy(t->said, sizeof t->said, text);
}
static void on_closed(void *arg) { ((struct station *)arg)->closed = true; }

#define UNTIL(t, condition)                                                                                            \
	do {                                                                                                               \
		uv_timer_start(&(t)->journal->guard, fixture_on_guard, WAIT_MS, 0);                                            \
		while (!(condition)) uv_run(&(t)->journal->loop, UV_RUN_ONCE);                                                 \
		uv_timer_stop(&(t)->journal->guard);                                                                           \
	} while (0)

static void open_source(struct station *t) {
	struct error err = ERROR_INIT;
	if (source_open(&t->source, &t->journal->loop, &t->options, &t->model, &err)) fail_msg("%s", err.text);
}

static void close_source(struct station *t) {
	if (!t->source) return;
	t->closed = false;
	source_close(TAKE(t->source), on_closed, t);
	UNTIL(t, t->closed);
}

static int make(void **state, bool journal) {
	static char section[] = "metadata", name[] = "file", value[] = "notes.txt", source[] = "default";
	struct station *t = xcalloc(1, sizeof *t);
	t->journal = fixture_make();
	fixture_quiet();
	if (journal) fixture_open(t->journal);
	snprintf(t->recordings, sizeof t->recordings, "/tmp/headgate-source-XXXXXX");
	snprintf(t->home, sizeof t->home, "/tmp/headgate-source-XXXXXX");
	if (!mkdtemp(t->recordings) || !mkdtemp(t->home)) return -1;
	setenv("XDG_STATE_HOME", t->home, 1);
	t->config[0] = (struct config_line){section, name, value, source};
	t->model.parts = table;
	t->options = (struct source_options){.state_dir = t->journal->dir,
		.config = t->config,
		.config_n = 1,
		.on_change = on_change,
		.on_say = on_say,
		.arg = t};
	*state = t;
	return 0;
}
static int set_up(void **state) { return make(state, true); }
static int set_up_empty(void **state) { return make(state, false); }

static int tear_down(void **state) {
	struct station *t = *state;
	struct error err = ERROR_INIT;
	close_source(t);
	void *journal = t->journal;
	int failed = fixture_teardown(&journal) || file_remove_tree(t->recordings, &err) || file_remove_tree(t->home, &err);
	free(t);
	return failed;
}

/* --- the journal --- */

static void the_first_frame_is_whole(void **state) {
	struct station *t = *state;
	for (int i = 0; i < 5; i++) fixture_add_nth(t->journal, i);
	fixture_flush(t->journal);
	open_source(t);
	assert_true(t->model.summary.at_ms > 0);
	assert_int_equal(t->model.summary.journal.sessions, 5);
	assert_int_equal(t->model.page.total, 5);
	assert_int_equal(t->model.page.n, 5);
	assert_int_equal(t->model.journal_err.code, ERR_NONE);
	assert_int_equal(t->model.link, LINK_NONE);
	assert_true(t->model.link_since_ms > 0);
	assert_int_equal(t->model.config_n, 1);
	assert_true(t->model.status.eta_ms == -1 && t->model.status.at_ms == 0);
}

static void pages_follow_order_filter_and_window(void **state) {
	struct station *t = *state;
	for (int i = 0; i < 12; i++) fixture_add_nth(t->journal, i);
	fixture_flush(t->journal);
	open_source(t);
	struct page_query q = {.order = JOURNAL_BY_NAME, .reverse = true, .first = 2, .limit = 3};
	t->changed = 0;
	source_show(t->source, &part_page, &q);
	UNTIL(t, t->changed & part_bit(&t->model, &part_page));
	assert_int_equal(t->model.page.total, 12);
	assert_int_equal(t->model.page.n, 3);
	assert_string_equal(t->model.page.rows[0].name, "20261120_000002");
	q = (struct page_query){.order = JOURNAL_BY_NAME, .limit = 10, .filter = "  found  _00001 a b"};
	t->changed = 0;
	source_show(t->source, &part_page, &q);
	UNTIL(t, t->changed & part_bit(&t->model, &part_page));
	assert_int_equal(t->model.page.total, 0); /* no reason has an "a" in it */
	text_copy(q.filter, sizeof q.filter, "FOUND _00001");
	t->changed = 0;
	source_show(t->source, &part_page, &q);
	UNTIL(t, t->changed & part_bit(&t->model, &part_page));
	assert_int_equal(t->model.page.total, 2);
	assert_string_equal(t->model.page.rows[0].name, "20261120_000011");
	text_copy(q.filter, sizeof q.filter, "%");
	t->changed = 0;
	source_show(t->source, &part_page, &q);
	UNTIL(t, t->changed & part_bit(&t->model, &part_page));
	assert_int_equal(t->model.page.total, 0);
}

static void what_is_committed_is_read_again(void **state) {
	struct station *t = *state;
	open_source(t);
	source_show(t->source, &part_page, &(struct page_query){.limit = 100});
	source_show(t->source, &part_events, &(int64_t){10});
	UNTIL(t, t->changed & part_bit(&t->model, &part_events));
	for (int i = 1; i <= 3; i++) {
		t->changed = 0;
		fixture_add_nth(t->journal, i);
		UNTIL(t, t->model.summary.journal.sessions == i && t->model.page.total == i);
	}
	UNTIL(t, t->model.events.n == 3);
	assert_string_equal(t->model.events.rows[0].code, "found");
	assert_true(t->model.events.rows[0].id > t->model.events.rows[2].id);
	source_hide(t->source, &part_events);
	source_hide(t->source, &part_page);
	fixture_add_nth(t->journal, 4);
	UNTIL(t, t->model.summary.journal.sessions == 4);
	assert_int_equal(t->model.page.total, 3);
}

static void a_part_with_data_of_its_own_is_read_while_it_is_shown(void **state) {
	struct station *t = *state;
	const struct doubled *d;
	open_source(t);
	assert_null(part_data(&t->model, &part_doubled));
	fixture_add_nth(t->journal, 1);
	UNTIL(t, t->model.summary.journal.sessions == 1);
	assert_null(part_data(&t->model, &part_doubled)); /* nobody shows it */
	source_show(t->source, &part_doubled, &(int64_t){2});
	UNTIL(t, (d = part_data(&t->model, &part_doubled)) != NULL);
	assert_true(d->sessions == 2 && d->at_ms > 0);
	fixture_add_nth(t->journal, 2);
	UNTIL(t, d->sessions == 4);
	t->changed = 0;
	source_show(t->source, &part_doubled, &(int64_t){3});
	UNTIL(t, t->changed & part_bit(&t->model, &part_doubled));
	assert_string_equal(d->text, "6");
	source_hide(t->source, &part_doubled);
	fixture_add_nth(t->journal, 3);
	UNTIL(t, t->model.summary.journal.sessions == 3);
	assert_int_equal(d->sessions, 6);
}

static void write_file(const char *path, const char *text, size_t n) {
	struct error err = ERROR_INIT;
	if (file_write_atomic(path, text, n, 0600, &err)) fail_msg("%s", err.text);
}

static void one_session_with_all_that_belongs_to_it(void **state) {
	struct station *t = *state;
	struct session_row r = {.root = t->recordings};
	snprintf(r.name, sizeof r.name, "20261120_134502");
	t->journal->waiting++;
	journal_add_session(t->journal->j, &r, fixture_done, t->journal);
	struct file_row files[] = {{.name = (char *)"a.edf", .size = 10}, {.name = (char *)"notes.txt", .size = 3}};
	journal_set_files(t->journal->j, r.id, 1, files, 2, NULL, NULL);
	struct check_list checks = {0};
	check_add(&checks, CHECK_NAME, VERDICT_PASS, "x", "y", NULL);
	journal_set_checks(t->journal->j, r.id, 1, "local", &checks);
	journal_set_checks(t->journal->j, r.id, 1, "cloud", &checks);
	check_list_done(&checks);
	struct attempt_row attempt = {.name = (char *)"a.edf", .http = 503, .reason = (char *)"slow down"};
	journal_add_attempt(t->journal->j, r.id, &attempt);
	fixture_flush(t->journal);
	AUTO(xfree) char *folder = path_join(t->recordings, r.name);
	AUTO(xfree) char *path = path_join(folder, "notes.txt");
	assert_int_equal(mkdir(folder, 0700), 0);
	write_file(path, "a\0b", 3);
	open_source(t);
	source_show(t->source, &part_detail, (char[SESSION_WISH]){"20261120_134502"});
	UNTIL(t, t->model.detail.found && t->model.detail.metadata);
	const struct session_detail *d = &t->model.detail;
	assert_string_equal(d->metadata, "a b");
	assert_string_equal(d->metadata_path, path);
	assert_string_equal(d->folder, folder);
	assert_true(d->file_n == 2 && d->local.n == 1 && d->cloud.n == 1 && d->attempt_n == 1 && d->event_n == 1);
	assert_string_equal(d->attempts[0].reason, "slow down");
	t->changed = 0;
	journal_add_attempt(t->journal->j, r.id, &attempt);
	UNTIL(t, t->model.detail.attempt_n == 2);
	assert_string_equal(t->model.detail.metadata, "a b"); /* kept while it is read again */
	source_show(t->source, &part_detail, (char[SESSION_WISH]){"20200101_000000"});
	UNTIL(t, !t->model.detail.found && strcmp(t->model.detail.name, "20200101_000000") == 0);
	assert_null(t->model.detail.metadata);
	source_hide(t->source, &part_detail);
}

static void metadata_is_bounded_and_only_of_a_regular_file(void **state) {
	struct station *t = *state;
	AUTO(xfree) char *path = path_join(t->recordings, "notes.txt");
	AUTO(xfree) char *text = xcalloc(1, METADATA_MOST * 2);
	memset(text, 'x', METADATA_MOST * 2 - 1);
	write_file(path, text, METADATA_MOST * 2 - 1);
	struct folder_job *job = xcalloc(1, sizeof *job);
	job->path = xstrdup(path);
	folder_job_run(job);
	assert_int_equal(strlen(job->text), METADATA_MOST);
	folder_job_free(job);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	job = xcalloc(1, sizeof *job);
	job->path = xstrdup(path);
	folder_job_run(job);
	assert_null(job->text);
	folder_job_free(job);
}

static void a_handover_is_since_the_last_look(void **state) {
	struct station *t = *state;
	fixture_add_nth(t->journal, 1);
	fixture_flush(t->journal);
	open_source(t);
	source_show(t->source, &part_handover, NULL);
	UNTIL(t, t->changed & part_bit(&t->model, &part_handover));
	assert_non_null(strstr(t->model.handover.text, "1 found"));
	int64_t since = t->model.handover.since_ms;
	fixture_add_nth(t->journal, 2);
	fixture_add_nth(t->journal, 3);
	fixture_flush(t->journal);
	t->changed = 0;
	source_show(t->source, &part_handover, NULL); /* another look, hours later: since the one before */
	UNTIL(t, t->changed & part_bit(&t->model, &part_handover));
	assert_non_null(strstr(t->model.handover.text, "2 found"));
	assert_true(t->model.handover.since_ms > since);
}

static void without_a_journal_it_waits_for_one(void **state) {
	struct station *t = *state;
	open_source(t);
	assert_int_equal(t->model.summary.at_ms, 0);
	assert_int_equal(t->model.journal_err.code, ERR_NOT_FOUND);
	fixture_open(t->journal);
	fixture_add_nth(t->journal, 1);
	UNTIL(t, t->model.summary.journal.sessions == 1);
	assert_int_equal(t->model.journal_err.code, ERR_NONE);
}

static void a_damaged_journal_is_said_and_the_last_values_stay(void **state) {
	struct station *t = *state;
	AUTO(xfree) char *path = path_join(t->journal->dir, "state.db");
	static char noise[8192];
	memset(noise, 0x5a, sizeof noise);
	write_file(path, noise, sizeof noise);
	t->model.summary.journal.sessions = 7;
	open_source(t);
	UNTIL(t, t->model.journal_err.code);
	assert_int_equal(t->model.journal_err.code, ERR_DISK);
	assert_int_equal(t->model.summary.at_ms, 0);
	assert_int_equal(t->model.summary.journal.sessions, 7);
}

/* It is told all the same, and is no fault of the journal. */
static void a_look_that_cannot_be_kept_is_a_look(void **state) {
	struct station *t = *state;
	AUTO(xfree) char *file = path_join(t->recordings, "file"), *below = path_join(file, "state");
	write_file(file, "", 0);
	setenv("XDG_STATE_HOME", below, 1);
	fixture_add_nth(t->journal, 1);
	fixture_flush(t->journal);
	open_source(t);
	source_show(t->source, &part_handover, NULL);
	UNTIL(t, t->model.handover.text || t->model.journal_err.code);
	assert_int_equal(t->model.journal_err.code, ERR_NONE);
	assert_non_null(strstr(t->model.handover.text, "1 found"));
	assert_int_not_equal(t->model.handover.unkept.code, ERR_NONE);
}

/* What is read once is read as soon as it can be, while it is shown. */
static void a_handover_waits_for_the_journal(void **state) {
	struct station *t = *state;
	open_source(t);
	source_show(t->source, &part_handover, NULL);
	UNTIL(t, !t->source->job && !t->source->wanted);
	assert_null(t->model.handover.text);
	fixture_open(t->journal);
	fixture_add_nth(t->journal, 1);
	UNTIL(t, t->model.handover.text);
}

/* Removed, or restored from a copy, while it is looked at. */
static void another_journal_in_its_place_is_read(void **state) {
	struct station *t = *state;
	AUTO(xfree) char *path = path_join(t->journal->dir, JOURNAL_FILE);
	fixture_add_nth(t->journal, 1);
	fixture_add_nth(t->journal, 2);
	fixture_flush(t->journal);
	open_source(t);
	UNTIL(t, t->model.summary.journal.sessions == 2);
	fixture_close(t->journal);
	assert_int_equal(unlink(path), 0);
	UNTIL(t, t->model.journal_err.code == ERR_NOT_FOUND);
	assert_int_equal(t->model.summary.journal.sessions, 2);
	fixture_open(t->journal);
	fixture_add_nth(t->journal, 3);
	UNTIL(t, t->model.summary.journal.sessions == 1);
	assert_int_equal(t->model.journal_err.code, ERR_NONE);
}

/* Another program holds it: said soon, and read as soon as it is free. */
static void a_locked_journal_holds_up_nobody(void **state) {
	struct station *t = *state;
	AUTO(xfree) char *path = path_join(t->journal->dir, "state.db");
	sqlite3 *thief = NULL;
	fixture_add_nth(t->journal, 1);
	fixture_flush(t->journal);
	fixture_close(t->journal);
	assert_int_equal(sqlite3_open(path, &thief), SQLITE_OK);
	static const char lock[] = "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE session SET tries = 9";
	assert_int_equal(sqlite3_exec(thief, lock, NULL, NULL, NULL), SQLITE_OK);
	int64_t from = clock_mono_ms();
	open_source(t);
	source_show(t->source, &part_page, &(struct page_query){.limit = 100});
	UNTIL(t, t->model.journal_err.code);
	assert_in_range(clock_mono_ms() - from, 0, 5000);
	assert_non_null(strstr(t->model.journal_err.text, "locked"));
	assert_int_equal(t->model.page.at_ms, 0);
	sqlite3_close(thief);
	UNTIL(t, t->model.page.n == 1);
	assert_int_equal(t->model.journal_err.code, ERR_NONE);
}

/* --- the engine --- */

static void commands_without_an_engine_say_so(void **state) {
	struct station *t = *state;
	const char *const names[] = {"20261120_134502"};
	open_source(t);
	source_command(t->source, "pause", names, 1);
	assert_true(t->said_failed);
	assert_non_null(strstr(t->said, "no engine runs"));
	source_show(t->source, &part_fleet, NULL);
	assert_int_equal(part_error(&t->model, &part_fleet)->code, ERR_NOT_FOUND);
}

static void an_engine_that_cannot_start_is_said(void **state) {
	struct station *t = *state;
	static const char *const flags[] = {"--config=x", NULL};
	t->options.engine_path = "/bin/false";
	t->options.engine_flags = flags;
	open_source(t);
	assert_int_equal(t->model.link, LINK_CONNECTING);
	UNTIL(t, t->model.link == LINK_NONE && t->said[0]);
	assert_non_null(strstr(t->said, "status 1"));
	close_source(t);
	t->options.read_only = true; /* looks on: starts nothing */
	open_source(t);
	assert_int_equal(t->model.link, LINK_NONE);
	close_source(t);
	t->options.read_only = false;
	t->options.engine_path = "/nonexistent/headgate";
	open_source(t);
	assert_int_equal(t->model.link, LINK_NONE);
	assert_non_null(strstr(t->model.link_err.text, "no engine could be started"));
}

static cJSON *parsed(const char *text) {
	cJSON *o = NULL;
	struct error err = ERROR_INIT;
	if (json_parse(text, strlen(text), &o, &err)) fail_msg("%s: %s", text, err.text);
	return o;
}

static void a_status_becomes_figures(void **state) {
	(void)state;
	AUTO(json_free)
	cJSON *o = parsed(
		"{\"engine\":{\"pid\":7,\"instance\":\"i\",\"version\":\"1\",\"since\":\"2026-11-21T14:02:11.042Z\"},"
		"\"cloud\":{\"ok\":true,\"station\":\"s\",\"latency_ms\":12,\"error\":{\"message\":\"m\"}},"
		"\"queue\":{\"active\":1,\"queued\":2,\"bytes_left\":3,\"rate_bytes_per_s\":4,\"eta_s\":5,\"rates\":[null,6]},"
		"\"folders\":[{\"path\":\"/a\",\"ok\":false,\"watching\":\"rescan\",\"error\":{\"message\":\"gone\"}}],"
		"\"sessions\":[{\"session\":\"20261120_134502\",\"bytes\":10,\"sent_bytes\":4,\"tries\":2,"
		"\"rate_bytes_per_s\":8}],\"disk\":{\"path\":\"/a\",\"free_bytes\":1,\"total_bytes\":2,\"full_at\":null},"
		"\"at\":\"2026-11-21T14:02:12.000Z\"}");
	struct status s = {0};
	struct error err = ERROR_INIT;
	assert_true(part_status.hear(&s, o, &err));
	assert_true(s.pid == 7 && s.since_ms == s.at_ms - 958 && s.cloud_ok && s.latency_ms == 12);
	assert_true(s.active == 1 && s.queued == 2 && s.bytes_left == 3 && s.eta_ms == 5000);
	assert_true(isnan(s.rates[0]) && s.rates[1] == 6 && isnan(s.rates[CONTROL_RATES - 1]));
	assert_true(s.folder_n == 1 && !s.folders[0].ok && s.work_n == 1 && s.work[0].sent_bytes == 4);
	assert_string_equal(s.folders[0].error, "gone");
	assert_true(s.disk_free == 1 && s.disk_full_ms == 0);
}

static void a_status_of_any_shape_harms_nobody(void **state) {
	(void)state;
	static const char *const shapes[] = {
		"{}",
		"{\"engine\":7,\"cloud\":[],\"queue\":\"x\",\"folders\":{},\"sessions\":{\"a\":1},\"disk\":null,\"at\":9}",
		"{\"queue\":{\"eta_s\":1e300,\"bytes_left\":-5,\"rates\":{\"a\":1}},\"cloud\":{\"latency_ms\":\"x\"}}",
		"{\"queue\":{\"rates\":[\"x\",-1,1e300,true]},\"folders\":[7,null],\"sessions\":[[],7]}",
	};
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		AUTO(json_free) cJSON *o = parsed(shapes[i]);
		struct status s = {0};
		struct error err = ERROR_INIT;
		assert_true(part_status.hear(&s, o, &err));
		assert_true(s.at_ms > 0 && s.bytes_left == 0 && s.eta_ms == -1 && s.latency_ms == -1 && !s.cloud_ok);
		assert_true(isnan(s.rates[0]) && isnan(s.rates[2]));
	}
	AUTO(json_free) cJSON *o = json_object();
	cJSON *sessions = json_array(), *folders = json_array();
	for (int i = 0; i < 500; i++) {
		json_push(sessions,
			parsed("{\"session\":\"a name that is much too long for its place\",\"bytes\":1,\"sent_bytes\":9e15}"));
		json_push(folders, json_object());
	}
	json_add(o, "sessions", sessions);
	json_add(o, "folders", folders);
	struct status s = {0};
	struct error err = ERROR_INIT;
	assert_true(part_status.hear(&s, o, &err));
	assert_int_equal(s.work_n, ARRAY_LEN(s.work));
	assert_int_equal(s.folder_n, ARRAY_LEN(s.folders));
	assert_true(s.work[0].bytes == 1 && s.work[0].sent_bytes == 1); /* a part is a part */
	assert_int_equal(strlen(s.work[0].session), sizeof s.work[0].session - 1);
}

static void the_fleet_shows_silent_ones_first(void **state) {
	(void)state;
	struct model m = {.parts = table};
	AUTO(json_free) cJSON *none = parsed("{\"at\":null,\"stations\":[],\"error\":{\"code\":1,\"message\":\"away\"}}");
	part_hear(&m, &part_fleet, none, NULL);
	assert_string_equal(part_error(&m, &part_fleet)->text, "away");
	assert_int_equal(m.fleet.at_ms, 0);
	AUTO(json_free)
	cJSON *o = parsed("{\"at\":\"2026-11-21T14:02:12.000Z\",\"stations\":["
					  "{\"station\":\"b\",\"last_heartbeat_at\":\"2026-11-21T14:01:11.000Z\",\"queue\":3},"
					  "{\"station\":\"hours\",\"last_heartbeat_at\":\"2026-11-21T09:02:11.000Z\"},"
					  "{\"station\":\"never\",\"last_heartbeat_at\":null,\"queue\":null},"
					  "{\"station\":\"minutes\",\"last_heartbeat_at\":\"2026-11-21T13:57:11.999Z\"},"
					  "{\"station\":\"a\",\"last_heartbeat_at\":\"2026-11-21T14:02:11.000Z\"}]}");
	static const char *const order[] = {"never", "hours", "minutes", "a", "b"};
	part_hear(&m, &part_fleet, o, NULL);
	assert_int_equal(m.fleet.n, ARRAY_LEN(order));
	for (size_t i = 0; i < ARRAY_LEN(order); i++) assert_string_equal(m.fleet.stations[i].station, order[i]);
	assert_int_equal(m.fleet.stations[4].queue, 3);
	assert_int_equal(part_error(&m, &part_fleet)->code, ERR_NONE);
	part_hear(&m, &part_fleet, none, NULL); /* the last answer stays */
	assert_int_equal(m.fleet.n, ARRAY_LEN(order));
	parts_done(&m);
}

static int on_stations_asked(void *arg, const cJSON *params, cJSON **ret_result, struct error *err) {
	(void)params, (void)err;
	++*(int *)arg;
	*ret_result = parsed("{\"at\":\"2026-11-21T14:02:12.000Z\",\"stations\":[{\"station\":\"a\"}]}");
	return 0;
}

static cJSON *no_status(void *arg) {
	(void)arg;
	return json_object();
}

/* Who looks on sees heartbeats come, and an engine that came back, without a key. */
static void a_fleet_that_is_shown_is_asked_for_again(void **state) {
	struct station *t = *state;
	int asked = 0;
	struct error err = ERROR_INIT;
	struct control_server *server;
	static const struct control_method methods[] = {{"stations", on_stations_asked}};
	const struct control_options o = {.state_dir = t->journal->dir,
		.instance = "x",
		.methods = methods,
		.method_n = ARRAY_LEN(methods),
		.arg = &asked,
		.status = no_status};
	open_source(t);
	source_show(t->source, &part_fleet, NULL);
	assert_int_equal(part_error(&t->model, &part_fleet)->code, ERR_NOT_FOUND);
	if (control_server_open(&server, &t->journal->loop, &o, &err)) fail_msg("%s", err.text);
	UNTIL(t, asked == 1 && t->model.fleet.n == 1);
	assert_int_equal(part_error(&t->model, &part_fleet)->code, ERR_NONE);
	close_source(t);
	open_source(t);
	UNTIL(t, t->model.link == LINK_UP);
	assert_int_equal(asked, 1); /* it is not shown */
	source_show(t->source, &part_often, NULL);
	UNTIL(t, asked == 4);
	source_hide(t->source, &part_often);
	assert_false(uv_is_active((uv_handle_t *)&t->source->askings[part_row(&t->model, &part_often)].again));
	close_source(t);
	t->closed = false;
	control_server_close(server, on_closed, t);
	UNTIL(t, t->closed);
}

#define STATION(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
#define EMPTY(t) cmocka_unit_test_setup_teardown(t, set_up_empty, tear_down)
int main(void) {
	const struct CMUnitTest tests[] = {
		STATION(the_first_frame_is_whole),
		STATION(pages_follow_order_filter_and_window),
		STATION(what_is_committed_is_read_again),
		STATION(a_part_with_data_of_its_own_is_read_while_it_is_shown),
		STATION(one_session_with_all_that_belongs_to_it),
		STATION(metadata_is_bounded_and_only_of_a_regular_file),
		STATION(a_handover_is_since_the_last_look),
		EMPTY(without_a_journal_it_waits_for_one),
		STATION(a_look_that_cannot_be_kept_is_a_look),
		EMPTY(a_handover_waits_for_the_journal),
		EMPTY(a_damaged_journal_is_said_and_the_last_values_stay),
		STATION(another_journal_in_its_place_is_read),
		STATION(a_locked_journal_holds_up_nobody),
		STATION(commands_without_an_engine_say_so),
		STATION(an_engine_that_cannot_start_is_said),
		cmocka_unit_test(a_status_becomes_figures),
		cmocka_unit_test(a_status_of_any_shape_harms_nobody),
		cmocka_unit_test(the_fleet_shows_silent_ones_first),
		STATION(a_fleet_that_is_shown_is_asked_for_again),
	};
	part_often = part_fleet;
	part_often.name = "often";
	part_often.place = 0;
	part_often.every_ms = 10;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
