/* SPDX-License-Identifier: MIT */
/* What the cloud accepted is looked for again: all of it when the cloud's history turns out to be another than it was
 * (a catalog restored, another cloud under the address), a named session when a person asks (`verify`). One that the
 * cloud has not, whole and as it was sent, is accepted no more: it settles and is sent again, and that is told. Loop
 * thread. */
#pragma once

#include "base/json.h"

struct engine;
struct journal_view;
struct recall;

struct recall *recall_new(struct engine *e);
void recall_free(struct recall *r);
void recall_load(struct recall *r, struct journal_view *v); /* at start, after the sessions: what a run left undone */
/* Of all accepted sessions; kept over restarts until each was looked for. */
void recall_all(struct recall *r);
void recall_whole(
	struct recall *r); /* byte for byte because a person asks: not kept, nothing is said against the cloud */
void recall_count(const struct recall *r, int64_t *ret_looked, int64_t *ret_lost);
/* Of one name. ERR_NOT_FOUND; ERR_INPUT when it is not accepted, in any of the watched folders. */
MUST_USE int recall_one(struct recall *r, const char *name, struct error *err);
void recall_pump(struct engine *e);
bool recall_busy(const struct recall *r);	/* something is left to be looked for */
cJSON *recall_json(const struct recall *r); /* {left, looked, lost} of this run */
