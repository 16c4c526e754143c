/* SPDX-License-Identifier: MIT */
/* Reading the journal: any thread or process, each with a connection of its own that can write nothing. WAL lets a
 * reader see the last commit while the next one is being written; neither waits for the other.
 *
 * Texts in the rows given to callbacks belong to SQLite and live until the callback returns. A callback may read other
 * things through the same view, not the same list again. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "station/journal/access.h"
#include "station/journal/sql.h"
#include "station/journal/journal.h"

struct journal_view {
	struct db *db;
	int64_t data_version, version;
};

static int view_open(struct journal_view **ret, const char *state_dir, enum db_mode mode, struct error *err) {
	AUTO(xfree) char *path = path_join(state_dir, JOURNAL_FILE);
	struct db *db;
	if (access(path, R_OK) && errno == EACCES) return station_denied(err, state_dir);
	if (db_open(&db, path, mode, &journal_read_schema, err)) return -1;
	struct journal_view *v = xcalloc(1, sizeof *v);
	v->db = db;
	v->data_version = -1;
	*ret = v;
	return 0;
}

int journal_view_open(struct journal_view **ret, const char *state_dir, struct error *err) {
	return view_open(ret, state_dir, DB_READER, err);
}

int journal_view_open_brisk(struct journal_view **ret, const char *state_dir, struct error *err) {
	return view_open(ret, state_dir, DB_BRISK_READER, err);
}

void journal_view_close(struct journal_view *v) {
	if (!v) return;
	db_close(v->db);
	free(v);
}

int journal_view_version(struct journal_view *v, int64_t *ret, struct error *err) {
	int64_t now;
	if (db_data_version(v->db, &now, err)) return -1;
	if (now != v->data_version) v->version++;
	v->data_version = now;
	*ret = v->version;
	return 0;
}

/* --- sessions --- */

static int stored_state(const char *name, enum session_state *ret, struct error *err) {
	if (name && !state_parse(name, ret)) return 0;
	return error_set(err, ERR_DISK, "the journal holds the unknown state \"%s\"; it is damaged, restore it from a copy",
		name ? name : "");
}

static bool sha256_read(struct db *db, int s, int column, struct sha256 *ret) {
	size_t n;
	const void *bytes = db_blob(db, s, column, &n);
	if (!bytes || n != SHA256_LEN) return false;
	memcpy(ret->bytes, bytes, SHA256_LEN);
	return true;
}

static int session_read(struct db *db, int s, struct session_row *r, struct error *err) {
	*r = (struct session_row){.id = db_i64(db, s, 0)};
	text_copy(r->name, sizeof r->name, db_text(db, s, 1));
	r->root = (char *)db_text(db, s, 2);
	r->revision = db_i64(db, s, 3);
	if (stored_state(db_text(db, s, 4), &r->state, err)) return -1;
	r->paused = db_i64(db, s, 5);
	r->ignored = db_i64(db, s, 6);
	r->present = db_i64(db, s, 7);
	r->data_safe = db_i64(db, s, 8);
	r->found_ms = db_i64(db, s, 9);
	r->updated_ms = db_i64(db, s, 10);
	r->settled_ms = db_i64(db, s, 11);
	r->uploaded_ms = db_i64(db, s, 12);
	r->accepted_ms = db_i64(db, s, 13);
	r->fingerprint_ms = db_i64(db, s, 14);
	text_copy(r->fingerprint, sizeof r->fingerprint, db_text(db, s, 15));
	r->files = db_i64(db, s, 16);
	r->bytes = db_i64(db, s, 17);
	r->stored_files = db_i64(db, s, 18);
	r->stored_bytes = db_i64(db, s, 19);
	r->next_attempt_ms = db_i64(db, s, 20);
	r->tries = (int)db_i64(db, s, 21);
	text_copy(r->processing, sizeof r->processing, db_text(db, s, 22));
	r->reason = (char *)db_text(db, s, 23);
	r->released = db_i64(db, s, 24);
	r->has_content = sha256_read(db, s, 25, &r->content);
	text_copy(r->folder, sizeof r->folder, db_text(db, s, 26));
	return 0;
}

/* The statement whose index fits the filter best; session_wanted() does the rest. */
static int sessions_query(struct db *db, const struct session_filter *f, int *ret_statement, struct error *err) {
	if (f->state >= 0) {
		*ret_statement = R_SESSIONS_BY_STATE;
		return db_query(db, R_SESSIONS_BY_STATE, err, "ti", state_name((enum session_state)f->state), f->since_ms);
	}
	*ret_statement = f->attention_only	 ? R_SESSIONS_ATTENTION
					 : f->unsettled_only ? R_SESSIONS_UNSETTLED
										 : R_SESSIONS_ALL;
	return db_query(db, *ret_statement, err, "i", f->since_ms);
}

static bool session_wanted(const struct session_filter *f, const struct session_row *r) {
	if (f->unsettled_only && r->state == STATE_ACCEPTED) return false;
	return !f->attention_only || (state_needs_person(r->state) && !r->ignored);
}

int journal_sessions(
	struct journal_view *v, const struct session_filter *f, journal_on_session *on_row, void *arg, struct error *err) {
	int s, more, given = 0;
	if (f->state >= STATE_N) return error_set(err, ERR_USAGE, "there is no state %d", f->state);
	if (sessions_query(v->db, f, &s, err)) return -1;
	while ((more = db_step(v->db, s, err)) > 0) {
		struct session_row r;
		if (session_read(v->db, s, &r, err)) {
			more = -1;
			break;
		}
		if (!session_wanted(f, &r)) continue;
		if ((more = on_row(arg, &r)) != 0) break;
		if (f->limit && ++given >= f->limit) break;
	}
	db_reset(v->db, s);
	return more;
}

/* --- a window of them --- */

/* The word between "%", what LIKE would take for a pattern escaped; NULL stays NULL. */
static char *window_pattern(const char *word) {
	if (!word) return NULL;
	struct buf b = BUF_INIT(1024);
	buf_char(&b, '%');
	for (; *word; word++) {
		if (strchr("%_\\", *word)) buf_char(&b, '\\');
		buf_char(&b, *word);
	}
	buf_char(&b, '%');
	return buf_take(&b);
}

#define WORD_TYPES "tttttttt"
#define WORD_LIST(w) (w)[0], (w)[1], (w)[2], (w)[3], (w)[4], (w)[5], (w)[6], (w)[7]
static_assert(sizeof WORD_TYPES - 1 == JOURNAL_WORDS_MAX, "the statements take so many");

static int window_total(struct db *db, char *const *words, int64_t *ret, struct error *err) {
	bool all = true;
	for (size_t i = 0; i < JOURNAL_WORDS_MAX; i++) all = all && !words[i];
	int s = all ? R_SESSION_COUNT : R_WINDOW_COUNT;
	int found = all ? db_one(db, s, err, "") : db_one(db, s, err, WORD_TYPES, WORD_LIST(words));
	if (found < 0) return -1;
	*ret = db_i64(db, s, 0);
	db_reset(db, s);
	return 0;
}

static int rows_give(struct db *db, int s, journal_on_session *on_row, void *arg, struct error *err) {
	int more;
	while ((more = db_step(db, s, err)) > 0) {
		struct session_row r;
		if (session_read(db, s, &r, err)) more = -1;
		else more = on_row(arg, &r);
		if (more) break;
	}
	db_reset(db, s);
	return more;
}

int journal_window(struct journal_view *v, const struct journal_window *w, journal_on_session *on_row, void *arg,
	int64_t *ret_total, struct error *err) {
	static_assert(R_WINDOW_TRIES_REVERSE == R_WINDOW_CHANGE + 2 * JOURNAL_BY_TRIES + 1, "in order of journal_order");
	char *words[JOURNAL_WORDS_MAX];
	int64_t total;
	int s = R_WINDOW_CHANGE + 2 * (int)w->order + w->reverse;
	for (size_t i = 0; i < JOURNAL_WORDS_MAX; i++) words[i] = window_pattern(w->words[i]);
	int failed = window_total(v->db, words, &total, err);
	if (!failed) failed = db_query(v->db, s, err, WORD_TYPES "ii", WORD_LIST(words), w->limit, w->first);
	if (!failed) failed = rows_give(v->db, s, on_row, arg, err);
	for (size_t i = 0; i < JOURNAL_WORDS_MAX; i++) free(words[i]);
	if (!failed) *ret_total = total;
	return failed;
}

static int session_take(struct journal_view *v, int s, int found, struct session_row *ret, struct error *err) {
	if (found <= 0) return found;
	struct session_row r;
	int failed = session_read(v->db, s, &r, err);
	if (!failed) *ret = session_row_copy(&r);
	db_reset(v->db, s);
	return failed ? -1 : 1;
}

int journal_session(
	struct journal_view *v, const char *name, const char *root_or_null, struct session_row *ret, struct error *err) {
	int s = root_or_null ? R_SESSION_BY_ROOT : R_SESSION_BY_NAME;
	int found = root_or_null ? db_one(v->db, s, err, "tt", name, root_or_null) : db_one(v->db, s, err, "t", name);
	return session_take(v, s, found, ret, err);
}

int journal_session_by_id(struct journal_view *v, int64_t session, struct session_row *ret, struct error *err) {
	return session_take(v, R_SESSION_BY_ID, db_one(v->db, R_SESSION_BY_ID, err, "i", session), ret, err);
}

int journal_of_name(
	struct journal_view *v, const char *name, journal_on_session *on_row, void *arg, struct error *err) {
	if (db_query(v->db, R_SESSIONS_OF_NAME, err, "t", name)) return -1;
	return rows_give(v->db, R_SESSIONS_OF_NAME, on_row, arg, err);
}

int journal_of_content(
	struct journal_view *v, const struct sha256 *content, journal_on_session *on_row, void *arg, struct error *err) {
	if (db_query(v->db, R_SESSIONS_OF_CONTENT, err, "b", content->bytes, (size_t)SHA256_LEN)) return -1;
	return rows_give(v->db, R_SESSIONS_OF_CONTENT, on_row, arg, err);
}

int journal_knows(struct journal_view *v, const char *name, const char *root, struct error *err) {
	int found = db_one(v->db, R_SESSION_KNOWN, err, "tt", name, root);
	if (found >= 0) db_reset(v->db, R_SESSION_KNOWN);
	return found;
}

/* --- files --- */

static int parts_read(struct db *db, int64_t file, struct file_row *f, struct error *err) {
	size_t capacity = 0;
	int more;
	if (db_query(db, R_PARTS, err, "i", file)) return -1;
	while ((more = db_step(db, R_PARTS, err)) > 0) {
		ARRAY_RESERVE(f->parts, f->part_n, capacity);
		if (sha256_read(db, R_PARTS, 0, &f->parts[f->part_n])) f->part_n++;
	}
	return more;
}

static int file_read_row(struct db *db, struct file_row *f, struct error *err) {
	f->name = xstrdup(db_text(db, R_FILES, 1));
	f->size = db_i64(db, R_FILES, 2);
	f->mtime_ns = db_i64(db, R_FILES, 3);
	f->ctime_ns = db_i64(db, R_FILES, 4);
	f->inode = db_i64(db, R_FILES, 5);
	f->hashed = sha256_read(db, R_FILES, 6, &f->sha256);
	f->state = db_i64(db, R_FILES, 7) == FILE_STORED ? FILE_STORED : FILE_PENDING;
	f->bucket = xstrdup(db_text(db, R_FILES, 8));
	f->key = xstrdup(db_text(db, R_FILES, 9));
	f->stored_ms = db_i64(db, R_FILES, 10);
	return f->hashed ? parts_read(db, db_i64(db, R_FILES, 0), f, err) : 0;
}

int journal_files(struct journal_view *v, int64_t session, int64_t revision, struct file_row **ret, size_t *ret_n,
	struct error *err) {
	struct file_row *files = NULL;
	size_t n = 0, capacity = 0;
	int more;
	if (db_query(v->db, R_FILES, err, "ii", session, revision)) return -1;
	while ((more = db_step(v->db, R_FILES, err)) > 0) {
		ARRAY_RESERVE(files, n, capacity);
		if ((more = file_read_row(v->db, &files[n++], err)) < 0) break;
	}
	if (more < 0) {
		db_reset(v->db, R_FILES);
		file_rows_free(files, n);
		return -1;
	}
	*ret = files;
	*ret_n = n;
	return 0;
}

static bool file_is(struct db *db, int s, const struct file_row *f) {
	return strcmp(db_text(db, s, 0), f->name) == 0 && db_i64(db, s, 1) == f->size && db_i64(db, s, 2) == f->mtime_ns &&
		   db_i64(db, s, 3) == f->ctime_ns && db_i64(db, s, 4) == f->inode;
}

int journal_files_same(
	struct journal_view *v, int64_t session, const struct file_row *files, size_t n, struct error *err) {
	size_t at = 0;
	int more;
	if (db_query(v->db, R_FILES_KNOWN, err, "i", session)) return -1;
	while ((more = db_step(v->db, R_FILES_KNOWN, err)) > 0) {
		if (at == n || !file_is(v->db, R_FILES_KNOWN, &files[at])) break;
		at++;
	}
	db_reset(v->db, R_FILES_KNOWN);
	return more < 0 ? -1 : more == 0 && at == n;
}

/* --- what happened --- */

int journal_attempts(
	struct journal_view *v, int64_t session, int64_t limit, journal_on_attempt *on_row, void *arg, struct error *err) {
	struct db *db = v->db;
	int more;
	if (db_query(db, R_ATTEMPTS, err, "ii", session, limit ? limit : -1)) return -1;
	while ((more = db_step(db, R_ATTEMPTS, err)) > 0) {
		struct attempt_row a = {
			.name = (char *)db_text(db, R_ATTEMPTS, 0),
			.at_ms = db_i64(db, R_ATTEMPTS, 1),
			.elapsed_ms = db_i64(db, R_ATTEMPTS, 2),
			.bytes = db_i64(db, R_ATTEMPTS, 3),
			.http = (int)db_i64(db, R_ATTEMPTS, 4),
			.reason = (char *)db_text(db, R_ATTEMPTS, 7),
		};
		text_copy(a.code, sizeof a.code, db_text(db, R_ATTEMPTS, 5));
		text_copy(a.request_id, sizeof a.request_id, db_text(db, R_ATTEMPTS, 6));
		if ((more = on_row(arg, &a)) != 0) break;
	}
	db_reset(db, R_ATTEMPTS);
	return more;
}

/* Unknown names and verdicts are of a newer cloud: left out, as checks_from_json does. */
static void check_read(struct db *db, struct check_list *into) {
	const char *name = db_text(db, R_VERDICTS, 0);
	enum verdict verdict;
	if (verdict_parse(db_text(db, R_VERDICTS, 1), &verdict)) return;
	for (int i = 0; i < CHECK_N; i++) {
		if (strcmp(check_names[i], name) != 0) continue;
		check_add(into, (enum check_id)i, verdict, db_text(db, R_VERDICTS, 2), db_text(db, R_VERDICTS, 3),
			db_text(db, R_VERDICTS, 4));
	}
}

int journal_checks(struct journal_view *v, int64_t session, int64_t revision, const char *side, struct check_list *ret,
	struct error *err) {
	AUTO(check_list_done) struct check_list list = {0};
	int more;
	if (db_query(v->db, R_VERDICTS, err, "iit", session, revision, side)) return -1;
	while ((more = db_step(v->db, R_VERDICTS, err)) > 0) check_read(v->db, &list);
	if (more) return -1;
	*ret = list;
	list = (struct check_list){0};
	return 0;
}

/* A folder that goes or comes back leaves what the cloud has as it is: the step led to the same state. */
static int event_state(const char *name, const char *code) {
	enum session_state state;
	if (!name || state_parse(name, &state)) return -1;
	bool stayed = (strcmp(code, session_event_name(EVENT_VANISHED)) == 0 && state != STATE_GONE) ||
				  (strcmp(code, session_event_name(EVENT_RETURNED)) == 0 && state != STATE_SETTLING);
	return stayed ? -1 : (int)state;
}

static int events_read(struct db *db, int s, int64_t session_or_0, int64_t after_id, int64_t limit,
	journal_on_event *on_row, void *arg, struct error *err) {
	int64_t most = limit ? limit : -1;
	int more = session_or_0 ? db_query(db, s, err, "iii", session_or_0, after_id, most)
							: db_query(db, s, err, "ii", after_id, most);
	if (more) return -1;
	while ((more = db_step(db, s, err)) > 0) {
		struct event_row e = {
			.id = db_i64(db, s, 0),
			.at_ms = db_i64(db, s, 2),
			.session = db_i64(db, s, 3),
			.message = (char *)db_text(db, s, 6),
		};
		text_copy(e.event_id, sizeof e.event_id, db_text(db, s, 1));
		text_copy(e.level, sizeof e.level, db_text(db, s, 4));
		text_copy(e.code, sizeof e.code, db_text(db, s, 5));
		text_copy(e.session_name, sizeof e.session_name, db_text(db, s, 8));
		e.state = event_state(db_text(db, s, 7), e.code);
		if ((more = on_row(arg, &e)) != 0) break;
	}
	db_reset(db, s);
	return more;
}

int journal_events(struct journal_view *v, int64_t session_or_0, int64_t after_id, int64_t limit,
	journal_on_event *on_row, void *arg, struct error *err) {
	int s = session_or_0 ? R_EVENTS_OF_SESSION : R_EVENTS_ALL;
	return events_read(v->db, s, session_or_0, after_id, limit, on_row, arg, err);
}

int journal_events_newest(struct journal_view *v, int64_t session_or_0, int64_t limit, journal_on_event *on_row,
	void *arg, struct error *err) {
	int s = session_or_0 ? R_EVENTS_OF_SESSION_NEWEST : R_EVENTS_NEWEST;
	return events_read(v->db, s, session_or_0, 0, limit, on_row, arg, err);
}

static int one_or_none(struct db *db, int s, int64_t *ret_id, int64_t *ret_at_ms, struct error *err) {
	int found = db_one(db, s, err, s == R_EVENT_FROM ? "i" : "", *ret_id);
	if (found <= 0) return found;
	*ret_id = db_i64(db, s, 0);
	if (ret_at_ms) *ret_at_ms = db_i64(db, s, 1);
	db_reset(db, s);
	return 1;
}

/* Bisection over the ids: invariant: the event `low` and those before it are older, those from `high` on are not. */
int journal_events_before(struct journal_view *v, int64_t since_ms, int64_t *ret_id, struct error *err) {
	int64_t low = 0, high = 0;
	if (one_or_none(v->db, R_EVENT_LAST, &high, NULL, err) < 0) return -1;
	high++;
	while (low + 1 < high) {
		int64_t id = low + (high - low) / 2, at_ms = 0, middle = id;
		int found = one_or_none(v->db, R_EVENT_FROM, &id, &at_ms, err);
		if (found < 0) return -1;
		if (!found || at_ms >= since_ms) high = middle;
		else low = id;
	}
	*ret_id = low;
	return 0;
}

/* --- of the station --- */

int journal_get(struct journal_view *v, const char *name, char **ret, struct error *err) {
	int found = db_one(v->db, R_SETTING, err, "t", name);
	if (found < 0) return -1;
	*ret = found ? xstrdup(db_text(v->db, R_SETTING, 0)) : NULL;
	db_reset(v->db, R_SETTING);
	return 0;
}

int journal_outbox(struct journal_view *v, int64_t limit, journal_on_outbox *on_row, void *arg, struct error *err) {
	int more;
	if (db_query(v->db, R_OUTBOX, err, "i", limit ? limit : -1)) return -1;
	while ((more = db_step(v->db, R_OUTBOX, err)) > 0) {
		more = on_row(arg, db_text(v->db, R_OUTBOX, 0), db_text(v->db, R_OUTBOX, 1));
		if (more) break;
	}
	db_reset(v->db, R_OUTBOX);
	return more;
}

static int counter(struct journal_view *v, const char *kind, const char *of, int64_t *ret, struct error *err) {
	char name[64];
	snprintf(name, sizeof name, "%s%s", kind, of);
	int found = db_one(v->db, R_SUMMARY, err, "t", name);
	if (found < 0) return -1;
	*ret = found ? db_i64(v->db, R_SUMMARY, 0) : 0;
	db_reset(v->db, R_SUMMARY);
	return 0;
}

static int oldest_unsafe(struct journal_view *v, int64_t *ret, struct error *err) {
	if (db_one(v->db, R_OLDEST_UNSAFE, err, "") < 0) return -1;
	*ret = db_i64(v->db, R_OLDEST_UNSAFE, 0);
	db_reset(v->db, R_OLDEST_UNSAFE);
	return 0;
}

static int summary_read(struct journal_view *v, const char *today, struct journal_summary *s, struct error *err) {
	const struct {
		const char *kind, *of;
		int64_t *ret;
	} counters[] = {
		{"sessions", "", &s->sessions},
		{"ignored", "", &s->ignored},
		{"paused", "", &s->paused},
		{"bytes_left", "", &s->bytes_left},
		{"outbox", "", &s->outbox},
		{"found:", today, &s->today_found},
		{"accepted:", today, &s->today_accepted},
	};
	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		if (counter(v, counters[i].kind, counters[i].of, counters[i].ret, err)) return -1;
	}
	for (int i = 0; i < STATE_N; i++) {
		if (counter(v, "state:", state_name((enum session_state)i), &s->by_state[i], err)) return -1;
	}
	return oldest_unsafe(v, &s->oldest_unsafe_ms, err);
}

/* In one transaction: the counters of one moment, which add up. */
int journal_summary(struct journal_view *v, int64_t midnight_ms, struct journal_summary *ret, struct error *err) {
	struct journal_summary s = {0};
	time_t midnight = (time_t)(midnight_ms / 1000);
	struct tm day;
	char today[16] = "";
	if (localtime_r(&midnight, &day)) strftime(today, sizeof today, "%Y%m%d", &day);
	if (db_script(v->db, "BEGIN", err)) return -1;
	int failed = summary_read(v, today, &s, err);
	db_rollback(v->db);
	if (!failed) *ret = s;
	return failed;
}
