/* SPDX-License-Identifier: MIT */
/* The journal: state.db (SQLite, WAL) in the state folder, the truth about every session of this station.
 *
 * A writer thread owns the only writing connection. The loop hands it operations; it commits them in groups
 * (synchronous=FULL) in the order they came and then calls back on the loop. What entering a state means runs in that
 * callback, so that nothing is done that the journal does not know. An operation that cannot be written calls back with
 * the error, and so does every later one: the engine stops, shows it and exits with 74.
 *
 * Tables: session, file, part, attempt, verdict, event, outbox, setting, and summary (kept by triggers). */
#pragma once

#include <uv.h>

#include "base/db.h"
#include "session/check.h"
#include "station/journal/state.h"

#define JOURNAL_FILE "state.db" /* in the state folder; what SQLite writes ahead is beside it, named "-wal" */
#define FOLDER_ID 48
struct session_row {
	int64_t id;
	char name[16];	  /* SESSION_NAME */
	char *root;		  /* the watch root; owned */
	int64_t revision; /* of what is being settled or sent now, from 1 */
	enum session_state state;
	bool paused, ignored, present, data_safe;
	bool released; /* a person said: this is no copy and nobody else's: send it */
	int64_t found_ms, updated_ms, settled_ms, uploaded_ms, accepted_ms;
	int64_t fingerprint_ms; /* since when the snapshot has not changed (wall clock) */
	char fingerprint[65];	/* digest of names, sizes, mtimes; "" before */
	int64_t files, bytes;	/* of the newest snapshot */
	int64_t stored_files, stored_bytes;
	int64_t next_attempt_ms; /* when queued: not before; 0 at once */
	int tries;
	bool has_content;
	struct sha256 content;	/* content id of the current revision, once its files were hashed */
	char folder[FOLDER_ID]; /* which folder that was (folder_id of scan.h); "" unknown */
	char processing[16];	/* the cloud's: none, pending, running, done, failed; "" unknown */
	char *reason;			/* last reason in words, or NULL; owned; raw (escape before a terminal) */
};
void session_row_done(struct session_row *r);
struct session_row session_row_copy(const struct session_row *r);
/* It is about to settle again, by whatever event: sets the columns that go with that and returns their mask (SET_*).
 * What settles is the next revision once anything of this one may be in the cloud, where it stays as it is; `renew`: in
 * any case. */
int session_row_settle_again(struct session_row *r, bool renew);

enum file_state { FILE_PENDING, FILE_STORED, FILE_STATE_N };
struct file_row {
	char *name; /* owned */
	int64_t size, mtime_ns, ctime_ns, inode;
	bool hashed;
	struct sha256 sha256;
	struct sha256 *parts; /* owned, part_count(size) of them when hashed, or NULL */
	size_t part_n;
	enum file_state state;
	char *bucket, *key; /* owned, NULL until the cloud named them */
	int64_t stored_ms;
};
void file_row_done(struct file_row *f);
struct file_row file_row_copy(const struct file_row *f);
int file_row_order(const void *a, const void *b); /* by name, bytewise: the order of every list of them */
struct file_row *file_row_find(const struct file_row *files, size_t n, const char *name); /* NULL: not there */

/* The content id of rows that are all hashed; false when one is not, or there is none. */
bool file_rows_content(const struct file_row *files, size_t n, struct sha256 *ret);

struct attempt_row { /* one request about one file (or the whole session: name "") */
	char *name;
	int64_t at_ms, elapsed_ms, bytes;
	int http;
	char code[32], request_id[64];
	char *reason;
};
struct event_row { /* what happened, shown to people; the same id in the local log and the cloud's */
	int64_t id;
	char event_id[32];
	int64_t at_ms, session; /* 0: of the station */
	char level[8], code[48];
	char *message;
	char session_name[16]; /* "": of the station */
	int state;			   /* the session's afterwards, when the event changed it; else -1 */
};

/* --- writing (the engine, and commands that hold the station lock) --- */
struct journal;
struct journal_options {
	bool allow_volatile;		 /* tmpfs or a network file system */
	const char *group;			 /* NULL: 0600 */
	void (*on_moved)(void *arg); /* or NULL: on the loop, after each group that was committed */
	void *arg;
};
/* Called on the loop after the commit (err->code ERR_NONE) or the failure. */
typedef void journal_on_commit(void *arg, const struct error *err);
MUST_USE int journal_open(
	struct journal **ret, uv_loop_t *loop, const char *state_dir, const struct journal_options *o, struct error *err);
/* Commits what is queued, calls those callbacks, ends the thread; then on_closed from the loop. */
void journal_close(struct journal *j, void (*on_closed)(void *arg), void *arg);
struct journal_file {
	char *path;
	uint64_t device, inode; /* as it was opened */
};
const struct journal_file *journal_file(const struct journal *j); /* until journal_close */
/* It still stands where it was opened; else ERR_DISK. Any thread. */
MUST_USE int journal_there(const struct journal_file *f, struct error *err);
int64_t journal_commits(const struct journal *j); /* what was committed and called back since it was opened */
/* Operations that were given to it, and those of them that were called back, whether they came to be or not. */
int64_t journal_submitted(const struct journal *j);
int64_t journal_delivered(const struct journal *j);
int64_t journal_pending(const struct journal *j); /* handed over, not called back yet */
int journal_schema(void);						  /* the version of the tables that this program writes */

/* Fields that a step may set beside the state: those whose bit is in mask. Texts are copied. */
enum {
	SET_REVISION = 1 << 0,
	SET_FINGERPRINT = 1 << 1,
	SET_COUNTS = 1 << 2,
	SET_NEXT_ATTEMPT = 1 << 3,
	SET_TRIES = 1 << 4,
	SET_REASON = 1 << 5,
	SET_PROCESSING = 1 << 6,
	SET_FLAGS = 1 << 7 /* paused, ignored, present, data_safe, released */,
	SET_STORED = 1 << 8,
	SET_TIMES = 1 << 9 /* settled_ms, uploaded_ms, accepted_ms */,
	SET_CONTENT = 1 << 10 /* content, folder */
};
/* Adds a session in state FOUND and its event. The id comes back in row->id at once (ids are given by the caller's
 * side, from the highest in the journal). */
void journal_add_session(struct journal *j, struct session_row *row, journal_on_commit *on_commit, void *arg);
/* THE gateway: the only way a state changes. Looks up the successor of row->state; when there is none, refuses
 * with ERR_INTERNAL, a bug that the caller logs (no callback). Else sets row->state and the masked fields' copies in
 * the journal, writes the explaining event in the same transaction and calls back after the commit. `message` is for
 * people ("all 12 files are stored"). */
MUST_USE int session_step(struct journal *j, struct session_row *row, enum session_event event, int mask,
	const char *level, const char *message, journal_on_commit *on_commit, void *arg, struct error *err);
/* Masked fields without a change of state; message NULL: no event. */
void journal_update(struct journal *j, const struct session_row *row, int mask, const char *message,
	journal_on_commit *on_commit, void *arg);
/* The same by a person: "paused by anna". */
#define EVENT_CODE_DECIDED "decided"
void journal_decide(struct journal *j, const struct session_row *row, int mask, const char *verb, unsigned uid,
	journal_on_commit *on_commit, void *arg);
/* Replaces the file rows of the session's current revision. Rows whose name, size and mtime are those of an earlier
 * revision keep what is known of them when `files[i].hashed` is set by the caller; the journal copies what it is given.
 */
void journal_set_files(struct journal *j, int64_t session, int64_t revision, const struct file_row *files, size_t n,
	journal_on_commit *on_commit, void *arg);
/* What is known of row->revision (files, verdicts of the checks) is from now on of `revision`, in the session's row and
 * in row: the cloud has another revision under the old number, or this very content under the new one. What was known
 * of `revision` itself, if anything, is replaced. */
void journal_renumber(struct journal *j, struct session_row *row, int64_t revision, const char *message,
	journal_on_commit *on_commit, void *arg);
/* The session's folder is in this watched folder now. */
void journal_relocate(
	struct journal *j, int64_t session, const char *root, const char *message, journal_on_commit *on_commit, void *arg);
/* The row of the current revision with this name, size and digest becomes FILE_STORED, with bucket, key and stored_ms;
 * a late answer about bytes that the revision no longer has changes nothing. */
void journal_file_stored(
	struct journal *j, int64_t session, const struct file_row *file, journal_on_commit *on_commit, void *arg);
/* Its ctime and inode are others now, its bytes the same: for the row of the current revision with this name, size and
 * digest. */
void journal_file_same(struct journal *j, int64_t session, const struct file_row *file);
/* Of each session the newest ATTEMPTS_KEPT are kept: the others go with its next step. */
#define ATTEMPTS_KEPT 1000
void journal_add_attempt(struct journal *j, int64_t session, const struct attempt_row *a);
void journal_set_checks(struct journal *j, int64_t session, int64_t revision, const char *side /* "local", "cloud" */,
	const struct check_list *checks);
/* One check more beside those of the revision that are there; of the same id it replaces. */
void journal_add_check(
	struct journal *j, int64_t session, int64_t revision, const char *side, const struct check *check);
void journal_add_event(struct journal *j, int64_t session, const char *level, const char *code, const char *message);
/* Forgets events whose ids are above `after` and at most `until`, both in SETTING_PRUNED's order of time: those of
 * accepted and ignored sessions, but the one that explains the state, and the station's own. None that is as young as a
 * report that waits in the outbox. */
#define SETTING_PRUNED "journal.pruned" /* the last `until` */
void journal_prune(struct journal *j, int64_t after, int64_t until);
void journal_set(struct journal *j, const char *name, const char *value, journal_on_commit *on_commit, void *arg);
/* Failure reports not yet delivered: each with an id of its own. */
void journal_outbox_add(struct journal *j, const char *id, const char *json, journal_on_commit *on_commit, void *arg);
void journal_outbox_delete(
	struct journal *j, const char *const *ids, size_t n, journal_on_commit *on_commit, void *arg);

/* --- reading (any thread or process, each with a view of its own; read-only) --- */
struct journal_view;
MUST_USE int journal_view_open(
	struct journal_view **ret, const char *state_dir, struct error *err); /* ERR_NOT_FOUND: no journal yet */
MUST_USE int journal_view_open_brisk(struct journal_view **ret, const char *state_dir,
	struct error *err); /* for a console: a locked journal is an error soon (DB_BRISK_MS) */
void journal_view_close(struct journal_view *v);
DEFINE_AUTO_PTR(struct journal_view, journal_view_close)
MUST_USE int journal_view_version(
	struct journal_view *v, int64_t *ret, struct error *err); /* grows when anything was committed */

struct session_filter {
	int state;			 /* -1: all */
	bool unsettled_only; /* what the engine must load at start: every session not accepted (ignored ones too) */
	bool attention_only; /* state_needs_person and not ignored */
	int64_t since_ms;	 /* updated at or after; 0: all */
	int64_t limit;		 /* 0: all; newest first */
};
/* Called for each row in turn (the row is the view's); a non-zero return ends the walk and is returned. */
typedef int journal_on_session(void *arg, const struct session_row *row);
MUST_USE int journal_sessions(
	struct journal_view *v, const struct session_filter *f, journal_on_session *on_row, void *arg, struct error *err);
/* 1 found, 0 not; by name (the newest where two roots have it) or by root and name. The caller calls session_row_done.
 */
MUST_USE int journal_session(
	struct journal_view *v, const char *name, const char *root_or_null, struct session_row *ret, struct error *err);
MUST_USE int journal_knows(struct journal_view *v, const char *name, const char *root, struct error *err); /* 1: yes */
MUST_USE int journal_files(struct journal_view *v, int64_t session, int64_t revision, struct file_row **ret,
	size_t *ret_n, struct error *err); /* revision 0: the current */
/* 1: the current revision has just these files, by name, size, mtime, ctime and inode (sorted by name); 0: it has not.
 */
MUST_USE int journal_files_same(
	struct journal_view *v, int64_t session, const struct file_row *files, size_t n, struct error *err);
void file_rows_free(struct file_row *files, size_t n);
typedef int journal_on_attempt(void *arg, const struct attempt_row *row);
MUST_USE int journal_attempts(struct journal_view *v, int64_t session, int64_t limit, journal_on_attempt *on_row,
	void *arg, struct error *err); /* newest first */
MUST_USE int journal_checks(struct journal_view *v, int64_t session, int64_t revision, const char *side,
	struct check_list *ret, struct error *err);
typedef int journal_on_event(void *arg, const struct event_row *row);
MUST_USE int journal_events(struct journal_view *v, int64_t session_or_0, int64_t after_id, int64_t limit,
	journal_on_event *on_row, void *arg, struct error *err);
/* The newest `limit` of them, newest first. */
MUST_USE int journal_events_newest(struct journal_view *v, int64_t session_or_0, int64_t limit,
	journal_on_event *on_row, void *arg, struct error *err);
/* The id after which the events of that time and later stand (ids are in order of time): for journal_events' after_id.
 */
MUST_USE int journal_events_before(struct journal_view *v, int64_t since_ms, int64_t *ret_id, struct error *err);
#define SETTING_NAMES "folder.names"   /* [{root, path, rename_to, reason}]: what looks like a recording; none: unset */
#define SETTING_LOOKED "folder.looked" /* wall clock in ms: when every watched folder was last seen to be well */
#define SETTING_FOUND "engine.found"   /* what the last run learned: a look (safe.h) and its message; none: unset */
#define SETTING_UNREADABLE "audit.unreadable:" /* + the folder: {n, why, sessions}: accepted ones; none: unset */
#define SETTING_RECALL "cloud.recall"		   /* set while all accepted sessions are looked for in the cloud */
#define SETTING_CLOUD_SCHEMA "cloud.schema"	   /* the last answer of GET /v1/schema */
MUST_USE int journal_get(
	struct journal_view *v, const char *name, char **ret /* NULL when unset; the caller frees */, struct error *err);
typedef int journal_on_outbox(void *arg, const char *id, const char *json);
MUST_USE int journal_outbox(
	struct journal_view *v, int64_t limit, journal_on_outbox *on_row, void *arg, struct error *err); /* oldest first */
/* As journal_session. */
MUST_USE int journal_session_by_id(struct journal_view *v, int64_t session, struct session_row *ret, struct error *err);
/* All sessions of that name, in order of root, or of that content id, whatever their name, in order of id. As
 * journal_sessions. */
MUST_USE int journal_of_name(
	struct journal_view *v, const char *name, journal_on_session *on_row, void *arg, struct error *err);
MUST_USE int journal_of_content(
	struct journal_view *v, const struct sha256 *content, journal_on_session *on_row, void *arg, struct error *err);

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

/* A window of the sessions, for the console: ordered, filtered by words (each must be part of the name, the state or
 * the reason; case does not matter), with the number of all that fit. */
enum journal_order {
	JOURNAL_BY_CHANGE,
	JOURNAL_BY_NAME,
	JOURNAL_BY_SIZE,
	JOURNAL_BY_STATE,
	JOURNAL_BY_TRIES,
	JOURNAL_ORDER_N
};
#define JOURNAL_WORDS_MAX 8
struct journal_window {
	enum journal_order
		order; /* change: newest first; name: newest first; size, tries: largest first; state: its name */
	bool reverse;
	const char *words[JOURNAL_WORDS_MAX]; /* NULL: no word */
	int64_t first, limit;
};
MUST_USE int journal_window(struct journal_view *v, const struct journal_window *w, journal_on_session *on_row,
	void *arg, int64_t *ret_total, struct error *err);
