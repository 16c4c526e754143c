/* SPDX-License-Identifier: MIT */
/* Rows of the journal as values: who owns what in them. Any thread. */
#include <stdlib.h>
#include <string.h>

#include "session/content.h"
#include "station/journal/rows.h"

void session_row_done(struct session_row *r) {
	free(r->root);
	free(r->reason);
	r->root = r->reason = NULL;
}

struct session_row session_row_copy(const struct session_row *r) {
	struct session_row copy = *r;
	copy.root = xstrdup(r->root);
	copy.reason = xstrdup(r->reason);
	return copy;
}

int session_row_settle_again(struct session_row *r, bool renew) {
	const int mask = SET_REASON | SET_NEXT_ATTEMPT;
	free(r->reason);
	r->reason = NULL;
	r->next_attempt_ms = 0;
	/* nothing of it was promised or stored: the cloud knows nothing of this revision */
	if (!renew && r->tries == 0 && r->stored_files == 0) return mask;
	r->revision++;
	r->tries = 0;
	r->stored_files = r->stored_bytes = 0;
	r->data_safe = false;
	return mask | SET_REVISION | SET_TRIES | SET_STORED | SET_FLAGS;
}

/* Wiped, so that doing it twice is harmless. */
void file_row_done(struct file_row *f) {
	free(f->name);
	free(f->parts);
	free(f->bucket);
	free(f->key);
	*f = (struct file_row){0};
}

void file_rows_free(struct file_row *files, size_t n) {
	for (size_t i = 0; i < n; i++) file_row_done(&files[i]);
	free(files);
}

struct file_row file_row_copy(const struct file_row *f) {
	struct file_row copy = *f;
	copy.name = xstrdup(f->name);
	copy.bucket = xstrdup(f->bucket);
	copy.key = xstrdup(f->key);
	copy.parts = NULL;
	if (f->part_n) {
		copy.parts = xcalloc(f->part_n, sizeof *f->parts);
		memcpy(copy.parts, f->parts, f->part_n * sizeof *f->parts);
	}
	return copy;
}

int file_row_order(const void *a, const void *b) {
	return strcmp(((const struct file_row *)a)->name, ((const struct file_row *)b)->name);
}

/* By bisection: lists of files are in order of name, from the scan and from the journal alike. */
struct file_row *file_row_find(const struct file_row *files, size_t n, const char *name) {
	const struct file_row wanted = {.name = (char *)(uintptr_t)name};
	return n && name ? bsearch(&wanted, files, n, sizeof *files, file_row_order) : NULL;
}

bool file_rows_content(const struct file_row *files, size_t n, struct sha256 *ret) {
	struct content_file *list = xcalloc(MAX(n, (size_t)1), sizeof *list);
	bool all = n > 0;
	for (size_t i = 0; i < n; i++) {
		all = all && files[i].hashed;
		list[i] = (struct content_file){.name = files[i].name, .size = files[i].size, .sha256 = &files[i].sha256};
	}
	if (all) content_id(list, n, ret);
	free(list);
	return all;
}
