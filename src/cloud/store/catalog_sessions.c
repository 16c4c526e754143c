/* SPDX-License-Identifier: MIT */
/* Sessions in the catalog: begun by their first promise, decided once, listed as the JSON of api.md. Any thread. */
#include "cloud/store/catalog_core.h"

#include "base/text.h"

#define SESSION_BYTES 512 /* of a session in a list, without its checks and metadata */
#define CURSOR_PREFIX 's' /* "s<id>": the last row of a page; ids grow, so it stays valid while data arrives */

#define BYTES_MAX ((1LL << 53) - 1)

const char *const cloud_state_names[] = {
#define X(id, name) [CLOUD_##id] = name,
	CLOUD_STATES(X)
#undef X
};

struct decision {
	const char *station, *session;
	int64_t revision;
	enum cloud_state state;
	char *checks; /* JSON */
	const struct metadata *metadata;
	const struct manifest *manifest;
	struct sha256 content; /* of the manifest */
	bool again;
};

void catalog_add_content(cJSON *o, struct db *db, int statement, int column) {
	struct sha256 content;
	char hex[SHA256_HEX];
	size_t n = 0;
	const void *bytes = db_blob(db, statement, column, &n);
	if (n == sizeof content.bytes) memcpy(content.bytes, bytes, n);
	json_add_text(o, "content", n == sizeof content.bytes ? sha256_hex(hex, &content) : NULL);
}

static int session_begin(struct catalog_write *w, const struct decision *d, struct error *err) {
	return db_exec(w->db, SQL_SESSION_BEGIN, err, "ttiti", d->station, d->session, d->revision,
		cloud_state_names[CLOUD_UPLOADING], w->now_ms);
}

/* --- deciding --- */

struct weight { /* what a revision consists of */
	int64_t files, bytes, uploaded_ms;
};

/* What has arrived, by name. */
static int weight_arrived(
	struct db *db, const char *station, const char *session, int64_t revision, struct weight *ret, struct error *err) {
	if (db_one(db, SQL_OBJECTS_COUNT, err, "tti", station, session, revision) < 0) return -1;
	*ret = (struct weight){
		.files = db_i64(db, SQL_OBJECTS_COUNT, 0),
		.bytes = db_i64(db, SQL_OBJECTS_COUNT, 1),
		.uploaded_ms = db_i64(db, SQL_OBJECTS_COUNT, 2),
	};
	db_reset(db, SQL_OBJECTS_COUNT);
	return 0;
}

static int weight_of(struct catalog_write *w, const struct decision *d, struct weight *ret, struct error *err) {
	if (weight_arrived(w->db, d->station, d->session, d->revision, ret, err)) return -1;
	if (!d->manifest) return 0;
	ret->files = (int64_t)d->manifest->n;
	ret->bytes = 0;
	/* Of a refused manifest the sizes are mere claims: kept to what JSON can say. */
	for (size_t i = 0; i < d->manifest->n; i++) ret->bytes = MIN(ret->bytes + d->manifest->files[i].size, BYTES_MAX);
	return 0;
}

static int metadata_insert(struct catalog_write *w, int64_t id, const struct metadata *m, struct error *err) {
	for (size_t i = 0; m && i < m->n; i++) {
		const struct metadata_entry *e = &m->entries[i];
		int failed = e->is_number
						 ? db_exec(w->db, SQL_METADATA_ADD, err, "itidt", id, e->key, (int64_t)i, e->number, e->text)
						 : db_exec(w->db, SQL_METADATA_ADD_TEXT, err, "itit", id, e->key, (int64_t)i, e->text);
		if (failed) return -1;
	}
	return 0;
}

/* The row of the revision; *ret_open when nobody has decided it. */
static int session_find(
	struct catalog_write *w, const struct decision *d, int64_t *ret_id, bool *ret_open, struct error *err) {
	if (db_one(w->db, SQL_SESSION_GET, err, "tti", d->station, d->session, d->revision) < 1) return -1;
	*ret_id = db_i64(w->db, SQL_SESSION_GET, 0);
	*ret_open = !strcmp(db_text(w->db, SQL_SESSION_GET, 1), cloud_state_names[CLOUD_UPLOADING]);
	db_reset(w->db, SQL_SESSION_GET);
	return 0;
}

static int session_decide(struct catalog_write *w, void *arg, struct error *err) {
	struct decision *d = arg;
	struct weight weight;
	int64_t id = 0;
	bool open = false;
	if (session_begin(w, d, err) || session_find(w, d, &id, &open, err)) return -1;
	d->again = !open;
	if (!open) return 0;
	if (weight_of(w, d, &weight, err)) return -1;
	/* A manifest that cannot be read gives no content id, ever: told from one that is unknown yet by its length. */
	if (db_exec(w->db, SQL_SESSION_DECIDE, err, "ittiiiib", id, cloud_state_names[d->state], d->checks, weight.bytes,
			weight.files, weight.uploaded_ms, w->now_ms, (const void *)d->content.bytes,
			d->manifest ? sizeof d->content.bytes : (size_t)0))
		return -1;
	if (metadata_insert(w, id, d->metadata, err) || db_exec(w->db, SQL_CHANGE_ADD, err, "ii", id, w->now_ms)) return -1;
	w->change = db_last_id(w->db);
	return 0;
}

int catalog_session_decide(struct catalog *c, const char *station, const char *session, int64_t revision,
	enum cloud_state state, const struct check_list *checks, const struct metadata *metadata,
	const struct manifest *manifest_or_null, bool *ret_again, struct error *err) {
	if (state != CLOUD_ACCEPTED && state != CLOUD_REJECTED)
		return error_set(err, ERR_INTERNAL, "state %d is no decision on a session", (int)state);
	static const struct check_list none;
	AUTO(json_free) cJSON *list = checks_to_json(checks ? checks : &none);
	AUTO(xfree) char *text = json_text(list);
	struct decision d = {
		.station = station,
		.session = session,
		.revision = revision,
		.state = state,
		.checks = text,
		.metadata = metadata,
		.manifest = manifest_or_null,
	};
	if (d.manifest) manifest_content(d.manifest, &d.content);
	if (catalog_run(c, session_decide, &d, err)) return -1;
	*ret_again = d.again;
	return 0;
}

static int session_lost(struct catalog_write *w, void *arg, struct error *err) {
	const struct decision *d = arg;
	int64_t id = 0;
	bool open = false;
	if (session_begin(w, d, err) || session_find(w, d, &id, &open, err)) return -1;
	if (!open) return 0;
	if (db_exec(w->db, SQL_SESSION_LOST, err, "iti", id, d->checks, w->now_ms)) return -1;
	if (!db_changes(w->db)) return 0;
	if (db_exec(w->db, SQL_CHANGE_ADD, err, "ii", id, w->now_ms)) return -1;
	w->change = db_last_id(w->db);
	return 0;
}

int catalog_session_lost(struct catalog *c, const char *station, const char *session, int64_t revision,
	const struct check_list *checks, struct error *err) {
	AUTO(json_free) cJSON *list = checks_to_json(checks);
	AUTO(xfree) char *text = json_text(list);
	struct decision d = {.station = station, .session = session, .revision = revision, .checks = text};
	return catalog_run(c, session_lost, &d, err);
}

/* --- listing --- */

/* Written as text, not as a tree: metadata may have tens of thousands of keys, and a list has a thousand of them. */
static int metadata_json(struct db *db, int64_t id, cJSON **ret, size_t *size, struct error *err) {
	AUTO(buf_done) struct buf out = BUF_INIT(PAGE_BYTES_MAX * 8);
	int more;
	if (db_query(db, SQL_METADATA_OF, err, "i", id)) return -1;
	while ((more = db_step(db, SQL_METADATA_OF, err)) > 0) {
		buf_char(&out, out.len ? ',' : '{');
		json_quote(&out, db_text(db, SQL_METADATA_OF, 0));
		buf_char(&out, ':');
		metadata_write(
			&out, db_i64(db, SQL_METADATA_OF, 1), db_double(db, SQL_METADATA_OF, 2), db_text(db, SQL_METADATA_OF, 3));
	}
	if (more < 0) return -1;
	if (!out.len) buf_char(&out, '{');
	buf_char(&out, '}');
	if (buf_check(&out, "metadata", err)) return -1;
	*size += out.len;
	*ret = cJSON_CreateRaw(buf_text(&out));
	return 0;
}

/* Objects up to this revision that were stored and are lost now, when there are any: a verdict is of its time. */
static int lost_json(struct db *db, int s, cJSON *o, struct error *err) {
	if (db_one(db, SQL_OBJECTS_LOST, err, "tti", db_text(db, s, 1), db_text(db, s, 2), db_i64(db, s, 3)) < 1) return -1;
	int64_t lost = db_i64(db, SQL_OBJECTS_LOST, 0);
	db_reset(db, SQL_OBJECTS_LOST);
	if (lost) json_add_i64(o, "lost", lost);
	return 0;
}

/* One row of SESSION_PAGE as the object of api.md. */
static int session_json(struct db *db, int s, cJSON **ret, size_t *size, struct error *err) {
	AUTO(json_free) cJSON *o = json_object();
	const char *state = db_text(db, s, 4), *checks_text = db_text(db, s, 6);
	struct weight weight = {.bytes = db_i64(db, s, 7), .files = db_i64(db, s, 8), .uploaded_ms = db_i64(db, s, 9)};
	json_add_text(o, "station", db_text(db, s, 1));
	json_add_text(o, "session", db_text(db, s, 2));
	json_add_i64(o, "revision", db_i64(db, s, 3));
	json_add_text(o, "state", state);
	json_add_text(o, "processing", db_text(db, s, 5));
	cJSON *checks = NULL, *metadata = NULL;
	if (json_parse(checks_text, strlen(checks_text), &checks, err)) return error_prefix(err, "the catalog's checks");
	json_add(o, "checks", checks);
	*size += strlen(checks_text) + SESSION_BYTES;
	if (metadata_json(db, db_i64(db, s, 0), &metadata, size, err)) return -1;
	json_add(o, "metadata", metadata);
	if (!strcmp(state, cloud_state_names[CLOUD_UPLOADING])) {
		if (weight_arrived(db, db_text(db, s, 1), db_text(db, s, 2), db_i64(db, s, 3), &weight, err)) return -1;
		weight.uploaded_ms = 0; /* not whole yet */
	}
	json_add_i64(o, "bytes", weight.bytes);
	json_add_i64(o, "files", weight.files);
	json_add_time(o, "uploaded_at", weight.uploaded_ms);
	json_add_time(o, "decided_at", db_i64(db, s, 10));
	catalog_add_content(o, db, s, 11);
	json_add_text(o, "instance", db_text(db, s, 12));
	if (lost_json(db, s, o, err)) return -1;
	*ret = TAKE(o);
	return 0;
}

static int cursor_parse(const char *cursor, int64_t *ret_id, struct error *err) {
	*ret_id = 0;
	if (!cursor || !cursor[0]) return 0;
	if (cursor[0] == CURSOR_PREFIX && !text_to_i64(cursor + 1, 0, INT64_MAX, ret_id)) return 0;
	return error_set(err, ERR_INPUT, "the cursor is not one that this list gave: begin without one");
}

/* ?1 to ?6 of SESSION_PAGE, then what chooses the statement. */
static int sessions_query(
	struct db *db, const struct session_query *q, int64_t after, int64_t limit, int *ret_statement, struct error *err) {
	const char *state = q->state >= 0 && q->state < CLOUD_STATE_N ? cloud_state_names[q->state] : NULL;
	int64_t all = q->all_revisions;
	if (q->station && q->session)
		return db_query(db, *ret_statement = SQL_SESSIONS_OF_BOTH, err, "ittiiitt", after, state, q->processing,
			q->since_ms, all, limit, q->station, q->session);
	if (!q->station && !q->session)
		return db_query(
			db, *ret_statement = SQL_SESSIONS, err, "ittiii", after, state, q->processing, q->since_ms, all, limit);
	*ret_statement = q->station ? SQL_SESSIONS_OF_STATION : SQL_SESSIONS_OF_NAME;
	return db_query(db, *ret_statement, err, "ittiiit", after, state, q->processing, q->since_ms, all, limit,
		q->station ? q->station : q->session);
}

int catalog_sessions(
	struct catalog *c, const struct session_query *q, cJSON **ret_array, char ret_next[96], struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	AUTO(json_free) cJSON *array = json_array();
	int64_t limit = page_limit(q->limit);
	int64_t after = 0, n = 0, last = 0;
	size_t size = 0;
	int more, s = SQL_SESSIONS;
	if (cursor_parse(q->cursor, &after, err)) return -1;
	/* One row more than asked for tells whether there is a next page. */
	if (catalog_reader_take(c, &r, err) || sessions_query(r.db, q, after, limit + 1, &s, err)) return -1;
	while ((more = db_step(r.db, s, err)) > 0 && n < limit && size < PAGE_BYTES_MAX) {
		cJSON *session = NULL;
		if (session_json(r.db, s, &session, &size, err)) return -1;
		json_push(array, session);
		last = db_i64(r.db, s, 0);
		n++;
	}
	if (more < 0) return -1;
	if (more) snprintf(ret_next, 96, "%c%lld", CURSOR_PREFIX, (long long)last);
	else ret_next[0] = 0;
	*ret_array = TAKE(array);
	return 0;
}

int catalog_revisions(
	struct catalog *c, const char *station, const char *session, cJSON **ret_array, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	AUTO(json_free) cJSON *array = json_array();
	const int s = SQL_SESSION_REVISIONS;
	int more;
	if (catalog_reader_take(c, &r, err) || db_query(r.db, s, err, "tti", station, session, (int64_t)REVISIONS_LISTED))
		return -1;
	while ((more = db_step(r.db, s, err)) > 0) {
		cJSON *o = json_object();
		json_add_i64(o, "revision", db_i64(r.db, s, 0));
		json_add_text(o, "state", db_text(r.db, s, 1));
		catalog_add_content(o, r.db, s, 2);
		json_add_text(o, "instance", db_text(r.db, s, 3));
		if (!cJSON_InsertItemInArray(array, 0, o)) abort();
	}
	if (more < 0) return -1;
	*ret_array = TAKE(array);
	return 0;
}

int catalog_undecided(struct catalog *c, catalog_on_undecided *on_row, void *arg, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	int more;
	if (catalog_reader_take(c, &r, err) || db_query(r.db, SQL_SESSIONS_UNDECIDED, err, "")) return -1;
	while ((more = db_step(r.db, SQL_SESSIONS_UNDECIDED, err)) > 0)
		if (on_row(arg, db_text(r.db, SQL_SESSIONS_UNDECIDED, 0), db_text(r.db, SQL_SESSIONS_UNDECIDED, 1),
				db_i64(r.db, SQL_SESSIONS_UNDECIDED, 2)))
			return 0;
	return more;
}

int catalog_undecided_of(struct catalog *c, const char *station, const char *session, int64_t after,
	struct undecided *ret, size_t max, size_t *ret_n, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	const int s = SQL_SESSION_UNDECIDED;
	size_t n = 0;
	int more = 0;
	if (catalog_reader_take(c, &r, err) || db_query(r.db, s, err, "ttii", station, session, after, (int64_t)max))
		return -1;
	while (n < max && (more = db_step(r.db, s, err)) > 0)
		ret[n++] = (struct undecided){.revision = db_i64(r.db, s, 0), .attempts = db_i64(r.db, s, 1)};
	if (more < 0) return -1;
	*ret_n = n;
	return 0;
}

struct attempt {
	const char *station, *session;
	bool died;
};

static int attempt_write(struct catalog_write *w, void *arg, struct error *err) {
	const struct attempt *a = arg;
	return db_exec(w->db, SQL_SESSION_ATTEMPTS, err, "ttn", a->station, a->session, (int)a->died);
}

int catalog_attempts(struct catalog *c, const char *station, const char *session, bool died, struct error *err) {
	struct attempt a = {station, session, died};
	return catalog_run(c, attempt_write, &a, err);
}
