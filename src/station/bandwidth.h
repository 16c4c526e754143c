/* SPDX-License-Identifier: MIT */
/* A limit of the rate, with hours of the day if wanted. Pure but for the local zone. */
#pragma once

#include "base/error.h"
#include "base/util.h"

struct bandwidth_window { /* minutes of the local day; from == to means the whole day */
	int64_t bytes_per_s;
	int from_min, to_min;
};
/* "20MB/s 08:00-18:00", "5 MB/s", "" for none. */
MUST_USE int bandwidth_parse(const char *text, struct bandwidth_window *ret, struct error *err);
void bandwidth_write(const struct bandwidth_window *w, char *to, size_t size);
int64_t bandwidth_now(const struct bandwidth_window *w, int64_t wall_ms); /* bytes a second, 0: no limit */
