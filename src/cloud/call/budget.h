/* SPDX-License-Identifier: MIT */
/* The memory that bodies, their trees and answers of all calls share. A call takes its part before it builds anything
 * that a caller's size decides, and gives it back at its end; who does not fit waits a moment and is then told to come
 * back. No caller has more than half of what the others leave, so that however many do not read their answers, or hold
 * on to their bodies, something is left for the next. Any thread. */
#pragma once

#include "base/util.h"

#define BUDGET_CALLER 64 /* characters of a caller's name, with NUL */
struct budget;
struct budget_share { /* zeroed at the beginning; of one call */
	struct budget *of;
	struct budget_caller *caller;
	int64_t bytes;
};
struct budget *budget_new(int64_t bytes);
void budget_free(struct budget *b); /* no share may be left */
/* So that the share is at least so many bytes: false when they are not to be had within wait_ms,
 * or at once when too many calls of this caller wait already. */
MUST_USE bool budget_take(
	struct budget *b, struct budget_share *share, const char *caller, int64_t bytes, int64_t wait_ms);
void budget_shrink(struct budget_share *share, int64_t bytes); /* to that many, when it has more */
