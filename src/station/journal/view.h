/* SPDX-License-Identifier: MIT */
/* Reading the journal: any thread or process, each with a view of its own that can write nothing. The engine reads
 * every session once, at start; the console and the commands read whatever they show, with and without an engine.
 *
 * Rows are handed to callbacks: a row and its texts are the view's until the callback returns, and a result other than
 * 0 ends the walk and is returned. A callback may read other things through the same view, not the same list again. */
#pragma once

#include "base/error.h"
#include "session/check.h"
#include "station/journal/rows.h"
#include "station/journal/settings.h"

struct journal_view;
/* ERR_NOT_FOUND: there is no journal yet. */
MUST_USE int journal_view_open(struct journal_view **ret, const char *state_dir, struct error *err);
/* For a console: a locked journal is an error soon (DB_BRISK_MS). */
MUST_USE int journal_view_open_brisk(struct journal_view **ret, const char *state_dir, struct error *err);
void journal_view_close(struct journal_view *v);
DEFINE_AUTO_PTR(struct journal_view, journal_view_close)
bool journal_view_moved(struct journal_view *v); /* it is of a journal that stands there no more */
/* Grows when anything was committed. */
MUST_USE int journal_view_version(struct journal_view *v, int64_t *ret, struct error *err);
int journal_schema(void); /* the version of the tables that this program reads and writes */

/* --- sessions (view_sessions.c, view_window.c) --- */

typedef int journal_on_session(void *arg, const struct session_row *row);
/* Newest change first. */
struct session_filter {
	int state;			 /* -1: all */
	bool unsafe_only;	 /* every session that is not accepted, ignored ones too */
	bool attention_only; /* state_needs_person and not ignored */
	int64_t since_ms;	 /* updated at or after; 0: all */
	int64_t limit;		 /* 0: all */
};
MUST_USE int journal_sessions(
	struct journal_view *v, const struct session_filter *f, journal_on_session *on_row, void *arg, struct error *err);
/* All sessions of that name, in order of root, or of that content id, whatever their name, in order of id. */
MUST_USE int journal_of_name(
	struct journal_view *v, const char *name, journal_on_session *on_row, void *arg, struct error *err);
MUST_USE int journal_of_content(
	struct journal_view *v, const struct sha256 *content, journal_on_session *on_row, void *arg, struct error *err);
/* 1 found, 0 not; by name (the newest where two roots have it) or by root and name, or by id. The caller calls
 * session_row_done. */
MUST_USE int journal_session(
	struct journal_view *v, const char *name, const char *root_or_null, struct session_row *ret, struct error *err);
MUST_USE int journal_session_by_id(struct journal_view *v, int64_t session, struct session_row *ret, struct error *err);
MUST_USE int journal_knows(struct journal_view *v, const char *name, const char *root, struct error *err); /* 1: yes */

/* A window of the sessions, for the console: ordered, filtered by words (each must be part of the name, the state or
 * the reason; case does not matter), with the number of all that fit. */
enum journal_order {
	JOURNAL_BY_CHANGE, /* newest first */
	JOURNAL_BY_NAME,   /* newest first */
	JOURNAL_BY_SIZE,   /* largest first */
	JOURNAL_BY_STATE,  /* by its name */
	JOURNAL_BY_TRIES,  /* most first */
	JOURNAL_ORDER_N
};
#define JOURNAL_WORDS_MAX 8
struct journal_window {
	enum journal_order order;
	bool reverse;
	const char *words[JOURNAL_WORDS_MAX]; /* NULL: no word */
	int64_t first, limit;
};
MUST_USE int journal_window(struct journal_view *v, const struct journal_window *w, journal_on_session *on_row,
	void *arg, int64_t *ret_total, struct error *err);

/* --- their files (view_files.c) --- */

/* revision 0: the current one. By name; the caller calls file_rows_free. */
MUST_USE int journal_files(
	struct journal_view *v, int64_t session, int64_t revision, struct file_row **ret, size_t *ret_n, struct error *err);
/* 1: the current revision has just these files, by name, size, mtime, ctime and inode (sorted by name); 0: it has not.
 */
MUST_USE int journal_files_same(
	struct journal_view *v, int64_t session, const struct file_row *files, size_t n, struct error *err);

/* --- what happened to them (view_events.c), and what checks said (view_checks.c) --- */

typedef int journal_on_attempt(void *arg, const struct attempt_row *row);
/* Newest first; limit 0: all. */
MUST_USE int journal_attempts(
	struct journal_view *v, int64_t session, int64_t limit, journal_on_attempt *on_row, void *arg, struct error *err);
typedef int journal_on_event(void *arg, const struct event_row *row);
/* In order of time; limit 0: all. */
MUST_USE int journal_events(struct journal_view *v, int64_t session_or_0, int64_t after_id, int64_t limit,
	journal_on_event *on_row, void *arg, struct error *err);
/* The newest `limit` of them, newest first. */
MUST_USE int journal_events_newest(struct journal_view *v, int64_t session_or_0, int64_t limit,
	journal_on_event *on_row, void *arg, struct error *err);
/* The id after which the events of that time and later stand (ids are in order of time): for journal_events' after_id.
 */
MUST_USE int journal_events_before(struct journal_view *v, int64_t since_ms, int64_t *ret_id, struct error *err);
/* side: "local", "cloud" */
MUST_USE int journal_checks(struct journal_view *v, int64_t session, int64_t revision, const char *side,
	struct check_list *ret, struct error *err);

/* --- of the station (view_station.c) --- */

/* *ret: NULL when unset; the caller frees. */
MUST_USE int journal_get(struct journal_view *v, const char *name, char **ret, struct error *err);
typedef int journal_on_outbox(void *arg, const char *id, const char *json);
/* Reports that were not delivered, oldest first; limit 0: all. */
MUST_USE int journal_outbox(
	struct journal_view *v, int64_t limit, journal_on_outbox *on_row, void *arg, struct error *err);

struct journal_summary {	   /* from the summary table: constant time whatever the size */
	int64_t by_state[STATE_N]; /* not ignored */
	int64_t ignored, paused;
	int64_t today_found, today_accepted; /* recorded (by name) since local midnight */
	int64_t bytes_left;					 /* not accepted, not ignored, present */
	int64_t sessions;
	int64_t oldest_unsafe_ms; /* found_ms of the oldest session that is not accepted nor ignored; 0 */
	int64_t outbox;
};
MUST_USE int journal_summary(
	struct journal_view *v, int64_t midnight_ms, struct journal_summary *ret, struct error *err);
