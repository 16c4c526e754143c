/* SPDX-License-Identifier: MIT */
/* Time: wall clock in milliseconds since 1970 UTC, monotonic milliseconds, RFC 3339 and HTTP dates. */
#pragma once

#include <time.h>

#include "base/error.h"

#define TIME_TEXT 32
int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
/* "2026-11-21T14:02:11.042Z" into to (TIME_TEXT bytes); returns to. ms <= 0 gives "". */
const char *time_rfc3339(char *to, int64_t ms);
MUST_USE int time_parse_rfc3339(const char *s, int64_t *ret_ms);
/* The same for any time of the years 0001 to 9999, before 1970 too; else "". */
const char *time_any_rfc3339(char *to, int64_t ms);

/* Times of files, of which a file system keeps any: in ns as far as that fits (1900 to 2199), beyond in whole ms, so
 * that no two of them are equal and later ones are greater. Only to be compared, or read by file_time_ms. */
int64_t file_time_ns(const struct timespec *t);
int64_t file_time_ms(int64_t ns); /* since 1970, rounded down */
/* "20261121T140211Z" (ISO 8601, basic form). */
const char *time_iso_basic(char *to, int64_t ms);
MUST_USE int time_parse_iso_basic(const char *s, int64_t *ret_ms);
/* "Sat, 21 Nov 2026 14:02:11 GMT" (RFC 9110 IMF-fixdate). */
const char *time_http(char *to, int64_t ms);
MUST_USE int time_parse_http(const char *s, int64_t *ret_ms);
bool time_valid_date(int year, int month, int day); /* Gregorian */
/* Local midnight at or before ms, the one after it (a day may have 23 or 25 hours), and the local "HH:MM:SS" of ms. */
int64_t time_local_midnight(int64_t ms);
int64_t time_next_midnight(int64_t ms);
const char *time_local_hms(char *to, int64_t ms);
