/* SPDX-License-Identifier: MIT */
/* The truth about what is on disk: the roots are listed periodically and when an event asks for it; every session that
 * is not accepted is looked at, and accepted ones in slices, so that the cost of a round is bounded. Listing (roots.c)
 * and looking run in each root's own threads, the comparison on the loop. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "station/engine_internal.h"
#include "station/moved.h"
#include "station/rescan.h"

#define RECENT 64	  /* the newest accepted sessions are looked at in every round */
#define SLICE 256	  /* and so many of the older ones */
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

/* --- accepted sessions: did one change afterwards? --- */

struct suspect {
	char name[16];
	size_t root;
	const char *path; /* of the root; lives as long as the engine */
	uint64_t fingerprint;
	bool changed;
	struct snapshot snapshot; /* of a changed one; without its files */
	struct session_row row;
};
struct audit {
	struct job job;
	size_t root;
	struct suspect *items;
	size_t n, capacity;
};

/* The row of the journal is read for what differs only. */
static void audit_one(struct engine *e, struct suspect *s) {
	struct error err = ERROR_INIT;
	if (snapshot_take(s->path, s->name, &e->cancel, &s->snapshot, &err))
		return;										  /* gone or unreadable: the rescan's job */
	file_rows_free(s->snapshot.files, s->snapshot.n); /* of many sessions: not kept */
	s->snapshot.files = NULL;
	if (fingerprint_short(s->snapshot.fingerprint) == s->fingerprint) return;
	struct journal_view *v = NULL;
	if (view_take(e, &v, &err)) return;
	s->changed = journal_session(v, s->name, s->path, &s->row, &err) == 1;
	view_give(e, v);
}

static void audit_run(struct job *j) {
	struct audit *a = (struct audit *)j;
	for (size_t i = 0; i < a->n && !atomic_load(&j->engine->cancel); i++) audit_one(j->engine, &a->items[i]);
}

static void accepted_changed(struct engine *e, const struct suspect *x) {
	struct stub *a = stub_find(&e->accepted, session_stamp(x->name), x->root);
	if (!a || x->row.state != STATE_ACCEPTED || strcmp(x->row.fingerprint, x->snapshot.fingerprint) == 0) return;
	stub_remove(&e->accepted, a);
	struct session *s = session_load(e, &x->row);
	s->row.present = true; /* its files were read; the row may be of before it came back */
	memcpy(s->seen_fingerprint, x->snapshot.fingerprint, sizeof s->seen_fingerprint);
	s->seen_files = (int64_t)x->snapshot.n;
	s->seen_bytes = x->snapshot.bytes;
	s->changed = true;
	session_poke(s);
}

static void audit_done(struct job *j) {
	struct audit *a = (struct audit *)j;
	struct engine *e = j->engine;
	e->roots[a->root].audit_n--;
	for (size_t i = 0; i < a->n; i++) {
		struct suspect *x = &a->items[i];
		if (x->changed && !e->stopping) accepted_changed(e, x);
		x->snapshot.n = 0;
		snapshot_done(&x->snapshot);
		session_row_done(&x->row);
	}
	free(a->items);
	free(a);
}

static void audit_add(const struct engine *e, struct audit *a, const struct stub *x) {
	if (!x->present || !x->fingerprint) return;
	ARRAY_RESERVE(a->items, a->n, a->capacity);
	struct suspect *s = &a->items[a->n++];
	*s = (struct suspect){.root = x->root, .path = e->roots[x->root].path, .fingerprint = x->fingerprint};
	session_unstamp(s->name, x->stamp);
}

/* The newest of the root, and the next slice of the others. */
/* Each is looked at as soon as its folder may be another: one that came back, one that was moved. */
void rescan_suspect(struct engine *e, const char *name, size_t root) {
	const struct stub *x = stub_find(&e->accepted, session_stamp(name), root);
	struct audit *a = xcalloc(1, sizeof *a);
	*a = (struct audit){.job = {.run = audit_run, .done = audit_done}, .root = root};
	if (x) audit_add(e, a, x);
	e->roots[root].audit_n++;
	lane_start(e, root, LANE_LOOK, &a->job);
}

static void audit_start(struct engine *e, size_t root) {
	struct root *r = &e->roots[root];
	struct audit *a = xcalloc(1, sizeof *a);
	*a = (struct audit){.job = {.run = audit_run, .done = audit_done}, .root = root};
	size_t n = 0, at = 0;
	for (size_t i = 0; i < e->accepted.n; i++) n += e->accepted.items[i].root == root;
	size_t recent = n > RECENT ? n - RECENT : 0, older = MIN(recent, SLICE);
	for (size_t i = 0; i < e->accepted.n; i++) {
		if (e->accepted.items[i].root != root) continue;
		bool due = at >= recent || (at + recent - r->audit_at) % recent < older;
		if (due) audit_add(e, a, &e->accepted.items[i]);
		at++;
	}
	r->audit_at = recent ? (r->audit_at + older) % recent : 0;
	r->audit_n++;
	lane_start(e, root, LANE_LOOK, &a->job);
}

bool roots_audited(const struct engine *e) {
	for (size_t i = 0; i < e->root_n; i++)
		if (e->roots[i].audit_n && !e->roots[i].hanging_ms) return false;
	return true;
}

/* --- a round --- */

static void rescan_start(struct engine *e) {
	e->scan_ms = now_ms() + e->config->rescan_ms;
	e->presence_left = e->presence_pending ? 0 : PRESENCE;
	for (size_t i = 0; i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (s->row.present && !s->row.ignored && e->roots[s->root].ok) settle_look(s, now_ms());
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
