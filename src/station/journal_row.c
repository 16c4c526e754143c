/* SPDX-License-Identifier: MIT */
/* Rows of the journal as values: who owns what in them. Any thread. */
#include <stdlib.h>

#include "station/journal.h"

void session_row_done(struct session_row *r) {
	free(r->root);
	free(r->reason);
	r->root = r->reason = NULL;
}

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
