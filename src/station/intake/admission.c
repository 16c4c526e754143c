/* SPDX-License-Identifier: MIT */
/* Which sessions are in work: the oldest of those found, in at most [station] at_once places, so that an archive of
 * 100,000 folders costs no more memory than what is done of it at a time. The others wait outside as stubs; the journal
 * has each of them as `found`, so that no count of what is not safe leaves one out. Loop thread.
 *
 * A place is taken by a session that can get on now. One that waits for its metadata, for a person, for its lost folder
 * or for its own next attempt, that never stops changing or is never decided, takes none: it keeps nobody out. */
#include "station/intake/admission.h"

#include "base/clock.h"
#include "station/engine/root.h"
#include "station/engine/session.h"
#include "station/engine/when.h"

#define ADD_MOST 500 /* on their way into the journal at a time */
#define COUNT_MS 50	 /* while all places are taken: how often they are counted */

struct admission {
	size_t adding; /* on their way into the journal */
	int64_t at_ms; /* monotonic: when all places were taken, not before */
};
static struct admission *mine(const struct engine *e) { return engine_part(e, PART_ADMISSION); }

/* --- into work --- */

static struct session *admit(struct engine *e, struct stub *w) {
	struct session_row row = {
		.id = w->id, .root = e->roots[w->root].path, .revision = 1, .state = STATE_FOUND, .present = true};
	session_unstamp(row.name, w->stamp);
	w->admitted = true; /* until the next sweep */
	struct session *s = session_load(e, &row);
	session_enter(s);
	return s;
}

static void admission_sweep(struct stub_table *t) {
	size_t kept = 0;
	for (size_t i = 0; i < t->n; i++) {
		if (!t->items[i].admitted) t->items[kept++] = t->items[i];
	}
	t->n = kept;
}

static bool takes_place(const struct session *s, int64_t now) {
	const struct engine *e = s->engine;
	if (s->dead || !session_at_work(s) || !s->row.present || !e->roots[s->root].ok) return false;
	switch (s->row.state) {
	case STATE_FOUND:
	case STATE_CHECKING:
	case STATE_UPLOADING: return true;
	case STATE_SETTLING: return !s->awaits_metadata && now - s->seen_ms < SETTLE_PATIENCE_MS(e->config->settle_ms);
	case STATE_HELD:
		if (!s->metadata_held || s->row.data_safe) return false;
		return s->attempt_ms <= now || s->awaits_cloud;
	case STATE_QUEUED: return s->attempt_ms <= now || s->awaits_cloud;
	case STATE_UPLOADED: return !s->overdue;
	case STATE_ACCEPTED:
	case STATE_REJECTED:
	case STATE_FAILED:
	case STATE_GONE:
	case STATE_N: break;
	}
	return false;
}

/* Not one by one: an eighth of the places is filled at a time. */
static size_t places_free(const struct engine *e) {
	size_t most = (size_t)e->config->at_once, taken = 0;
	for (size_t i = 0; i < e->sessions.n && taken < most; i++) taken += takes_place(e->sessions.items[i], now_ms());
	return most - taken > most / 8 ? most - taken : 0;
}

static void admit_oldest(struct engine *e) {
	struct admission *a = mine(e);
	if (now_ms() < a->at_ms) {
		engine_wake_at(e, a->at_ms);
		return;
	}
	size_t room = places_free(e);
	a->at_ms = room ? 0 : now_ms() + COUNT_MS;
	if (!room) return;
	for (size_t i = 0; i < e->waiting.n && room; i++) {
		struct stub *w = &e->waiting.items[i];
		if (!w->id || !e->roots[w->root].ok) continue;
		admit(e, w);
		room--;
	}
	admission_sweep(&e->waiting);
}

struct session *admission_find(struct engine *e, const char *name, size_t root) {
	struct stub *w = stub_find(&e->waiting, session_stamp(name), root);
	if (!w || !w->id) return NULL;
	struct session *s = admit(e, w);
	admission_sweep(&e->waiting);
	return s;
}

void admission_compare(struct engine *e, size_t root, const struct listed *names, size_t n, size_t *left) {
	size_t at = 0; /* both in order of the name's digits */
	for (size_t i = 0; i < e->waiting.n; i++) {
		struct stub *w = &e->waiting.items[i];
		if (w->root != root || !w->id) continue;
		while (at < n && session_stamp(names[at].name) < w->stamp) at++;
		if (at < n && session_stamp(names[at].name) == w->stamp) continue;
		if (!*left) {
			engine_rescan(e);
			break;
		}
		(*left)--;
		admit(e, w);
	}
	admission_sweep(&e->waiting);
}

/* --- into the journal --- */

static void on_added(void *arg, const struct error *err) {
	struct engine *e = arg;
	mine(e)->adding--;
	if (err->code != ERR_NONE) engine_fail(e, err);
	else engine_poke(e);
}

static void add_some(struct engine *e) {
	struct admission *a = mine(e);
	for (size_t i = 0; i < e->waiting.n && e->to_add && a->adding < ADD_MOST; i++) {
		struct stub *w = &e->waiting.items[i];
		if (w->id) continue;
		struct session_row row = {.root = e->roots[w->root].path, .found_ms = clock_wall_ms()};
		session_unstamp(row.name, w->stamp);
		a->adding++;
		e->to_add--;
		journal_add_session(e->journal, &row, on_added, e);
		w->id = row.id;
	}
}

static void pump(struct engine *e) {
	if (!e->waiting.n || mine(e)->adding) return;
	admit_oldest(e);
	add_some(e);
}

/* The next one is about to go into work, or into the journal. */
static enum busy busy(const struct engine *e) {
	if (mine(e)->adding) return BUSY_PASSING;
	for (size_t i = 0; i < e->waiting.n; i++) {
		if (e->roots[e->waiting.items[i].root].ok) return places_free(e) > 0 ? BUSY_PASSING : BUSY_NOT;
	}
	return BUSY_NOT;
}

const struct part admission_part = {.engine_size = sizeof(struct admission), .pump = pump, .busy = busy};
