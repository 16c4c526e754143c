/* SPDX-License-Identifier: MIT */
/* Bytes a second: now, and over the last quarter of an hour. Loop thread; nothing runs by itself. */
#pragma once

#include "base/json.h"
#include "station/control/client.h"

#define RATE_SLOTS 8
struct rate { /* bytes sent, sampled */
	int64_t total, at_ms[RATE_SLOTS], bytes[RATE_SLOTS];
	size_t n;
};
void rate_add(struct rate *r, int64_t bytes, int64_t at_ms);
int64_t rate_now(const struct rate *r, int64_t at_ms); /* bytes a second over the last seconds */

#define RATE_HISTORY (CONTROL_RATES + 1) /* the running one too */
struct rate_history {					 /* bytes sent in each CONTROL_RATE_MS of the monotonic clock */
	int64_t bytes[RATE_HISTORY], newest;
};
void history_add(struct rate_history *h, int64_t bytes, int64_t at_ms);
cJSON *history_json(struct rate_history *h, int64_t since_ms, int64_t at_ms); /* as `rates` of the status */
