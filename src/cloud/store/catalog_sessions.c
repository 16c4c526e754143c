/* SPDX-License-Identifier: MIT */
/* Sessions in the catalog: begun by their first promise, decided once, listed row by row. Any thread. */
#include "cloud/store/catalog_core.h"

#include "base/text.h"

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

const struct sha256 *catalog_content(struct db *db, int statement, int column, struct sha256 *to) {
	size_t n = 0;
	const void *bytes = db_blob(db, statement, column, &n);
	if (n != sizeof to->bytes) return NULL;
	memcpy(to->bytes, bytes, n);
	return to;
}

int catalog_state(struct db *db, int statement, int column, enum cloud_state *ret, struct error *err) {
	const char *text = db_text(db, statement, column);
	for (int i = 0; i < CLOUD_STATE_N; i++) {
		if (strcmp(text, cloud_state_names[i]) != 0) continue;
		*ret = (enum cloud_state)i;
		return 0;
	}
	return error_set(err, ERR_DISK, "the catalog has a session in a state that this program does not know: %s", text);
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
		const int add = SQL_METADATA_ADD;
		int failed = e->is_number
						 ? db_exec(w->db, add, err, "itidt", id, e->key, (int64_t)i, e->number, e->text)
						 : db_exec(w->db, add, err, "ititt", id, e->key, (int64_t)i, (const char *)NULL, e->text);
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
	w->changed = true;
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
	w->changed = true;
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

int catalog_row_metadata(const struct session_row *row, catalog_on_metadata *on_entry, void *arg, struct error *err) {
	const int s = SQL_METADATA_OF;
	int more;
	if (db_query(row->db, s, err, "i", row->id)) return -1;
	while ((more = db_step(row->db, s, err)) > 0) {
		const struct metadata_entry entry = {
			.key = (char *)(uintptr_t)db_text(row->db, s, 0),
			.is_number = db_i64(row->db, s, 1),
			.number = db_double(row->db, s, 2),
			.text = (char *)(uintptr_t)db_text(row->db, s, 3),
		};
		if (!on_entry(arg, &entry)) continue;
		db_reset(row->db, s);
		return 0;
	}
	return more;
}

/* Objects up to this revision that were stored and are lost now: a verdict is of its time. */
static int lost_count(struct db *db, struct session_row *row, struct error *err) {
	if (db_one(db, SQL_OBJECTS_LOST, err, "tti", row->station, row->session, row->revision) < 1) return -1;
	row->lost = db_i64(db, SQL_OBJECTS_LOST, 0);
	db_reset(db, SQL_OBJECTS_LOST);
	return 0;
}

/* One that is not whole yet weighs what has come. */
static int weight_now(struct db *db, struct session_row *row, struct error *err) {
	struct weight weight;
	if (row->state != CLOUD_UPLOADING) return 0;
	if (weight_arrived(db, row->station, row->session, row->revision, &weight, err)) return -1;
	row->bytes = weight.bytes;
	row->files = weight.files;
	row->uploaded_ms = 0;
	return 0;
}

/* The row that a statement of SESSION_COLUMNS stands on; its content id lies in *content. */
static int session_read(struct db *db, int s, struct sha256 *content, struct session_row *ret, struct error *err) {
	*ret = (struct session_row){
		.id = db_i64(db, s, 0),
		.station = db_text(db, s, 1),
		.session = db_text(db, s, 2),
		.revision = db_i64(db, s, 3),
		.processing = db_text(db, s, 5),
		.checks = db_text(db, s, 6),
		.bytes = db_i64(db, s, 7),
		.files = db_i64(db, s, 8),
		.uploaded_ms = db_i64(db, s, 9),
		.decided_ms = db_i64(db, s, 10),
		.content = catalog_content(db, s, 11, content),
		.instance = db_text(db, s, 12),
		.db = db,
	};
	if (catalog_state(db, s, 4, &ret->state, err) || weight_now(db, ret, err)) return -1;
	return lost_count(db, ret, err);
}

static int cursor_parse(const char *cursor, int64_t *ret_id, struct error *err) {
	*ret_id = 0;
	if (!cursor || !cursor[0]) return 0;
	if (cursor[0] == CURSOR_PREFIX && !text_to_i64(cursor + 1, 0, INT64_MAX, ret_id)) return 0;
	return error_set(err, ERR_INPUT, "the cursor is not one that this list gave: begin without one");
}

/* The statement with the index for what is asked, its arguments bound. */
static int sessions_query(
	struct db *db, const struct session_query *q, int64_t after, int64_t limit, int *ret_statement, struct error *err) {
	const char *state = q->state >= 0 && q->state < CLOUD_STATE_N ? cloud_state_names[q->state] : NULL;
	int64_t all = q->all_revisions;
	if (q->session)
		return db_query(db, *ret_statement = SQL_SESSIONS_OF_NAME, err, "ittiiitt", after, state, q->processing,
			q->since_ms, all, limit, q->session, q->station);
	if (q->station)
		return db_query(db, *ret_statement = SQL_SESSIONS_OF_STATION, err, "ittiiit", after, state, q->processing,
			q->since_ms, all, limit, q->station);
	return db_query(
		db, *ret_statement = SQL_SESSIONS, err, "ittiii", after, state, q->processing, q->since_ms, all, limit);
}

int catalog_sessions(struct catalog *c, const struct session_query *q, catalog_on_session *on_row, void *arg,
	char ret_next[CATALOG_NEXT], struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	struct session_row row = {0};
	struct sha256 content;
	int64_t limit = page_limit(q->limit), after = 0, n = 0;
	bool full = false;
	int more, s = SQL_SESSIONS;
	if (cursor_parse(q->cursor, &after, err)) return -1;
	/* One row more than asked for tells whether there is a next page. */
	if (catalog_reader_take(c, &r, err) || sessions_query(r.db, q, after, limit + 1, &s, err)) return -1;
	while ((more = db_step(r.db, s, err)) > 0 && n < limit && !full) {
		if (session_read(r.db, s, &content, &row, err)) return -1;
		full = on_row(arg, &row);
		n++;
	}
	if (more < 0) return -1;
	if (more) snprintf(ret_next, CATALOG_NEXT, "%c%lld", CURSOR_PREFIX, (long long)row.id);
	else ret_next[0] = 0;
	return 0;
}

int catalog_session(struct catalog *c, const char *station, const char *session, catalog_on_session *on_row, void *arg,
	struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	struct session_row row;
	struct sha256 content;
	int more;
	if (catalog_reader_take(c, &r, err) || db_query(r.db, SQL_SESSION_NEWEST, err, "tt", station, session)) return -1;
	while ((more = db_step(r.db, SQL_SESSION_NEWEST, err)) > 0) {
		if (session_read(r.db, SQL_SESSION_NEWEST, &content, &row, err)) return -1;
		if (on_row(arg, &row)) return 0;
	}
	return more;
}

int catalog_revisions(struct catalog *c, const char *station, const char *session, catalog_on_revision *on_row,
	void *arg, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	const int s = SQL_SESSION_REVISIONS;
	struct sha256 content;
	int more;
	if (catalog_reader_take(c, &r, err) || db_query(r.db, s, err, "tti", station, session, (int64_t)REVISIONS_LISTED))
		return -1;
	while ((more = db_step(r.db, s, err)) > 0) {
		struct revision_row row = {.revision = db_i64(r.db, s, 0),
			.content = catalog_content(r.db, s, 2, &content),
			.instance = db_text(r.db, s, 3)};
		if (catalog_state(r.db, s, 1, &row.state, err)) return -1;
		if (on_row(arg, &row)) return 0;
	}
	return more;
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
