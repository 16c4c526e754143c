/* SPDX-License-Identifier: MIT */
/* GET /v1/stations: the fleet for an admin, itself for a station. */
#include "cloud/api/handlers.h"
#include "cloud/api/rows.h"
#include "session/name.h"

#define STATION_MEMORY 4096 /* of a row in hand */

void stations_get(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	int64_t limit = LIST_LIMIT;
	char cursor[CATALOG_NEXT] = "", next[CATALOG_NEXT] = "";
	AUTO(json_free) cJSON *array = NULL;
	if (!call_query_i64(c, r, "limit", 1, LIST_LIMIT_MAX, &limit) ||
		!call_query_text(c, r, "cursor", cursor, sizeof cursor))
		return;
	struct error ignored;
	if (cursor[0] && (cursor[0] != 'n' || station_name_check(cursor + 1, &ignored))) {
		reply_fault(r, FAULT_BAD_REQUEST, "the cursor is not one that this list gave: begin without one");
		return;
	}
	if (!call_memory(c, r, limit * STATION_MEMORY)) return;
	int bad;
	if (call_allows(c, SCOPE_ADMIN)) bad = rows_stations(c->api->catalog, limit, cursor, &array, next, &err);
	else bad = rows_station(c->api->catalog, c->who.station, &array, &err);
	if (bad) reply_error(r, &err);
	else reply_page(r, "stations", TAKE(array), next);
}
