/* SPDX-License-Identifier: MIT */
/* Changes: a row a decision, in the order of their commits (one writer, AUTOINCREMENT: a reader never sees a later one
 * before an earlier one). A cursor is `c-<catalog>-<sequence>`: stable, and told apart from a cursor of a store that
 * was rebuilt or restored, which begins again at the first change rather than wait for ever. Any thread. */
#include "cloud/store/catalog_core.h"

#include "base/text.h"

#define CURSOR_PREFIX "c-"
#define CURSOR_SIZE 48

/* ERR_INPUT when it is no cursor; *ret_seq 0 when it is none of this catalog's. */
static int cursor_parse(const struct catalog *c, const char *cursor, int64_t *ret_seq, struct error *err) {
	int64_t seq = 0;
	*ret_seq = 0;
	if (!cursor || !cursor[0]) return 0;
	const char *instance = cursor + strlen(CURSOR_PREFIX);
	size_t n = strlen(catalog_instance(c));
	if (!text_starts(cursor, CURSOR_PREFIX) || strlen(instance) < n + 2 || instance[n] != '-' ||
		text_to_i64(instance + n + 1, 0, INT64_MAX, &seq))
		return error_set(err, ERR_INPUT, "the cursor is not one that this list gave: begin without one");
	if (!memcmp(instance, catalog_instance(c), n)) *ret_seq = seq;
	return 0;
}

static void cursor_write(const struct catalog *c, int64_t seq, char to[CURSOR_SIZE]) {
	snprintf(to, CURSOR_SIZE, CURSOR_PREFIX "%s-%lld", catalog_instance(c), (long long)seq);
}

static int change_json(struct db *db, int s, cJSON **ret, struct error *err) {
	AUTO(json_free) cJSON *o = json_object();
	const char *text = db_text(db, s, 6);
	cJSON *checks = NULL;
	json_add_text(o, "station", db_text(db, s, 1));
	json_add_text(o, "session", db_text(db, s, 2));
	json_add_i64(o, "revision", db_i64(db, s, 3));
	json_add_text(o, "state", db_text(db, s, 4));
	json_add_text(o, "processing", db_text(db, s, 5));
	if (json_parse(text, strlen(text), &checks, err)) return error_prefix(err, "the catalog's checks");
	json_add(o, "checks", checks);
	json_add_time(o, "decided_at", db_i64(db, s, 7));
	json_add_time(o, "at", db_i64(db, s, 8));
	*ret = TAKE(o);
	return 0;
}

/* In one snapshot: the newest change of all, then those asked for. */
static int changes_read(
	struct db *db, const char *station, int64_t *seq, int64_t limit, cJSON *array, struct error *err) {
	const int s = station ? SQL_CHANGES_OF : SQL_CHANGES;
	int64_t newest, n = 0;
	int more;
	if (db_script(db, "BEGIN", err) || db_one(db, SQL_CHANGE_LAST, err, "") < 1) return -1;
	newest = db_i64(db, SQL_CHANGE_LAST, 0);
	if (*seq > newest) *seq = 0; /* a store restored from an older copy */
	if (station ? db_query(db, s, err, "iit", *seq, limit, station) : db_query(db, s, err, "ii", *seq, limit))
		return -1;
	while ((more = db_step(db, s, err)) > 0) {
		cJSON *change = NULL;
		if (change_json(db, s, &change, err)) return -1;
		json_push(array, change);
		*seq = db_i64(db, s, 0);
		n++;
	}
	/* The others' changes in between are passed over, so that they wake this station once only. */
	if (n < limit) *seq = newest;
	return more;
}

int catalog_changes(struct catalog *c, const char *station, const char *after, int64_t limit, cJSON **ret_array,
	char ret_cursor[CURSOR_SIZE], struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	AUTO(json_free) cJSON *array = json_array();
	int64_t seq = 0;
	limit = page_limit(limit);
	if (cursor_parse(c, after, &seq, err) || catalog_reader_take(c, &r, err) ||
		changes_read(r.db, station, &seq, limit, array, err))
		return -1;
	cursor_write(c, seq, ret_cursor);
	*ret_array = TAKE(array);
	return 0;
}

int catalog_changes_newest(struct catalog *c, int64_t limit, cJSON **ret_array, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	AUTO(json_free) cJSON *array = json_array();
	int more;
	if (catalog_reader_take(c, &r, err) || db_query(r.db, SQL_CHANGES_NEWEST, err, "i", limit)) return -1;
	while ((more = db_step(r.db, SQL_CHANGES_NEWEST, err)) > 0) {
		cJSON *change = NULL;
		if (change_json(r.db, SQL_CHANGES_NEWEST, &change, err)) return -1;
		json_add_i64(change, "files", db_i64(r.db, SQL_CHANGES_NEWEST, 9));
		json_push(array, change);
	}
	if (more < 0) return -1;
	*ret_array = TAKE(array);
	return 0;
}

void catalog_wait_change(struct catalog *c, const char *after, int64_t wait_ms) {
	struct error err;
	int64_t seq;
	if (!cursor_parse(c, after, &seq, &err)) catalog_wait_beyond(c, seq, wait_ms);
}
