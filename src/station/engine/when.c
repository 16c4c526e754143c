/* SPDX-License-Identifier: MIT */
/* Pure; any thread. */
#include "station/engine/when.h"

int64_t touch_delay_ms(int64_t cost_ms) {
	int64_t delay = 5 * cost_ms;
	return delay < TOUCH_LEAST_MS ? TOUCH_LEAST_MS : MIN(delay, TOUCH_MOST_MS);
}

int64_t quiet_from_wall(int64_t since_wall_ms, int64_t now_wall_ms, int64_t now_mono_ms) {
	if (since_wall_ms <= 0 || since_wall_ms > now_wall_ms) return now_mono_ms;
	return now_mono_ms - (now_wall_ms - since_wall_ms);
}
