/* SPDX-License-Identifier: MIT */
/* The catalog's rows as the objects of api.md: the one place where a row becomes JSON. A list is an array that the
 * caller frees; parts of it are kept as text (json_raw). */
#pragma once

#include "cloud/store/catalog.h"

/* *size grows by about what its text takes. */
MUST_USE int rows_of_session(const struct session_row *row, cJSON **ret, size_t *size, struct error *err);
/* A page ends at q's limit, or early when it is long. */
MUST_USE int rows_sessions(struct catalog *c, const struct session_query *q, cJSON **ret_array,
	char ret_next[CATALOG_NEXT], struct error *err);
/* The newest revision with the older ones, newest first, under its member revisions, as far as an answer holds them.
 * NULL: there is no such session. */
MUST_USE int rows_session(struct catalog *c, const char *station, const char *session, cJSON **ret, struct error *err);
/* [{revision, state, content, instance}], oldest first. */
MUST_USE int rows_revisions(
	struct catalog *c, const char *station, const char *session, cJSON **ret_array, struct error *err);
MUST_USE int rows_changes(struct catalog *c, const char *station_or_null, const char *after, int64_t limit,
	cJSON **ret_array, char ret_cursor[CATALOG_CURSOR], bool *ret_reset, struct error *err);
MUST_USE int rows_stations(struct catalog *c, int64_t limit, const char *cursor, cJSON **ret_array,
	char ret_next[CATALOG_NEXT], struct error *err);
/* The same list with one station alone: of one element, or of none. */
MUST_USE int rows_station(struct catalog *c, const char *station, cJSON **ret_array, struct error *err);
/* What of a heartbeat is kept and shown in the list of stations, as text; the caller frees. */
char *rows_beat_kept(const cJSON *beat);
