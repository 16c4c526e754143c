/* SPDX-License-Identifier: MIT */
/* The watched folders: each is listed in its own thread, and what is known of it is kept: when it was last listed
 * whole, why it could not be, since when it does not answer. Nothing of one waits for another. Loop thread. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "station/engine/engine_internal.h"

/* --- what is known of a root --- */

bool root_hangs(const struct engine *e, size_t root) { return e->roots[root].hanging_ms != 0; }

bool roots_scanned(const struct engine *e) {
	for (size_t i = 0; i < e->root_n; i++) {
		const struct root *r = &e->roots[i];
		if (!r->hanging_ms && (!r->listed || r->listing || r->later)) return false;
	}
	return true;
}

/* What waited for its disk goes on. */
static void root_returned(struct engine *e, size_t root) {
	for (size_t i = 0; i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (s->root != root || s->row.state != STATE_QUEUED) continue;
		s->attempt_ms = 0;
		session_poke(s);
	}
}

static void root_tell(struct engine *e, const struct root *r, const struct error *why) {
	char back[600];
	if (!r->configured) return;
	if (why->code != ERR_NONE) {
		journal_add_event(e->journal, 0, "warn", r->hanging_ms ? "folder_hangs" : "folder_lost", why->text);
	} else if (r->why.code != ERR_NONE) {
		snprintf(back, sizeof back, "the watched folder %s is back", r->path);
		journal_add_event(e->journal, 0, "info", "folder_back", back);
	}
}

struct error root_trouble(const struct engine *e, size_t root) {
	const struct root *r = &e->roots[root];
	char since[TIME_TEXT];
	struct error why = r->listed_why;
	if (r->slow_ms) {
		error_set(&why, ERR_DISK,
			"the watched folder %s has not answered since %s; look at its mount, file server or disk: it goes on by "
			"itself",
			r->path, time_local_hms(since, r->slow_ms));
	}
	return why;
}

static void root_judge(struct engine *e, size_t root) {
	struct root *r = &e->roots[root];
	struct error why = r->hanging_ms ? root_trouble(e, root) : r->listed_why;
	bool ok = why.code == ERR_NONE;
	if (r->ok == ok && (ok || strcmp(r->why.text, why.text) == 0)) return;
	if (ok) root_returned(e, root);
	else r->events = false;
	root_tell(e, r, &why);
	r->ok = ok;
	r->why = why;
	engine_poke(e);
}

void root_waits(struct engine *e, size_t root, int64_t since_mono_ms) {
	struct root *r = &e->roots[root];
	int64_t waited = since_mono_ms ? now_ms() - since_mono_ms : 0;
	bool hung = r->hanging_ms != 0;
	if (!since_mono_ms) r->slow_ms = r->hanging_ms = 0;
	else if (!r->slow_ms) r->slow_ms = MAX(clock_wall_ms() - waited, 1);
	if (waited >= HANG_MS) r->hanging_ms = r->slow_ms;
	if (hung == (r->hanging_ms != 0)) return;
	root_judge(e, root);
	if (r->hanging_ms) transfers_hang(e, root);
	else rescan_soon(e);
}

/* --- listing --- */

struct listing {
	struct job job;
	size_t root;
	char *path;
	struct watching watching;
	bool configured, local;
	struct folder_listing found;
	struct error err;
};

/* Watched first: what comes after the listing is told by an event. */
static void listing_run(struct job *j) {
	struct listing *l = (struct listing *)j;
	watching_add(&l->watching, l->path, "", false);
	struct folder_listing *f = &l->found;
	if (l->configured ? folder_list(j->engine->config, l->path, &j->engine->cancel, f, &l->err)
					  : root_list(l->path, &f->names, &f->n, &l->err))
		*f = (struct folder_listing){0};
	struct file_system fs;
	struct error ignored = ERROR_INIT;
	l->local = file_system_of(l->path, &fs, &ignored) == 0 && fs.local;
}

static void listing_take(struct engine *e, struct listing *l) {
	struct root *r = &e->roots[l->root];
	root_listed(e, l->root, &l->found, &l->err);
	r->listed_why = l->err;
	r->local = l->local;
	root_judge(e, l->root);
	if (r->configured) watch_root(e, l->root, &l->watching);
	if (l->err.code != ERR_NONE) return;
	r->later = false;
	rescan_compare(e, l->root, l->found.names, l->found.n);
	if (!r->later) r->later_ms = 0;
}

static void listing_done(struct job *j) {
	struct listing *l = (struct listing *)j;
	struct engine *e = j->engine;
	struct root *r = &e->roots[l->root];
	r->listing = false;
	if (!e->stopping) {
		r->listed = true;
		listing_take(e, l);
		if (r->again) root_list_start(e, l->root);
	}
	watching_done(&l->watching);
	folder_listing_done(&l->found);
	free(l->path);
	free(l);
}

void root_list_start(struct engine *e, size_t root) {
	struct root *r = &e->roots[root];
	r->again = r->listing;
	if (r->listing) return;
	r->listing = true;
	r->began_ms = now_ms();
	struct listing *l = xcalloc(1, sizeof *l);
	*l = (struct listing){.job = {.run = listing_run, .done = listing_done},
		.root = root,
		.path = xstrdup(r->path),
		.configured = r->configured,
		.watching = watching_init(e, r->configured)};
	lane_start(e, root, LANE_LIST, &l->job);
}
