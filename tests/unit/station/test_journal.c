/* SPDX-License-Identifier: MIT */
/* The journal's operations and its reader, through the real thread and a real file. */
#include "journal_fixture.h"

#include "session/part.h"

/* --- the gateway --- */

/* Breadth first from found: the events that lead to a state. */
static int path_to(enum session_state to, enum session_event *path) {
	struct {
		int from;
		enum session_event by;
	} reached[STATE_N];
	enum session_state queue[STATE_N];
	int head = 0, tail = 0, n = 0;
	for (int s = 0; s < STATE_N; s++) reached[s].from = -1;
	queue[tail++] = STATE_FOUND;
	while (head < tail) {
		enum session_state s = queue[head++];
		for (int e = 0; e < EVENT_N; e++) {
			int next = state_next(s, (enum session_event)e);
			if (next <= STATE_FOUND || reached[next].from >= 0) continue;
			reached[next].from = (int)s;
			reached[next].by = (enum session_event)e;
			queue[tail++] = (enum session_state)next;
		}
	}
	for (int s = (int)to; s != (int)STATE_FOUND; s = reached[s].from) path[n++] = reached[s].by;
	for (int i = 0; i < n / 2; i++) {
		enum session_event swap = path[i];
		path[i] = path[n - 1 - i];
		path[n - 1 - i] = swap;
	}
	return n;
}

static int keep_last_event(void *arg, const struct event_row *e) {
	struct event_row *last = arg;
	*last = *e;
	last->message = NULL;
	return 0;
}

static void walk_cell(struct fixture *f, enum session_state s, enum session_event e) {
	enum session_event path[STATE_N];
	struct session_row r = fixture_add_nth(f, (int)s * 100 + (int)e);
	for (int i = 0, n = path_to(s, path); i < n; i++) assert_int_equal(fixture_step(f, &r, path[i]), 0);
	assert_int_equal(r.state, s);
	int want = state_next(s, e);
	int refused = fixture_step(f, &r, e);
	assert_int_equal(refused, want < 0 ? -1 : 0);
	if (refused) {
		assert_int_equal(f->last.code, ERR_INTERNAL);
		assert_non_null(strstr(f->last.text, session_event_name(e)));
	}
	assert_int_equal(r.state, want < 0 ? (int)s : want);
	fixture_wait(f);
	struct session_row stored = read_session(f, r.name);
	assert_int_equal(stored.state, r.state);
	assert_int_equal(stored.updated_ms, r.updated_ms);
	if (want >= 0) {
		AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
		struct event_row last = {0};
		OK(journal_events(v, r.id, 0, 0, keep_last_event, &last, E));
		assert_string_equal(last.code, session_event_name(e));
		assert_int_equal(last.session, r.id);
		assert_string_equal(last.level, "info");
		assert_int_equal(strlen(last.event_id), sizeof last.event_id - 1);
	}
	session_row_done(&stored);
}

static void every_state_and_event_through_the_journal(void **state) {
	struct fixture *f = *state;
	for (int s = 0; s < STATE_N; s++) {
		for (int e = 0; e < EVENT_N; e++) walk_cell(f, (enum session_state)s, (enum session_event)e);
	}
	assert_int_equal(f->failures, 0);
}

/* A row that is not what the journal holds: the journal refuses, keeps what came before it, takes nothing after it. */
static void a_stale_row_breaks_the_journal_and_writes_nothing(void **state) {
	struct fixture *f = *state;
	struct session_row r = fixture_add(f, "20261120_000001");
	fixture_wait(f);
	struct session_row stale = r;
	assert_int_equal(fixture_step(f, &r, EVENT_SCANNED), 0);
	assert_int_equal(fixture_step(f, &stale, EVENT_FATAL), 0);
	struct session_row late = fixture_add(f, "20261120_000002");
	fixture_wait(f);
	assert_int_equal(f->failures, 2);
	assert_int_equal(f->last.code, ERR_INTERNAL);
	assert_non_null(strstr(f->last.text, "20261120_000001 is not found in the journal, so it cannot become failed"));
	assert_int_equal(strncmp(f->last.text, "the journal stopped: ", 21), 0);
	struct session_row stored = read_session(f, "20261120_000001");
	assert_int_equal(stored.state, STATE_SETTLING);
	session_row_done(&stored);
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	struct error err = ERROR_INIT;
	assert_int_equal(journal_session(v, late.name, NULL, &stored, &err), 0);
	f->failures = 0;
	fixture_flush(f);
	assert_int_equal(f->failures, 1);
}

/* --- fields --- */

static struct session_row full_row(int64_t id, const char *name, int salt) {
	struct session_row r = {
		.id = id,
		.root = (char *)"/data/recordings",
		.revision = salt + 2,
		.paused = salt % 2,
		.ignored = salt % 2,
		.present = salt % 2,
		.data_safe = salt % 2,
		.settled_ms = salt + 3,
		.uploaded_ms = salt + 4,
		.accepted_ms = salt + 5,
		.fingerprint_ms = salt + 6,
		.files = salt + 7,
		.bytes = salt + 8,
		.stored_files = salt + 9,
		.stored_bytes = salt + 10,
		.next_attempt_ms = salt + 11,
		.tries = salt + 12,
		.reason = (char *)(salt % 2 ? "Robert'); DROP TABLE session;--\x1b[2J" : NULL),
	};
	snprintf(r.name, sizeof r.name, "%s", name);
	snprintf(r.fingerprint, sizeof r.fingerprint, "%064d", salt);
	snprintf(r.processing, sizeof r.processing, "p%d", salt);
	return r;
}

static bool same_text(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

/* The bits whose fields are those of b. */
static int equal_masks(const struct session_row *a, const struct session_row *b) {
	int m = 0;
	if (a->revision == b->revision) m |= SET_REVISION;
	if (a->fingerprint_ms == b->fingerprint_ms && same_text(a->fingerprint, b->fingerprint)) m |= SET_FINGERPRINT;
	if (a->files == b->files && a->bytes == b->bytes) m |= SET_COUNTS;
	if (a->next_attempt_ms == b->next_attempt_ms) m |= SET_NEXT_ATTEMPT;
	if (a->tries == b->tries) m |= SET_TRIES;
	if (same_text(a->reason, b->reason)) m |= SET_REASON;
	if (same_text(a->processing, b->processing)) m |= SET_PROCESSING;
	if (a->paused == b->paused && a->ignored == b->ignored && a->present == b->present && a->data_safe == b->data_safe)
		m |= SET_FLAGS;
	if (a->stored_files == b->stored_files && a->stored_bytes == b->stored_bytes) m |= SET_STORED;
	if (a->settled_ms == b->settled_ms && a->uploaded_ms == b->uploaded_ms && a->accepted_ms == b->accepted_ms)
		m |= SET_TIMES;
	return m;
}

static void each_mask_sets_its_own_fields(void **state) {
	struct fixture *f = *state;
	const int all = (SET_TIMES << 1) - 1;
	struct session_row added = fixture_add(f, "20261120_000001");
	const struct session_row a = full_row(added.id, added.name, 100), b = full_row(added.id, added.name, 201);
	for (int bit = 1; bit <= SET_TIMES; bit <<= 1) {
		f->waiting += 2;
		journal_update(f->j, &a, all, NULL, fixture_done, f);
		journal_update(f->j, &b, bit, NULL, fixture_done, f);
		fixture_wait(f);
		struct session_row stored = read_session(f, added.name);
		assert_int_equal(equal_masks(&stored, &a), all & ~bit);
		assert_int_equal(equal_masks(&stored, &b), bit);
		assert_int_equal(stored.state, STATE_FOUND);
		session_row_done(&stored);
	}
	/* The same fields through a step. */
	struct session_row r = b;
	struct error err = ERROR_INIT;
	f->waiting++;
	assert_int_equal(session_step(f->j, &r, EVENT_SCANNED, all, "warn", "scanned", fixture_done, f, &err), 0);
	fixture_wait(f);
	struct session_row stored = read_session(f, added.name);
	assert_int_equal(equal_masks(&stored, &b), all);
	assert_int_equal(stored.state, STATE_SETTLING);
	session_row_done(&stored);
	assert_int_equal(f->failures, 0);
}

static void updating_what_is_not_there_is_an_error(void **state) {
	struct fixture *f = *state;
	struct session_row r = full_row(77, "20261120_000001", 1);
	f->waiting++;
	journal_update(f->j, &r, SET_TRIES, "x", fixture_done, f);
	fixture_wait(f);
	assert_int_equal(f->last.code, ERR_INTERNAL);
	fixture_flush(f);
	assert_int_equal(f->failures, 2); /* and takes nothing any more */
}

/* The caller's memory is its own again as soon as an operation was submitted. */
static void operations_copy_what_they_are_given(void **state) {
	struct fixture *f = *state;
	struct session_row r = fixture_add(f, "20261120_000001");
	char reason[] = "before";
	r.reason = reason;
	f->waiting++;
	journal_update(f->j, &r, SET_REASON, reason, fixture_done, f);
	memset(reason, 'x', sizeof reason - 1);
	fixture_wait(f);
	struct session_row stored = read_session(f, r.name);
	assert_string_equal(stored.reason, "before");
	session_row_done(&stored);
}

/* --- files --- */

static struct file_row make_file(const char *name, int64_t size, bool hashed) {
	struct file_row f = {.name = xstrdup(name),
		.size = size,
		.mtime_ns = 1763600000123456789,
		.ctime_ns = 1763600000123456790,
		.inode = 0x7fffffffffffffff,
		.hashed = hashed};
	if (!hashed) return f;
	sha256_of(name, strlen(name), &f.sha256);
	f.part_n = (size_t)part_count(size);
	if (f.part_n) f.parts = xcalloc(f.part_n, sizeof *f.parts);
	for (size_t i = 0; i < f.part_n; i++) sha256_of(&i, sizeof i, &f.parts[i]);
	return f;
}

static void assert_same_file(const struct file_row *a, const struct file_row *b) {
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->mtime_ns, b->mtime_ns);
	assert_int_equal(a->ctime_ns, b->ctime_ns);
	assert_int_equal(a->inode, b->inode);
	assert_int_equal(a->hashed, b->hashed);
	assert_memory_equal(&a->sha256, &b->sha256, sizeof a->sha256);
	assert_int_equal(a->part_n, b->part_n);
	if (a->part_n) assert_memory_equal(a->parts, b->parts, a->part_n * sizeof *a->parts);
	assert_int_equal(a->state, b->state);
	assert_true(same_text(a->bucket, b->bucket) && same_text(a->key, b->key));
	assert_int_equal(a->stored_ms, b->stored_ms);
}

static void files_and_parts_come_back_as_they_went_in(void **state) {
	struct fixture *f = *state;
	struct session_row r = fixture_add(f, "20261120_000001");
	struct file_row in[] = {make_file("a b\xc3\xa9.dat", 600 << 20, true), make_file("empty", 0, true),
		make_file("new\nline", 12, false), make_file("sub/x", 5LL << 30, true)};
	in[1].state = FILE_STORED;
	in[1].bucket = xstrdup("raw");
	in[1].key = xstrdup("k/e");
	in[1].stored_ms = 42;
	f->waiting++;
	journal_set_files(f->j, r.id, 1, in, ARRAY_LEN(in), fixture_done, f);
	fixture_wait(f);
	struct file_row *out;
	size_t n;
	for (int revision = 0; revision < 2; revision++) {
		read_files(f, r.id, revision, &out, &n);
		assert_int_equal(n, ARRAY_LEN(in));
		for (size_t i = 0; i < n; i++) assert_same_file(&out[i], &in[i]);
		file_rows_free(out, n);
	}
	/* Replaced whole; another revision beside it. */
	f->waiting += 2;
	journal_set_files(f->j, r.id, 1, in + 1, 1, fixture_done, f);
	journal_set_files(f->j, r.id, 2, in + 2, 2, fixture_done, f);
	fixture_wait(f);
	read_files(f, r.id, 1, &out, &n);
	assert_int_equal(n, 1);
	assert_same_file(&out[0], &in[1]);
	file_rows_free(out, n);
	read_files(f, r.id, 2, &out, &n);
	assert_int_equal(n, 2);
	file_rows_free(out, n);
	journal_set_files(f->j, r.id, 2, NULL, 0, NULL, NULL);
	fixture_flush(f);
	read_files(f, r.id, 2, &out, &n);
	assert_int_equal(n, 0);
	file_rows_free(out, n);
	read_files(f, 999, 0, &out, &n);
	assert_int_equal(n, 0);
	file_rows_free(out, n);
	for (size_t i = 0; i < ARRAY_LEN(in); i++) file_row_done(&in[i]);
}

static void a_file_is_stored_only_as_the_bytes_it_has_now(void **state) {
	struct fixture *f = *state;
	struct session_row r = fixture_add(f, "20261120_000001");
	struct file_row file = make_file("a", 5, true);
	f->waiting += 2;
	journal_set_files(f->j, r.id, 1, &file, 1, fixture_done, f);
	struct file_row old = make_file("a", 5, true);
	sha256_of("other", 5, &old.sha256);
	old.stored_ms = 1;
	journal_file_stored(f->j, r.id, &old, fixture_done, f);
	fixture_wait(f);
	struct file_row *out;
	size_t n;
	read_files(f, r.id, 0, &out, &n);
	assert_int_equal(out[0].state, FILE_PENDING);
	file_rows_free(out, n);
	file.bucket = xstrdup("raw");
	file.key = xstrdup("20261120_000001/lab/a");
	file.stored_ms = 7;
	f->waiting++;
	journal_file_stored(f->j, r.id, &file, fixture_done, f);
	fixture_wait(f);
	file.state = FILE_STORED;
	read_files(f, r.id, 0, &out, &n);
	assert_same_file(&out[0], &file);
	file_rows_free(out, n);
	assert_int_equal(f->failures, 0);
	file_row_done(&file);
	file_row_done(&old);
}

/* --- what happened --- */

static int count_attempt(void *arg, const struct attempt_row *row) {
	int64_t *n = arg;
	assert_true(row->at_ms > 7); /* the oldest went */
	++*n;
	return 0;
}

static void old_attempts_go_with_the_next_step(void **state) {
	struct fixture *f = *state;
	struct session_row r = fixture_add(f, "20261120_000001"), other = fixture_add(f, "20261120_000002");
	struct attempt_row a = {.at_ms = 8};
	journal_add_attempt(f->j, other.id, &a);
	for (a.at_ms = 1; a.at_ms <= ATTEMPTS_KEPT + 7; a.at_ms++) journal_add_attempt(f->j, r.id, &a);
	assert_int_equal(fixture_step(f, &r, EVENT_SCANNED), 0);
	fixture_wait(f);
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	int64_t n = 0, others = 0;
	OK(journal_attempts(v, r.id, 0, count_attempt, &n, E));
	OK(journal_attempts(v, other.id, 0, count_attempt, &others, E));
	assert_int_equal(n, ATTEMPTS_KEPT);
	assert_int_equal(others, 1);
}

static int spell_event(void *arg, const struct event_row *row) {
	char *text = arg;
	size_t n = strlen(text);
	snprintf(text + n, 300 - n, "%lld %s, ", (long long)row->session, row->code);
	return 0;
}

static void events_are(struct fixture *f, const char *wanted) {
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	char text[300] = "";
	OK(journal_events(v, 0, 0, 0, spell_event, text, E));
	assert_string_equal(text, wanted);
}

/* What is not safe keeps its whole story, what is safe the event that says so. */
static void events_are_pruned_but_what_explains(void **state) {
	struct fixture *f = *state;
	struct session_row safe = fixture_add(f, "20261120_000001"), open = fixture_add(f, "20261120_000002"),
					   ignored = fixture_add(f, "20261120_000003");
	static const enum session_event way[] = {
		EVENT_SCANNED, EVENT_SETTLED, EVENT_PASSED, EVENT_STARTED, EVENT_STORED, EVENT_CLOUD_ACCEPTED};
	const char *const id = "report";
	journal_outbox_add(f->j, id, "{}", NULL, NULL);
	for (size_t i = 0; i < ARRAY_LEN(way); i++) assert_int_equal(fixture_step(f, &safe, way[i]), 0);
	assert_int_equal(fixture_step(f, &open, EVENT_SCANNED), 0);
	assert_int_equal(fixture_step(f, &ignored, EVENT_SCANNED), 0);
	ignored.ignored = true;
	journal_update(f->j, &ignored, SET_FLAGS, NULL, NULL, NULL);
	journal_add_event(f->j, safe.id, "info", "seen", "a word");
	journal_add_event(f->j, 0, "info", "of_the_station", "a word");
	const char *const all = "1 found, 2 found, 3 found, 1 scanned, 1 settled, 1 passed, 1 started, 1 stored, "
							"1 cloud_accepted, 2 scanned, 3 scanned, 1 seen, 0 of_the_station, ";
	journal_prune(f->j, 3, 13);
	fixture_flush(f);
	events_are(f, all); /* the report is not delivered */
	journal_outbox_delete(f->j, &id, 1, NULL, NULL);
	journal_prune(f->j, 3, 5);
	fixture_flush(f);
	events_are(f, "1 found, 2 found, 3 found, 1 passed, 1 started, 1 stored, "
				  "1 cloud_accepted, 2 scanned, 3 scanned, 1 seen, 0 of_the_station, ");
	journal_prune(f->j, 0, 13);
	fixture_flush(f);
	events_are(f, "2 found, 1 cloud_accepted, 2 scanned, 3 scanned, ");
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	AUTO(xfree) char *pruned = NULL;
	OK(journal_get(v, SETTING_PRUNED, &pruned, E));
	assert_string_equal(pruned, "13");
}

static void attempts_come_newest_first(void **state) {
	struct fixture *f = *state;
	struct session_row r = fixture_add(f, "20261120_000001");
	struct attempt_row a = {.name = (char *)"f",
		.at_ms = 10,
		.elapsed_ms = 20,
		.bytes = 30,
		.http = 503,
		.code = "SlowDown",
		.request_id = "r1",
		.reason = (char *)"later"};
	journal_add_attempt(f->j, r.id, &a);
	struct attempt_row whole = {.at_ms = 11};
	journal_add_attempt(f->j, r.id, &whole);
	fixture_flush(f);
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	struct seen all = {0}, one = {0}, stopped = {.stop_at = 1};
	struct error err = ERROR_INIT;
	assert_int_equal(journal_attempts(v, r.id, 0, see_attempt, &all, &err), 0);
	assert_string_equal(all.text, "@11+0/0:0,,,NULL f@10+20/30:503,SlowDown,r1,later ");
	assert_int_equal(journal_attempts(v, r.id, 1, see_attempt, &one, &err), 0);
	assert_int_equal(one.n, 1);
	assert_int_equal(journal_attempts(v, r.id, 0, see_attempt, &stopped, &err), 5);
	assert_int_equal(stopped.n, 1);
}

static void checks_are_kept_by_revision_and_side(void **state) {
	struct fixture *f = *state;
	struct session_row r = fixture_add(f, "20261120_000001");
	struct check_list in = {0}, cloud = {0}, out = {0};
	check_add(&in, CHECK_NAME, VERDICT_WARN, "20210229_161221", "a date", "nothing");
	check_add(&in, CHECK_METADATA_RANGES, VERDICT_HOLD, "fatigue_level 14", "0..10", "correct it");
	check_add(&cloud, CHECK_MANIFEST, VERDICT_PASS, "", "", "");
	journal_set_checks(f->j, r.id, 1, "local", &cloud);
	journal_set_checks(f->j, r.id, 1, "local", &in);
	journal_set_checks(f->j, r.id, 1, "cloud", &cloud);
	fixture_flush(f);
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	OK(journal_checks(v, r.id, 1, "local", &out, E));
	assert_int_equal(out.n, 2);
	for (size_t i = 0; i < out.n; i++) {
		assert_int_equal(out.items[i].id, in.items[i].id);
		assert_int_equal(out.items[i].verdict, in.items[i].verdict);
		assert_string_equal(out.items[i].found, in.items[i].found);
		assert_string_equal(out.items[i].rule, in.items[i].rule);
		assert_string_equal(out.items[i].mend, in.items[i].mend);
	}
	check_list_done(&out);
	OK(journal_checks(v, r.id, 1, "cloud", &out, E));
	assert_int_equal(out.n, 1);
	check_list_done(&out);
	OK(journal_checks(v, r.id, 2, "cloud", &out, E));
	assert_int_equal(out.n, 0);
	check_list_done(&in);
	check_list_done(&cloud);
}

static void events_settings_and_outbox(void **state) {
	struct fixture *f = *state;
	struct session_row r = fixture_add(f, "20261120_000001");
	journal_add_event(f->j, 0, "warn", "cloud_lost", "the cloud does not answer");
	journal_add_event(f->j, r.id, "error", "conflict", "other content under the same key");
	journal_update(f->j, &r, 0, "a remark", NULL, NULL);
	journal_set(f->j, "cursor", "c1", NULL, NULL);
	journal_set(f->j, "cursor", "c2", NULL, NULL);
	journal_set(f->j, "other", "o", NULL, NULL);
	journal_set(f->j, "other", NULL, NULL, NULL);
	const char *const ids[] = {"i2", "absent"};
	for (int twice = 0; twice < 2; twice++) {
		journal_outbox_add(f->j, "i1", "{1}", NULL, NULL);
		journal_outbox_add(f->j, "i2", "{2}", NULL, NULL);
	}
	journal_outbox_add(f->j, "i3", "{3}", NULL, NULL);
	journal_outbox_delete(f->j, ids, ARRAY_LEN(ids), NULL, NULL);
	fixture_flush(f);
	assert_int_equal(f->failures, 0);
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	struct seen all = {0}, own = {0}, after = {0}, out = {0}, first = {.stop_at = 1};
	OK(journal_events(v, 0, 0, 0, see_event, &all, E));
	assert_string_equal(all.text, "1:info/found=found in /data/recordings 0:warn/cloud_lost=the cloud does not answer "
								  "1:error/conflict=other content under the same key 1:info/noted=a remark ");
	OK(journal_events(v, r.id, 1, 1, see_event, &own, E));
	assert_string_equal(own.text, "1:error/conflict=other content under the same key ");
	OK(journal_events(v, 0, 3, 0, see_event, &after, E));
	assert_int_equal(after.n, 1);
	OK(journal_outbox(v, 0, see_outbox, &out, E));
	assert_string_equal(out.text, "i1={1} i3={3} ");
	struct error err = ERROR_INIT;
	assert_int_equal(journal_outbox(v, 0, see_outbox, &first, &err), 5);
	char *value = NULL;
	OK(journal_get(v, "cursor", &value, E));
	assert_string_equal(value, "c2");
	free(value);
	OK(journal_get(v, "other", &value, E));
	assert_null(value);
	struct journal_summary s;
	OK(journal_summary(v, 0, &s, E));
	assert_int_equal(s.outbox, 2);
}

/* --- lists --- */

static void advance(struct fixture *f, struct session_row *r, enum session_state to) {
	enum session_event path[STATE_N];
	for (int i = 0, n = path_to(to, path); i < n; i++) assert_int_equal(fixture_step(f, r, path[i]), 0);
}

static void assert_sessions(struct journal_view *v, struct session_filter filter, const char *want) {
	struct seen s = {0};
	struct error err = ERROR_INIT;
	if (journal_sessions(v, &filter, see_session, &s, &err)) fail_msg("%s", err.text);
	assert_string_equal(s.text, want);
}

static void filters_choose_sessions_newest_first(void **state) {
	struct fixture *f = *state;
	const enum session_state states[] = {STATE_ACCEPTED, STATE_HELD, STATE_QUEUED, STATE_GONE, STATE_FAILED};
	struct session_row rows[ARRAY_LEN(states)];
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		rows[i] = fixture_add_nth(f, (int)i + 1);
		advance(f, &rows[i], states[i]);
	}
	rows[4].ignored = true;
	journal_update(f->j, &rows[4], SET_FLAGS, NULL, NULL, NULL);
	fixture_flush(f);
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	/* updated_ms may be equal: order by id then. */
	assert_sessions(v, (struct session_filter){.state = -1}, "05 04 03 02 01 ");
	assert_sessions(v, (struct session_filter){.state = -1, .limit = 2}, "05 04 ");
	assert_sessions(v, (struct session_filter){.state = STATE_HELD}, "02 ");
	assert_sessions(v, (struct session_filter){.state = STATE_FOUND}, "");
	assert_sessions(v, (struct session_filter){.state = -1, .unsafe_only = true}, "05 04 03 02 ");
	assert_sessions(v, (struct session_filter){.state = -1, .attention_only = true}, "04 02 ");
	assert_sessions(v, (struct session_filter){.state = STATE_FAILED, .attention_only = true}, "");
	assert_sessions(v, (struct session_filter){.state = STATE_ACCEPTED, .unsafe_only = true}, "");
	assert_sessions(
		v, (struct session_filter){.state = -1, .attention_only = true, .unsafe_only = true, .limit = 1}, "04 ");
	assert_sessions(v, (struct session_filter){.state = -1, .since_ms = clock_wall_ms() + 60000}, "");
	struct error err = ERROR_INIT;
	struct seen stopped = {.stop_at = 2};
	assert_int_equal(journal_sessions(v, &(struct session_filter){.state = -1}, see_session, &stopped, &err), 5);
	assert_int_equal(stopped.n, 2);
	assert_int_equal(journal_sessions(v, &(struct session_filter){.state = STATE_N}, see_session, &stopped, &err), -1);
}

static void the_same_name_under_two_roots(void **state) {
	struct fixture *f = *state;
	struct session_row a = fixture_add(f, "20261120_000001");
	struct session_row b = {.name = "20261120_000001", .root = (char *)"/other", .found_ms = a.found_ms + 5};
	journal_add_session(f->j, &b, NULL, NULL);
	assert_int_equal(b.id, a.id + 1);
	fixture_flush(f);
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	struct session_row r = {0};
	struct error err = ERROR_INIT;
	assert_int_equal(journal_session(v, b.name, NULL, &r, &err), 1);
	assert_string_equal(r.root, "/other");
	assert_true(r.present);
	session_row_done(&r);
	assert_int_equal(journal_session(v, b.name, "/data/recordings", &r, &err), 1);
	assert_int_equal(r.id, a.id);
	session_row_done(&r);
	assert_int_equal(journal_session(v, b.name, "/nowhere", &r, &err), 0);
}

static int names_join(void *arg, const struct session_row *row) {
	char *to = arg;
	snprintf(to + strlen(to), 128 - strlen(to), "%s@%s ", row->name, row->root);
	return 0;
}

/* Content ids and names find what bears them, whatever became of it, in order of id. */
static void content_and_name_find_sessions(void **state) {
	struct fixture *f = *state;
	struct session_row a = fixture_add(f, "20261120_000001"), b = fixture_add(f, "20261120_000002");
	struct session_row twin = {.root = (char[]){"/other"}};
	memcpy(twin.name, a.name, sizeof twin.name);
	journal_add_session(f->j, &twin, NULL, NULL);
	sha256_of("content", 7, &a.content);
	a.has_content = true;
	snprintf(a.folder, sizeof a.folder, "17:1763649980.000000001");
	b.content = a.content;
	b.has_content = b.released = true;
	journal_update(f->j, &a, SET_CONTENT, NULL, NULL, NULL);
	journal_update(f->j, &b, SET_CONTENT | SET_FLAGS, NULL, NULL, NULL);
	fixture_flush(f);
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	struct error err = ERROR_INIT;
	char found[128] = "", named[128] = "", none[128] = "";
	OK(journal_of_content(v, &a.content, names_join, found, E));
	assert_string_equal(found, "20261120_000001@/data/recordings 20261120_000002@/data/recordings ");
	OK(journal_of_name(v, a.name, names_join, named, E));
	assert_string_equal(named, "20261120_000001@/data/recordings 20261120_000001@/other ");
	struct sha256 other = {{1}};
	OK(journal_of_content(v, &other, names_join, none, E));
	assert_string_equal(none, "");
	struct session_row r = {0};
	assert_int_equal(journal_session(v, b.name, NULL, &r, &err), 1);
	assert_true(r.released && r.has_content && sha256_equal(&r.content, &a.content));
	assert_string_equal(r.folder, "");
	session_row_done(&r);
	assert_int_equal(journal_session(v, a.name, "/data/recordings", &r, &err), 1);
	assert_string_equal(r.folder, "17:1763649980.000000001");
	assert_false(r.released);
	session_row_done(&r);
}

/* Files and checks go along to the new number, and replace what was known of it. */
static void a_revision_gets_another_number(void **state) {
	struct fixture *f = *state;
	struct session_row a = fixture_add(f, "20261120_000001");
	struct file_row one = {.name = (char[]){"a.bin"}, .size = 1}, old = {.name = (char[]){"old.bin"}, .size = 2};
	AUTO(check_list_done) struct check_list checks = {0};
	check_add(&checks, CHECK_NAME, VERDICT_PASS, "fine", "", "");
	journal_set_files(f->j, a.id, 3, &old, 1, NULL, NULL);
	journal_set_files(f->j, a.id, 1, &one, 1, NULL, NULL);
	journal_set_checks(f->j, a.id, 1, "local", &checks);
	struct check held = {CHECK_UNIQUE, VERDICT_HOLD, "found", "rule", "mend"};
	journal_add_check(f->j, a.id, 1, "local", &held);
	journal_renumber(f->j, &a, 3, "revision 1 is another's: goes on as revision 3", NULL, NULL);
	assert_int_equal(a.revision, 3);
	fixture_flush(f);
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	struct error err = ERROR_INIT;
	struct session_row r = {0};
	assert_int_equal(journal_session(v, a.name, NULL, &r, &err), 1);
	assert_int_equal(r.revision, 3);
	session_row_done(&r);
	struct file_row *files = NULL;
	size_t n = 0;
	OK(journal_files(v, a.id, 0, &files, &n, E));
	assert_int_equal(n, 1);
	assert_string_equal(files[0].name, "a.bin");
	file_rows_free(files, n);
	OK(journal_files(v, a.id, 1, &files, &n, E));
	assert_int_equal(n, 0);
	struct check_list back = {0};
	OK(journal_checks(v, a.id, 3, "local", &back, E));
	assert_int_equal(back.n, 2);
	assert_int_equal(back.items[1].id, CHECK_UNIQUE);
	check_list_done(&back);
}

/* --- the summary, against a count of everything --- */

static int recount(void *arg, const struct session_row *r) {
	struct journal_summary *s = arg;
	s->sessions++;
	s->ignored += r->ignored;
	s->paused += r->paused;
	if (r->ignored) return 0;
	s->by_state[r->state]++;
	if (r->state != STATE_ACCEPTED && r->present) s->bytes_left += r->bytes - r->stored_bytes;
	if (strncmp(r->name, "20261120", 8) == 0) {
		s->today_found++;
		s->today_accepted += r->state == STATE_ACCEPTED;
	}
	if (r->state != STATE_ACCEPTED && (!s->oldest_unsafe_ms || r->found_ms < s->oldest_unsafe_ms))
		s->oldest_unsafe_ms = r->found_ms;
	return 0;
}

static void the_summary_equals_a_recount_after_random_steps(void **state) {
	struct fixture *f = *state;
	struct session_row rows[40];
	srand(7);
	for (int i = 0; i < 40; i++) {
		rows[i] = (struct session_row){.root = (char *)"/r", .found_ms = 1000 + rand() % 1000};
		snprintf(rows[i].name, sizeof rows[i].name, "202611%d_0000%d", 20 + i % 2, 10 + i);
		journal_add_session(f->j, &rows[i], NULL, NULL);
	}
	for (int step = 0; step < 2000; step++) {
		struct session_row *r = &rows[rand() % 40];
		enum session_event e = (enum session_event)(rand() % EVENT_N);
		r->bytes = rand() % 100000;
		r->stored_bytes = rand() % ((int)r->bytes + 1);
		r->present = rand() % 4;
		r->ignored = rand() % 4 == 0;
		r->paused = rand() % 4 == 0;
		if (state_next(r->state, e) >= 0) assert_int_equal(fixture_step(f, r, e), 0);
		journal_update(
			f->j, r, (rand() % 2 ? SET_COUNTS | SET_STORED : 0) | (rand() % 2 ? SET_FLAGS : 0), NULL, NULL, NULL);
	}
	/* Fields that were not set differ in our rows by now; what counts is what the journal holds. */
	for (int i = 0; i < 40; i++) journal_update(f->j, &rows[i], SET_COUNTS | SET_STORED, NULL, NULL, NULL);
	fixture_flush(f);
	assert_int_equal(f->failures, 0);
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	struct journal_summary want = {0}, got;
	struct error err = ERROR_INIT;
	assert_int_equal(journal_sessions(v, &(struct session_filter){.state = -1}, recount, &want, &err), 0);
	struct tm day = {.tm_year = 126, .tm_mon = 10, .tm_mday = 20, .tm_isdst = -1};
	assert_int_equal(journal_summary(v, (int64_t)mktime(&day) * 1000, &got, &err), 0);
	assert_int_equal(want.sessions, 40);
	assert_memory_equal(&want, &got, sizeof want);
}

static int see_name(void *arg, const struct session_row *r) { return see(arg, r->name + 9); }

static void assert_window(struct journal_view *v, struct journal_window w, int64_t total, const char *want) {
	struct seen seen = {0};
	struct error err = ERROR_INIT;
	int64_t got = -1;
	if (!w.limit) w.limit = 100;
	if (journal_window(v, &w, see_name, &seen, &got, &err)) fail_msg("%s", err.text);
	assert_string_equal(seen.text, want);
	assert_int_equal(got, total);
}

static void windows_are_ordered_filtered_and_counted(void **state) {
	struct fixture *f = *state;
	static const struct {
		int64_t bytes;
		int tries;
		const char *reason;
	} kinds[] = {{30, 1, "100 % of it"}, {10, 3, NULL}, {20, 2, "a_b \\ Slow"}};
	for (int i = 0; i < 3; i++) {
		struct session_row r = fixture_add_nth(f, i);
		r.bytes = kinds[i].bytes;
		r.tries = kinds[i].tries;
		r.reason = (char *)(uintptr_t)kinds[i].reason;
		f->waiting++;
		journal_update(f->j, &r, SET_COUNTS | SET_TRIES | SET_REASON, NULL, fixture_done, f);
		if (i == 1) assert_int_equal(fixture_step(f, &r, EVENT_SCANNED), 0);
	}
	fixture_flush(f);
	AUTO(journal_view_close) struct journal_view *v = fixture_view(f);
	assert_window(v, (struct journal_window){.order = JOURNAL_BY_NAME}, 3, "000002 000001 000000 ");
	assert_window(v, (struct journal_window){.order = JOURNAL_BY_NAME, .reverse = true}, 3, "000000 000001 000002 ");
	assert_window(v, (struct journal_window){.order = JOURNAL_BY_SIZE}, 3, "000000 000002 000001 ");
	assert_window(v, (struct journal_window){.order = JOURNAL_BY_SIZE, .reverse = true}, 3, "000001 000002 000000 ");
	assert_window(v, (struct journal_window){.order = JOURNAL_BY_TRIES}, 3, "000001 000002 000000 ");
	assert_window(v, (struct journal_window){.order = JOURNAL_BY_STATE}, 3, "000002 000000 000001 ");
	assert_window(v, (struct journal_window){.order = JOURNAL_BY_STATE, .reverse = true}, 3, "000001 000002 000000 ");
	assert_window(v, (struct journal_window){.order = JOURNAL_BY_NAME, .first = 1, .limit = 1}, 3, "000001 ");
	assert_window(v, (struct journal_window){.order = JOURNAL_BY_NAME, .first = 9, .limit = 1}, 3, "");
	/* what LIKE takes for a pattern is a character like any other; all words must fit, case does not matter */
	assert_window(v, (struct journal_window){.words = {"%"}}, 1, "000000 ");
	assert_window(v, (struct journal_window){.words = {"a_b"}}, 1, "000002 ");
	assert_window(v, (struct journal_window){.words = {"\\"}}, 1, "000002 ");
	assert_window(v, (struct journal_window){.words = {"a_c"}}, 0, "");
	assert_window(v, (struct journal_window){.words = {"FOUND", "sLOW"}}, 1, "000002 ");
	assert_window(v, (struct journal_window){.order = JOURNAL_BY_NAME, .words = {"2026", "0000", "_"}, .limit = 2}, 3,
		"000002 000001 ");
	assert_window(v, (struct journal_window){.words = {"settling", "slow"}}, 0, "");
	for (size_t i = 0; i < JOURNAL_WORDS_MAX; i++) {
		struct journal_window w = {.order = JOURNAL_BY_NAME};
		for (size_t k = 0; k < JOURNAL_WORDS_MAX; k++) w.words[k] = k == i ? "slow" : "2026";
		assert_window(v, w, 1, "000002 ");
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		JOURNAL_TEST(every_state_and_event_through_the_journal),
		JOURNAL_TEST(a_stale_row_breaks_the_journal_and_writes_nothing),
		JOURNAL_TEST(each_mask_sets_its_own_fields),
		JOURNAL_TEST(updating_what_is_not_there_is_an_error),
		JOURNAL_TEST(operations_copy_what_they_are_given),
		JOURNAL_TEST(files_and_parts_come_back_as_they_went_in),
		JOURNAL_TEST(a_file_is_stored_only_as_the_bytes_it_has_now),
		JOURNAL_TEST(attempts_come_newest_first),
		JOURNAL_TEST(old_attempts_go_with_the_next_step),
		JOURNAL_TEST(events_are_pruned_but_what_explains),
		JOURNAL_TEST(checks_are_kept_by_revision_and_side),
		JOURNAL_TEST(events_settings_and_outbox),
		JOURNAL_TEST(filters_choose_sessions_newest_first),
		JOURNAL_TEST(the_same_name_under_two_roots),
		JOURNAL_TEST(content_and_name_find_sessions),
		JOURNAL_TEST(a_revision_gets_another_number),
		JOURNAL_TEST(windows_are_ordered_filtered_and_counted),
		JOURNAL_TEST(the_summary_equals_a_recount_after_random_steps),
	};
	fixture_quiet();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	log_close();
	return failed;
}
