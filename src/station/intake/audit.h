/* SPDX-License-Identifier: MIT */
/* Accepted sessions: did one change afterwards? All of them in turn, and at once those that the engine suspects
 * (engine_suspect). Loop thread. */
#pragma once

#include "station/engine/part.h"

extern const struct part audit_part;
