/* SPDX-License-Identifier: MIT */
/* The truth about what is on disk: the roots are listed periodically and when an event asks for it; every session that
 * is not accepted is looked at, and accepted ones in slices, so that the cost of a round is bounded. Listing and
 * looking run in the thread pool, the comparison on the loop. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "station/engine_internal.h"
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
		accepted_present(e, a, true);
		return;
	}
	if (e->roots[root].configured && !name_before_since(e->config, name)) admission_found(e, name, root);
}

/* --- the roots --- */

struct listing {
	char *path;
	struct listed *names;
	size_t n;
	struct error err;
};
struct rescan {
	struct job job;
	struct listing *roots;
	size_t root_n;
};

static void rescan_run(struct job *j) {
	struct rescan *r = (struct rescan *)j;
	for (size_t i = 0; i < r->root_n && !atomic_load(&j->engine->cancel); i++) {
		struct listing *l = &r->roots[i];
		if (root_list(l->path, &l->names, &l->n, &l->err)) l->n = 0;
	}
}

static void rescan_free(struct rescan *r) {
	for (size_t i = 0; i < r->root_n; i++) {
		free(r->roots[i].names);
		free(r->roots[i].path);
	}
	free(r->roots);
	free(r);
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

static void root_state(struct engine *e, size_t root, const struct error *why) {
	struct root *r = &e->roots[root];
	bool ok = why->code == ERR_NONE;
	if (r->ok == ok && (ok || strcmp(r->why.text, why->text) == 0)) return;
	if (ok) root_returned(e, root);
	if (!r->configured) {
		r->ok = ok;
		return;
	}
	if (ok) {
		if (r->why.code) journal_add_event(e->journal, 0, "info", "folder_back", "a watched folder is back");
		watch_root(e, root);
	} else {
		r->events = false;
		journal_add_event(e->journal, 0, "warn", "folder_lost", why->text);
	}
	r->ok = ok;
	r->why = *why;
}

static int by_name(const void *a, const void *b) { return strcmp(a, ((const struct listed *)b)->name); }

static void root_compare(struct engine *e, size_t root, const struct listing *l) {
	for (size_t i = 0; i < l->n; i++) rescan_found(e, root, l->names[i].name);
	admission_compare(e, root, l->names, l->n);
	for (size_t i = 0; i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (s->root != root || !s->row.present || s->committing) continue;
		if (l->n && bsearch(s->row.name, l->names, l->n, sizeof l->names[0], by_name)) continue;
		s->vanished = true;
		session_poke(s);
	}
	size_t at = 0; /* both in order of the name's digits */
	for (size_t i = 0; i < e->accepted.n; i++) {
		struct stub *a = &e->accepted.items[i];
		if (a->root != root || !a->present) continue;
		while (at < l->n && session_stamp(l->names[at].name) < a->stamp) at++;
		if (at == l->n || session_stamp(l->names[at].name) != a->stamp) accepted_present(e, a, false);
	}
}

static void rescan_done(struct job *j) {
	struct rescan *r = (struct rescan *)j;
	struct engine *e = j->engine;
	e->scanning = false;
	e->presence_left = e->presence_pending ? 0 : PRESENCE;
	for (size_t i = 0; i < r->root_n && !e->stopping; i++) {
		const struct listing *l = &r->roots[i];
		root_state(e, i, &l->err);
		if (l->err.code == ERR_NONE) root_compare(e, i, l);
	}
	if (!e->stopping) e->scanned = true;
	rescan_free(r);
}

void rescan_start(struct engine *e) {
	e->scan_ms = now_ms() + e->config->rescan_ms;
	e->scanning = true;
	struct rescan *r = xcalloc(1, sizeof *r);
	*r = (struct rescan){.job = {.run = rescan_run, .done = rescan_done}, .root_n = e->root_n};
	r->roots = xcalloc(e->root_n, sizeof *r->roots);
	for (size_t i = 0; i < e->root_n; i++) r->roots[i].path = xstrdup(e->roots[i].path);
	for (size_t i = 0; i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (s->row.present && !s->row.ignored && e->roots[s->root].ok) settle_look(s, now_ms());
	}
	job_start(e, &r->job);
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
	struct suspect *items;
	size_t n, capacity;
};

/* The row of the journal is read for what differs only. */
static void audit_one(struct engine *e, struct suspect *s) {
	struct error err = ERROR_INIT;
	if (snapshot_take(s->path, s->name, &e->cancel, &s->snapshot, &err))
		return; /* gone or unreadable: the rescan's job */
	file_rows_free(s->snapshot.files, s->snapshot.n);
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
	memcpy(s->seen_fingerprint, x->snapshot.fingerprint, sizeof s->seen_fingerprint);
	s->seen_files = (int64_t)x->snapshot.n;
	s->seen_bytes = x->snapshot.bytes;
	s->changed = true;
	session_poke(s);
}

static void audit_done(struct job *j) {
	struct audit *a = (struct audit *)j;
	struct engine *e = j->engine;
	e->auditing = false;
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

static void audit_start(struct engine *e) {
	struct audit *a = xcalloc(1, sizeof *a);
	a->job = (struct job){.run = audit_run, .done = audit_done};
	size_t n = e->accepted.n, recent = n > RECENT ? n - RECENT : 0;
	for (size_t i = recent; i < n; i++) audit_add(e, a, &e->accepted.items[i]);
	size_t older = MIN(recent, SLICE);
	for (size_t i = 0; i < older; i++) audit_add(e, a, &e->accepted.items[(e->audit_at + i) % recent]);
	e->audit_at = recent ? (e->audit_at + older) % recent : 0;
	e->auditing = true;
	job_start(e, &a->job);
}

void rescan_pump(struct engine *e) {
	if (now_ms() < e->scan_ms) {
		engine_wake_at(e, e->scan_ms);
		return;
	}
	if (e->scanning) return;
	rescan_start(e);
	if (e->accepted.n && !e->auditing) audit_start(e);
}
