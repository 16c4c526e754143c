/* SPDX-License-Identifier: MIT */
/* The catalog: what the cloud knows (SQLite here; PostgreSQL and Redshift later behind the same functions). Any thread:
 * a writer thread commits in groups (synchronous=FULL), a caller waits for its own group only; readers have connections
 * of their own. Rows handed to a callback belong to the catalog during the call. */
#pragma once

#include "base/db.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/secret.h"
#include "session/check.h"
#include "session/manifest.h"

struct catalog;
/* ERR_CONFIG when there is no catalog beside objects that are there: it is never begun anew then; or when others can
 * write it. */
MUST_USE int catalog_open(struct catalog **ret, const char *data_dir, struct error *err);
void catalog_close(struct catalog *c); /* what was asked for is written first; no other call may be under way */
DEFINE_AUTO_PTR(struct catalog, catalog_close)
/* One server a data folder: ERR_BUSY names the other's pid; held until ret_fd is closed. Commands (`key add`) open the
 * catalog without it, beside a running server. */
MUST_USE int catalog_lock(const char *data_dir, int *ret_fd, struct error *err);
/* The file that is open is still the one under its name. ERR_DISK. */
MUST_USE int catalog_in_place(const struct catalog *c, struct error *err);
MUST_USE int catalog_writable(struct catalog *c, struct error *err);

/* --- secrets of this cloud, made on first use: the JWT key and the access key that signs URLs --- */
#define CATALOG_SECRET_LEN 64 /* characters of [a-z0-9], 330 bits */
MUST_USE int catalog_secret(struct catalog *c, const char *name, struct secret *ret, struct error *err);

/* --- API keys: stored as SHA-256 of the key; the text is shown once, by key_add --- */
enum scope { SCOPE_STATION = 1, SCOPE_ADMIN = 2 };
struct api_key {
	char id[24]; /* public, in tokens and lists */
	char station[80];
	int scopes;
	int64_t created_ms, revoked_ms, used_ms; /* revoked_ms 0: good */
};
MUST_USE int catalog_key_add(
	struct catalog *c, const char *station, int scopes, struct secret *ret_key, struct api_key *ret, struct error *err);
MUST_USE int catalog_key_revoke(struct catalog *c, const char *id, struct error *err); /* ERR_NOT_FOUND */
MUST_USE int catalog_key_by_text(struct catalog *c, const char *text, struct api_key *ret,
	struct error *err); /* ERR_NOT_FOUND when unknown; a revoked one is returned; constant time */
MUST_USE int catalog_key_by_id(struct catalog *c, const char *id, struct api_key *ret, struct error *err);
/* A callback that does not return 0 ends the reading; the function then returns 0 as well. This holds for each below.
 */
typedef int catalog_on_key(void *arg, const struct api_key *k);
MUST_USE int catalog_keys(struct catalog *c, catalog_on_key *on_row, void *arg, struct error *err);
const char *scopes_text(int scopes, char *to, size_t size); /* "station admin" */
MUST_USE int scopes_parse(const char *text, int *ret, struct error *err);

/* --- objects --- */
struct object_row {
	char bucket[64], key[1025];
	char station[80], session[16], name[800]; /* of a recording; else "" */
	int64_t revision;
	int64_t size;
	struct sha256 sha256;
	int64_t stored_ms; /* 0: promised by a presigned URL, not yet here */
	int64_t promised_ms;
	int64_t lost_ms; /* since when the bytes that were stored are known to be gone: only the same may come; else 0 */
};
/* A revision belongs to the instance (of a station's journal) that promised first in it; without one nothing is
 * claimed.
 */
struct claim {
	const char *station, *session;
	int64_t revision;
	const char *instance; /* or NULL */
};
enum standing {
	STANDING_OPEN,	  /* unknown yet, or undecided and of this instance or of none */
	STANDING_DECIDED, /* nothing can be added any more */
	STANDING_TAKEN,	  /* of another instance */
};
MUST_USE int catalog_standing(struct catalog *c, const struct claim *claim, enum standing *ret, struct error *err);
/* Writes promises (rows without stored_ms) and begins the sessions they belong to, in one transaction, durable before
 * it returns; a promise that is there is replaced while nothing is stored under it. With a claim the revision is taken
 * for its instance, unless *ret_standing is another than open: then nothing is promised but rows with lost_ms, whose
 * same bytes may always come again. */
MUST_USE int catalog_objects_promise(struct catalog *c, const struct claim *claim_or_null,
	const struct object_row *rows, size_t n, enum standing *ret_standing_or_null, struct error *err);
#define PROMISES_OPEN_MAX 10000 /* of a station, that nothing came of yet; with a claim more are ERR_THROTTLED, */
#define REVISIONS_EMPTY_MAX 16	/* and so are more revisions of one session that have nothing */
/* What was stored at `stored_ms` (0: nothing happens) is gone: the row is a promise of the same bytes again. */
MUST_USE int catalog_object_lost(struct catalog *c, const struct object_row *row, struct error *err);
MUST_USE int catalog_object_stored(struct catalog *c, const char *bucket, const char *key, int64_t size,
	const struct sha256 *sha256, int64_t at_ms, struct error *err);
/* The same of a recording's object that has just come, whose promise may be forgotten meanwhile: the whole row. */
MUST_USE int catalog_object_arrived(struct catalog *c, const struct object_row *row, struct error *err);
MUST_USE int catalog_object(struct catalog *c, const char *bucket, const char *key, struct object_row *ret,
	struct error *err); /* 1, 0 none, -1 */
/* What a (station, session) has under a file's name: the newest revision that is stored (or was, and is lost), at most
 * `revision`. 1, 0, -1. */
MUST_USE int catalog_object_by_name(struct catalog *c, const char *station, const char *session, int64_t revision,
	const char *name, struct object_row *ret, struct error *err);
/* The same for many names over one view of the catalog: on_row is told each by its number, NULL when there is none. */
typedef int catalog_on_named(void *arg, size_t i, const struct object_row *row_or_null);
MUST_USE int catalog_objects_by_name(struct catalog *c, const char *station, const char *session, int64_t revision,
	const char *const *names, size_t n, catalog_on_named *on_row, void *arg, struct error *err);
/* Promises from before `before_ms` that nothing came of, the oldest first. */
MUST_USE int catalog_objects_unused(
	struct catalog *c, int64_t before_ms, struct object_row *ret, size_t max, size_t *ret_n, struct error *err);
/* Forgets these promises, unless they were made anew or kept since, then sessions begun before `before_ms` that have
 * nothing: at most `max`. */
MUST_USE int catalog_forget(struct catalog *c, const struct object_row *rows, size_t n, int64_t before_ms, size_t max,
	int64_t *ret_objects, int64_t *ret_sessions, struct error *err);
typedef int catalog_on_object(void *arg, const struct object_row *row);
MUST_USE int catalog_objects(struct catalog *c, const char *station_or_null, const char *session_or_null,
	bool promised_only, catalog_on_object *on_row, void *arg, struct error *err);

/* --- sessions --- */
#define CLOUD_STATES(X) X(UPLOADING, "uploading") X(ACCEPTED, "accepted") X(REJECTED, "rejected")
enum cloud_state {
#define X(id, name) CLOUD_##id,
	CLOUD_STATES(X)
#undef X
		CLOUD_STATE_N
};
extern const char *const cloud_state_names[CLOUD_STATE_N];
/* A (station, session, revision) exists in state uploading from its first promise on. One transaction: state, checks,
 * metadata (text and number in typed columns), counts, a change for the cursor. A revision that was decided already is
 * left as it is (events may come twice): *ret_again says so. */
MUST_USE int catalog_session_decide(struct catalog *c, const char *station, const char *session, int64_t revision,
	enum cloud_state state, const struct check_list *checks, const struct metadata *metadata,
	const struct manifest *manifest_or_null, bool *ret_again, struct error *err);
/* One revision of a session. */
struct session_row {
	int64_t id;
	const char *station, *session;
	int64_t revision;
	enum cloud_state state;
	const char *processing, *checks; /* a word; JSON as checks_to_json writes it, as it was stored */
	int64_t bytes, files;			 /* while it is uploading: what has arrived so far */
	int64_t uploaded_ms, decided_ms; /* 0: not yet */
	int64_t lost;					 /* objects that were stored and are lost now */
	const struct sha256 *content;	 /* the content id; NULL: not known */
	const char *instance;			 /* that took it; NULL: none */
	struct db *db;					 /* the catalog's */
};
/* A callback that does not return 0 ends the list after this row. */
typedef int catalog_on_session(void *arg, const struct session_row *row);
/* The metadata of a row that is in hand, in the order of their file. */
typedef int catalog_on_metadata(void *arg, const struct metadata_entry *entry);
MUST_USE int catalog_row_metadata(
	const struct session_row *row, catalog_on_metadata *on_entry, void *arg, struct error *err);
/* All revisions of one session, the newest first. */
MUST_USE int catalog_session(struct catalog *c, const char *station, const char *session, catalog_on_session *on_row,
	void *arg, struct error *err);
struct revision_row {
	int64_t revision;
	enum cloud_state state;
	const struct sha256 *content; /* or NULL */
	const char *instance;		  /* or NULL */
};
/* The newest REVISIONS_LISTED of one session, the oldest first. */
#define REVISIONS_LISTED 1000
typedef int catalog_on_revision(void *arg, const struct revision_row *row);
MUST_USE int catalog_revisions(struct catalog *c, const char *station, const char *session, catalog_on_revision *on_row,
	void *arg, struct error *err);
struct session_query {
	const char *station;	/* NULL: all */
	const char *session;	/* NULL: all */
	int state;				/* -1: all */
	const char *processing; /* NULL: all */
	int64_t since_ms, limit;
	const char *cursor; /* "" or NULL: from the start */
	bool all_revisions; /* else the newest one only */
};
/* A page ends at limit, or early where on_row ends it; ret_next: "" at the end of all. ERR_INPUT: a bad cursor. */
#define CATALOG_NEXT 96
MUST_USE int catalog_sessions(struct catalog *c, const struct session_query *q, catalog_on_session *on_row, void *arg,
	char ret_next[CATALOG_NEXT], struct error *err);
/* Objects of an undecided revision were lost: its checks say so, and a change tells its station, once for the same
 * checks. */
MUST_USE int catalog_session_lost(struct catalog *c, const char *station, const char *session, int64_t revision,
	const struct check_list *checks, struct error *err);
/* Decided revisions whose content id is not known: those of an older catalog. station and session: NULL both, or of
 * that session. Ascending by id, beyond after_id. */
struct content_unknown {
	int64_t id, revision;
	char station[80], session[16];
};
MUST_USE int catalog_content_unknown(struct catalog *c, const char *station, const char *session, int64_t after_id,
	struct content_unknown *ret, size_t max, size_t *ret_n, struct error *err);
MUST_USE int catalog_content_set(
	struct catalog *c, int64_t id, const struct sha256 *content_or_null /* it cannot be known */, struct error *err);
/* Each session with a revision that is not decided, in the order in which they were begun. attempts: looks at it that
 * the program did not survive. */
typedef int catalog_on_undecided(void *arg, const char *station, const char *session, int64_t attempts);
MUST_USE int catalog_undecided(
	struct catalog *c, catalog_on_undecided *on_row, void *arg, struct error *err); /* at start: look at each again */
/* Revisions of one (station, session) beyond `after` that are not decided yet and whose manifest came, ascending: the
 * others cannot be decided, and there may be a great many. */
struct undecided {
	int64_t revision, attempts;
};
MUST_USE int catalog_undecided_of(struct catalog *c, const char *station, const char *session, int64_t after,
	struct undecided *ret, size_t max, size_t *ret_n, struct error *err);
/* died: one more of the session's undecided revisions' attempts; else they begin at 0 again. */
MUST_USE int catalog_attempts(
	struct catalog *c, const char *station, const char *session, bool died, struct error *err);

/* --- changes: a cursor over decisions and processing --- */
struct change_row {
	const char *station, *session;
	int64_t revision;
	enum cloud_state state;
	const char *processing, *checks; /* as of a session_row */
	int64_t decided_ms, at_ms, files;
	const struct sha256 *content; /* or NULL */
	const char *instance;		  /* or NULL */
};
typedef int catalog_on_change(void *arg, const struct change_row *row);
/* Those beyond `after`, of one station or (NULL) of all. *ret_reset: `after` is none of this catalog's (it was
 * restored, or is another), and the list begins at the first. */
#define CATALOG_CURSOR 48
MUST_USE int catalog_changes(struct catalog *c, const char *station, const char *after, int64_t limit,
	catalog_on_change *on_row, void *arg, char ret_cursor[CATALOG_CURSOR], bool *ret_reset, struct error *err);
/* The newest of all stations, newest first. */
MUST_USE int catalog_changes_newest(
	struct catalog *c, int64_t limit, catalog_on_change *on_row, void *arg, struct error *err);
/* Waits until a change beyond `after` may exist, at most wait_ms, or the catalog is closing. No lock or connection is
 * held meanwhile. */
void catalog_wait_change(struct catalog *c, const char *after, int64_t wait_ms);
void catalog_wake(struct catalog *c); /* ends every wait: shutdown */

/* --- stations --- */
/* instance: one state folder of the station; said: what it says of itself, kept as it is until its next heartbeat. */
MUST_USE int catalog_heartbeat(struct catalog *c, const char *station, const char *key_id, const char *instance,
	const char *said, int *ret_stations_with_key, struct error *err);
struct station_row {
	const char *station;
	int64_t heartbeat_ms; /* 0: it has a key and never reported */
	const char *said;	  /* by the instance that reported last; NULL: nothing */
};
typedef int catalog_on_station(void *arg, const struct station_row *row);
MUST_USE int catalog_stations(struct catalog *c, int64_t limit, const char *cursor, catalog_on_station *on_row,
	void *arg, char ret_next[CATALOG_NEXT], struct error *err);
/* One of them: on_row is called once, or not at all when there is no such station. */
MUST_USE int catalog_station(
	struct catalog *c, const char *station, catalog_on_station *on_row, void *arg, struct error *err);
