/* SPDX-License-Identifier: MIT */
/* Content ids of revisions that were decided before the catalog kept them. Any thread. */
#include "cloud/store/catalog_core.h"

#include "base/text.h"

int catalog_content_unknown(struct catalog *c, const char *station, const char *session, int64_t after_id,
	struct content_unknown *ret, size_t max, size_t *ret_n, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	const int s = station ? SQL_CONTENT_UNKNOWN_OF : SQL_CONTENT_UNKNOWN;
	size_t n = 0;
	int more = 0;
	if (catalog_reader_take(c, &r, err)) return -1;
	if (station ? db_query(r.db, s, err, "iitt", after_id, (int64_t)max, station, session)
				: db_query(r.db, s, err, "ii", after_id, (int64_t)max))
		return -1;
	while (n < max && (more = db_step(r.db, s, err)) > 0) {
		struct content_unknown *row = &ret[n++];
		row->id = db_i64(r.db, s, 0);
		text_copy(row->station, sizeof row->station, db_text(r.db, s, 1));
		text_copy(row->session, sizeof row->session, db_text(r.db, s, 2));
		row->revision = db_i64(r.db, s, 3);
	}
	if (more < 0) return -1;
	*ret_n = n;
	return 0;
}

struct content_set {
	int64_t id;
	const struct sha256 *content;
};

static int content_set(struct catalog_write *w, void *arg, struct error *err) {
	const struct content_set *s = arg;
	const void *bytes = s->content ? (const void *)s->content->bytes : "";
	return db_exec(w->db, SQL_CONTENT_SET, err, "ib", s->id, bytes, s->content ? sizeof s->content->bytes : (size_t)0);
}

int catalog_content_set(struct catalog *c, int64_t id, const struct sha256 *content_or_null, struct error *err) {
	struct content_set s = {id, content_or_null};
	return catalog_run(c, content_set, &s, err);
}
