/* SPDX-License-Identifier: MIT */
/* What is told of a session, and above all of those that need a person: the reason and the way out. */
#pragma once

#include "base/json.h"
#include "station/journal/view.h"

cJSON *session_json(const struct session_row *row);
cJSON *event_json(const struct event_row *e); /* without its session */
/* The way out of what holds a session: the check's own mend, else "headgate retry ID" and the like. */
void session_mend(struct journal_view *v, const struct session_row *row, char *to, size_t size);
/* The sessions that need a person, newest first, as session_json with a "mend": at most `most` of *ret_n. */
MUST_USE int attention_list(struct journal_view *v, int64_t most, cJSON **ret, int64_t *ret_n, struct error *err);
/* The sessions that are not in the cloud yet and need nobody, newest first, as session_json: at most `most`. */
MUST_USE int waiting_list(struct journal_view *v, int64_t most, cJSON **ret, struct error *err);
void waiting_write(const cJSON *list, int64_t n, struct buf *out); /* a line each, and how many more there are */
/* The folders that look like recordings, as the engine wrote them down: [{root, path, rename_to, reason}]. */
MUST_USE int names_list(struct journal_view *v, cJSON **ret, struct error *err);
void names_write(const cJSON *list, int64_t n, struct buf *out); /* a line each, and how many more there are */
/* For a person's eye: each with its reason and mend, and how many more there are. */
void attention_write(const cJSON *list, int64_t n, struct buf *out);
