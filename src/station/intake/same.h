/* SPDX-License-Identifier: MIT */
/* Are the files of a session what the journal knows of them? */
#pragma once

#include "station/disk/scan.h"
#include "station/engine/engine.h"

/* Are the files what the journal knows of the session's current revision? Those whose ctime or inode are others are
 * read again, at most *budget bytes in all (one file at least when it is not 0). Any thread. */
enum same { SAME_ALL, SAME_MOVED /* equal, with other identities */, SAME_NOT, SAME_UNKNOWN /* not now */ };
enum same files_same(struct engine *e, const char *root, int64_t session, const char *name, struct snapshot *s,
	int64_t *budget, struct error *ret_why); /* set with SAME_UNKNOWN, when it is not for want of budget */
/* Their identities as they are now, for those that were read again. */
void files_keep(struct engine *e, int64_t session, const struct snapshot *s);
