/* SPDX-License-Identifier: MIT */
/* Reading files and their parts. */
#include "station/journal/view.h"

#include <stdlib.h>
#include <string.h>

#include "station/journal/view_core.h"

/* In order of their number, which is their place. */
static int parts_read(struct db *db, int64_t file, struct file_row *f, struct error *err) {
	size_t capacity = 0;
	int more;
	if (db_query(db, R_PARTS, err, "i", file)) return -1;
	while ((more = db_step(db, R_PARTS, err)) > 0) {
		ARRAY_RESERVE(f->parts, f->part_n, capacity);
		if (sha256_read(db, R_PARTS, 0, &f->parts[f->part_n])) f->part_n++;
	}
	return more;
}

/* Copies: the statement goes on, and reads the parts in between. */
static int file_read_row(struct db *db, struct file_row *f, struct error *err) {
	f->name = xstrdup(db_text(db, R_FILES, 1));
	f->size = db_i64(db, R_FILES, 2);
	f->mtime_ns = db_i64(db, R_FILES, 3);
	f->ctime_ns = db_i64(db, R_FILES, 4);
	f->inode = db_i64(db, R_FILES, 5);
	f->hashed = sha256_read(db, R_FILES, 6, &f->sha256);
	f->state = db_i64(db, R_FILES, 7) == FILE_STORED ? FILE_STORED : FILE_PENDING;
	f->bucket = xstrdup(db_text(db, R_FILES, 8));
	f->key = xstrdup(db_text(db, R_FILES, 9));
	f->stored_ms = db_i64(db, R_FILES, 10);
	return f->hashed ? parts_read(db, db_i64(db, R_FILES, 0), f, err) : 0;
}

/* All or nothing: half a list would be taken for what the session has. */
int journal_files(struct journal_view *v, int64_t session, int64_t revision, struct file_row **ret, size_t *ret_n,
	struct error *err) {
	struct file_row *files = NULL;
	size_t n = 0, capacity = 0;
	int more;
	if (db_query(v->db, R_FILES, err, "ii", session, revision)) return -1;
	while ((more = db_step(v->db, R_FILES, err)) > 0) {
		ARRAY_RESERVE(files, n, capacity);
		if ((more = file_read_row(v->db, &files[n++], err)) < 0) break;
	}
	if (more < 0) {
		db_reset(v->db, R_FILES);
		file_rows_free(files, n);
		return -1;
	}
	*ret = files;
	*ret_n = n;
	return 0;
}

static bool file_is(struct db *db, int s, const struct file_row *f) {
	return strcmp(db_text(db, s, 0), f->name) == 0 && db_i64(db, s, 1) == f->size && db_i64(db, s, 2) == f->mtime_ns &&
		   db_i64(db, s, 3) == f->ctime_ns && db_i64(db, s, 4) == f->inode;
}

/* Row by row against the sorted list: no file is copied, which matters when thousands of sessions are compared. */
int journal_files_same(
	struct journal_view *v, int64_t session, const struct file_row *files, size_t n, struct error *err) {
	size_t at = 0;
	int more;
	if (db_query(v->db, R_FILES_KNOWN, err, "i", session)) return -1;
	while ((more = db_step(v->db, R_FILES_KNOWN, err)) > 0) {
		if (at == n || !file_is(v->db, R_FILES_KNOWN, &files[at])) break;
		at++;
	}
	db_reset(v->db, R_FILES_KNOWN);
	return more < 0 ? -1 : more == 0 && at == n;
}
