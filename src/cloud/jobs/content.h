/* SPDX-License-Identifier: MIT */
/* Content ids of revisions that an older program decided, computed again from their stored manifests. Any thread; one
 * manifest at a time, so that the memory is bounded. */
#pragma once

#include "cloud/store/examine.h"

#define CONTENT_BATCH 4
/* The next CONTENT_BATCH beyond *after_id, which is moved on; *ret_more false: there are no others. station and session
 * NULL: of all; else of that session alone. A manifest that cannot be read leaves its revision without one for ever,
 * one that is lost until it is there again. */
MUST_USE int content_fill(const struct stores *s, const char *station, const char *session, int64_t *after_id,
	bool *ret_more, struct error *err);
/* All of one session that a decided revision lacks. */
MUST_USE int content_complete(const struct stores *s, const char *station, const char *session, struct error *err);
