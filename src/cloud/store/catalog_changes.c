/* SPDX-License-Identifier: MIT */
/* Changes: a row a decision, in the order of their commits (one writer, AUTOINCREMENT: a reader never sees a later one
 * before an earlier one). A cursor is `c-<catalog>-<sequence>-<tag>`: stable, and told apart from one of a catalog that
 * was rebuilt, or restored from an older copy and went on from there: its change has another tag. What is none of this
 * catalog's, whatever it is, begins again at the first change and says so, so that nobody waits for ever. Any thread.
 */
#include "cloud/store/catalog_core.h"

#include "base/text.h"

#define CURSOR_PREFIX "c-"
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

static void cursor_write(const struct catalog *c, const struct cursor *cursor, char to[CATALOG_CURSOR]) {
	snprintf(to, CATALOG_CURSOR, CURSOR_PREFIX "%s-%lld-%s", catalog_instance(c), (long long)cursor->seq, cursor->tag);
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

/* The row that a statement of CHANGE_COLUMNS stands on; its content id lies in *content. */
static int change_read(struct db *db, int s, struct sha256 *content, struct change_row *ret, struct error *err) {
	*ret = (struct change_row){
		.station = db_text(db, s, 1),
		.session = db_text(db, s, 2),
		.revision = db_i64(db, s, 3),
		.processing = db_text(db, s, 5),
		.checks = db_text(db, s, 6),
		.decided_ms = db_i64(db, s, 7),
		.at_ms = db_i64(db, s, 8),
		.files = db_i64(db, s, 9),
		.content = catalog_content(db, s, 10, content),
		.instance = db_text(db, s, 11),
	};
	return catalog_state(db, s, 4, &ret->state, err);
}

struct changes {
	const char *station; /* NULL: all */
	int64_t limit;
	catalog_on_change *on_row;
	void *arg;
	bool reset;
};

static int changes_query(struct db *db, const struct changes *q, int64_t after, int *ret_statement, struct error *err) {
	if (!q->station) return db_query(db, *ret_statement = SQL_CHANGES, err, "ii", after, q->limit);
	return db_query(db, *ret_statement = SQL_CHANGES_OF, err, "iit", after, q->limit, q->station);
}

/* In one snapshot: the newest change of all, then those asked for. */
static int changes_read(struct db *db, struct changes *q, struct cursor *cursor, struct error *err) {
	struct change_row row;
	struct sha256 content;
	int64_t newest, n = 0;
	int more, s = SQL_CHANGES;
	if (db_script(db, "BEGIN", err) || db_one(db, SQL_CHANGE_LAST, err, "") < 1) return -1;
	newest = db_i64(db, SQL_CHANGE_LAST, 0);
	db_reset(db, SQL_CHANGE_LAST);
	if (cursor_check(db, newest, cursor, &q->reset, err) || changes_query(db, q, cursor->seq, &s, err)) return -1;
	while ((more = db_step(db, s, err)) > 0) {
		if (change_read(db, s, &content, &row, err)) return -1;
		cursor->seq = db_i64(db, s, 0);
		n++;
		if (!q->on_row(q->arg, &row)) continue;
		db_reset(db, s); /* the rest comes with the next call */
		return tag_read(db, cursor->seq, cursor->tag, err);
	}
	/* The others' changes in between are passed over, so that they wake this station once only. */
	if (n < q->limit) cursor->seq = newest;
	return more ? -1 : tag_read(db, cursor->seq, cursor->tag, err);
}

int catalog_changes(struct catalog *c, const char *station, const char *after, int64_t limit, catalog_on_change *on_row,
	void *arg, char ret_cursor[CATALOG_CURSOR], bool *ret_reset, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	struct changes q = {.station = station, .limit = page_limit(limit), .on_row = on_row, .arg = arg};
	struct cursor cursor;
	cursor_parse(c, after, &cursor);
	if (catalog_reader_take(c, &r, err) || changes_read(r.db, &q, &cursor, err)) return -1;
	cursor_write(c, &cursor, ret_cursor);
	*ret_reset = q.reset;
	return 0;
}

int catalog_changes_newest(struct catalog *c, int64_t limit, catalog_on_change *on_row, void *arg, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	const int s = SQL_CHANGES_NEWEST;
	struct change_row row;
	struct sha256 content;
	int more;
	if (catalog_reader_take(c, &r, err) || db_query(r.db, s, err, "i", limit)) return -1;
	while ((more = db_step(r.db, s, err)) > 0) {
		if (change_read(r.db, s, &content, &row, err)) return -1;
		if (on_row(arg, &row)) return 0;
	}
	return more;
}

void catalog_wait_change(struct catalog *c, const char *after, int64_t wait_ms) {
	struct cursor cursor;
	cursor_parse(c, after, &cursor);
	catalog_wait_beyond(c, cursor.seq, wait_ms);
}
