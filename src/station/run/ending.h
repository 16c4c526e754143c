/* SPDX-License-Identifier: MIT */
/* When an engine ends by itself: `run --once` when no part is busy with what it waits for, an engine that was started
 * for a console when nobody looks and no part is busy at all. How `run --once` ends is the verdict's (told/safe.h). */
#pragma once

#include "station/engine/part.h"

extern const struct part ending_part;

#define ONCE_VERDICT_MS 120000 /* somebody else's answer is awaited this long when nothing else is to do */
struct ending_facts {
	enum busy busy;				 /* the busiest part */
	int64_t elapsed_ms, wait_ms; /* wait_ms 0: no --wait */
	int64_t asked_ms;			 /* since when it is no busier than BUSY_ASKED; 0: it is */
};
/* `run --once` is over. Pure.
 *
 * Whatever it would name was looked at in this run: a session that was mended since the last one is not named again.
 * Without --wait: all that is there is settled, sent and decided; what is not ready, or whose next attempt lies in the
 * future, is left to the next run. With --wait: everything is waited for that this run can do, up to that time. */
bool once_over(const struct ending_facts *f);
