/* SPDX-License-Identifier: MIT */
/* Reading the log, by pages, so that nobody who looks at it slowly keeps its write-ahead log from being cut. Any
 * thread: a connection for each reading. */
#include "cloud/store/logs_core.h"

#define PAGE_ROWS 100
struct read_row {
	int64_t id, at_ms;
	char *group, *stream, *json;
};
struct read_page {
	struct read_row rows[PAGE_ROWS];
	size_t n;
};

static void read_page_done(struct read_page *p) {
	for (struct read_row *r = p->rows; r < p->rows + p->n; r++) {
		xfree(r->group);
		xfree(r->stream);
		xfree(r->json);
	}
}
DEFINE_AUTO_VAL(struct read_page, read_page_done)

static int page_read(struct db *db, const char *group_or_null, int64_t since_ms, int64_t after_id, int64_t limit,
	struct read_page *ret, struct error *err) {
	const int s = group_or_null ? LOGS_READ_GROUP : LOGS_READ;
	int more = group_or_null ? db_query(db, s, err, "iiit", after_id, since_ms, limit, group_or_null)
							 : db_query(db, s, err, "iii", after_id, since_ms, limit);
	if (more) return -1;
	while ((more = db_step(db, s, err)) > 0)
		ret->rows[ret->n++] = (struct read_row){.id = db_i64(db, s, 0),
			.group = xstrdup(db_text(db, s, 1)),
			.stream = xstrdup(db_text(db, s, 2)),
			.at_ms = db_i64(db, s, 3),
			.json = xstrdup(db_text(db, s, 4))};
	return more;
}

int logs_read(struct logs *l, const char *group_or_null, int64_t since_ms, int64_t after_id, int64_t limit,
	logs_on_event *on_event, void *arg, struct error *err) {
	AUTO(db_close) struct db *db = NULL;
	if (db_open(&db, l->path, DB_READER, &logs_schema, err)) return -1;
	for (bool more = true; more && limit > 0;) {
		AUTO(read_page_done) struct read_page page = {0};
		if (page_read(db, group_or_null, since_ms, after_id, MIN(limit, PAGE_ROWS), &page, err)) return -1;
		for (size_t i = 0; i < page.n; i++) {
			const struct read_row *r = &page.rows[i];
			if (on_event(arg, r->id, r->group, r->stream, r->at_ms, r->json)) return 0;
			after_id = r->id;
		}
		more = page.n == (size_t)MIN(limit, PAGE_ROWS);
		limit -= (int64_t)page.n;
	}
	return 0;
}
