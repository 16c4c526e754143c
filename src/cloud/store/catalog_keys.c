/* SPDX-License-Identifier: MIT */
/* API keys: `hg_<id>_<40 characters>`. The id is public and finds the row; what proves the key is the SHA-256 of the
 * whole text, compared in constant time. The text itself is kept nowhere. A key is looked up at every request, so that
 * one revoked by another process is refused at once. Any thread. */
#include "cloud/store/catalog_core.h"

#include "base/clock.h"
#include "base/text.h"

#define KEY_PREFIX "hg_"
#define KEY_ID_LEN 12
#define KEY_SECRET_LEN 40
#define KEY_TEXT_LEN (sizeof KEY_PREFIX - 1 + KEY_ID_LEN + 1 + KEY_SECRET_LEN)
#define KEY_USED_EVERY_MS 60000 /* used_ms is a hint for people: not a write a request */

static const struct {
	int bit;
	const char *name;
} scopes[] = {
	{SCOPE_STATION, "station"},
	{SCOPE_ADMIN, "admin"},
};

const char *scopes_text(int bits, char *to, size_t size) {
	AUTO(buf_done) struct buf b = BUF_INIT(size);
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
		if (bits & scopes[i].bit) buf_fmt(&b, "%s%s", b.len ? " " : "", scopes[i].name);
	text_copy(to, size, buf_text(&b));
	return to;
}

static int scope_parse(const char *word, size_t n, int *bits, struct error *err) {
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
		if (strlen(scopes[i].name) != n || memcmp(word, scopes[i].name, n) != 0) continue;
		*bits |= scopes[i].bit;
		return 0;
	}
	AUTO(xfree) char *given = xstrndup(word, n);
	return error_set(err, ERR_USAGE, "\"%s\" is no scope: name station, admin or both", TEXT_SAFE(given));
}

int scopes_parse(const char *text, int *ret, struct error *err) {
	int bits = 0;
	for (const char *at = text; *at;) {
		size_t n = strcspn(at, " ,");
		if (n && scope_parse(at, n, &bits, err)) return -1;
		at += n + (at[n] != 0);
	}
	if (!bits) return error_set(err, ERR_USAGE, "a key without a scope opens nothing: name station, admin or both");
	*ret = bits;
	return 0;
}

/* --- making and revoking --- */

struct key_row {
	struct api_key key;
	struct sha256 hash;
};

static int key_insert(struct catalog_write *w, void *arg, struct error *err) {
	struct key_row *row = arg;
	row->key.created_ms = w->now_ms;
	return db_exec(w->db, SQL_KEY_ADD, err, "tbtni", row->key.id, (const void *)row->hash.bytes, sizeof row->hash.bytes,
		row->key.station, row->key.scopes, w->now_ms);
}

int catalog_key_add(struct catalog *c, const char *station, int key_scopes, struct secret *ret_key, struct api_key *ret,
	struct error *err) {
	struct key_row row = {.key.scopes = key_scopes};
	char secret[KEY_SECRET_LEN + 1], text[KEY_TEXT_LEN + 1];
	if (!station[0] || strlen(station) >= sizeof row.key.station)
		return error_set(err, ERR_USAGE, "a key belongs to a station: name it, in at most %zu characters",
			sizeof row.key.station - 1);
	text_copy(row.key.station, sizeof row.key.station, station);
	random_id(row.key.id, KEY_ID_LEN + 1);
	random_id(secret, sizeof secret);
	snprintf(text, sizeof text, KEY_PREFIX "%s_%s", row.key.id, secret);
	sha256_of(text, strlen(text), &row.hash);
	int failed = catalog_run(c, key_insert, &row, err);
	if (!failed) {
		secret_set(ret_key, text, strlen(text));
		*ret = row.key;
	}
	secret_wipe(secret, sizeof secret);
	secret_wipe(text, sizeof text);
	return failed;
}

static void key_row_read(struct db *db, int statement, struct key_row *ret) {
	size_t n = 0;
	*ret = (struct key_row){0};
	text_copy(ret->key.id, sizeof ret->key.id, db_text(db, statement, 0));
	const void *hash = db_blob(db, statement, 1, &n);
	if (n == sizeof ret->hash.bytes) memcpy(ret->hash.bytes, hash, n);
	text_copy(ret->key.station, sizeof ret->key.station, db_text(db, statement, 2));
	ret->key.scopes = (int)db_i64(db, statement, 3);
	ret->key.created_ms = db_i64(db, statement, 4);
	ret->key.revoked_ms = db_i64(db, statement, 5);
	ret->key.used_ms = db_i64(db, statement, 6);
}

static int key_unknown(struct error *err, const char *id) {
	return error_set(
		err, ERR_NOT_FOUND, "there is no key %s: `headgate-cloud key list` names those there are", TEXT_SAFE(id));
}

/* Revoking twice keeps the first time. */
static int key_revoke(struct catalog_write *w, void *arg, struct error *err) {
	const char *id = arg;
	if (db_exec(w->db, SQL_KEY_REVOKE, err, "ti", id, w->now_ms)) return -1;
	if (db_changes(w->db)) return 0;
	int found = db_one(w->db, SQL_KEY_GET, err, "t", id);
	if (found < 0) return -1;
	return found ? 0 : key_unknown(err, id);
}

int catalog_key_revoke(struct catalog *c, const char *id, struct error *err) {
	char copy[24];
	if (strlen(id) >= sizeof copy) return key_unknown(err, id);
	text_copy(copy, sizeof copy, id);
	return catalog_run(c, key_revoke, copy, err);
}

/* --- looking up --- */

/* 1 found, 0 none. */
static int key_find(struct catalog *c, const char *id, struct key_row *ret, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	if (catalog_reader_take(c, &r, err)) return -1;
	int found = db_one(r.db, SQL_KEY_GET, err, "t", id);
	if (found > 0) key_row_read(r.db, SQL_KEY_GET, ret);
	return found;
}

int catalog_key_by_id(struct catalog *c, const char *id, struct api_key *ret, struct error *err) {
	struct key_row row;
	int found = key_find(c, id, &row, err);
	if (found <= 0) return found ? -1 : key_unknown(err, id);
	*ret = row.key;
	return 0;
}

struct key_use {
	char id[24];
};

static int key_used(struct catalog_write *w, void *arg, struct error *err) {
	const struct key_use *use = arg;
	return db_exec(w->db, SQL_KEY_USED, err, "ti", use->id, w->now_ms);
}

static void key_note_use(struct catalog *c, const struct api_key *key) {
	struct key_use use;
	if (key->revoked_ms || clock_wall_ms() - key->used_ms < KEY_USED_EVERY_MS) return;
	memcpy(use.id, key->id, sizeof use.id);
	catalog_post(c, key_used, &use, sizeof use);
}

/* An unknown id and a wrong secret take the same steps and get the same words. */
int catalog_key_by_text(struct catalog *c, const char *text, struct api_key *ret, struct error *err) {
	struct key_row row = {0};
	struct sha256 hash;
	char id[KEY_ID_LEN + 1] = "";
	if (strlen(text) == KEY_TEXT_LEN && text_starts(text, KEY_PREFIX))
		text_copy(id, sizeof id, text + sizeof KEY_PREFIX - 1);
	sha256_of(text, strlen(text), &hash);
	int found = key_find(c, id, &row, err);
	if (found < 0) return -1;
	bool same = sha256_equal(&hash, &row.hash);
	if (!found || !same) return error_set(err, ERR_NOT_FOUND, "this API key is not known here");
	key_note_use(c, &row.key);
	*ret = row.key;
	return 0;
}

int catalog_keys(struct catalog *c, catalog_on_key *on_row, void *arg, struct error *err) {
	AUTO(catalog_reader_done) struct catalog_reader r = {0};
	struct key_row row;
	int more;
	if (catalog_reader_take(c, &r, err) || db_query(r.db, SQL_KEYS, err, "")) return -1;
	while ((more = db_step(r.db, SQL_KEYS, err)) > 0) {
		key_row_read(r.db, SQL_KEYS, &row);
		if (on_row(arg, &row.key)) return 0;
	}
	return more;
}
