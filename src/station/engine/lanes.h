/* SPDX-License-Identifier: MIT */
/* The threads of each root, for whatever touches recordings: one that does not answer holds its own threads and nobody
 * else's. */
#pragma once

#include "station/engine/job.h"

#define LOOKS_MAX 4	 /* walks over sessions of a root at a time */
#define CHECKS_MAX 2 /* sessions being hashed at a time; those of roots that do not answer do not count */

enum lane_kind {
	LANE_LIST, /* the root itself */
	LANE_LOOK, /* its sessions' folders */
	LANE_HASH,
	LANE_SEND, /* files that are being sent */
	LANE_N
};
int lanes_open(struct engine *e); /* libuv's error */
void lane_start(struct engine *e, size_t root, enum lane_kind kind, struct job *j);
void lanes_pump(struct engine *e);
void lanes_close(struct engine *e); /* at the stop: what has not begun ends, what hangs is left behind */
/* After the loop. True: a thread was left behind in a call; nothing that jobs point to may be freed. */
bool lanes_free(struct engine *e);
