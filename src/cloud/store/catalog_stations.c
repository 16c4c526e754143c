/* SPDX-License-Identifier: MIT */
/* Stations: the last heartbeat of each instance (one state folder of a station), and the fleet as a list. Any thread.
 */
#include "cloud/store/catalog_core.h"

#include "base/text.h"

#define INSTANCE_MAX 128
#define ALIVE_MS (5LL * 60 * 1000)		  /* an instance that reported within this runs */
#define FORGET_MS (24LL * 60 * 60 * 1000) /* an older one of the same station is dropped */
#define CURSOR_PREFIX 'n'				  /* "n<station>" */

struct beat {
	const char *station, *key_id, *instance, *said;
	int64_t with_key;
};

static int heartbeat(struct catalog_write *w, void *arg, struct error *err) {
	struct beat *b = arg;
	if (db_exec(w->db, SQL_HEARTBEAT, err, "tttit", b->station, b->instance, b->key_id, w->now_ms, b->said) ||
		db_exec(w->db, SQL_HEARTBEAT_FORGET, err, "tti", b->station, b->instance, w->now_ms - FORGET_MS))
		return -1;
	if (db_one(w->db, SQL_HEARTBEAT_INSTANCES, err, "ti", b->key_id, w->now_ms - ALIVE_MS) < 1) return -1;
	b->with_key = db_i64(w->db, SQL_HEARTBEAT_INSTANCES, 0);
	return 0;
}

int catalog_heartbeat(struct catalog *c, const char *station, const char *key_id, const char *instance,
	const char *said, int *ret_stations_with_key, struct error *err) {
	struct beat b = {.station = station, .key_id = key_id, .instance = instance, .said = said};
	if (!instance[0] || strlen(instance) > INSTANCE_MAX)
		return error_set(err, ERR_INPUT, "instance must have 1 to %d bytes", INSTANCE_MAX);
	if (catalog_run(c, heartbeat, &b, err)) return -1;
	*ret_stations_with_key = (int)b.with_key;
	return 0;
}

static struct station_row station_read(struct db *db, int s) {
	return (struct station_row){
		.station = db_text(db, s, 0), .heartbeat_ms = db_i64(db, s, 1), .said = db_text(db, s, 2)};
}

static int cursor_parse(const char *cursor, const char **ret_after, struct error *err) {
	*ret_after = "";
	if (!cursor || !cursor[0]) return 0;
	if (cursor[0] != CURSOR_PREFIX)
		return error_set(err, ERR_INPUT, "the cursor is not one that this list gave: begin without one");
	*ret_after = cursor + 1;
	return 0;
}

int catalog_stations(struct catalog *c, int64_t limit, const char *cursor, catalog_on_station *on_row, void *arg,
	char ret_next[CATALOG_NEXT], struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	const char *after;
	char next[CATALOG_NEXT] = "";
	int64_t n = 0;
	bool full = false;
	int more;
	limit = page_limit(limit);
	if (cursor_parse(cursor, &after, err) || catalog_reader_take(c, &r, err) ||
		db_query(r.db, SQL_STATIONS, err, "ti", after, limit + 1))
		return -1;
	while ((more = db_step(r.db, SQL_STATIONS, err)) > 0 && n < limit && !full) {
		const struct station_row row = station_read(r.db, SQL_STATIONS);
		full = on_row(arg, &row);
		snprintf(next, sizeof next, "%c%s", CURSOR_PREFIX, row.station);
		n++;
	}
	if (more < 0) return -1;
	text_copy(ret_next, CATALOG_NEXT, more ? next : "");
	return 0;
}

int catalog_station(struct catalog *c, const char *station, catalog_on_station *on_row, void *arg, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	if (catalog_reader_take(c, &r, err)) return -1;
	int found = db_one(r.db, SQL_STATION, err, "t", station);
	if (found <= 0) return found;
	const struct station_row row = station_read(r.db, SQL_STATION);
	on_row(arg, &row);
	return 0;
}
