/* SPDX-License-Identifier: MIT */
/* GET /v1/stations: the fleet for an admin, itself for a station. */
#include "cloud/api/handlers.h"
#include "session/name.h"

#define STATION_MEMORY 4096 /* of a row in hand */

static bool station_is(const cJSON *row, const char *station) {
	struct error ignored = ERROR_INIT;
	const char *name = NULL;
	return json_want_text(row, "station", NULL, &name, &ignored) == 0 && strcmp(name, station) == 0;
}

/* Looks through the pages for one station. */
static int station_find(struct call *c, const char *station, cJSON *ret_array, struct error *err) {
	char cursor[96] = "", next[96];
	do {
		AUTO(json_free) cJSON *page = NULL;
		if (catalog_stations(c->api->catalog, LIST_LIMIT_MAX, cursor, &page, next, err)) return -1;
		for (int i = cJSON_GetArraySize(page) - 1; i >= 0; i--)
			if (station_is(cJSON_GetArrayItem(page, i), station))
				json_push(ret_array, cJSON_DetachItemFromArray(page, i));
		memcpy(cursor, next, sizeof cursor);
	} while (cursor[0] && cJSON_GetArraySize(ret_array) == 0);
	return 0;
}

void stations_get(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	int64_t limit = LIST_LIMIT;
	char cursor[96] = "", next[96] = "";
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
	if (call_allows(c, SCOPE_ADMIN)) bad = catalog_stations(c->api->catalog, limit, cursor, &array, next, &err);
	else bad = station_find(c, c->who.station, array = json_array(), &err);
	if (bad) reply_error(r, &err);
	else reply_page(r, "stations", TAKE(array), next);
}
