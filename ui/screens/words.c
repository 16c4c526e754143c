/* SPDX-License-Identifier: MIT */
/* What several screens say alike. */
#include <stdio.h>

#include "base/clock.h"
#include "session/name.h"
#include "ui/screens/screens.h"

enum role state_role(const struct session_row *row) {
	static const enum role roles[STATE_N] = {
		[STATE_FOUND] = ROLE_TEXT,
		[STATE_SETTLING] = ROLE_TEXT,
		[STATE_CHECKING] = ROLE_BUSY,
		[STATE_HELD] = ROLE_WARN,
		[STATE_QUEUED] = ROLE_TEXT,
		[STATE_UPLOADING] = ROLE_BUSY,
		[STATE_UPLOADED] = ROLE_BUSY,
		[STATE_ACCEPTED] = ROLE_GOOD,
		[STATE_REJECTED] = ROLE_BAD,
		[STATE_FAILED] = ROLE_BAD,
		[STATE_GONE] = ROLE_BAD,
	};
	return row->ignored || row->paused ? ROLE_QUIET : roles[row->state];
}

const char *state_words(const struct session_row *row) {
	if (row->ignored) return "ignored";
	if (row->paused && !state_is_settled(row->state)) return "paused";
	return state_name(row->state);
}

const char *recorded_text(char to[32], const char *session) {
	if (!session_name_possible(session)) return "?";
	snprintf(to, 32, "%.2s:%.2s:%.2s", session + 9, session + 11, session + 13);
	return to;
}
