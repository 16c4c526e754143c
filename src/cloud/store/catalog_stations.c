/* SPDX-License-Identifier: MIT */
/* Stations: the last heartbeat of each instance (one state folder of a station), and the fleet as a list. Any thread.
 */
#include "cloud/store/catalog_core.h"

#include "base/text.h"

#define INSTANCE_MAX 128
#define ALIVE_MS (5LL * 60 * 1000)		  /* an instance that reported within this runs */
#define FORGET_MS (24LL * 60 * 60 * 1000) /* an older one of the same station is dropped */
#define CURSOR_PREFIX 'n'				  /* "n<station>" */

/* What of a heartbeat is kept and shown, as the station sent it (api.md). */
static const char *const beat_members[] = {
	"instance",
	"version",
	"queue",
	"bytes_left",
	"disk_free",
	"held",
	"oldest_unsafe_at",
	"verdict",
	"verdict_text",
	"needs_person",
	"unsafe",
	"folders_bad",
	"names",
	"looked_at",
};

struct beat {
	const char *station, *key_id, *instance, *text;
	int64_t with_key;
};

static int heartbeat(struct catalog_write *w, void *arg, struct error *err) {
	struct beat *b = arg;
	if (db_exec(w->db, SQL_HEARTBEAT, err, "tttit", b->station, b->instance, b->key_id, w->now_ms, b->text) ||
		db_exec(w->db, SQL_HEARTBEAT_FORGET, err, "tti", b->station, b->instance, w->now_ms - FORGET_MS))
		return -1;
	if (db_one(w->db, SQL_HEARTBEAT_INSTANCES, err, "ti", b->key_id, w->now_ms - ALIVE_MS) < 1) return -1;
	b->with_key = db_i64(w->db, SQL_HEARTBEAT_INSTANCES, 0);
	return 0;
}

int catalog_heartbeat(struct catalog *c, const char *station, const char *key_id, const cJSON *beat,
	int *ret_stations_with_key, struct error *err) {
	struct beat b = {.station = station, .key_id = key_id};
	if (json_want_object(beat, NULL, err) || json_want_text(beat, "instance", NULL, &b.instance, err)) return -1;
	if (!b.instance[0] || strlen(b.instance) > INSTANCE_MAX)
		return error_set(err, ERR_INPUT, "instance must have 1 to %d bytes", INSTANCE_MAX);
	AUTO(json_free) cJSON *kept = json_object();
	for (size_t i = 0; i < ARRAY_LEN(beat_members); i++) {
		const cJSON *member = cJSON_GetObjectItemCaseSensitive(beat, beat_members[i]);
		if (member) json_add(kept, beat_members[i], cJSON_Duplicate(member, true));
	}
	AUTO(xfree) char *text = json_text(kept);
	b.text = text;
	if (catalog_run(c, heartbeat, &b, err)) return -1;
	*ret_stations_with_key = (int)b.with_key;
	return 0;
}

/* A station with a key that never reported has nulls. */
static int station_json(struct db *db, cJSON **ret, struct error *err) {
	AUTO(json_free) cJSON *o = json_object(), *beat = NULL;
	const char *text = db_text(db, SQL_STATIONS, 2);
	if (text && json_parse(text, strlen(text), &beat, err)) return error_prefix(err, "the catalog's heartbeat");
	json_add_text(o, "station", db_text(db, SQL_STATIONS, 0));
	json_add_time(o, "last_heartbeat_at", db_i64(db, SQL_STATIONS, 1));
	for (size_t i = 0; i < ARRAY_LEN(beat_members); i++) {
		const cJSON *member = beat ? cJSON_GetObjectItemCaseSensitive(beat, beat_members[i]) : NULL;
		json_add(o, beat_members[i], member ? cJSON_Duplicate(member, true) : cJSON_CreateNull());
	}
	*ret = TAKE(o);
	return 0;
}

static int cursor_parse(const char *cursor, const char **ret_after, struct error *err) {
	*ret_after = "";
	if (!cursor || !cursor[0]) return 0;
	if (cursor[0] != CURSOR_PREFIX)
		return error_set(err, ERR_INPUT, "the cursor is not one that this list gave: begin without one");
	*ret_after = cursor + 1;
	return 0;
}

int catalog_stations(
	struct catalog *c, int64_t limit, const char *cursor, cJSON **ret_array, char ret_next[96], struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	AUTO(json_free) cJSON *array = json_array();
	const char *after;
	char next[96] = "";
	int64_t n = 0;
	int more;
	limit = page_limit(limit);
	if (cursor_parse(cursor, &after, err) || catalog_reader_take(c, &r, err) ||
		db_query(r.db, SQL_STATIONS, err, "ti", after, limit + 1))
		return -1;
	while ((more = db_step(r.db, SQL_STATIONS, err)) > 0 && n < limit) {
		cJSON *station = NULL;
		if (station_json(r.db, &station, err)) return -1;
		json_push(array, station);
		snprintf(next, sizeof next, "%c%s", CURSOR_PREFIX, db_text(r.db, SQL_STATIONS, 0));
		n++;
	}
	if (more < 0) return -1;
	text_copy(ret_next, 96, more ? next : "");
	*ret_array = TAKE(array);
	return 0;
}
