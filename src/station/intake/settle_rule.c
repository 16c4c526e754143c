/* SPDX-License-Identifier: MIT */
/* The decisions of settling, without the looking. Pure; any thread. */
#include "station/intake/settle_rule.h"

enum settle_verdict settle_decide(const struct settle_facts *f) {
	if (f->has_marker) return SETTLE_READY; /* whoever writes it says that all is closed */
	if (f->marker_required) return SETTLE_MARKER;
	if (f->now_ms - f->quiet_ms < f->settle_ms) return SETTLE_QUIET;
	if (f->temporary && !f->overdue) return SETTLE_TEMPORARY;
	if (!f->has_metadata && !f->metadata_overdue) return SETTLE_METADATA;
	if (!f->asked_leases) return SETTLE_LEASES;
	return f->lease == LEASE_WRITER ? SETTLE_WRITER : SETTLE_READY; /* "cannot tell": the quiet period decides */
}

int64_t touch_delay_ms(int64_t cost_ms) {
	int64_t delay = 5 * cost_ms;
	return delay < TOUCH_LEAST_MS ? TOUCH_LEAST_MS : MIN(delay, TOUCH_MOST_MS);
}

int64_t quiet_from_wall(int64_t since_wall_ms, int64_t now_wall_ms, int64_t now_mono_ms) {
	if (since_wall_ms <= 0 || since_wall_ms > now_wall_ms) return now_mono_ms;
	return now_mono_ms - (now_wall_ms - since_wall_ms);
}
