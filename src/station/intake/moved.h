/* SPDX-License-Identifier: MIT */
/* Recordings that were moved to another watched folder, a larger disk perhaps: what the journal knows of a session goes
 * along, so that what is safe stays safe and what is not is sent; and those that were held for one that has gone
 * (engine.place_freed) are looked at again. Loop thread. */
#pragma once

#include "station/engine/engine.h"

extern const struct part moved_part;

enum moved {
	MOVED_NO,	/* nothing is known of that name elsewhere, or it is there still */
	MOVED_HERE, /* it is this session: it is in `root` now */
	MOVED_LATER /* it may be: a folder that knows the name was not listed yet */
};
/* A session folder that nothing is known of was found in `root`; since_ms (monotonic): such ones are there since then.
 */
enum moved moved_found(struct engine *e, const char *name, size_t root, int64_t since_ms);
