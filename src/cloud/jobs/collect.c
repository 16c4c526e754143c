/* SPDX-License-Identifier: MIT */
/* A promise whose file is there after all is kept: its row is brought up to date instead. */
#include "cloud/jobs/collect.h"

#include "base/log.h"
#include "cloud/store/reconcile.h"

static int keep_what_came(struct catalog *c, struct objects *o, struct object_row *rows, size_t *n, struct error *err) {
	size_t left = 0;
	for (size_t i = 0; i < *n; i++) {
		enum reconciled result;
		if (!object_exists(o, rows[i].bucket, rows[i].key)) rows[left++] = rows[i];
		else if (object_reconcile(c, o, rows[i].bucket, rows[i].key, &result, NULL, err)) return -1;
	}
	*n = left;
	return 0;
}

int collect_unused(struct catalog *c, struct objects *o, int64_t before_ms, bool *ret_more, struct error *err) {
	struct object_row *rows = xcalloc(COLLECT_MOST, sizeof *rows);
	size_t n = 0;
	int64_t objects = 0, sessions = 0;
	int status = catalog_objects_unused(c, before_ms, rows, COLLECT_MOST, &n, err);
	bool full = n == COLLECT_MOST;
	if (!status) status = keep_what_came(c, o, rows, &n, err);
	if (!status) status = catalog_forget(c, rows, n, before_ms, COLLECT_MOST, &objects, &sessions, err);
	xfree(rows);
	if (status) return -1;
	*ret_more = full || sessions == COLLECT_MOST;
	if (!objects && !sessions) return 0;
	char of[2][24];
	snprintf(of[0], sizeof of[0], "%lld", (long long)objects);
	snprintf(of[1], sizeof of[1], "%lld", (long long)sessions);
	log_event(
		LOG_INFO, "collect", "promises that nothing came of were forgotten", "objects", of[0], "sessions", of[1], NULL);
	return 0;
}
