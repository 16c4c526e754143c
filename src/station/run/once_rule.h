/* SPDX-License-Identifier: MIT */
/* `run --once`: when it is over. How it ends is the verdict's (safe.h). Pure. */
#pragma once

#include "base/util.h"

struct once_facts {
	bool scanned;	  /* the first walk over the roots is done */
	bool auditing;	  /* accepted sessions are looked at: did one change afterwards? */
	size_t unlooked;  /* sessions that are there, in folders that can be read, and were not looked at in this run */
	bool calling;	  /* the first calls to the cloud, or reports to its log, are on their way */
	size_t working;	  /* sessions being read, checked, sent, or free to be */
	size_t open;	  /* sessions that change, or are not quiet for long enough yet */
	size_t fresh;	  /* of them, in work for less than ONCE_OPEN_MS */
	size_t waiting;	  /* sessions whose next attempt's time has not come */
	size_t undecided; /* uploaded ones whose verdict is awaited */
	bool key_refused, down;		 /* the cloud as it was last seen */
	int64_t elapsed_ms, wait_ms; /* wait_ms 0: no --wait */
	int64_t undecided_ms;		 /* since when nothing but verdicts is awaited; 0: not so */
};
/* Without --wait, sessions that still change are waited for this long, and verdicts this long. */
#define ONCE_OPEN_MS(settle_ms) (3 * (settle_ms) + 2000)
#define ONCE_VERDICT_MS 120000
bool once_over(const struct once_facts *f);
