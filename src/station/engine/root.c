/* SPDX-License-Identifier: MIT */
/* What is known of the watched folders: when each was last listed whole, why it could not be, since when it does not
 * answer. Nothing of one waits for another. Loop thread. */
#include "station/engine/root.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "station/engine/session.h"

size_t engine_root(struct engine *e, const char *path, bool configured) {
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/') n--;
	for (size_t i = 0; i < e->root_n; i++) {
		if (strlen(e->roots[i].path) == n && memcmp(e->roots[i].path, path, n) == 0) return i;
	}
	size_t index = e->root_n;
	ARRAY_RESERVE(e->roots, e->root_n, e->root_capacity);
	struct root *r = &e->roots[e->root_n++];
	*r = (struct root){.path = xstrndup(path, n), .configured = configured, .ok = true};
	for (size_t i = 0; i < PART_N; i++) {
		const struct part *p = e->parts[i];
		if (p->root_size) r->part[i] = xcalloc(1, p->root_size);
		if (p->root) p->root(e, index);
	}
	return index;
}

void root_done(struct root *r) {
	for (size_t i = 0; i < PART_N; i++) free(r->part[i]);
	free(r->unreadable_why);
	free(r->path);
}

void *root_part(const struct engine *e, size_t root, enum part_id id) { return e->roots[root].part[id]; }

bool root_hangs(const struct engine *e, size_t root) { return e->roots[root].hanging_ms != 0; }

enum folder_state root_state(const struct root *r) { return r->slow_ms ? FOLDER_LOST : r->state; }

bool roots_listed(const struct engine *e, bool *ret_well) {
	*ret_well = true;
	for (size_t i = 0; i < e->root_n; i++) {
		const struct root *r = &e->roots[i];
		if (r->configured && root_state(r) == FOLDER_UNLISTED) return false;
		*ret_well = *ret_well && (!r->configured || root_state(r) == FOLDER_OK);
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

void root_judge(struct engine *e, size_t root) {
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
	engine_poke(e);
	if (!r->hanging_ms) engine_rescan(e);
}
