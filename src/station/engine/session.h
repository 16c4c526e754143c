/* SPDX-License-Identifier: MIT */
/* The life of one session: facts in, decisions in one place (session_drive and the parts' drives), every step through
 * the journal's gateway, and what entering a state means in the callback after its commit. Loop thread. */
#pragma once

#include "ingest/answer.h"
#include "station/engine/engine.h"

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

	/* --- facts, put there by callbacks, acted upon when it is driven --- */
	bool changed, vanished, returned, retry_wanted;
	struct error *trouble; /* what ends the present try (owned) */
	enum retry_step trouble_step;
	int64_t trouble_wait_ms;		/* Retry-After of it */
	struct answer_session *verdict; /* the cloud's, of this revision (owned) */

	/* --- what is known of its folder --- */
	int64_t seen_ms;		   /* monotonic: since when this run knows it */
	int64_t quiet_ms;		   /* monotonic: since when the fingerprint is what it is */
	int64_t look_ms;		   /* monotonic: look at it then (session_look); 0: no appointment */
	int64_t look_cost_ms;	   /* what the last look took */
	bool looked;			   /* in this run */
	bool awaits_metadata;	   /* quiet, its metadata missing */
	size_t watches;			   /* folders of it that events come for */
	char seen_fingerprint[65]; /* of the last look, which may be newer than the row's */
	int64_t seen_files, seen_bytes;

	/* --- checked --- */
	bool check_wanted;	/* its bytes are to be read (again) */
	bool checking;		/* they are, or it waits for its turn */
	bool unread;		/* held since it, or a file of it, cannot be read */
	bool metadata_held; /* held for its metadata alone: the data files go up */

	/* --- sent --- */
	bool uploading;			  /* an upload of it is open */
	size_t transfers;		  /* in flight, also of an upload that was dropped */
	int64_t sent_bytes;		  /* by them */
	int64_t attempt_ms;		  /* monotonic: not before; the row's next_attempt_ms is for eyes and restarts */
	bool awaits_cloud;		  /* queued because the cloud is away: goes on as soon as it is back */
	int pauses;				  /* of its own since something of it was stored */
	int64_t refused_revision; /* the cloud has other bytes under it; 0: none */
	bool recheck;			  /* the cloud is to be asked about every file again */

	/* --- decided --- */
	bool ask_now; /* its verdict is there already */
	bool overdue; /* uploaded, asked for by itself, and not decided */

	void *part[PART_N]; /* of each part (session_part) */
};

/* The part's own struct; NULL when it has none. */
void *session_part(const struct session *s, enum part_id id);

/* --- tickets --- */
struct ticket {
	struct engine *engine;
	char name[16];
	size_t root;
	uint32_t generation;
};
struct ticket ticket_of(const struct session *s);
struct session *ticket_session(const struct ticket *t); /* NULL: gone, or moved on */
/* The arg of a journal_on_commit; ticket_committed ends it, stops the engine when the journal failed, and gives the
 * session, or NULL. */
struct ticket *ticket_new(const struct session *s);
struct session *ticket_committed(void *ticket, const struct error *err);

/* --- making and ending --- */
struct session *session_load(struct engine *e, const struct session_row *row); /* copies; in the table afterwards */
void session_free(struct session *s);
/* It is at another root from now on, and nothing that is in flight counts; the journal is the caller's. */
void session_move(struct session *s, size_t root);
void session_renew(struct session *s); /* whatever is in flight for it no longer counts; hashing and sending end */

/* --- driving --- */
void session_enter(struct session *s);				  /* what being in its state means: after a commit, and at start */
void session_poke(struct session *s);				  /* drive it before the loop sleeps */
void session_due(struct session *s, int64_t mono_ms); /* drive it then at the latest */
void session_drive(struct session *s);

/* --- asking for something --- */
void session_look(struct session *s, int64_t mono_ms);		 /* look at its folder then at the latest */
void session_touch(struct session *s);						 /* something happened in its folder: look at it soon */
void session_retry(struct session *s, const char *message);	 /* back to settling, as one asked for it */
void session_at_once(struct session *s);					 /* no attempt is waited for any more */
void session_attempt_in(struct session *s, int64_t wait_ms); /* no attempt before; bounded, whatever a clock said */

/* --- the journal --- */
/* session_step with its commit; `mask` and fields as there. */
void session_go(struct session *s, enum session_event event, int mask, const char *level, const char *message);
void session_save(struct session *s, int mask, const char *message); /* journal_update */
void session_reason(struct session *s, const char *text);			 /* the row's, not yet written; NULL: none */
/* What was ignored is not what lies there now. */
void session_count_again(struct session *s, int mask, const char *why);
/* HELD_BACK with this reason, and the report to the cloud's log. */
void session_hold(struct session *s, int mask, const char *reason);
/* The present try ends: as a pause, a failure, or because the files changed. The first trouble counts. */
void session_trouble(struct session *s, enum retry_step step, const struct error *why, int64_t wait_ms);
void session_fail(struct session *s, const struct error *why); /* FATAL, and the report to the cloud's log */

/* --- asked of it --- */
bool session_at_work(const struct session *s); /* neither paused nor ignored */
bool session_is_sent(const struct session *s); /* an upload of it is open, or requests are on their way */
