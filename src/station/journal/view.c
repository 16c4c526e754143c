/* SPDX-License-Identifier: MIT */
/* A view of the journal: its connection, and whether anything changed. WAL lets a reader see the last commit while the
 * next one is being written; neither waits for the other. What is read through it stands in the view_*.c by table. */
#include "station/journal/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "station/journal/access.h"
#include "station/journal/view_core.h"

/* access() before SQLite, whose error would not tell a foreign journal from a broken one. */
static int view_open(struct journal_view **ret, const char *state_dir, enum db_mode mode, struct error *err) {
	AUTO(xfree) char *path = path_join(state_dir, JOURNAL_FILE);
	struct db *db;
	if (access(path, R_OK) && errno == EACCES) return station_denied(err, state_dir);
	if (db_open(&db, path, mode, &journal_read_schema, err)) return -1;
	struct journal_view *v = xcalloc(1, sizeof *v);
	v->db = db;
	v->data_version = -1;
	*ret = v;
	return 0;
}

int journal_view_open(struct journal_view **ret, const char *state_dir, struct error *err) {
	return view_open(ret, state_dir, DB_READER, err);
}

int journal_view_open_brisk(struct journal_view **ret, const char *state_dir, struct error *err) {
	return view_open(ret, state_dir, DB_BRISK_READER, err);
}

void journal_view_close(struct journal_view *v) {
	if (!v) return;
	db_close(v->db);
	free(v);
}

bool journal_view_moved(struct journal_view *v) { return db_moved(v->db); }

/* SQLite's number says only that it is another one than before; ours grows, so that readers can compare ages. */
int journal_view_version(struct journal_view *v, int64_t *ret, struct error *err) {
	int64_t now;
	if (db_data_version(v->db, &now, err)) return -1;
	if (now != v->data_version) v->version++;
	v->data_version = now;
	*ret = v->version;
	return 0;
}

bool sha256_read(struct db *db, int s, int column, struct sha256 *ret) {
	size_t n;
	const void *bytes = db_blob(db, s, column, &n);
	if (!bytes || n != SHA256_LEN) return false;
	memcpy(ret->bytes, bytes, SHA256_LEN);
	return true;
}

int journal_schema(void) { return journal_read_schema.version; }
