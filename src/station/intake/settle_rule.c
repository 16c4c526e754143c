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
