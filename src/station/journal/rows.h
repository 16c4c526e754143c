/* SPDX-License-Identifier: MIT */
/* The journal's rows as values, and the names of their fields: what is read and what is written alike. A row owns its
 * texts unless it says otherwise; those that a view hands to a callback are the view's. Any thread. */
#pragma once

#include "base/digest.h"
#include "base/error.h"
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
void file_rows_free(struct file_row *files, size_t n);
struct file_row file_row_copy(const struct file_row *f);
int file_row_order(const void *a, const void *b); /* by name, bytewise: the order of every list of them */
struct file_row *file_row_find(const struct file_row *files, size_t n, const char *name); /* NULL: not there */
/* The content id of rows that are all hashed; false when one is not, or there is none. */
bool file_rows_content(const struct file_row *files, size_t n, struct sha256 *ret);

/* Of each session the newest ATTEMPTS_KEPT are kept: the others go with its next step. */
#define ATTEMPTS_KEPT 1000
struct attempt_row { /* one request about one file (or the whole session: name "") */
	char *name;
	int64_t at_ms, elapsed_ms, bytes;
	int http;
	char code[32], request_id[64];
	char *reason;
};
#define EVENT_CODE_DECIDED "decided" /* by a person: "paused by anna" */
struct event_row {					 /* what happened, shown to people; the same id in the local log and the cloud's */
	int64_t id;
	char event_id[32];
	int64_t at_ms, session; /* 0: of the station */
	char level[8], code[48];
	char *message;
	char session_name[16]; /* "": of the station */
	int state;			   /* the session's afterwards, when the event changed it; else -1 */
};

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

/* Called on the loop after the commit (err->code ERR_NONE) or the failure. */
typedef void journal_on_commit(void *arg, const struct error *err);
