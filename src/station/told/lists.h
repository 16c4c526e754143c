/* SPDX-License-Identifier: MIT */
/* What is told in lists, as JSON and as lines made of it: sessions that need a person, sessions that are on their way,
 * folders that are to be renamed. A list is cut; n says how many there are. Lines are safe for a terminal. Any thread.
 */
#pragma once

#include "base/json.h"
#include "station/journal/view.h"

/* The sessions that need a person, newest first, as session_json with a "mend": at most `most` of *ret_n. */
MUST_USE int attention_list(struct journal_view *v, int64_t most, cJSON **ret, int64_t *ret_n, struct error *err);
void attention_write(const cJSON *list, int64_t n, struct buf *out); /* each with its reason and mend */
/* The sessions that are not in the cloud yet and need nobody, newest first, as session_json: at most `most`. */
MUST_USE int waiting_list(struct journal_view *v, int64_t most, cJSON **ret, struct error *err);
void waiting_write(const cJSON *list, int64_t n, struct buf *out);
/* The folders that look like recordings, as the engine wrote them down: [{root, path, rename_to, reason}]. */
MUST_USE int names_list(struct journal_view *v, cJSON **ret, struct error *err);
void names_write(const cJSON *list, int64_t n, struct buf *out);
