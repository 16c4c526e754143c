/* SPDX-License-Identifier: MIT */
/* Watched first: what comes after the listing is told by an event. listing_run: a thread of the root; the others: the
 * loop's. */
#include "station/intake/listing.h"

#include <stdlib.h>

#include "base/file.h"
#include "station/engine/lanes.h"
#include "station/engine/root.h"

struct listing_job {
	struct job job;
	struct listing listing;
	listing_on_end *on_end;
	char *path;
	bool configured;
};

static void listing_run(struct job *j) {
	struct listing_job *k = (struct listing_job *)j;
	struct listing *l = &k->listing;
	struct folder_listing *f = &l->found;
	watching_add(&l->watching, k->path, "", false);
	if (k->configured ? folder_list(j->engine->config, k->path, &j->engine->cancel, f, &l->err)
					  : root_list(k->path, &f->names, &f->n, &l->err))
		*f = (struct folder_listing){0};
	struct file_system fs;
	struct error ignored = ERROR_INIT;
	l->local = file_system_of(k->path, &fs, &ignored) == 0 && fs.local;
}

static void listing_done(struct job *j) {
	struct listing_job *k = (struct listing_job *)j;
	k->on_end(j->engine, &k->listing);
	watching_done(&k->listing.watching);
	folder_listing_done(&k->listing.found);
	free(k->path);
	free(k);
}

void listing_start(struct engine *e, size_t root, listing_on_end *on_end) {
	const struct root *r = &e->roots[root];
	struct listing_job *k = xcalloc(1, sizeof *k);
	*k = (struct listing_job){.job = {.run = listing_run, .done = listing_done},
		.listing = {.root = root, .watching = watching_init(e, r->configured)},
		.on_end = on_end,
		.path = xstrdup(r->path),
		.configured = r->configured};
	lane_start(e, root, LANE_LIST, &k->job);
}
