/* SPDX-License-Identifier: MIT */
/* The life of one session: facts in, decisions in one place (session_drive), every step through the journal's gateway,
 * and what entering a state means in the callback after its commit. Loop thread.
 *
 * Invariants: while `committing` nothing is decided; a session that is in the table is not in the accepted one; a
 * session leaves memory only in the sweep of the pump. */
#include "station/engine/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "station/engine/root.h"
#include "station/engine/watches.h"
#include "station/engine/when.h"
#include "station/told/acts.h"

/* --- tickets --- */

struct ticket ticket_of(const struct session *s) {
	struct ticket t = {.engine = s->engine, .root = s->root, .generation = s->generation};
	memcpy(t.name, s->row.name, sizeof t.name);
	return t;
}

struct session *ticket_session(const struct ticket *t) {
	struct session *s = sessions_find(&t->engine->sessions, t->name, t->root);
	return s && !s->dead && s->generation == t->generation ? s : NULL;
}

struct ticket *ticket_new(const struct session *s) {
	struct ticket *t = xcalloc(1, sizeof *t);
	*t = ticket_of(s);
	return t;
}

struct session *ticket_committed(void *ticket, const struct error *err) {
	struct ticket t = *(struct ticket *)ticket;
	free(ticket);
	if (err->code == ERR_NONE) return ticket_session(&t);
	engine_fail(t.engine, err);
	return NULL;
}

/* --- making and ending --- */

void *session_part(const struct session *s, enum part_id id) { return s->part[id]; }

static struct session *session_new(struct engine *e, const struct session_row *row, size_t root) {
	struct session *s = xcalloc(1, sizeof *s);
	s->engine = e;
	s->root = root;
	s->generation = ++e->generation;
	s->seen_ms = now_ms();
	s->row = session_row_copy(row);
	for (size_t i = 0; i < PART_N; i++)
		if (e->parts[i]->session_size) s->part[i] = xcalloc(1, e->parts[i]->session_size);
	sessions_insert(&e->sessions, s);
	return s;
}

struct session *session_load(struct engine *e, const struct session_row *row) {
	struct session *s = session_new(e, row, engine_root(e, row->root, false));
	memcpy(s->seen_fingerprint, row->fingerprint, sizeof s->seen_fingerprint);
	s->quiet_ms = quiet_from_wall(row->fingerprint_ms, clock_wall_ms(), now_ms());
	int64_t wait_ms = row->next_attempt_ms - clock_wall_ms();
	if (wait_ms > e->config->retry_cap_ms) { /* no pause is that long: it was written by a clock that was ahead */
		session_at_once(s);
		session_save(s, SET_NEXT_ATTEMPT, NULL);
	} else {
		session_attempt_in(s, wait_ms);
	}
	return s;
}

void session_free(struct session *s) {
	struct engine *e = s->engine;
	if (s->driven) TAILQ_REMOVE(&e->driven, s, driven_link);
	for (size_t i = 0; i < PART_N; i++) {
		if (e->parts[i]->forget) e->parts[i]->forget(s);
		free(s->part[i]);
	}
	answer_session_free(s->verdict);
	free(s->trouble);
	session_row_done(&s->row);
	free(s);
}

/* Accepted: the few numbers stay. */
static void session_leave(struct session *s) {
	stub_insert(&s->engine->accepted, &s->row, s->root);
	watch_drop(s);
	s->dead = s->engine->sweep = true;
	engine_poke(s->engine);
}

void session_renew(struct session *s) {
	struct engine *e = s->engine;
	s->generation = ++e->generation;
	for (size_t i = 0; i < PART_N; i++)
		if (e->parts[i]->renew) e->parts[i]->renew(s);
	answer_session_free(s->verdict);
	s->verdict = NULL;
	free(s->trouble);
	s->trouble = NULL;
	s->check_wanted = s->ask_now = s->overdue = false;
	s->refused_revision = 0;
}

void session_move(struct session *s, size_t root) {
	struct engine *e = s->engine;
	watch_drop(s);
	session_renew(s);
	sessions_remove(&e->sessions, s);
	s->root = root;
	free(s->row.root);
	s->row.root = xstrdup(e->roots[root].path);
	sessions_insert(&e->sessions, s);
}

bool session_at_work(const struct session *s) { return !s->row.paused && !s->row.ignored; }

bool session_is_sent(const struct session *s) { return s->uploading || s->transfers; }

static const char *session_path(const struct session *s, char *to, size_t size) {
	snprintf(to, size, "%s/%s", s->row.root, s->row.name);
	return to;
}

/* --- driving --- */

void session_poke(struct session *s) {
	struct engine *e = s->engine;
	if (s->driven || s->dead) return;
	s->driven = true;
	TAILQ_INSERT_TAIL(&e->driven, s, driven_link);
	engine_poke(e);
}

void session_due(struct session *s, int64_t mono_ms) {
	if (s->due_ms && s->due_ms <= mono_ms) return;
	s->due_ms = mono_ms;
	engine_wake_at(s->engine, mono_ms);
}

void session_look(struct session *s, int64_t mono_ms) {
	if (s->look_ms && s->look_ms <= mono_ms) return;
	s->look_ms = mono_ms;
	session_due(s, mono_ms);
}

void session_touch(struct session *s) { session_look(s, now_ms() + touch_delay_ms(s->look_cost_ms)); }

void session_attempt_in(struct session *s, int64_t wait_ms) {
	int64_t most = MAX(s->engine->config->retry_cap_ms, WAIT_MOST_MS);
	s->attempt_ms = now_ms() + MAX(MIN(wait_ms, most), 0);
}

void session_at_once(struct session *s) {
	s->row.next_attempt_ms = s->attempt_ms = 0;
	s->awaits_cloud = false;
}

void session_reason(struct session *s, const char *text) {
	free(s->row.reason);
	s->row.reason = text && *text ? xstrdup(text) : NULL;
}

void session_save(struct session *s, int mask, const char *message) {
	journal_update(s->engine->journal, &s->row, mask, message, engine_journal_done, s->engine);
}

static void session_committed(void *arg, const struct error *err) {
	struct session *s = ticket_committed(arg, err);
	if (!s) return;
	s->committing = false;
	if (!s->engine->stopping) session_enter(s);
}

void session_go(struct session *s, enum session_event event, int mask, const char *level, const char *message) {
	assert(!s->committing);
	struct engine *e = s->engine;
	if (e->journal_closing) return;
	struct ticket *t = ticket_new(s);
	struct error err = ERROR_INIT;
	if (session_step(e->journal, &s->row, event, mask, level, message, session_committed, t, &err)) {
		log_event(LOG_ERROR, "engine", err.text, "session", s->row.name, NULL);
		free(t);
		return;
	}
	s->committing = true;
}

/* --- facts that hold in every state --- */

void session_trouble(struct session *s, enum retry_step step, const struct error *why, int64_t wait_ms) {
	if (s->trouble) return; /* the first one explains the others */
	s->trouble = xcalloc(1, sizeof *s->trouble);
	*s->trouble = *why;
	s->trouble_step = step;
	s->trouble_wait_ms = wait_ms;
	session_poke(s);
}

void session_fail(struct session *s, const struct error *why) {
	session_renew(s);
	session_reason(s, why->text);
	s->row.next_attempt_ms = 0;
	session_report(s, "error", error_classes[why->code].name, why->text);
	session_go(s, EVENT_FATAL, SET_REASON | SET_NEXT_ATTEMPT | SET_STORED, "error", why->text);
}

void session_hold(struct session *s, int mask, const char *reason) {
	char message[600];
	session_reason(s, reason);
	snprintf(message, sizeof message, "held: %s", *reason ? reason : "a check says so");
	session_report(s, "warn", "held", message);
	session_go(s, EVENT_HELD_BACK, mask | SET_REASON, "warn", reason);
}

/* Whatever is in flight is of before; returns the mask of what goes with settling again. */
static int settles_again(struct session *s, int mask) {
	session_renew(s);
	session_at_once(s);
	if (mask & SET_REVISION) s->metadata_held = false;
	return mask;
}

static bool drive_vanished(struct session *s) {
	s->vanished = false;
	if (!s->row.present || state_next(s->row.state, EVENT_VANISHED) < 0) return false;
	if (state_next(s->row.state, EVENT_VANISHED) == STATE_GONE) session_renew(s);
	s->row.present = false;
	char message[512], path[400];
	snprintf(message, sizeof message, "%s is not there any more", session_path(s, path, sizeof path));
	if (s->row.state != STATE_UPLOADED) session_reason(s, message);
	watch_drop(s);
	session_go(s, EVENT_VANISHED, SET_FLAGS | SET_REASON, "warn", message);
	s->engine->place_freed = true;
	return true;
}

void session_count_again(struct session *s, int mask, const char *why) {
	s->row.ignored = false;
	if (!s->row.has_content) *s->row.folder = '\0';
	session_save(s, mask | SET_CONTENT, why);
}

static bool drive_returned(struct session *s) {
	s->returned = false;
	if (s->row.present) return false;
	s->row.present = true;
	if (s->row.ignored) session_count_again(s, SET_FLAGS, "the folder is back: it counts again");
	if (state_next(s->row.state, EVENT_RETURNED) < 0) {
		session_save(s, SET_FLAGS, NULL);
		return false;
	}
	int mask = SET_FLAGS;
	if (s->row.state == STATE_GONE) mask |= settles_again(s, session_row_settle_again(&s->row, false));
	s->looked = false;
	session_go(s, EVENT_RETURNED, mask, "info", "the folder is back");
	return true;
}

/* The one rule of told/acts.h. False: no step follows. */
static bool retry(struct session *s, const char *message_or_null) {
	struct retry r = act_retry(&s->row);
	const char *message = message_or_null ? message_or_null : r.message;
	if (!r.mask) return false;
	if (r.event < 0) {
		session_at_once(s);
		session_save(s, r.mask, message);
		return false;
	}
	settles_again(s, r.mask);
	session_go(s, (enum session_event)r.event, r.mask, "info", message);
	return true;
}

void session_retry(struct session *s, const char *message) { (void)retry(s, message); }

static bool drive_retry(struct session *s) {
	s->retry_wanted = false;
	return retry(s, NULL);
}

static bool drive_changed(struct session *s) {
	s->changed = false;
	if (state_next(s->row.state, EVENT_CHANGED) < 0) return false;
	int64_t before = s->row.revision;
	/* a rejected manifest would be rejected again under the same name */
	int mask = settles_again(s, session_row_settle_again(&s->row, s->row.state == STATE_REJECTED));
	memcpy(s->row.fingerprint, s->seen_fingerprint, sizeof s->row.fingerprint);
	s->row.fingerprint_ms = clock_wall_ms();
	s->quiet_ms = now_ms();
	s->row.files = s->seen_files;
	s->row.bytes = s->seen_bytes;
	char message[128];
	snprintf(message, sizeof message, "its files changed%s",
		s->row.revision > before ? ": what settles now is a next revision" : "");
	session_go(s, EVENT_CHANGED, mask | SET_FINGERPRINT | SET_COUNTS, "info", message);
	return true;
}

/* Facts that hold in every state. True: they led to a step, or nothing else concerns the session. */
static bool drive_facts(struct session *s) {
	if (s->vanished && drive_vanished(s)) return true;
	if (s->returned && drive_returned(s)) return true;
	if (s->row.ignored) return false;
	if (s->retry_wanted && drive_retry(s)) return true;
	return s->changed && drive_changed(s);
}

void session_drive(struct session *s) {
	const struct part *const *parts = s->engine->parts;
	if (s->committing || s->dead) return;
	if (s->due_ms && s->due_ms <= now_ms()) s->due_ms = 0;
	if (drive_facts(s)) return;
	for (size_t i = 0; i < PART_N && !s->committing && !s->dead; i++)
		if (parts[i]->drive && (!s->row.ignored || parts[i]->drives_ignored)) parts[i]->drive(s);
}

void session_enter(struct session *s) {
	const struct part *const *parts = s->engine->parts;
	if (s->row.ignored && s->row.state != STATE_ACCEPTED) return;
	for (size_t i = 0; i < PART_N; i++)
		if (parts[i]->enter) parts[i]->enter(s);
	if (s->row.state == STATE_ACCEPTED) session_leave(s);
	else session_poke(s); /* facts that came during the commit */
}
