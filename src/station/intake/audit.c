/* SPDX-License-Identifier: MIT */
/* Accepted sessions: did one change afterwards? The newest of each root are compared with their folders in every round,
 * the older ones in turn: where the walk is stands in the journal, so that every one has its turn over restarts too,
 * and since when each was compared is known.
 *
 * A difference of names, sizes and times is a change. With the same ones but another ctime or inode the bytes decide: a
 * correction that kept the time is found, a remount that gave other inodes is none. Such files are read again lazily, a
 * bounded number of bytes a round, and what is equal is written down, so that it is read once. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "station/intake/check_task.h"
#include "station/engine/engine_internal.h"

#define RECENT 64					   /* the newest are looked at in every round */
#define SLICE 256					   /* and so many of the older ones at least */
#define SLICE_MOST 4096				   /* and while there is time, at most */
#define SLICE_MS 500				   /* that is */
#define AGAIN_BYTES ((int64_t)4 << 30) /* read again a round */

/* --- one session's files --- */

/* The file is read unless its identity is known. 0 the same, 1 another one, -1 not now; why: it cannot be read. */
static int file_same(struct engine *e, const char *root, const char *name, struct file_row *f,
	const struct file_row *known, int64_t *budget, struct error *why) {
	struct error err = ERROR_INIT;
	if (!known || known->size != f->size || known->mtime_ns != f->mtime_ns || !known->hashed) return 1;
	f->hashed = false;
	if (known->ctime_ns == f->ctime_ns && known->inode == f->inode) return 0;
	if (*budget <= 0) return -1;
	*budget -= f->size;
	if (file_hash(root, name, f, &e->cancel, NULL, &err)) {
		if (err.code == ERR_CHANGED) return 1;
		if (err.code != ERR_NOT_FOUND) *why = err;
		return -1;
	}
	return !sha256_equal(&f->sha256, &known->sha256);
}

enum same files_same(struct engine *e, const char *root, int64_t session, const char *name, struct snapshot *s,
	int64_t *budget, struct error *ret_why) {
	struct journal_view *v = NULL;
	struct file_row *known = NULL;
	size_t n = 0;
	if (view_take(e, &v, ret_why)) return SAME_UNKNOWN;
	snapshot_drop(s, e->config->done_marker);
	int same = journal_files_same(v, session, s->files, s->n, ret_why);
	int failed = same == 0 ? journal_files(v, session, 0, &known, &n, ret_why) : 0;
	view_give(e, v);
	if (same || failed) return same > 0 ? SAME_ALL : SAME_UNKNOWN;
	enum same all = !n ? SAME_UNKNOWN : n == s->n ? SAME_MOVED : SAME_NOT; /* none: it was never hashed */
	for (size_t i = 0; i < s->n && all == SAME_MOVED; i++) {
		int one = file_same(e, root, name, &s->files[i], file_row_find(known, n, s->files[i].name), budget, ret_why);
		if (one) all = one > 0 ? SAME_NOT : SAME_UNKNOWN;
	}
	file_rows_free(known, n);
	return all;
}

void files_keep(struct engine *e, int64_t session, const struct snapshot *s) {
	for (size_t i = 0; i < s->n; i++) {
		if (s->files[i].hashed) journal_file_same(e->journal, session, &s->files[i]);
	}
}

/* --- a round --- */

struct suspect {
	char name[16];
	size_t root;
	const char *path; /* of the root; lives as long as the engine */
	int64_t id, stamp;
	uint64_t fingerprint;
	bool older, done, missed; /* missed: there, and it could not be compared */
	enum same same;
	char *why;				  /* of one that is missed since it cannot be read (owned) */
	struct snapshot snapshot; /* of one that is not SAME_ALL; its files only of one that is SAME_MOVED */
	struct session_row row;	  /* of one that is SAME_NOT */
};
struct audit {
	struct job job;
	size_t root;
	bool walks; /* over all, in turn; else one session was asked for */
	int64_t began_ms;
	bool to_end; /* the last of the older ones is among the items */
	struct suspect *items;
	size_t n, capacity;
	int64_t budget;
};

static void suspect_files_drop(struct suspect *s) {
	file_rows_free(s->snapshot.files, s->snapshot.n);
	s->snapshot.files = NULL; /* of many sessions: not kept */
}

static void suspect_row(struct engine *e, struct suspect *s, struct error *ret_why) {
	struct journal_view *v = NULL;
	int found = view_take(e, &v, ret_why) ? -1 : journal_session(v, s->name, s->path, &s->row, ret_why);
	if (found != 1) s->same = SAME_UNKNOWN;
	if (v) view_give(e, v);
}

/* It is there, as far as is known, and nobody can say whether it is what was accepted: that is no look at it. */
static void suspect_missed(struct suspect *s, const struct error *why) {
	s->missed = true;
	if (why->code != ERR_NONE && why->code != ERR_CANCELLED) s->why = xstrdup(why->text);
}

/* False: it could not be told now, for want of budget. */
static bool audit_one(struct engine *e, struct suspect *s, int64_t *budget) {
	const struct scan_rules rules = scan_rules_of(e->config);
	struct error err = ERROR_INIT;
	s->same = SAME_ALL;
	if (snapshot_take(s->path, s->name, &rules, &e->cancel, &s->snapshot, &err)) {
		if (err.code != ERR_NOT_FOUND) suspect_missed(s, &err); /* gone: the rescan's */
		return true;
	}
	s->same = SAME_NOT;
	bool had = *budget > 0;
	if (fingerprint_short(s->snapshot.fingerprint) == s->fingerprint)
		s->same = files_same(e, s->path, s->id, s->name, &s->snapshot, budget, &err);
	if (s->same != SAME_MOVED) suspect_files_drop(s);
	if (s->same == SAME_NOT) suspect_row(e, s, &err);
	if (s->same == SAME_UNKNOWN) suspect_missed(s, &err);
	if (s->why) return true; /* the walk goes on behind it */
	return !s->missed || (had && *budget > 0);
}

static void audit_run(struct job *j) {
	struct audit *a = (struct audit *)j;
	size_t older = 0;
	bool enough = false; /* of the older ones; the others have their turn whatever these take */
	for (size_t i = 0; i < a->n && !atomic_load(&j->engine->cancel); i++) {
		struct suspect *s = &a->items[i];
		older += s->older;
		enough = enough || (older > SLICE && clock_wall_ms() - a->began_ms > SLICE_MS);
		if (s->older && enough) continue;
		s->done = audit_one(j->engine, s, &a->budget);
		if (!s->done && s->older) enough = true; /* it is the next round's first */
	}
}

static void accepted_changed(struct engine *e, const struct suspect *x) {
	struct stub *a = stub_find(&e->accepted, session_stamp(x->name), x->root);
	if (!a || x->row.state != STATE_ACCEPTED) return;
	stub_remove(&e->accepted, a);
	struct session *s = session_load(e, &x->row);
	s->row.present = true; /* its files were read; the row may be of before it came back */
	memcpy(s->seen_fingerprint, x->snapshot.fingerprint, sizeof s->seen_fingerprint);
	s->seen_files = (int64_t)x->snapshot.n;
	s->seen_bytes = x->snapshot.bytes;
	s->changed = true;
	session_poke(s);
}

/* The walk goes on behind the last one that was looked at; at the end of all of them a lap is over. */
static void audit_advance(struct root *r, const struct audit *a) {
	bool all = true;
	if (!r->lap_ms) r->lap_ms = a->began_ms;
	for (size_t i = 0; i < a->n && all; i++) {
		all = a->items[i].done;
		r->lap_missed = r->lap_missed || a->items[i].missed;
		if (a->items[i].older && all) r->audit_at = a->items[i].stamp + 1;
	}
	if (!all || !a->to_end) return;
	if (!r->lap_missed) r->lap_before_ms = r->lap_ms; /* else it proves nothing of some, and what is known stays old */
	r->lap_missed = false;
	r->lap_ms = 0; /* the next one begins with the next round */
	r->audit_at = 0;
}

/* Before the changed ones leave the table. */
static void audit_unreadable(struct engine *e, const struct audit *a) {
	const char *why = NULL;
	for (size_t i = 0; i < a->n; i++) {
		const struct suspect *x = &a->items[i];
		if (!x->done) continue;
		if (x->why || !x->missed) unreadable_mark(e, a->root, x->stamp, x->why != NULL);
		if (!why) why = x->why;
	}
	unreadable_count(e, a->root, why);
}

static void audit_done(struct job *j) {
	struct audit *a = (struct audit *)j;
	struct engine *e = j->engine;
	struct root *r = &e->roots[a->root];
	r->audit_n--;
	if (!e->stopping && a->walks) audit_advance(r, a);
	if (!e->stopping) audit_unreadable(e, a);
	for (size_t i = 0; i < a->n; i++) {
		struct suspect *x = &a->items[i];
		if (x->same == SAME_NOT && !e->stopping) accepted_changed(e, x);
		if (x->same == SAME_MOVED && !e->stopping) files_keep(e, x->id, &x->snapshot);
		if (!x->snapshot.files) x->snapshot.n = 0;
		snapshot_done(&x->snapshot);
		session_row_done(&x->row);
		free(x->why);
	}
	free(a->items);
	free(a);
	engine_poke(e);
}

static void audit_add(const struct engine *e, struct audit *a, const struct stub *x, bool older) {
	if (!x->present || !x->fingerprint) return;
	ARRAY_RESERVE(a->items, a->n, a->capacity);
	struct suspect *s = &a->items[a->n++];
	*s = (struct suspect){.root = x->root,
		.path = e->roots[x->root].path,
		.id = x->id,
		.stamp = x->stamp,
		.fingerprint = x->fingerprint,
		.older = older};
	session_unstamp(s->name, x->stamp);
}

static struct audit *audit_new(size_t root) {
	struct audit *a = xcalloc(1, sizeof *a);
	*a = (struct audit){.job = {.run = audit_run, .done = audit_done},
		.root = root,
		.began_ms = clock_wall_ms(),
		.budget = AGAIN_BYTES};
	return a;
}

static void audit_go(struct engine *e, struct audit *a) {
	e->roots[a->root].audit_n++;
	lane_start(e, a->root, LANE_LOOK, &a->job);
}

/* Each is looked at as soon as its folder may be another: one that came back, one that was moved. */
void rescan_suspect(struct engine *e, const char *name, size_t root) {
	const struct stub *x = stub_find(&e->accepted, session_stamp(name), root);
	struct audit *a = audit_new(root);
	if (x) audit_add(e, a, x, false);
	audit_go(e, a);
}

/* The newest of the root, the next slice of the others, and what could not be read the last time. */
void audit_start(struct engine *e, size_t root) {
	struct root *r = &e->roots[root];
	struct audit *a = audit_new(root);
	size_t n = 0, at = 0, older = 0, again = 0;
	a->walks = true;
	a->to_end = true;
	for (size_t i = 0; i < e->accepted.n; i++) n += e->accepted.items[i].root == root;
	size_t recent = n > RECENT ? n - RECENT : 0;
	for (size_t i = 0; i < e->accepted.n; i++) {
		const struct stub *x = &e->accepted.items[i];
		if (x->root != root) continue;
		bool is_older = at++ < recent;
		if (is_older && x->unreadable && again++ < SLICE) is_older = false;
		if (is_older && x->stamp < r->audit_at) continue;
		if (is_older && older++ >= SLICE_MOST) a->to_end = false;
		else audit_add(e, a, x, is_older);
	}
	r->audited = a->n > 0;
	audit_go(e, a);
}

bool roots_audited(const struct engine *e) {
	for (size_t i = 0; i < e->root_n; i++)
		if (e->roots[i].audit_n && !e->roots[i].hanging_ms) return false;
	return true;
}

/* --- over restarts --- */

static char *audit_setting(const struct root *r) { return xasprintf("audit.walk:%s", r->path); }

void audits_load(struct engine *e, struct journal_view *v) {
	int64_t most = clock_wall_ms();
	for (size_t i = 0; i < e->root_n; i++) {
		struct root *r = &e->roots[i];
		AUTO(xfree) char *setting = audit_setting(r), *kept = NULL;
		struct error err = ERROR_INIT;
		long long at, lap, before;
		int missed;
		unreadable_load(e, v, i);
		if (journal_get(v, setting, &kept, &err) || !kept ||
			sscanf(kept, "%lld %lld %lld %d", &at, &lap, &before, &missed) != 4)
			continue;
		r->audit_at = at;
		r->lap_ms = MIN(lap, most); /* a clock that was ahead proves nothing for later */
		r->lap_before_ms = MIN(before, most);
		r->lap_missed = missed != 0;
	}
}

void audits_keep(struct engine *e) {
	for (size_t i = 0; i < e->root_n; i++) {
		const struct root *r = &e->roots[i];
		if (!r->lap_ms && !r->lap_before_ms) continue;
		AUTO(xfree) char *setting = audit_setting(r);
		AUTO(xfree)
		char *text = xasprintf("%lld %lld %lld %d", (long long)r->audit_at, (long long)r->lap_ms,
			(long long)r->lap_before_ms, r->lap_missed);
		journal_set(e->journal, setting, text, engine_journal_done, e);
	}
}

/* Asked with every status: over the roots, not over 100,000 sessions. */
int64_t audited_since_ms(const struct engine *e) {
	int64_t since = 0;
	for (size_t i = 0; i < e->root_n; i++) {
		const struct root *r = &e->roots[i];
		if (!r->audited) continue;
		if (!r->lap_before_ms) return 0;
		if (!since || r->lap_before_ms < since) since = r->lap_before_ms;
	}
	return since;
}
