/* SPDX-License-Identifier: MIT */
/* The table of acts: whom each fits, and what it sets. Pure; any thread. */
#include "station/told/acts.h"

#include <string.h>

#include "base/text.h"

/* --- whom they fit --- */

static bool fits_any(const struct session_row *row) {
	(void)row;
	return true;
}

static bool fits_retry(const struct session_row *row) {
	return row->state == STATE_QUEUED || state_next(row->state, EVENT_RETRIED) >= 0;
}

/* Held as a copy, as the second of its name, or as a name used again: what a person can overrule. */
static bool fits_release(const struct session_row *row) {
	return row->state == STATE_HELD && row->reason && text_starts(row->reason, check_names[CHECK_UNIQUE]);
}

/* --- what they decide --- */

static int decide_nothing(struct session_row *row) {
	(void)row;
	return 0;
}

/* What is stored stays known: it may be newer in the row than in the journal. */
static int decide_pause(struct session_row *row) {
	if (row->paused) return 0;
	row->paused = true;
	return SET_FLAGS | SET_STORED;
}

static int decide_resume(struct session_row *row) {
	if (!row->paused) return 0;
	row->paused = false;
	row->next_attempt_ms = 0;
	return SET_FLAGS | SET_NEXT_ATTEMPT;
}

static int decide_release(struct session_row *row) {
	if (row->released) return 0;
	row->released = true;
	return SET_FLAGS;
}

static int decide_ignore(struct session_row *row) {
	if (row->ignored) return 0;
	row->ignored = true;
	if (!row->has_content) *row->folder = '\0'; /* the one that lies there now, not the one that did */
	return SET_FLAGS | SET_STORED | SET_CONTENT;
}

static int decide_unignore(struct session_row *row) {
	if (!row->ignored) return 0;
	row->ignored = false;
	return SET_FLAGS;
}

/* --- the table --- */

struct act_row {
	bool (*fits)(const struct session_row *row); /* one that is accepted fits none */
	const char *refusal;						 /* "session X is STATE: REFUSAL" */
	int (*decide)(struct session_row *row);
	const char *verb;
	bool retries;
};
static const struct act_row row_retry = {fits_retry, "only held, rejected, failed and waiting ones are tried again",
								decide_nothing, NULL, true},
							row_pause = {fits_any, NULL, decide_pause, "paused", false},
							row_resume = {fits_any, NULL, decide_resume, "resumed", false},
							row_release = {fits_release,
								"only those that are held as a copy or for their name are released", decide_release,
								"released", true},
							row_ignore = {fits_any, NULL, decide_ignore, "ignored", false},
							row_unignore = {fits_any, NULL, decide_unignore, "no longer ignored", false};

static const struct {
	const char *name, *what;
	const struct act_row *row;
} acts[ACT_N] = {
#define X(id, word, what) [ACT_##id] = {#word, what, &row_##word},
	ACTS(X)
#undef X
};

/* --- asked from outside --- */

const char *act_name(enum act a) { return acts[a].name; }

int act_parse(const char *name, enum act *ret) {
	for (int a = 0; a < ACT_N; a++) {
		if (strcmp(acts[a].name, name) == 0) return *ret = (enum act)a, 0;
	}
	return -1;
}

/* Nothing of one that is ignored is tried, and a step of its state would make another of what was ignored. */
static bool rests(enum act a, const struct session_row *row) { return row->ignored && acts[a].row->retries; }

bool act_fits(enum act a, const struct session_row *row) {
	return row->state != STATE_ACCEPTED && !rests(a, row) && acts[a].row->fits(row);
}

int act_refuse(enum act a, const struct session_row *row, struct error *err) {
	if (act_fits(a, row)) return 0;
	if (row->state != STATE_ACCEPTED && rests(a, row))
		return error_set(err, ERR_INPUT, "session %s is ignored: take that back first", row->name);
	if (row->state == STATE_ACCEPTED)
		return error_set(err, ERR_INPUT, "session %s is accepted: there is nothing to %s", row->name, acts[a].what);
	return error_set(err, ERR_INPUT, "session %s is %s: %s", row->name, state_name(row->state), acts[a].row->refusal);
}

bool act_means(enum act a, const struct session_row *row, const struct session_row *than) {
	if (!than) return true;
	bool fits = act_fits(a, row), accepted = row->state == STATE_ACCEPTED;
	if (fits != act_fits(a, than)) return fits;
	if (accepted != (than->state == STATE_ACCEPTED)) return !accepted;
	return row->id > than->id;
}

int act_decide(enum act a, struct session_row *row, const char **ret_verb) {
	*ret_verb = acts[a].row->verb;
	return acts[a].row->decide(row);
}

bool act_retries(enum act a) { return acts[a].row->retries; }

struct retry act_retry(struct session_row *row) {
	if (row->state == STATE_QUEUED) {
		row->next_attempt_ms = 0;
		return (struct retry){-1, SET_NEXT_ATTEMPT, "an operator asks for the next attempt now"};
	}
	if (state_next(row->state, EVENT_RETRIED) < 0) return (struct retry){.event = -1};
	int mask = session_row_settle_again(row, row->state == STATE_REJECTED); /* it would be rejected again */
	return (struct retry){EVENT_RETRIED, mask, "an operator asks to try again"};
}
