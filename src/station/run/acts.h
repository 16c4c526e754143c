/* SPDX-License-Identifier: MIT */
/* What an operator may ask of sessions, by a running engine. Loop thread. */
#pragma once

#include "station/engine/engine.h"

#define ACT_NAMES_MAX 10000 /* a call */
/* One of retry, pause, resume, release, ignore, unignore over params.sessions. */
MUST_USE int engine_act(
	struct engine *e, const char *method, const cJSON *params, cJSON **ret_result, struct error *err);
