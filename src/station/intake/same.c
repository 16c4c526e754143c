/* SPDX-License-Identifier: MIT */
/* Names, sizes and times first; with the same ones but another ctime or inode the bytes decide: a correction that kept
 * the time is found, a remount that gave other inodes is none. files_same: any thread; files_keep: loop thread. */
#include "station/intake/same.h"

#include "station/disk/hash.h"
#include "station/engine/job.h"

/* The file is read unless its identity is known. 0 the same, 1 another one, -1 not now; why: it cannot be read. */
static int file_same(struct engine *e, const char *root, const char *name, struct file_row *f,
	const struct file_row *known, int64_t *budget, struct error *why) {
	struct error err = ERROR_INIT;
	if (!known || known->size != f->size || known->mtime_ns != f->mtime_ns || !known->hashed) return 1;
	f->hashed = false;
	if (known->ctime_ns == f->ctime_ns && known->inode == f->inode) return 0;
	if (*budget <= 0) return -1;
	*budget -= f->size;
	if (file_hash(root, name, f, &e->cancel, NULL, &err)) {
		if (err.code == ERR_CHANGED) return 1;
		if (err.code != ERR_NOT_FOUND) *why = err;
		return -1;
	}
	return !sha256_equal(&f->sha256, &known->sha256);
}

enum same files_same(struct engine *e, const char *root, int64_t session, const char *name, struct snapshot *s,
	int64_t *budget, struct error *ret_why) {
	struct journal_view *v = NULL;
	struct file_row *known = NULL;
	size_t n = 0;
	if (view_take(e, &v, ret_why)) return SAME_UNKNOWN;
	snapshot_drop(s, e->config->done_marker);
	int same = journal_files_same(v, session, s->files, s->n, ret_why);
	int failed = same == 0 ? journal_files(v, session, 0, &known, &n, ret_why) : 0;
	view_give(e, v);
	if (same || failed) return same > 0 ? SAME_ALL : SAME_UNKNOWN;
	enum same all = !n ? SAME_UNKNOWN : n == s->n ? SAME_MOVED : SAME_NOT; /* none: it was never hashed */
	for (size_t i = 0; i < s->n && all == SAME_MOVED; i++) {
		int one = file_same(e, root, name, &s->files[i], file_row_find(known, n, s->files[i].name), budget, ret_why);
		if (one) all = one > 0 ? SAME_NOT : SAME_UNKNOWN;
	}
	file_rows_free(known, n);
	return all;
}

void files_keep(struct engine *e, int64_t session, const struct snapshot *s) {
	for (size_t i = 0; i < s->n; i++) {
		if (s->files[i].hashed) journal_file_same(e->journal, session, &s->files[i]);
	}
}
