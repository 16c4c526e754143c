/* SPDX-License-Identifier: MIT */
/* What the cloud accepted is looked for again: all of it when the cloud's history turns out to be another than it was
 * (a catalog restored, another cloud under the address), a named session when a person asks (`verify`). One that the
 * cloud has not, whole and as it was sent, is accepted no more: it settles and is sent again, and that is told. Loop
 * thread. */
#pragma once

#include "station/engine/part.h"

extern const struct part recall_part;
/* All accepted sessions, byte for byte, because a person asks: not kept, nothing is said against the cloud. */
void recall_whole(struct engine *e);
/* One name. ERR_NOT_FOUND; ERR_INPUT when it is not accepted, in any of the watched folders. */
MUST_USE int recall_one(struct engine *e, const char *name, struct error *err);
cJSON *recall_json(const struct engine *e); /* {left, looked, lost} of this run */
