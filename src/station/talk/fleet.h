/* SPDX-License-Identifier: MIT */
/* The stations as the cloud last heard of them, for a console that asks, as a part of the engine. Loop thread. */
#pragma once

#include "station/engine/part.h"

extern const struct part fleet_part;
/* Asks the cloud, at most every two seconds; subscribers hear of the answer. What is known now: {at, asking, stations,
 * error}. */
cJSON *fleet_ask(struct engine *e);
