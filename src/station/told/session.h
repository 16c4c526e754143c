/* SPDX-License-Identifier: MIT */
/* What is told of one session: its row and its events as JSON, and the way out of what holds it. Any thread. */
#pragma once

#include "base/json.h"
#include "station/journal/view.h"

cJSON *session_json(const struct session_row *row);
cJSON *event_json(const struct event_row *e); /* without its session */
/* The check's own mend, else "headgate retry ID" and the like. */
void session_mend(struct journal_view *v, const struct session_row *row, char *to, size_t size);
