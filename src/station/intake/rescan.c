/* SPDX-License-Identifier: MIT */
/* The truth about what is on disk: the roots are listed periodically and when an event asks for it; every session that
 * is not accepted is looked at, and accepted ones in slices (the audit, by engine.rescans), so that the cost of a round
 * is bounded. Listing (listing.c) and looking run in each root's own threads, the comparison on the loop. */
#include "station/intake/rescan.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "station/disk/since.h"
#include "station/engine/root.h"
#include "station/engine/session.h"
#include "station/engine/watches.h"
#include "station/intake/admission.h"
#include "station/intake/listing.h"
#include "station/intake/moved.h"
#include "station/intake/names.h"

#define PRESENCE 1000 /* accepted sessions that came or went: written a round */

struct all_folders {
	size_t presence_pending; /* sessions outside that came or went: not committed yet */
	size_t presence_left;	 /* of them, what this round may still see */
	char *names_was;		 /* what the journal has of the folders' names (owned); NULL: nothing */
};
struct folder {			 /* of a root */
	bool listing, again; /* a listing is under way, another is wanted */
	bool later;			 /* a name in it waits until the others are listed: it may have been there (moved.h) */
	int64_t later_ms;	 /* monotonic: when such a name was last seen to come; 0: none waits */
	int64_t begun_ms;	 /* monotonic: the listing that is under way */
	struct folder_memory memory;
	struct names names;
};
static struct all_folders *of_all(const struct engine *e) { return engine_part(e, PART_FOLDERS); }
static struct folder *of_root(const struct engine *e, size_t root) { return root_part(e, root, PART_FOLDERS); }

/* --- one name --- */

static void on_present(void *arg, const struct error *err) {
	struct engine *e = arg;
	of_all(e)->presence_pending--;
	if (err->code != ERR_NONE) engine_fail(e, err);
}

/* An accepted session keeps its verdict; only whether it is here changes. */
static void accepted_present(struct engine *e, struct stub *a, bool present) {
	struct all_folders *all = of_all(e);
	if (a->present == present) return;
	if (!all->presence_left) { /* a whole archive was moved: a part a round, so that memory stays bounded */
		engine_rescan(e);
		return;
	}
	all->presence_left--;
	a->present = present;
	struct session_row row = {.id = a->id,
		.root = e->roots[a->root].path,
		.revision = a->revision,
		.state = STATE_ACCEPTED,
		.present = present,
		.data_safe = true};
	session_unstamp(row.name, a->stamp);
	if (!present) {
		e->place_freed = true;
		engine_poke(e);
	}
	struct error err = ERROR_INIT;
	all->presence_pending++;
	if (session_step(e->journal, &row, present ? EVENT_RETURNED : EVENT_VANISHED, SET_FLAGS, "info",
			present ? "the folder is back" : "the folder was removed; the cloud keeps the session", on_present, e,
			&err)) {
		all->presence_pending--;
		log_event(LOG_ERROR, "rescan", err.text, "session", row.name, NULL);
	}
}

/* Nothing is known of that name in this root. */
static void new_found(struct engine *e, size_t root, const char *name) {
	struct folder *f = of_root(e, root);
	if (!e->roots[root].configured || name_before_since(e->config, name)) return;
	if (!f->later_ms) f->later_ms = now_ms();
	enum moved m = moved_found(e, name, root, f->later_ms);
	if (m == MOVED_NO) engine_found(e, name, root);
	if (m != MOVED_LATER) return;
	f->later = true;
	engine_rescan(e);
}

static void name_found(struct engine *e, size_t root, const char *name) {
	struct session *s = sessions_find(&e->sessions, name, root);
	if (s) {
		if (!s->row.present) {
			s->returned = true;
			session_poke(s);
		}
		session_touch(s);
		return;
	}
	struct stub *a = stub_find(&e->accepted, session_stamp(name), root);
	if (a) {
		bool returned = !a->present;
		accepted_present(e, a, true);
		if (returned && a->present) engine_suspect(e, a);
		return;
	}
	new_found(e, root, name);
}

/* --- one listing --- */

static int by_name(const void *a, const void *b) { return strcmp(a, ((const struct listed *)b)->name); }

static void listing_compare(struct engine *e, size_t root, const struct listed *names, size_t n) {
	for (size_t i = 0; i < n; i++) name_found(e, root, names[i].name);
	admission_compare(e, root, names, n, &of_all(e)->presence_left);
	for (size_t i = 0; i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (s->root != root || !s->row.present || s->committing) continue;
		if (n && bsearch(s->row.name, names, n, sizeof names[0], by_name)) continue;
		s->vanished = true;
		session_poke(s);
	}
	size_t at = 0; /* both in order of the name's digits */
	for (size_t i = 0; i < e->accepted.n; i++) {
		struct stub *a = &e->accepted.items[i];
		if (a->root != root || !a->present) continue;
		while (at < n && session_stamp(names[at].name) < a->stamp) at++;
		if (at == n || session_stamp(names[at].name) != a->stamp) accepted_present(e, a, false);
	}
}

static void memory_keep(struct engine *e, size_t root, const struct folder_listing *l) {
	struct folder_memory now = {.known = true, .inode = l->inode, .had = l->n > 0}, *was = &of_root(e, root)->memory;
	if (was->known && was->inode == now.inode && was->had == now.had) return;
	char text[64];
	AUTO(xfree) char *setting = folder_setting(e->roots[root].path);
	*was = now;
	folder_write(&now, text, sizeof text);
	journal_set(e->journal, setting, text, engine_journal_done, e);
}

/* Its state. *why becomes an error for a folder that is empty and was not. */
static void folder_take(struct engine *e, size_t root, struct folder_listing *l, struct error *why) {
	struct root *r = &e->roots[root];
	struct folder *f = of_root(e, root);
	if (!r->configured) return;
	r->state = folder_judge(why, l, &f->memory, e->config->may_be_empty);
	if (r->state == FOLDER_EMPTY) folder_empty_words(r->path, why);
	if (r->state != FOLDER_OK) return;
	r->listed_ms = clock_wall_ms();
	memory_keep(e, root, l);
	names_take(e, root, &f->names, l);
}

static void listing_take(struct engine *e, struct listing *l) {
	struct root *r = &e->roots[l->root];
	struct folder *f = of_root(e, l->root);
	folder_take(e, l->root, &l->found, &l->err);
	r->listed_why = l->err;
	r->local = l->local;
	root_judge(e, l->root);
	if (r->configured) watch_root(e, l->root, &l->watching);
	if (l->err.code != ERR_NONE) return;
	f->later = false;
	listing_compare(e, l->root, l->found.names, l->found.n);
	if (!f->later) f->later_ms = 0;
}

static void folder_list_start(struct engine *e, size_t root);

static void on_listed(struct engine *e, struct listing *l) {
	struct folder *f = of_root(e, l->root);
	f->listing = false;
	if (e->stopping) return;
	e->roots[l->root].listed = true;
	e->roots[l->root].began_ms = f->begun_ms;
	listing_take(e, l);
	if (f->again) folder_list_start(e, l->root);
}

static void folder_list_start(struct engine *e, size_t root) {
	struct folder *f = of_root(e, root);
	f->again = f->listing;
	if (f->listing) return;
	f->listing = true;
	f->begun_ms = now_ms();
	listing_start(e, root, on_listed);
}

/* --- a round --- */

static void rescan_start(struct engine *e) {
	struct all_folders *all = of_all(e);
	e->rescan_ms = now_ms() + e->config->rescan_ms;
	e->rescans++;
	all->presence_left = all->presence_pending ? 0 : PRESENCE;
	for (size_t i = 0; i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (s->row.present && e->roots[s->root].ok) session_look(s, now_ms());
	}
	for (size_t i = 0; i < e->root_n; i++) folder_list_start(e, i);
}

/* --- the part --- */

static void load(struct engine *e, struct journal_view *v) {
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < e->root_n; i++) {
		const struct root *r = &e->roots[i];
		struct folder *f = of_root(e, i);
		if (r->configured && folder_remember(v, r->path, &f->memory, &err)) f->memory = (struct folder_memory){0};
	}
	if (journal_get(v, SETTING_NAMES, &of_all(e)->names_was, &err)) of_all(e)->names_was = NULL;
}

static void pump(struct engine *e) {
	size_t root;
	char name[16];
	while (watch_name(e, &root, name)) {
		of_root(e, root)->later_ms = now_ms(); /* a listing that was begun before knows nothing of it */
		name_found(e, root, name);
	}
	if (now_ms() >= e->rescan_ms) rescan_start(e);
	engine_wake_at(e, e->rescan_ms);
}

/* Until each was listed in this run, and no listing is awaited. */
static enum busy busy(const struct engine *e) {
	for (size_t i = 0; i < e->root_n; i++) {
		const struct folder *f = of_root(e, i);
		if (!root_hangs(e, i) && (!e->roots[i].listed || f->listing || f->later)) return BUSY_PASSING;
	}
	return BUSY_NOT;
}

static void keep(struct engine *e) {
	AUTO(json_free) cJSON *all = json_array();
	for (size_t i = 0; i < e->root_n; i++)
		if (e->roots[i].configured) names_add(&of_root(e, i)->names, e->roots[i].path, all);
	names_keep(e, all, &of_all(e)->names_was);
}

static void status_root(const struct engine *e, size_t root, cJSON *folder) {
	const struct names *n = &of_root(e, root)->names;
	json_add_i64(folder, "names_n", (int64_t)e->roots[root].names_n);
	json_add(folder, "names", names_json(n));
	json_add_bool(folder, "names_cut", n->cut);
}

static void done(struct engine *e) {
	for (size_t i = 0; i < e->root_n; i++) names_done(&of_root(e, i)->names);
	free(of_all(e)->names_was);
}

const struct part folders_part = {
	.engine_size = sizeof(struct all_folders),
	.root_size = sizeof(struct folder),
	.load = load,
	.pump = pump,
	.busy = busy,
	.keep = keep,
	.status_root = status_root,
	.done = done,
};
