/* SPDX-License-Identifier: MIT */
/* The engine's sessions in memory: those in work in full, in order of name (the oldest recording first); accepted ones,
 * and found ones whose turn has not come, as a few numbers each, so that 100,000 of them fit. Loop thread. */
#pragma once

#include <sys/queue.h>

#include "ingest/answer.h"
#include "station/journal/journal.h"
#include "station/engine/retrying.h"

struct engine;
struct upload;
struct rate;
struct check_job;

struct session {
	struct session_row row;
	struct engine *engine;
	size_t root;		 /* index of engine roots */
	uint32_t generation; /* unique; renewed when work in flight no longer concerns the session */
	bool committing;	 /* a step waits for its commit: decide nothing */
	bool dead;			 /* to be dropped by the next sweep */
	bool driven;		 /* in engine.driven */
	TAILQ_ENTRY(session) driven_link;
	int64_t due_ms; /* monotonic: drive it then; 0: no appointment */

	/* facts, put there by callbacks, acted upon in session_drive */
	bool changed, vanished, returned, retry_wanted;
	struct error *trouble; /* what ends the present try (owned) */
	enum retry_step trouble_step;
	int64_t trouble_wait_ms;		/* Retry-After of it */
	struct answer_session *verdict; /* the cloud's, of this revision (owned) */

	/* settle.c */
	int64_t seen_ms;	  /* monotonic: since when this run knows it */
	int64_t quiet_ms;	  /* monotonic: since when the fingerprint is what it is */
	int64_t look_ms;	  /* monotonic: look at it then; 0: no appointment */
	int64_t look_cost_ms; /* what the last look took */
	bool looking, look_queued;
	bool looked;		  /* in this run */
	bool awaits_metadata; /* quiet, its metadata missing */
	size_t watches;		  /* folders of it that events come for */
	TAILQ_ENTRY(session) look_link;
	char seen_fingerprint[65]; /* of the last look, which may be newer than the row's */
	int64_t seen_files, seen_bytes;

	/* unread.c */
	bool unread;		   /* held since it, or a file of it, cannot be read */
	int unreads;		   /* in a row */
	int64_t unread_ms;	   /* monotonic: it is read again then */
	uint64_t unread_marks; /* of its files when it was last looked at: another owner or mode makes others */

	/* checking.c */
	struct check_job *check;
	bool check_queued, checked_twice;
	TAILQ_ENTRY(session) check_link;
	bool metadata_held; /* held for its metadata alone: the data files go up */

	/* upload.c */
	struct upload *upload;
	size_t transfers;		  /* in flight, also of an upload that was dropped */
	bool awaits_cloud;		  /* queued because the cloud is away: goes on as soon as it is back */
	bool trouble_shared;	  /* the trouble at hand is the cloud's as a whole, not met by this session's own calls */
	int pauses, recoveries;	  /* of its own since something of it was stored; the engine's at the last of them */
	int64_t attempt_ms;		  /* monotonic: not before; the row's next_attempt_ms is for eyes and restarts */
	int64_t sent_bytes;		  /* by the transfers in flight */
	int64_t stored_save_ms;	  /* monotonic: when the counts were last written */
	struct rate *rate;		  /* while it is sent (owned) */
	int64_t refused_revision; /* the cloud has other bytes under it; 0: none */
	int refusals;			  /* in a row */
	bool unknown_there;		  /* by what the cloud itself does not know: nobody else's recording */

	/* confirm.c */
	bool ask_now; /* its verdict is there already */
	bool recheck; /* the cloud is to be asked about every file again */
	bool asking;  /* GET /v1/sessions/{id} is on its way */
	int asks;
	int rechecks;	/* how often all its objects were compared again since it was last decided */
	int64_t ask_ms; /* monotonic: ask then */
};
TAILQ_HEAD(session_queue, session);

struct sessions {
	struct session **items; /* in order of name, then root */
	size_t n, capacity;
};
/* NULL when there is none. */
struct session *sessions_find(const struct sessions *t, const char *name, size_t root);
void sessions_insert(struct sessions *t, struct session *s);
void sessions_remove(struct sessions *t, struct session *s); /* out of the table, not freed */
/* Removes and frees the dead ones; `done` lets their parts go first. */
void sessions_sweep(struct sessions *t, void (*done)(struct session *s));

/* A session of which the journal knows the rest: 32 bytes. */
struct stub {
	int64_t stamp;		  /* the name's digits */
	int64_t id;			  /* 0: not in the journal yet */
	uint64_t fingerprint; /* the first 16 hex digits */
	uint32_t root : 15, present : 1, revision : 16;
	uint32_t unreadable : 1; /* accepted, and when it was last to be compared it could not be read */
};
struct stub_table {
	struct stub *items; /* in order of stamp, then root */
	size_t n, capacity;
};
int64_t session_stamp(const char *name); /* "20261120_134502" -> 20261120134502 */
const char *session_unstamp(char to[16], int64_t stamp);
uint64_t fingerprint_short(const char *hex);
struct stub *stub_find(const struct stub_table *t, int64_t stamp, size_t root);
void stub_append(struct stub_table *t, const struct session_row *row, size_t root); /* then stub_sort */
void stub_sort(struct stub_table *t);
void stub_insert(struct stub_table *t, const struct session_row *row, size_t root);
void stub_remove(struct stub_table *t, struct stub *a);
