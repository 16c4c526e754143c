/* SPDX-License-Identifier: MIT */
/* When `run --once` is over. Pure.
 *
 * Whatever it would name was looked at in this run: a session that was mended since the last one is not named again.
 *
 * Without --wait: all that is there is settled, sent and decided; a session that is still being written after
 * ONCE_OPEN_MS, or whose metadata is missing, is not ready and left to the next run; one whose next attempt lies in the
 * future is left to it too. With --wait: everything is waited for, up to that time. */
#include "station/run/once_rule.h"

static bool open_blocks(const struct once_facts *f) { return f->open && (f->wait_ms || f->fresh); }

static bool verdict_blocks(const struct once_facts *f) {
	if (!f->undecided || f->key_refused) return false;
	if (f->wait_ms) return true;
	return !f->down && f->undecided_ms < ONCE_VERDICT_MS;
}

bool once_over(const struct once_facts *f) {
	if (f->wait_ms && f->elapsed_ms >= f->wait_ms) return true;
	if (!f->scanned || f->unlooked || f->auditing || f->calling || open_blocks(f)) return false;
	if (f->working && !f->key_refused) return false;
	if (f->waiting && f->wait_ms && !f->key_refused) return false;
	return !verdict_blocks(f);
}
