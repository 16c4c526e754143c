/* SPDX-License-Identifier: MIT */
/* Validation after upload: threads that look at a (station, session) whose objects changed. Named checks: manifest,
 * objects, then the session's own by the cloud's schema; accepted or rejected in one catalog transaction, logged to
 * /headgate/validate. Events may come twice, late or out of order: the result is the same. */
#pragma once

#include "cloud/store/examine.h"

/* --- the threads --- */

struct validator;
struct validator_setup {
	struct stores stores;
	const struct schema *schema;
	const char *raw_bucket;
	const char *data_dir; /* keeps which sessions are being looked at, over a death of the program */
	int64_t promise_ms;	  /* how long a promise is kept that nothing comes of; 0: for ever */
};
MUST_USE int validator_start(struct validator **ret, const struct validator_setup *setup, struct error *err);
/* Looks again at every undecided session, and logs the newest decisions: after a start. Those that the program did not
 * survive come last. */
MUST_USE int validator_recover(struct validator *v, struct error *err);
void validator_object_stored(struct validator *v, const struct object_row *row); /* queues; never waits */
void validator_rules(struct validator *v, const struct schema *schema);			 /* for what it looks at from now on */
void validator_stop(struct validator *v); /* finishes what is in hand, then frees */

/* --- one look --- */

struct validation {
	int64_t read_most; /* bytes after which a look ends unfinished; what is begun is read to its end */
	/* Of a revision whose bytes are being read, from look to look; zeroed at first. */
	int64_t revision;
	struct sha256 manifest;
	size_t next, arrived;
	int64_t after; /* the revisions up to this one had their look; 0: a new round */
	/* What the look came to. */
	int64_t read_bytes;
	bool decided;	 /* a revision was decided */
	bool lost;		 /* one of the round waits for bytes that were here, or could not be looked at */
	bool unfinished; /* to be looked at again, when others had their turn */
};
/* In the caller's thread; one at a time a session. */
MUST_USE int validate_session(const struct stores *s, const struct schema *schema, const char *station,
	const char *session, struct validation *v, struct error *err);
/* The newest decisions of the catalog are in the log: the program may have died between the two commits. A line that is
 * there is known by its id. */
void validate_log_again(struct catalog *c, struct logs *l);
