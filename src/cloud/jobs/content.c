/* SPDX-License-Identifier: MIT */
/* The same content id that a decision stores today (catalog_session_decide). */
#include "cloud/jobs/content.h"

#include <pthread.h>

#include "cloud/jobs/object_manifest.h"
#include "session/name.h"

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static int content_of(const struct stores *s, const struct content_unknown *u, struct error *err) {
	AUTO(manifest_done) struct manifest m = {0};
	struct object_row row;
	struct examined e;
	char name[64];
	manifest_name(name, sizeof name, u->revision);
	int there = catalog_object_by_name(s->catalog, u->station, u->session, u->revision, name, &row, err);
	if (there < 0) return -1;
	if (!there || row.revision != u->revision) return catalog_content_set(s->catalog, u->id, NULL, err);
	if (object_examine(s, &row, EXAMINE_SIZE, &e, err)) return -1;
	if (e.finding != FOUND_WHOLE) return 0;
	if (object_manifest(s->objects, &row, &m, err) == 0) return catalog_content_set(s->catalog, u->id, &m.content, err);
	if (err->code == ERR_INPUT) return catalog_content_set(s->catalog, u->id, NULL, err);
	return err->code == ERR_CHECKSUM ? object_examine(s, &row, EXAMINE_READ, &e, err) : -1;
}

int content_fill(const struct stores *s, const char *station, const char *session, int64_t *after_id, bool *ret_more,
	struct error *err) {
	struct content_unknown rows[CONTENT_BATCH];
	size_t n = 0;
	int status = 0;
	if (catalog_content_unknown(s->catalog, station, session, *after_id, rows, CONTENT_BATCH, &n, err)) return -1;
	*ret_more = n == CONTENT_BATCH;
	if (!n) return 0; /* as for nearly every caller, who waits for nobody then */
	pthread_mutex_lock(&one_at_a_time);
	for (size_t i = 0; i < n && !status; i++) {
		status = content_of(s, &rows[i], err);
		*after_id = rows[i].id;
	}
	pthread_mutex_unlock(&one_at_a_time);
	return status;
}

int content_complete(const struct stores *s, const char *station, const char *session, struct error *err) {
	int64_t after_id = 0;
	bool more = true;
	while (more)
		if (content_fill(s, station, session, &after_id, &more, err)) return -1;
	return 0;
}
