/* SPDX-License-Identifier: MIT */
/* Members that several calls have in common. */
#pragma once

#include "base/json.h"

#define REVISION_MAX 1000000
struct session_ref {
	const char *session; /* belongs to the body */
	int64_t revision;
};
/* {session, revision} of a body. ERR_INPUT names the member. */
MUST_USE int member_session(const cJSON *body, struct session_ref *ret, struct error *err);
