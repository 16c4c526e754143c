/* SPDX-License-Identifier: MIT */
/* What happened since somebody looked: the events of that time, counted, and the time itself kept. */
#include "journal_fixture.h"

#include <poll.h>
#include <sys/stat.h>

#include "station/told/lists.h"
#include "station/told/session.h"
#include "station/told/handover.h"

static void carry(struct fixture *f, struct session_row *r, const enum session_event *events, size_t n) {
	for (size_t i = 0; i < n; i++) assert_int_equal(fixture_step(f, r, events[i]), 0);
	fixture_wait(f);
}
#define CARRY(f, r, ...)                                                                                               \
	carry(f, r, (const enum session_event[]){__VA_ARGS__},                                                             \
		sizeof((const enum session_event[]){__VA_ARGS__}) / sizeof(enum session_event))

/* A time after everything so far and before everything to come. */
static int64_t between(void) {
	int64_t then_ms = clock_wall_ms();
	while (clock_wall_ms() <= then_ms) poll(NULL, 0, 1);
	return clock_wall_ms();
}

static cJSON *read_since(const struct fixture *f, int64_t since_ms) {
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	cJSON *h = NULL;
	OK(handover_read(v, &(struct handover_look){.at_ms = since_ms}, clock_wall_ms(), &h, NULL, E));
	return h;
}

static int64_t count(const cJSON *h, const char *name) {
	const cJSON *sessions = cJSON_GetObjectItem(h, "sessions"), *m = cJSON_GetObjectItem(sessions ? sessions : h, name);
	if (!m) m = cJSON_GetObjectItem(h, name);
	if (!m) fail_msg("no %s", name);
	return (int64_t)m->valuedouble;
}

static void counts_since(void **state) {
	struct fixture *f = *state;
	struct session_row old = fixture_add(f, "20261119_090000"), held = fixture_add(f, "20261119_100000");
	CARRY(f, &old, EVENT_SCANNED, EVENT_SETTLED, EVENT_PASSED, EVENT_STARTED, EVENT_STORED, EVENT_CLOUD_ACCEPTED);
	CARRY(f, &held, EVENT_SCANNED, EVENT_SETTLED, EVENT_HELD_BACK);
	int64_t since_ms = between();
	struct session_row good = fixture_add(f, "20261120_110000"), gone = fixture_add(f, "20261120_120000");
	CARRY(f, &good, EVENT_SCANNED, EVENT_SETTLED, EVENT_HELD_BACK, EVENT_RETRIED, EVENT_SETTLED, EVENT_PASSED,
		EVENT_STARTED, EVENT_STORED, EVENT_CLOUD_ACCEPTED);
	CARRY(f, &old, EVENT_VANISHED); /* stays accepted: no news of it */
	CARRY(f, &gone, EVENT_VANISHED);
	between();
	CARRY(f, &held, EVENT_RETRIED);
	journal_add_event(f->j, 0, "warn", "cloud_down", "the cloud \033[31mdoes not answer");
	journal_add_event(f->j, 0, "info", "cloud_back", "the cloud answers again");
	fixture_flush(f);
	AUTO(json_free) cJSON *h = read_since(f, since_ms), *all = read_since(f, 1);
	assert_int_equal(count(h, "found"), 2);
	assert_int_equal(count(h, "accepted"), 1);
	assert_int_equal(count(h, "gone"), 1);
	assert_int_equal(count(h, "held"), 0);
	assert_int_equal(count(h, "under_way"), 1);
	assert_int_equal(count(h, "changed_n"), 3);
	assert_int_equal(count(h, "attention_n"), 1);
	assert_int_equal(count(h, "station_n"), 2);
	assert_int_equal(count(all, "found"), 4);
	assert_int_equal(count(all, "accepted"), 2);
	const cJSON *newest = cJSON_GetArrayItem(cJSON_GetObjectItem(h, "changed"), 0);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(newest, "session")), "20261119_100000");
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 16);
	handover_write(h, &out);
	const char *const wanted[] = {"(now): 2 found, 1 accepted, 1 gone, 1 under way\n", "20261120_110000  accepted\n",
		"1 needs a person:\n20261120_120000  gone", "bring the folder back", "the station itself:\n",
		"  info   the cloud answers again\n", "\\x1b[31mdoes not answer\n"};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		if (!strstr(buf_text(&out), wanted[i])) fail_msg("%s is not in:\n%s", wanted[i], buf_text(&out));
	assert_null(strchr(buf_text(&out), '\033'));
}

static void nothing_happened(void **state) {
	struct fixture *f = *state;
	AUTO(json_free) cJSON *empty = read_since(f, 1);
	assert_int_equal(count(empty, "changed_n"), 0);
	fixture_add(f, "20261120_110000");
	fixture_wait(f);
	AUTO(json_free) cJSON *h = read_since(f, between());
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 16);
	handover_write(h, &out);
	assert_non_null(strstr(buf_text(&out), "no session changed\n"));
}

/* More sessions and warnings than are listed: the lists end, the counts do not. */
static void long_lists_end(void **state) {
	struct fixture *f = *state;
	for (int i = 0; i < 250; i++) fixture_add_nth(f, i);
	for (int i = 0; i < 30; i++) journal_add_event(f->j, 0, "error", "disk_full", i == 29 ? "the newest" : "older");
	fixture_wait(f);
	fixture_flush(f);
	AUTO(json_free) cJSON *h = read_since(f, 1);
	assert_int_equal(count(h, "changed_n"), 250);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(h, "changed")), 200);
	assert_int_equal(count(h, "station_n"), 30);
	const cJSON *station = cJSON_GetObjectItem(h, "station");
	assert_int_equal(cJSON_GetArraySize(station), 20);
	assert_string_equal(
		cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetArrayItem(station, 0), "message")), "the newest");
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 16);
	handover_write(h, &out);
	assert_non_null(strstr(buf_text(&out), "and 230 more"));
}

/* The bisection against a plain walk, for a time at, between, before and after the events. */
static int64_t walk_want, walk_since_ms;
static int walk_event(void *arg, const struct event_row *e) {
	(void)arg;
	if (e->at_ms < walk_since_ms) walk_want = e->id;
	return 0;
}
static void finds_the_first_event_of_a_time(void **state) {
	struct fixture *f = *state;
	int64_t times[12] = {1, INT64_MAX}, id;
	size_t n = 2;
	for (int i = 0; i < 10; i++) {
		for (int k = 0; k <= i % 3; k++) fixture_add_nth(f, i * 10 + k);
		fixture_wait(f);
		times[n++] = between();
	}
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	for (size_t i = 0; i < n; i++) {
		walk_want = 0;
		walk_since_ms = times[i];
		OK(journal_events(v, 0, 0, 0, walk_event, NULL, E));
		OK(journal_events_before(v, times[i], &id, E));
		assert_int_equal(id, walk_want);
	}
}

/* Since the look before, which becomes this one; how many sessions changed. */
static int64_t next_look(const struct fixture *f, struct handover_look *look) {
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	AUTO(json_free) cJSON *h = NULL;
	OK(handover_read(v, look, clock_wall_ms(), &h, look, E));
	return count(h, "changed_n");
}

static void a_clock_that_is_set_hides_nothing(void **state) {
	struct fixture *f = *state;
	struct handover_look look = {.at_ms = clock_wall_ms() - HANDOVER_FIRST_MS};
	assert_int_equal(next_look(f, &look), 0);
	assert_int_equal(look.event, 0);
	for (int i = 0; i < 3; i++) fixture_add_nth(f, i);
	fixture_wait(f);
	assert_int_equal(next_look(f, &look), 3);
	look.at_ms += 3600000; /* the clock was an hour ahead then, and is set back: what comes is "older" than the look */
	assert_int_equal(next_look(f, &(struct handover_look){look.at_ms, look.event, look.event_ms}), 0);
	fixture_add_nth(f, 3);
	fixture_wait(f);
	struct handover_look same = look;
	assert_int_equal(next_look(f, &same), 1);
	assert_int_equal(next_look(f, &same), 0);
	look.at_ms -= 2 * 3600000; /* set forth: nothing is told twice */
	assert_int_equal(next_look(f, &look), 1);
	/* another journal in its place: its events bear other times, and the time of the look counts */
	look = (struct handover_look){.at_ms = 1, .event = look.event, .event_ms = look.event_ms - 1};
	assert_int_equal(next_look(f, &look), 4);
	look = (struct handover_look){.at_ms = 1, .event = 1000000, .event_ms = 1};
	assert_int_equal(next_look(f, &look), 4);
}

static int64_t seen(const char *state_dir) {
	struct handover_look l;
	handover_seen(state_dir, &l);
	return l.at_ms;
}

static void look(const char *state_dir, int64_t at_ms) {
	OK(handover_set_seen(state_dir, &(struct handover_look){at_ms, at_ms % 1000, at_ms - 1}, E));
}

static void the_last_look_is_kept(void **state) {
	struct fixture *f = *state;
	struct stat st;
	AUTO(xfree) char *home = path_join(f->dir, "home"), *file = path_join(home, "headgate/handover.json");
	assert_int_equal(setenv("XDG_STATE_HOME", home, 1), 0);
	assert_int_equal(seen(f->dir), 0);
	look(f->dir, 1700000000123);
	look("/tmp", 1700000009000);
	assert_int_equal(seen(f->dir), 1700000000123);
	assert_int_equal(seen("/tmp"), 1700000009000);
	struct handover_look l;
	handover_seen(f->dir, &l);
	assert_int_equal(l.event, 123);
	assert_int_equal(l.event_ms, 1700000000122);
	handover_seen("/tmp", &l);
	assert_int_equal(l.event, 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	look("/nowhere/else", 1700000000001);
	look(f->dir, 1700000000124);
	assert_int_equal(seen("/nowhere/else"), 0); /* gone, forgotten */
	OK(file_write_atomic(file, "[not ours", 9, 0600, E));
	assert_int_equal(seen(f->dir), 0);
	look(f->dir, 1700000000124);
	assert_int_equal(seen(f->dir), 1700000000124);
	AUTO(xfree) char *before = xasprintf("{\"%s\":\"2023-11-14T22:13:20.123Z\"}", f->dir); /* by an older version */
	OK(file_write_atomic(file, before, strlen(before), 0600, E));
	handover_seen(f->dir, &l);
	assert_int_equal(l.at_ms, 1700000000123);
	assert_int_equal(l.event, 0);
	assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
	assert_int_equal(setenv("HOME", f->dir, 1), 0);
	look(f->dir, 1700000000125);
	AUTO(xfree) char *under_home = path_join(f->dir, ".local/state/headgate/handover.json");
	assert_int_equal(stat(under_home, &st), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		JOURNAL_TEST(counts_since),
		JOURNAL_TEST(nothing_happened),
		JOURNAL_TEST(long_lists_end),
		JOURNAL_TEST(finds_the_first_event_of_a_time),
		JOURNAL_TEST(a_clock_that_is_set_hides_nothing),
		JOURNAL_TEST(the_last_look_is_kept),
	};
	fixture_quiet();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
