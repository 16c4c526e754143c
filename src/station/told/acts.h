/* SPDX-License-Identifier: MIT */
/* The acts: what a person may ask of sessions, as one table of pure functions over a session's row. The engine, the
 * commands that work without one, and whoever shows what fits, all ask here, so that they cannot disagree.
 *
 * An act is a decision (a column beside the state, journalled with the name of who decided), a retry, or both. A
 * decision is journalled at once; a retry as soon as no other step of the session awaits its commit. Any thread. */
#pragma once

#include "station/journal/view.h"

/* id, word, what there is not to be done: the name of the method and the command */
#define ACTS(X)                                                                                                        \
	X(RETRY, retry, "try again")                                                                                       \
	X(PAUSE, pause, "pause")                                                                                           \
	X(RESUME, resume, "resume")                                                                                        \
	X(RELEASE, release, "release")                                                                                     \
	X(IGNORE, ignore, "ignore")                                                                                        \
	X(UNIGNORE, unignore, "unignore")
enum act {
#define X(id, word, what) ACT_##id,
	ACTS(X)
#undef X
		ACT_N
};
const char *act_name(enum act a);
MUST_USE int act_parse(const char *name, enum act *ret);

bool act_fits(enum act a, const struct session_row *row);
/* Says why it does not: ERR_INPUT with the sentence, -1; 0 when it fits. */
int act_refuse(enum act a, const struct session_row *row, struct error *err);
/* Where several watched folders have a session of the name: is this one meant rather than the other (NULL: none)? The
 * newest that the act fits, else the newest that is not accepted. */
bool act_means(enum act a, const struct session_row *row, const struct session_row *than);

/* Sets the columns of the decision. The mask of SET_*, 0: nothing changes; *ret_verb: "paused", for journal_decide. An
 * ignored session that was never hashed is known by its folder, which the caller looks up when `folder` is empty. */
int act_decide(enum act a, struct session_row *row, const char **ret_verb);
bool act_retries(enum act a); /* and act_retry is to follow */

/* A retry: sets the columns that go with it, not the state. event -1: no step, the columns alone; mask 0: the state has
 * no such thing, and nothing was set. */
struct retry {
	int event, mask; /* enum session_event, SET_* */
	const char *message;
};
struct retry act_retry(struct session_row *row);
