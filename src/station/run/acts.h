/* SPDX-License-Identifier: MIT */
/* What an operator may ask of sessions, by a running engine. Loop thread. */
#pragma once

#include "station/engine/engine.h"
#include "station/told/acts.h"

#define ACT_NAMES_MAX 10000 /* a call */
/* Over params.sessions: all of them or none, or with params.fitting those that it fits. */
MUST_USE int engine_act(struct engine *e, enum act a, const cJSON *params, cJSON **ret_result, struct error *err);
