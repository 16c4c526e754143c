/* SPDX-License-Identifier: MIT */
/* A session has moved when its folder is gone from where it was, or that whole folder is not watched and not there any
 * more, and one of its name is found elsewhere. Whether it is the same one is not decided by that: it is looked at like
 * one whose files may have changed, and its content decides. Two of a name that are both there stay two. */
#include "station/intake/moved.h"

#include <stdlib.h>
#include <string.h>

#include "station/engine/root.h"
#include "station/engine/session.h"
#include "station/intake/rivals.h"

/* --- is it gone from there? --- */

static bool root_is_gone(const struct root *r) { return !r->configured && r->listed && r->listed_why.code != ERR_NONE; }

/* What is there still by a listing that was begun before the name was seen here may be gone from there since. */
static enum moved from_root(const struct engine *e, size_t from, int64_t since_ms, bool present) {
	const struct root *r = &e->roots[from];
	if (!present || root_is_gone(r)) return MOVED_HERE;
	if (r->hanging_ms || !r->ok) return MOVED_NO;
	return !r->listed || r->began_ms <= since_ms ? MOVED_LATER : MOVED_NO;
}

/* --- taking it along --- */

static void relocate(struct engine *e, int64_t id, size_t from, size_t to, journal_on_commit *on_commit, void *arg) {
	char message[600];
	snprintf(message, sizeof message, "it was moved from %s to %s", e->roots[from].path, e->roots[to].path);
	journal_relocate(e->journal, id, e->roots[to].path, message, on_commit, arg);
}

static void take_session(struct session *s, size_t root) {
	struct engine *e = s->engine;
	size_t from = s->root;
	session_move(s, root);
	relocate(e, s->row.id, from, root, engine_journal_done, e);
	s->looked = false;
	if (!s->row.present) s->returned = true;
	session_look(s, now_ms());
	session_poke(s);
}

/* Looked at once the journal knows where it is. */
struct arrival {
	struct engine *engine;
	int64_t stamp;
	size_t root;
};

static void on_arrived(void *arg, const struct error *err) {
	struct arrival *a = arg;
	struct engine *e = a->engine;
	e->roots[a->root].arriving--;
	if (err->code != ERR_NONE) engine_fail(e, err);
	else if (!e->stopping) engine_suspect(e, stub_find(&e->accepted, a->stamp, a->root));
	free(a);
}

static void take_stub(struct engine *e, struct stub_table *t, struct stub *a, size_t root) {
	struct arrival *arrival = xcalloc(1, sizeof *arrival);
	*arrival = (struct arrival){.engine = e, .stamp = a->stamp, .root = root};
	e->roots[root].arriving++;
	relocate(e, a->id, a->root, root, on_arrived, arrival);
	a->root = (uint32_t)root & 0x7fff;
	a->present = true;
	stub_sort(t);
}

static enum moved from_work(struct engine *e, const char *name, size_t from, size_t to, int64_t since_ms) {
	struct session *s = sessions_find(&e->sessions, name, from);
	if (!s || s->dead || s->row.ignored) return MOVED_NO;
	enum moved m = from_root(e, from, since_ms, s->row.present && !s->vanished);
	if (m == MOVED_HERE && s->committing) return MOVED_LATER;
	if (m == MOVED_HERE) take_session(s, to);
	return m;
}

static enum moved from_stubs(
	struct engine *e, struct stub_table *t, const char *name, size_t from, size_t to, int64_t since_ms) {
	struct stub *a = stub_find(t, session_stamp(name), from);
	if (!a || !a->id) return MOVED_NO;
	enum moved m = from_root(e, from, since_ms, a->present);
	if (m == MOVED_HERE) take_stub(e, t, a, to);
	return m;
}

enum moved moved_found(struct engine *e, const char *name, size_t root, int64_t since_ms) {
	enum moved m = MOVED_NO;
	for (size_t from = 0; from < e->root_n && m == MOVED_NO; from++) {
		if (from == root) continue;
		m = from_work(e, name, from, root, since_ms);
		if (m == MOVED_NO) m = from_stubs(e, &e->waiting, name, from, root, since_ms);
		if (m == MOVED_NO) m = from_stubs(e, &e->accepted, name, from, root, since_ms);
	}
	return m;
}

/* --- what follows when one goes --- */

static void pump(struct engine *e) {
	if (!e->place_freed) return;
	e->place_freed = false;
	for (size_t i = 0; i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (s->row.state != STATE_HELD || s->dead || s->row.ignored || !rival_is_reason(s->row.reason)) continue;
		if (s->committing) e->place_freed = true; /* when that is done */
		else session_retry(s, "what stood in its way may be gone");
	}
}

/* The same files, by their content id, or, where they were never read, by their names, sizes and times. */
static bool is_this_one(const struct session_row *gone, const struct session_row *row) {
	if (gone->has_content) return sha256_equal(&gone->content, &row->content);
	return *gone->fingerprint && strcmp(gone->fingerprint, row->fingerprint) == 0;
}

/* One was accepted: a session that was gone with these very files is this one, renamed or moved, and needs nobody. */
static void enter(struct session *s) {
	struct engine *e = s->engine;
	if (s->row.state != STATE_ACCEPTED) return;
	for (size_t i = 0; i < e->sessions.n && s->row.has_content; i++) {
		struct session *gone = e->sessions.items[i];
		if (gone == s || gone->row.state != STATE_GONE || gone->dead || gone->committing || gone->row.ignored) continue;
		if (!is_this_one(&gone->row, &s->row)) continue;
		char message[400];
		snprintf(message, sizeof message, "renamed or moved: all its files are in the cloud as session %s of %.200s",
			s->row.name, s->row.root);
		session_renew(gone);
		gone->row.ignored = true;
		session_reason(gone, message);
		session_save(gone, SET_FLAGS | SET_REASON, message);
	}
}

static enum busy busy(const struct engine *e) {
	for (size_t i = 0; i < e->root_n; i++)
		if (e->roots[i].arriving && !e->roots[i].hanging_ms) return BUSY_PASSING;
	return BUSY_NOT;
}

const struct part moved_part = {.enter = enter, .pump = pump, .busy = busy};
