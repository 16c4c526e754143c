/* SPDX-License-Identifier: MIT */
/* Accepted sessions: did one change afterwards? The newest of each root are compared with their folders in every round,
 * the older ones in turn: where the walk is stands in the journal, so that every one has its turn over restarts too,
 * and since when each was compared is known.
 *
 * A difference of names, sizes and times is a change; of ctimes and inodes alone the bytes decide (same.h). Such files
 * are read again lazily, a bounded number of bytes a round, and what is equal is written down, so that it is read once.
 * Loop thread, but for what is said to be a thread's. */
#include "station/intake/audit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "station/engine/lanes.h"
#include "station/engine/root.h"
#include "station/engine/session.h"
#include "station/intake/same.h"
#include "station/intake/unreadable.h"

#define RECENT 64					   /* the newest are looked at in every round */
#define SLICE 256					   /* and so many of the older ones at least */
#define SLICE_MOST 4096				   /* and while there is time, at most */
#define SLICE_MS 500				   /* that is */
#define AGAIN_BYTES ((int64_t)4 << 30) /* read again a round */

struct all_audit {
	uint32_t rescans; /* the round that the last walks were begun with */
};
struct folder_audit { /* of a root */
	size_t n;		  /* in its threads */
	int64_t at;		  /* the walk over its older accepted sessions goes on with this stamp */
	bool missed;	  /* some of this lap could not be read */
	int64_t lap_ms;	  /* wall clock: when this walk over all of them began; 0: it has not */
	char *unreadable; /* what the journal has of those (owned); NULL: nothing */
};
static struct all_audit *of_all(const struct engine *e) { return engine_part(e, PART_AUDIT); }
static struct folder_audit *of_root(const struct engine *e, size_t root) { return root_part(e, root, PART_AUDIT); }

/* --- in a thread of the root --- */

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

/* --- what follows --- */

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
static void audit_advance(struct root *r, struct folder_audit *f, const struct audit *a) {
	bool all = true;
	if (!f->lap_ms) f->lap_ms = a->began_ms;
	for (size_t i = 0; i < a->n && all; i++) {
		all = a->items[i].done;
		f->missed = f->missed || a->items[i].missed;
		if (a->items[i].older && all) f->at = a->items[i].stamp + 1;
	}
	if (!all || !a->to_end) return;
	if (!f->missed) r->compared_ms = f->lap_ms; /* else it proves nothing of some, and what is known stays old */
	f->missed = false;
	f->lap_ms = 0; /* the next one begins with the next round */
	f->at = 0;
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
	unreadable_count(e, a->root, why, &of_root(e, a->root)->unreadable);
}

static void audit_done(struct job *j) {
	struct audit *a = (struct audit *)j;
	struct engine *e = j->engine;
	struct folder_audit *f = of_root(e, a->root);
	f->n--;
	if (!e->stopping && a->walks) audit_advance(&e->roots[a->root], f, a);
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

/* --- a round --- */

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
	of_root(e, a->root)->n++;
	lane_start(e, a->root, LANE_LOOK, &a->job);
}

/* Each is looked at as soon as its folder may be another: one that came back, one that was moved. */
static void audit_suspects(struct engine *e) {
	for (size_t i = 0; i < e->accepted.n; i++) {
		struct stub *x = &e->accepted.items[i];
		if (!x->suspect) continue;
		x->suspect = 0;
		struct audit *a = audit_new(x->root);
		audit_add(e, a, x, false);
		audit_go(e, a);
	}
	e->suspects = false;
}

/* The newest of the root, the next slice of the others, and what could not be read the last time. */
static void audit_start(struct engine *e, size_t root) {
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
		if (is_older && x->stamp < of_root(e, root)->at) continue;
		if (is_older && older++ >= SLICE_MOST) a->to_end = false;
		else audit_add(e, a, x, is_older);
	}
	r->audited = a->n > 0;
	audit_go(e, a);
}

static void audit_round(struct engine *e) {
	if (of_all(e)->rescans == e->rescans) return;
	of_all(e)->rescans = e->rescans;
	for (size_t i = 0; i < e->root_n && e->accepted.n; i++)
		if (!of_root(e, i)->n && !e->roots[i].arriving) audit_start(e, i);
}

static void pump(struct engine *e) {
	if (e->suspects) audit_suspects(e);
	audit_round(e);
}

static enum busy busy(const struct engine *e) {
	for (size_t i = 0; i < e->root_n; i++)
		if (of_root(e, i)->n && !root_hangs(e, i)) return BUSY_PASSING;
	return e->suspects ? BUSY_PASSING : BUSY_NOT;
}

/* --- over restarts --- */

static char *audit_setting(const struct root *r) { return xasprintf("audit.walk:%s", r->path); }

static void load(struct engine *e, struct journal_view *v) {
	int64_t most = clock_wall_ms();
	for (size_t i = 0; i < e->root_n; i++) {
		struct root *r = &e->roots[i];
		struct folder_audit *f = of_root(e, i);
		AUTO(xfree) char *setting = audit_setting(r), *kept = NULL;
		struct error err = ERROR_INIT;
		long long at, lap, before;
		int missed;
		unreadable_load(e, v, i, &f->unreadable);
		if (journal_get(v, setting, &kept, &err) || !kept ||
			sscanf(kept, "%lld %lld %lld %d", &at, &lap, &before, &missed) != 4)
			continue;
		f->at = at;
		f->lap_ms = MIN(lap, most); /* a clock that was ahead proves nothing for later */
		r->compared_ms = MIN(before, most);
		f->missed = missed != 0;
	}
}

static void keep(struct engine *e) {
	for (size_t i = 0; i < e->root_n; i++) {
		const struct root *r = &e->roots[i];
		const struct folder_audit *f = of_root(e, i);
		if (!f->lap_ms && !r->compared_ms) continue;
		AUTO(xfree) char *setting = audit_setting(r);
		AUTO(xfree)
		char *text = xasprintf(
			"%lld %lld %lld %d", (long long)f->at, (long long)f->lap_ms, (long long)r->compared_ms, f->missed);
		journal_set(e->journal, setting, text, engine_journal_done, e);
	}
}

static void status_root(const struct engine *e, size_t root, cJSON *folder) {
	unreadable_json(&e->roots[root], folder);
}

static void done(struct engine *e) {
	for (size_t i = 0; i < e->root_n; i++) free(of_root(e, i)->unreadable);
}

const struct part audit_part = {
	.engine_size = sizeof(struct all_audit),
	.root_size = sizeof(struct folder_audit),
	.load = load,
	.pump = pump,
	.busy = busy,
	.keep = keep,
	.status_root = status_root,
	.done = done,
};
