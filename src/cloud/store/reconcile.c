/* SPDX-License-Identifier: MIT */
/* Promises against files. The time of storing is that of the look, not of the file: the catalog orders by it. */
#include "cloud/store/reconcile.h"

#include "base/clock.h"
#include "base/text.h"

static int row_reconcile(
	struct catalog *c, struct objects *o, const struct object_row *row, enum reconciled *ret, struct error *err) {
	AUTO(fd_close) int fd = -1;
	struct object_sight sight;
	*ret = RECONCILED_ABSENT;
	if (object_settle(o, row->bucket, row->key, &fd, &sight, err)) return err->code == ERR_NOT_FOUND ? 0 : -1;
	bool same = sight.size == row->size && sha256_equal(&sight.digest, &row->sha256);
	if (!same && row->lost_ms) { /* what was stored here was something else: this is no object of ours */
		char where[OBJECT_ASIDE];
		return object_aside(o, row->bucket, row->key, fd, where, err) < 0 ? -1 : 0;
	}
	if (catalog_object_stored(c, row->bucket, row->key, sight.size, &sight.digest, clock_wall_ms(), err)) return -1;
	*ret = same ? RECONCILED_STORED : RECONCILED_DIFFERENT;
	return 0;
}

int object_reconcile(struct catalog *c, struct objects *o, const char *bucket, const char *key, enum reconciled *ret,
	struct object_row *ret_row, struct error *err) {
	struct object_row row;
	enum reconciled result = RECONCILED_ABSENT;
	int found = catalog_object(c, bucket, key, &row, err);
	if (found < 0) return -1;
	if (found && !row.stored_ms && row_reconcile(c, o, &row, &result, err)) return -1;
	if (result != RECONCILED_ABSENT && catalog_object(c, bucket, key, &row, err) < 0) return -1;
	if (found && ret_row) *ret_row = row;
	*ret = result;
	return 0;
}

/* Promised rows whose file is there: few, after a crash; only these are kept. */
struct found {
	struct objects *objects;
	int64_t promised;
	struct found_row {
		char *bucket, *key;
	} * rows;
	size_t n, capacity;
};

static void found_done(struct found *f) {
	for (size_t i = 0; i < f->n; i++) {
		xfree(f->rows[i].bucket);
		xfree(f->rows[i].key);
	}
	xfree(f->rows);
}
DEFINE_AUTO_VAL(struct found, found_done)

static int on_promised(void *arg, const struct object_row *row) {
	struct found *f = arg;
	f->promised++;
	if (!object_exists(f->objects, row->bucket, row->key)) return 0;
	ARRAY_RESERVE(f->rows, f->n, f->capacity);
	f->rows[f->n++] = (struct found_row){.bucket = xstrdup(row->bucket), .key = xstrdup(row->key)};
	return 0;
}

int objects_reconcile(struct catalog *c, struct objects *o, struct reconcile_report *ret, struct error *err) {
	AUTO(found_done) struct found f = {.objects = o};
	if (catalog_objects(c, NULL, NULL, true, on_promised, &f, err)) return -1;
	struct reconcile_report report = {.promised = f.promised};
	for (size_t i = 0; i < f.n; i++) {
		enum reconciled result;
		if (object_reconcile(c, o, f.rows[i].bucket, f.rows[i].key, &result, NULL, err)) return -1;
		report.stored += result == RECONCILED_STORED;
		if (result != RECONCILED_DIFFERENT) continue;
		if (!report.different++)
			snprintf(report.first_different, sizeof report.first_different, "%s/%s", f.rows[i].bucket,
				TEXT_SAFE(f.rows[i].key));
	}
	*ret = report;
	return 0;
}
