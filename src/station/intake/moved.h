/* SPDX-License-Identifier: MIT */
/* Recordings that were moved to another watched folder, a larger disk perhaps: what the journal knows of a session goes
 * along, so that what is safe stays safe and what is not is sent. Loop thread. */
#pragma once

#include <stddef.h>

struct engine;
struct session;

enum moved {
	MOVED_NO,	/* nothing is known of that name elsewhere, or it is there still */
	MOVED_HERE, /* it is this session: it is in `root` now */
	MOVED_LATER /* it may be: a folder that knows the name was not listed yet */
};
/* A session folder that nothing is known of was found in `root`. */
enum moved moved_found(struct engine *e, const char *name, size_t root);
/* A session has gone from its place, or counts no more: those that were held because of it are looked at again. */
void moved_away(struct engine *e);
void moved_pump(struct engine *e);
/* One was accepted: a session that was gone with these very files is this one, renamed or moved, and needs nobody. */
void moved_accepted(struct session *s);
