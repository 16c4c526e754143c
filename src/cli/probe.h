/* SPDX-License-Identifier: MIT */
/* One authenticated call to the cloud, waited for: does this endpoint with this key work, and whose key is it? */
#pragma once

#include "base/json.h"
#include "station/config.h"

struct probe {
	char station[80]; /* that the key belongs to */
	int64_t latency_ms, clock_offset_ms;
};
/* ERR_KEY, ERR_UNREACHABLE and so on. The configuration has endpoint and api_key (config_require NEED_CLOUD). */
MUST_USE int cloud_probe(const struct config *c, struct probe *ret, struct error *err);
/* GET path: *ret (NULL: not wanted) is the caller's; probe may be NULL. */
MUST_USE int cloud_ask(const struct config *c, const char *path, cJSON **ret, struct probe *probe, struct error *err);
