/* SPDX-License-Identifier: MIT */
/* Sizes, rates and durations as people write and read them. */
#pragma once

#include "base/error.h"

#define UNIT_TEXT 32
/* "600MB", "64 MiB", "1.5G", "4096": decimal k M G T, binary Ki Mi Gi Ti, optional B. ERR_INPUT with the accepted
 * forms. */
MUST_USE int unit_parse_bytes(const char *s, int64_t *ret, struct error *err);
/* "10s", "1.5m", "2h", "30d", "250ms"; a bare number is seconds. In milliseconds. */
MUST_USE int unit_parse_duration(const char *s, int64_t *ret_ms, struct error *err);
const char *unit_bytes(char *to, int64_t bytes);	 /* "612.4 MB", decimal as disks and networks count */
const char *unit_rate(char *to, double bytes_per_s); /* "41.2 MB/s" */
const char *unit_duration(char *to, int64_t ms);	 /* "0:34", "2:05:10", "3d 4h" */
const char *unit_age(char *to, int64_t ms);			 /* "4 min", "2 h", "now" */
#define UNIT_BYTES(b) unit_bytes((char[UNIT_TEXT]){0}, (b))
#define UNIT_RATE(r) unit_rate((char[UNIT_TEXT]){0}, (r))
#define UNIT_DURATION(ms) unit_duration((char[UNIT_TEXT]){0}, (ms))
