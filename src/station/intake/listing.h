/* SPDX-License-Identifier: MIT */
/* A watched folder is listed, in its own thread. */
#pragma once

#include "station/disk/folder.h"
#include "station/engine/watches.h"

struct listing { /* what it found */
	size_t root;
	bool local; /* no file server */
	struct folder_listing found;
	struct error err;
	struct watching watching; /* the root itself, where new ones are looked for in it */
};
typedef void listing_on_end(struct engine *e, struct listing *l);
/* on_end: on the loop, always called once (engine.stopping: act no more); what it does not take is freed. */
void listing_start(struct engine *e, size_t root, listing_on_end *on_end);
