/* SPDX-License-Identifier: MIT */
/* Validation after upload: a thread that looks at a (station, session) whose objects changed. Named checks: manifest,
 * objects, then the session's own by the cloud's schema; accepted or rejected in one catalog transaction, logged to
 * /headgate/validate. Events may come twice, late or out of order: the result is the same. */
#pragma once

#include "cloud/store/catalog.h"
#include "cloud/store/logs.h"
#include "cloud/store/objects.h"

struct validator;
MUST_USE int validator_start(struct validator **ret, struct catalog *c, struct objects *o, struct logs *l,
	const struct schema *schema, const char *raw_bucket, struct error *err);
/* Looks again at every undecided session, and logs the newest decisions: after a start. */
MUST_USE int validator_recover(struct validator *v, struct error *err);
void validator_object_stored(struct validator *v, const struct object_row *row); /* queues; never waits */
void validator_rules(struct validator *v, const struct schema *schema);			 /* for what it looks at from now on */
void validator_stop(struct validator *v); /* finishes the one in hand, then frees */
/* One look, in the caller's thread (tests): *ret_decided says whether a revision was decided. */
MUST_USE int validate_session(struct catalog *c, struct objects *o, struct logs *l, const struct schema *schema,
	const char *station, const char *session, bool *ret_decided, struct error *err);
/* The newest decisions of the catalog are in the log: the program may have died between the two commits. A line that is
 * there is known by its id. */
void validate_log_again(struct catalog *c, struct logs *l);
