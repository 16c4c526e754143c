/* SPDX-License-Identifier: MIT */
/* Times of sessions: pure, the clocks are given. */
#pragma once

#include "base/util.h"

#define TOUCH_LEAST_MS 20	 /* an event is followed by a look this much later: several come at once */
#define TOUCH_MOST_MS 1000	 /* big folders are looked at less often: five times the cost of a look */
#define WAIT_MOST_MS 3600000 /* Retry-After is capped at the same */
/* A session that still changes after this takes no place of others, and `run --once` leaves it to the next run. */
#define SETTLE_PATIENCE_MS(settle_ms) (3 * (settle_ms) + 2000)

/* How long after an event to look, given what the last look cost. */
int64_t touch_delay_ms(int64_t cost_ms);
/* The monotonic instant of a wall-clock one: never in the future, whatever the clocks did meanwhile. */
int64_t quiet_from_wall(int64_t since_wall_ms, int64_t now_wall_ms, int64_t now_mono_ms);
