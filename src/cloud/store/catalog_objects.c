/* SPDX-License-Identifier: MIT */
/* Objects in the catalog: promised by a presigned URL, then stored. What is stored never changes again. Any thread. */
#include "cloud/store/catalog_core.h"

#include "base/text.h"

struct promise {
	const struct claim *claim; /* or NULL */
	const struct object_row *rows;
	size_t n;
	enum standing standing;
};

/* --- whose revision it is --- */

static int standing_read(
	struct db *db, const struct claim *claim, int64_t *ret_id, enum standing *ret, struct error *err) {
	int found = db_one(db, SQL_SESSION_GET, err, "tti", claim->station, claim->session, claim->revision);
	*ret = STANDING_OPEN;
	*ret_id = 0;
	if (found <= 0) return found;
	const char *state = db_text(db, SQL_SESSION_GET, 1), *instance = db_text(db, SQL_SESSION_GET, 2);
	*ret_id = db_i64(db, SQL_SESSION_GET, 0);
	if (strcmp(state, cloud_state_names[CLOUD_UPLOADING]) != 0) *ret = STANDING_DECIDED;
	else if (instance && (!claim->instance || strcmp(instance, claim->instance) != 0)) *ret = STANDING_TAKEN;
	db_reset(db, SQL_SESSION_GET);
	return 0;
}

int catalog_standing(struct catalog *c, const struct claim *claim, enum standing *ret, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	int64_t id;
	if (catalog_reader_take(c, &r, err)) return -1;
	return standing_read(r.db, claim, &id, ret, err);
}

static int session_begin(
	struct catalog_write *w, const char *station, const char *session, int64_t revision, struct error *err) {
	return db_exec(w->db, SQL_SESSION_BEGIN, err, "ttiti", station, session, revision,
		cloud_state_names[CLOUD_UPLOADING], w->now_ms);
}

/* Asking is free, so that a number for a revision is not: of a session, a few may wait for their first file. */
static int begun_check(struct catalog_write *w, const struct claim *k, struct error *err) {
	if (db_one(w->db, SQL_SESSIONS_EMPTY, err, "tt", k->station, k->session) < 0) return -1;
	int64_t n = db_i64(w->db, SQL_SESSIONS_EMPTY, 0);
	db_reset(w->db, SQL_SESSIONS_EMPTY);
	if (n <= REVISIONS_EMPTY_MAX) return 0;
	return error_set(err, ERR_THROTTLED,
		"%d revisions of this session were begun and got nothing: send files of one, or wait until their URLs have "
		"ended",
		REVISIONS_EMPTY_MAX);
}

/* Begins the revision and takes it for the instance, when anything of its own is promised. */
static int promise_claim(struct catalog_write *w, struct promise *p, struct error *err) {
	bool own = false;
	int64_t id;
	p->standing = STANDING_OPEN;
	for (size_t i = 0; i < p->n; i++) own |= !p->rows[i].lost_ms;
	if (!p->claim || !own) return 0;
	const struct claim *k = p->claim;
	if (session_begin(w, k->station, k->session, k->revision, err)) return -1;
	if (db_changes(w->db) && begun_check(w, k, err)) return -1;
	if (standing_read(w->db, k, &id, &p->standing, err)) return -1;
	if (p->standing != STANDING_OPEN || !k->instance) return 0;
	return db_exec(w->db, SQL_SESSION_CLAIM, err, "it", id, k->instance);
}

/* --- promises --- */

/* Of a recording, and not of the same revision as the row before it. */
static bool promise_begins(const struct object_row *o, const struct object_row *before) {
	if (!o->session[0]) return false;
	return !before || o->revision != before->revision || strcmp(o->session, before->session) != 0 ||
		   strcmp(o->station, before->station) != 0;
}

static int object_promise(struct catalog_write *w, const struct object_row *o, struct error *err) {
	if (o->lost_ms) return db_exec(w->db, SQL_OBJECT_PROMISE_AGAIN, err, "tti", o->bucket, o->key, w->now_ms);
	return db_exec(w->db, SQL_OBJECT_PROMISE, err, "tttttiibi", o->bucket, o->key, o->station, o->session, o->name,
		o->revision, o->size, (const void *)o->sha256.bytes, sizeof o->sha256.bytes, w->now_ms);
}

/* --- how much a station may have open --- */

static int count_open(struct catalog_write *w, const char *station, int64_t *ret, struct error *err) {
	*ret = 0;
	if (db_one(w->db, SQL_OBJECTS_OPEN, err, "t", station) < 0) return -1;
	*ret = db_i64(w->db, SQL_OBJECTS_OPEN, 0);
	db_reset(w->db, SQL_OBJECTS_OPEN);
	return 0;
}

/* After the promises: what was promised before may always be asked for again. */
static int open_check(struct catalog_write *w, const struct promise *p, int64_t before, struct error *err) {
	int64_t now;
	if (count_open(w, p->claim->station, &now, err)) return -1;
	if (now <= before || now <= PROMISES_OPEN_MAX) return 0;
	return error_set(err, ERR_THROTTLED,
		"this station was promised %lld files that have not come, and may have %d: send those, or wait until their "
		"URLs have ended",
		(long long)before, PROMISES_OPEN_MAX);
}

static int objects_promise(struct catalog_write *w, void *arg, struct error *err) {
	struct promise *p = arg;
	int64_t before = 0;
	if (p->claim && count_open(w, p->claim->station, &before, err)) return -1;
	if (promise_claim(w, p, err)) return -1;
	for (size_t i = 0; i < p->n; i++) {
		const struct object_row *o = &p->rows[i];
		if (!o->lost_ms && p->standing != STANDING_OPEN) continue;
		if (promise_begins(o, i ? o - 1 : NULL) && session_begin(w, o->station, o->session, o->revision, err))
			return -1;
		if (object_promise(w, o, err)) return -1;
	}
	return p->claim ? open_check(w, p, before, err) : 0;
}

int catalog_objects_promise(struct catalog *c, const struct claim *claim_or_null, const struct object_row *rows,
	size_t n, enum standing *ret_standing_or_null, struct error *err) {
	struct promise p = {.claim = claim_or_null, .rows = rows, .n = n};
	if (n && catalog_run(c, objects_promise, &p, err)) return -1;
	if (ret_standing_or_null) *ret_standing_or_null = p.standing;
	return 0;
}

static int object_lost(struct catalog_write *w, void *arg, struct error *err) {
	const struct object_row *o = arg;
	return db_exec(w->db, SQL_OBJECT_LOST, err, "ttii", o->bucket, o->key, o->stored_ms, w->now_ms);
}

int catalog_object_lost(struct catalog *c, const struct object_row *row, struct error *err) {
	struct object_row copy = *row;
	return catalog_run(c, object_lost, &copy, err);
}

static void object_read(struct db *db, int statement, struct object_row *ret) {
	size_t n = 0;
	text_copy(ret->bucket, sizeof ret->bucket, db_text(db, statement, 0));
	text_copy(ret->key, sizeof ret->key, db_text(db, statement, 1));
	text_copy(ret->station, sizeof ret->station, db_text(db, statement, 2));
	text_copy(ret->session, sizeof ret->session, db_text(db, statement, 3));
	text_copy(ret->name, sizeof ret->name, db_text(db, statement, 4));
	ret->revision = db_i64(db, statement, 5);
	ret->size = db_i64(db, statement, 6);
	const void *sha256 = db_blob(db, statement, 7, &n);
	ret->sha256 = (struct sha256){0};
	if (n == sizeof ret->sha256.bytes) memcpy(ret->sha256.bytes, sha256, n);
	ret->stored_ms = db_i64(db, statement, 8);
	ret->lost_ms = db_i64(db, statement, 9);
	ret->promised_ms = db_i64(db, statement, 10);
}

struct stored {
	const char *bucket, *key;
	int64_t size, at_ms;
	const struct sha256 *sha256;
	const struct object_row *row; /* of a recording; or NULL */
};

/* Told twice is fine when it is told the same. */
static int stored_same(struct catalog_write *w, const struct stored *s, struct error *err) {
	struct object_row row;
	int found = db_one(w->db, SQL_OBJECT_GET, err, "tt", s->bucket, s->key);
	if (found < 0) return -1;
	if (found) object_read(w->db, SQL_OBJECT_GET, &row);
	if (found && row.size == s->size && sha256_equal(&row.sha256, s->sha256)) return 0;
	return error_set(err, ERR_CONFLICT, "the catalog has another content for the key %s in %s, and keeps it",
		TEXT_SAFE(s->key), s->bucket);
}

static int object_stored(struct catalog_write *w, void *arg, struct error *err) {
	const struct stored *s = arg;
	static const struct object_row nobodys;
	const struct object_row *row = s->row ? s->row : &nobodys;
	int64_t at_ms = s->at_ms > 0 ? s->at_ms : w->now_ms;
	if (row->session[0] && session_begin(w, row->station, row->session, row->revision, err)) return -1;
	if (db_exec(w->db, SQL_OBJECT_STORED, err, "ttibittti", s->bucket, s->key, s->size, (const void *)s->sha256->bytes,
			sizeof s->sha256->bytes, at_ms, row->station, row->session, row->name, row->revision))
		return -1;
	return db_changes(w->db) ? 0 : stored_same(w, s, err);
}

int catalog_object_stored(struct catalog *c, const char *bucket, const char *key, int64_t size,
	const struct sha256 *sha256, int64_t at_ms, struct error *err) {
	struct stored s = {.bucket = bucket, .key = key, .size = size, .at_ms = at_ms, .sha256 = sha256};
	return catalog_run(c, object_stored, &s, err);
}

int catalog_object_arrived(struct catalog *c, const struct object_row *row, struct error *err) {
	struct stored s = {.bucket = row->bucket,
		.key = row->key,
		.size = row->size,
		.at_ms = row->stored_ms,
		.sha256 = &row->sha256,
		.row = row};
	return catalog_run(c, object_stored, &s, err);
}

/* --- promises that nothing came of --- */

int catalog_objects_unused(
	struct catalog *c, int64_t before_ms, struct object_row *ret, size_t max, size_t *ret_n, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	size_t n = 0;
	int more = 0;
	if (catalog_reader_take(c, &r, err) || db_query(r.db, SQL_OBJECTS_UNUSED, err, "ii", before_ms, (int64_t)max))
		return -1;
	while (n < max && (more = db_step(r.db, SQL_OBJECTS_UNUSED, err)) > 0)
		object_read(r.db, SQL_OBJECTS_UNUSED, &ret[n++]);
	if (more < 0) return -1;
	*ret_n = n;
	return 0;
}

struct forget {
	const struct object_row *rows;
	size_t n, max;
	int64_t before_ms, objects, sessions;
};

static int forget(struct catalog_write *w, void *arg, struct error *err) {
	struct forget *f = arg;
	for (size_t i = 0; i < f->n; i++) {
		const struct object_row *o = &f->rows[i];
		if (db_exec(w->db, SQL_OBJECT_FORGET, err, "tti", o->bucket, o->key, o->promised_ms)) return -1;
		f->objects += db_changes(w->db);
	}
	if (db_exec(w->db, SQL_SESSIONS_FORGET, err, "ii", f->before_ms, (int64_t)f->max)) return -1;
	f->sessions = db_changes(w->db);
	return 0;
}

int catalog_forget(struct catalog *c, const struct object_row *rows, size_t n, int64_t before_ms, size_t max,
	int64_t *ret_objects, int64_t *ret_sessions, struct error *err) {
	struct forget f = {.rows = rows, .n = n, .max = max, .before_ms = before_ms};
	if (catalog_run(c, forget, &f, err)) return -1;
	*ret_objects = f.objects;
	*ret_sessions = f.sessions;
	return 0;
}

int catalog_object(struct catalog *c, const char *bucket, const char *key, struct object_row *ret, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	if (catalog_reader_take(c, &r, err)) return -1;
	int found = db_one(r.db, SQL_OBJECT_GET, err, "tt", bucket, key);
	if (found > 0) object_read(r.db, SQL_OBJECT_GET, ret);
	return found;
}

int catalog_object_by_name(struct catalog *c, const char *station, const char *session, int64_t revision,
	const char *name, struct object_row *ret, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	if (catalog_reader_take(c, &r, err)) return -1;
	int found = db_one(r.db, SQL_OBJECT_BY_NAME, err, "ttit", station, session, revision, name);
	if (found > 0) object_read(r.db, SQL_OBJECT_BY_NAME, ret);
	return found;
}

int catalog_objects_by_name(struct catalog *c, const char *station, const char *session, int64_t revision,
	const char *const *names, size_t n, catalog_on_named *on_row, void *arg, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	if (catalog_reader_take(c, &r, err) || db_script(r.db, "BEGIN", err)) return -1;
	for (size_t i = 0; i < n; i++) {
		struct object_row row;
		int found = db_one(r.db, SQL_OBJECT_BY_NAME, err, "ttit", station, session, revision, names[i]);
		if (found < 0) return -1;
		if (found) object_read(r.db, SQL_OBJECT_BY_NAME, &row);
		if (on_row(arg, i, found ? &row : NULL)) return 0;
	}
	return 0;
}

/* The statement with the best index for what is asked, its arguments bound. */
static int objects_query(struct db *db, const char *station, const char *session, bool promised_only,
	int *ret_statement, struct error *err) {
	if (station) return db_query(db, *ret_statement = SQL_OBJECTS_OF_STATION, err, "tt", station, session);
	if (session) return db_query(db, *ret_statement = SQL_OBJECTS_OF_NAME, err, "t", session);
	return db_query(db, *ret_statement = promised_only ? SQL_OBJECTS_PROMISED : SQL_OBJECTS, err, "");
}

int catalog_objects(struct catalog *c, const char *station_or_null, const char *session_or_null, bool promised_only,
	catalog_on_object *on_row, void *arg, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	struct object_row row;
	int more, statement = SQL_OBJECTS;
	if (catalog_reader_take(c, &r, err) ||
		objects_query(r.db, station_or_null, session_or_null, promised_only, &statement, err))
		return -1;
	while ((more = db_step(r.db, statement, err)) > 0) {
		object_read(r.db, statement, &row);
		if (promised_only && row.stored_ms) continue;
		if (on_row(arg, &row)) return 0;
	}
	return more;
}
