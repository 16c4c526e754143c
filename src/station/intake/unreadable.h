/* SPDX-License-Identifier: MIT */
/* Accepted sessions that are there and cannot be compared with what was accepted. `kept` is what the journal has of a
 * root's (owned by the caller); NULL: nothing. */
#pragma once

#include "base/json.h"
#include "station/engine/root.h"

/* Loop thread. */
void unreadable_load(struct engine *e, struct journal_view *v, size_t root, char **kept);
void unreadable_mark(struct engine *e, size_t root, int64_t stamp, bool unreadable);
/* After marks; into the journal too. */
void unreadable_count(struct engine *e, size_t root, const char *why_or_null, char **kept);
void unreadable_json(const struct root *r, cJSON *folder);

/* Without an engine: what the last one left in the journal, {n, why, sessions}; NULL: none. */
MUST_USE int unreadable_get(struct journal_view *v, const char *root, cJSON **ret, struct error *err);
void unreadable_words(int64_t n, const char *why, char *to, size_t size);
