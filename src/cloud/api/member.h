/* SPDX-License-Identifier: MIT */
/* Members that several calls have in common. */
#pragma once

#include "base/json.h"

/* A time as the API writes it, 2026-11-21T14:02:11.042Z, or without its milliseconds; from 1970 on. -1:
 * it is none. */
MUST_USE int member_time(const char *text, int64_t *ret_ms);
/* Whether a text has at most so many characters (not bytes), and at least one when it must. */
bool member_short(const char *text, size_t most, bool must);

struct session_ref {
	const char *session; /* belongs to the body */
	int64_t revision;
};
/* {session, revision} of a body. ERR_INPUT names the member. */
MUST_USE int member_session(const cJSON *body, struct session_ref *ret, struct error *err);
