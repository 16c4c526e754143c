/* SPDX-License-Identifier: MIT */
/* The truth about what is on disk: the roots are listed periodically and when an event asks for it; every session that
 * is not accepted is looked at, and accepted ones in slices (audit.c), so that the cost of a round is bounded. Listing
 * (roots.c) and looking run in each root's own threads, the comparison on the loop. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "station/engine/engine_internal.h"
#include "station/intake/moved.h"
#include "station/disk/since.h"

#define PRESENCE 1000 /* accepted sessions that came or went: written a round */
#define SOON_MS 20	  /* several events come at once */

/* --- one name --- */

static void on_present(void *arg, const struct error *err) {
	struct engine *e = arg;
	e->presence_pending--;
	if (err->code != ERR_NONE) engine_fail(e, err);
}

/* An accepted session keeps its verdict; only whether it is here changes. */
static void accepted_present(struct engine *e, struct stub *a, bool present) {
	if (a->present == present) return;
	if (!e->presence_left) { /* a whole archive was moved: a part a round, so that memory stays bounded */
		rescan_soon(e);
		return;
	}
	e->presence_left--;
	a->present = present;
	struct session_row row = {.id = a->id,
		.root = e->roots[a->root].path,
		.revision = a->revision,
		.state = STATE_ACCEPTED,
		.present = present,
		.data_safe = true};
	session_unstamp(row.name, a->stamp);
	if (!present) moved_away(e);
	struct error err = ERROR_INIT;
	e->presence_pending++;
	if (session_step(e->journal, &row, present ? EVENT_RETURNED : EVENT_VANISHED, SET_FLAGS, "info",
			present ? "the folder is back" : "the folder was removed; the cloud keeps the session", on_present, e,
			&err)) {
		e->presence_pending--;
		log_event(LOG_ERROR, "rescan", err.text, "session", row.name, NULL);
	}
}

void rescan_found(struct engine *e, size_t root, const char *name) {
	struct session *s = sessions_find(&e->sessions, name, root);
	if (s) {
		if (!s->row.present) {
			s->returned = true;
			session_poke(s);
		}
		settle_touch(s);
		return;
	}
	struct stub *a = stub_find(&e->accepted, session_stamp(name), root);
	if (a) {
		bool returned = !a->present;
		accepted_present(e, a, true);
		if (returned && a->present) rescan_suspect(e, name, root);
		return;
	}
	if (!e->roots[root].configured || name_before_since(e->config, name)) return;
	if (moved_found(e, name, root) == MOVED_NO) admission_found(e, name, root);
}

/* --- one listing --- */

static int by_name(const void *a, const void *b) { return strcmp(a, ((const struct listed *)b)->name); }

void rescan_compare(struct engine *e, size_t root, const struct listed *names, size_t n) {
	for (size_t i = 0; i < n; i++) rescan_found(e, root, names[i].name);
	admission_compare(e, root, names, n);
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

void rescan_soon(struct engine *e) {
	int64_t at = now_ms() + SOON_MS;
	if (e->scan_ms > at) e->scan_ms = at;
	engine_wake_at(e, e->scan_ms);
}

/* --- a round --- */

static void rescan_start(struct engine *e) {
	e->scan_ms = now_ms() + e->config->rescan_ms;
	e->presence_left = e->presence_pending ? 0 : PRESENCE;
	for (size_t i = 0; i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (s->row.present && e->roots[s->root].ok) settle_look(s, now_ms());
	}
	for (size_t i = 0; i < e->root_n; i++) {
		root_list_start(e, i);
		if (e->accepted.n && !e->roots[i].audit_n) audit_start(e, i);
	}
}

void rescan_pump(struct engine *e) {
	if (now_ms() >= e->scan_ms) rescan_start(e);
	engine_wake_at(e, e->scan_ms);
}
