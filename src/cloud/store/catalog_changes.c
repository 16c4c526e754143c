/* SPDX-License-Identifier: MIT */
/* Changes: a row a decision, in the order of their commits (one writer, AUTOINCREMENT: a reader never sees a later one
 * before an earlier one). A cursor is `c-<catalog>-<sequence>-<tag>`: stable, and told apart from one of a catalog that
 * was rebuilt, or restored from an older copy and went on from there: its change has another tag. What is none of this
 * catalog's, whatever it is, begins again at the first change and says so, so that nobody waits for ever. Any thread.
 */
#include "cloud/store/catalog_core.h"

#include "base/text.h"

#define CURSOR_PREFIX "c-"
#define CURSOR_SIZE 48
#define CHANGE_BYTES 512 /* of a change, without its checks */
#define TAG_SIZE 12

struct cursor {
	int64_t seq;
	char tag[TAG_SIZE]; /* "": written by an older version, which knew of none */
	bool foreign;		/* none of this catalog's, as far as its text says */
};

static void cursor_parse(const struct catalog *c, const char *text, struct cursor *ret) {
	char digits[24];
	size_t n = strlen(catalog_instance(c));
	*ret = (struct cursor){0};
	if (!text || !text[0]) return;
	const char *instance = text + strlen(CURSOR_PREFIX);
	ret->foreign = true;
	if (!text_starts(text, CURSOR_PREFIX) || strncmp(instance, catalog_instance(c), n) != 0 || instance[n] != '-')
		return;
	const char *number = instance + n + 1, *dash = strchr(number, '-');
	size_t number_n = dash ? (size_t)(dash - number) : strlen(number);
	if (number_n >= sizeof digits || (dash && strlen(dash + 1) >= TAG_SIZE)) return;
	text_copy(digits, number_n + 1, number);
	ret->foreign = text_to_i64(digits, 0, INT64_MAX, &ret->seq) != 0;
	if (dash) text_copy(ret->tag, sizeof ret->tag, dash + 1);
	if (ret->foreign) ret->seq = 0;
}

static void cursor_write(const struct catalog *c, const struct cursor *cursor, char to[CURSOR_SIZE]) {
	snprintf(to, CURSOR_SIZE, CURSOR_PREFIX "%s-%lld-%s", catalog_instance(c), (long long)cursor->seq, cursor->tag);
}

static int tag_read(struct db *db, int64_t seq, char to[TAG_SIZE], struct error *err) {
	int found = seq ? db_one(db, SQL_CHANGE_TAG, err, "i", seq) : 0;
	if (found < 0) return -1;
	text_copy(to, TAG_SIZE, found ? db_text(db, SQL_CHANGE_TAG, 0) : "");
	if (found) db_reset(db, SQL_CHANGE_TAG);
	return 0;
}

/* Whether the change that the cursor names is there and is the one it was. */
static int cursor_check(struct db *db, int64_t newest, struct cursor *cursor, bool *ret_reset, struct error *err) {
	char tag[TAG_SIZE];
	if (tag_read(db, cursor->seq, tag, err)) return -1;
	bool other = cursor->tag[0] && strcmp(cursor->tag, tag) != 0;
	*ret_reset = cursor->foreign || cursor->seq > newest || other;
	if (*ret_reset) cursor->seq = 0;
	return 0;
}

static int change_json(struct db *db, int s, cJSON **ret, size_t *size, struct error *err) {
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
	*size += strlen(text) + CHANGE_BYTES;
	json_add_time(o, "decided_at", db_i64(db, s, 7));
	catalog_add_content(o, db, s, 10);
	json_add_text(o, "instance", db_text(db, s, 11));
	json_add_time(o, "at", db_i64(db, s, 8));
	*ret = TAKE(o);
	return 0;
}

/* In one snapshot: the newest change of all, then those asked for. */
static int changes_read(struct db *db, const char *station, struct cursor *cursor, int64_t limit, cJSON *array,
	bool *ret_reset, struct error *err) {
	const int s = station ? SQL_CHANGES_OF : SQL_CHANGES;
	int64_t newest, n = 0;
	int more;
	if (db_script(db, "BEGIN", err) || db_one(db, SQL_CHANGE_LAST, err, "") < 1) return -1;
	newest = db_i64(db, SQL_CHANGE_LAST, 0);
	db_reset(db, SQL_CHANGE_LAST);
	if (cursor_check(db, newest, cursor, ret_reset, err)) return -1;
	int64_t seq = cursor->seq;
	if (station ? db_query(db, s, err, "iit", seq, limit, station) : db_query(db, s, err, "ii", seq, limit)) return -1;
	size_t size = 0;
	while ((more = db_step(db, s, err)) > 0) {
		cJSON *change = NULL;
		if (change_json(db, s, &change, &size, err)) return -1;
		json_push(array, change);
		cursor->seq = db_i64(db, s, 0);
		n++;
		if (size >= PAGE_BYTES_MAX / 4) { /* the rest comes with the next call */
			db_reset(db, s);
			return tag_read(db, cursor->seq, cursor->tag, err);
		}
	}
	/* The others' changes in between are passed over, so that they wake this station once only. */
	if (n < limit) cursor->seq = newest;
	return more ? -1 : tag_read(db, cursor->seq, cursor->tag, err);
}

int catalog_changes(struct catalog *c, const char *station, const char *after, int64_t limit, cJSON **ret_array,
	char ret_cursor[CURSOR_SIZE], bool *ret_reset, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	AUTO(json_free) cJSON *array = json_array();
	struct cursor cursor;
	bool reset = false;
	cursor_parse(c, after, &cursor);
	if (catalog_reader_take(c, &r, err) || changes_read(r.db, station, &cursor, page_limit(limit), array, &reset, err))
		return -1;
	cursor_write(c, &cursor, ret_cursor);
	*ret_reset = reset;
	*ret_array = TAKE(array);
	return 0;
}

int catalog_changes_newest(struct catalog *c, int64_t limit, cJSON **ret_array, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	AUTO(json_free) cJSON *array = json_array();
	int more;
	if (catalog_reader_take(c, &r, err) || db_query(r.db, SQL_CHANGES_NEWEST, err, "i", limit)) return -1;
	size_t size = 0;
	while ((more = db_step(r.db, SQL_CHANGES_NEWEST, err)) > 0 && size < PAGE_BYTES_MAX) {
		cJSON *change = NULL;
		if (change_json(r.db, SQL_CHANGES_NEWEST, &change, &size, err)) return -1;
		json_add_i64(change, "files", db_i64(r.db, SQL_CHANGES_NEWEST, 9));
		json_push(array, change);
	}
	if (more < 0) return -1;
	*ret_array = TAKE(array);
	return 0;
}

void catalog_wait_change(struct catalog *c, const char *after, int64_t wait_ms) {
	struct cursor cursor;
	cursor_parse(c, after, &cursor);
	catalog_wait_beyond(c, cursor.seq, wait_ms);
}
