/* SPDX-License-Identifier: MIT */
/* What commands do where no engine runs, under the station's lock. Blocking; for a command. */
#pragma once

#include "station/config.h"
#include "station/told/acts.h"

/* Commands without a running engine take the lock and go through the same gateway. All of the named sessions or none.
 */
MUST_USE int engine_offline_act(
	const struct config *c, enum act a, const char *const *names, size_t n, struct error *err);
/* The recordings of one watched folder are in another one now: every session that the journal knows under `from` is
 * under `to` from now on, but those of whose name it knows one there already. While no engine runs (ERR_BUSY). */
struct relocated {
	int64_t moved, stayed;
};
MUST_USE int engine_relocate(
	const struct config *c, const char *from, const char *to, struct relocated *ret, struct error *err);
