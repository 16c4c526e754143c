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
	int64_t asked_ms;			 /* for so long nothing but somebody else's answer is awaited */
};
/* `run --once` is over. Pure.
 *
 * Whatever it would name was looked at in this run: a session that was mended since the last one is not named again.
 * Without --wait: all that is there is settled, sent and decided; what is not ready, or whose next attempt lies in the
 * future, is left to the next run. With --wait: everything is waited for that this run can do, up to that time. */
bool once_over(const struct ending_facts *f);

/* Since when (monotonic) nothing but somebody else's answer is awaited, at this moment; 0: something else is. The
 * folders are listed again meanwhile, and the end's last word is no news: neither begins it anew. Pure. */
int64_t ending_asked_since(enum busy busy, int64_t since_ms, int64_t at_ms);
