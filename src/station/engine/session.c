/* SPDX-License-Identifier: MIT */
/* The life of one session: facts in, decisions in one place (session_drive), every step through the journal's gateway,
 * and what entering a state means in the callback after its commit. Loop thread.
 *
 * Invariants: while `committing` nothing is decided; a session that is in the table is not in the accepted one; a
 * session leaves memory only in the sweep of the pump. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "session/check.h"
#include "station/engine/engine_internal.h"
#include "station/intake/moved.h"
#include "station/intake/settle_rule.h"

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

struct session *session_new(struct engine *e, const char *name, size_t root) {
	struct session *s = xcalloc(1, sizeof *s);
	s->engine = e;
	s->root = root;
	s->generation = ++e->generation;
	s->seen_ms = s->quiet_ms = now_ms();
	memcpy(s->row.name, name, strnlen(name, sizeof s->row.name - 1));
	s->row.root = xstrdup(e->roots[root].path);
	s->row.revision = 1;
	s->row.present = true;
	sessions_insert(&e->sessions, s);
	return s;
}

struct session *session_load(struct engine *e, const struct session_row *row) {
	struct session *s = session_new(e, row->name, engine_root(e, row->root, false));
	session_row_done(&s->row);
	s->row = session_row_copy(row);
	memcpy(s->seen_fingerprint, row->fingerprint, sizeof s->seen_fingerprint);
	s->quiet_ms = quiet_from_wall(row->fingerprint_ms, clock_wall_ms(), now_ms());
	int64_t wait_ms = row->next_attempt_ms - clock_wall_ms();
	if (wait_ms > e->config->retry_cap_ms) { /* no pause is that long: it was written by a clock that was ahead */
		upload_at_once(s);
		session_save(s, SET_NEXT_ATTEMPT, NULL);
	} else {
		upload_wait(s, wait_ms);
	}
	return s;
}

void session_free(struct session *s) {
	struct engine *e = s->engine;
	if (s->driven) TAILQ_REMOVE(&e->driven, s, driven_link);
	if (s->look_queued) TAILQ_REMOVE(&e->roots[s->root].work->looks, s, look_link);
	checking_cancel(s);
	upload_drop(s);
	answer_session_free(s->verdict);
	free(s->trouble);
	free(s->rate);
	session_row_done(&s->row);
	free(s);
}

static void session_leave(struct session *s) { /* accepted: the few numbers stay */
	stub_insert(&s->engine->accepted, &s->row, s->root);
	moved_accepted(s);
	watch_drop(s);
	s->dead = s->engine->sweep = true;
	engine_poke(s->engine);
}

void session_renew(struct session *s) {
	s->generation = ++s->engine->generation;
	checking_cancel(s);
	transfer_cancel(s);
	upload_drop(s);
	answer_session_free(s->verdict);
	s->verdict = NULL;
	free(s->trouble);
	s->trouble = NULL;
	s->looking = s->asking = s->checked_twice = s->ask_now = false;
	s->refused_revision = 0;
	s->refusals = 0;
	s->unknown_there = false;
	s->asks = 0;
}

bool session_at_work(const struct session *s) { return !s->row.paused && !s->row.ignored; }

const char *session_path(const struct session *s, char *to, size_t size) {
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

void session_reason(struct session *s, const char *text) {
	free(s->row.reason);
	s->row.reason = text && *text ? xstrdup(text) : NULL;
}

void session_save(struct session *s, int mask, const char *message) {
	journal_update(s->engine->journal, &s->row, mask, message, engine_journal_done, s->engine);
}

void session_committed(void *arg, const struct error *err) {
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
	outbox_report(s, "error", error_classes[why->code].name, why->text);
	session_go(s, EVENT_FATAL, SET_REASON | SET_NEXT_ATTEMPT | SET_STORED, "error", why->text);
}

/* What settles from now on is another revision once anything of the current one may be in the cloud. */
static int revision_mask(struct session *s, bool renew) {
	if (!renew && s->row.tries == 0 && s->row.stored_files == 0) return 0;
	s->row.revision++;
	s->row.tries = 0;
	s->row.stored_files = s->row.stored_bytes = 0;
	s->row.data_safe = false;
	s->metadata_held = false;
	return SET_REVISION | SET_TRIES | SET_STORED | SET_FLAGS;
}

static int settle_again_mask(struct session *s, bool renew) {
	session_renew(s);
	session_reason(s, NULL);
	upload_at_once(s);
	return revision_mask(s, renew) | SET_REASON | SET_NEXT_ATTEMPT;
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
	moved_away(s->engine);
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
	if (s->row.state == STATE_GONE) mask |= settle_again_mask(s, false);
	s->looked = false;
	session_go(s, EVENT_RETURNED, mask, "info", "the folder is back");
	return true;
}

void session_retry(struct session *s, const char *message) {
	/* a rejected manifest would be rejected again under the same name */
	int mask = settle_again_mask(s, s->row.state == STATE_REJECTED);
	session_go(s, EVENT_RETRIED, mask, "info", message);
}

static bool drive_retry(struct session *s) {
	s->retry_wanted = false;
	if (s->row.state == STATE_QUEUED) {
		upload_at_once(s);
		session_save(s, SET_NEXT_ATTEMPT, "an operator asks for the next attempt now");
		return false;
	}
	if (state_next(s->row.state, EVENT_RETRIED) < 0) return false;
	session_retry(s, "an operator asks to try again");
	return true;
}

static bool drive_changed(struct session *s) {
	s->changed = false;
	if (state_next(s->row.state, EVENT_CHANGED) < 0) return false;
	int64_t before = s->row.revision;
	int mask = settle_again_mask(s, s->row.state == STATE_REJECTED);
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

/* One of these per state; NULL: nothing but the facts above concerns it. */
static void (*const drives[])(struct session *s) = {
	[STATE_HELD] = upload_drive,
	[STATE_QUEUED] = upload_drive,
	[STATE_UPLOADING] = upload_drive,
	[STATE_UPLOADED] = confirm_drive,
	[STATE_REJECTED] = confirm_drive,
	[STATE_FAILED] = confirm_drive,
	[STATE_GONE] = confirm_drive,
};
static_assert(ARRAY_LEN(drives) == STATE_N, "states that are driven");

void session_drive(struct session *s) {
	if (s->committing || s->dead) return;
	if (s->due_ms && s->due_ms <= now_ms()) s->due_ms = 0;
	if (s->vanished && drive_vanished(s)) return;
	if (s->returned && drive_returned(s)) return;
	if (s->row.ignored) { /* only whether it is still the one that was ignored */
		settle_drive(s);
		return;
	}
	if (s->retry_wanted && drive_retry(s)) return;
	if (s->changed && drive_changed(s)) return;
	settle_drive(s);
	unread_drive(s);
	if (!s->committing && drives[s->row.state]) drives[s->row.state](s);
}

static void (*const enters[])(struct session *s) = {
	[STATE_FOUND] = settle_enter,
	[STATE_SETTLING] = settle_enter,
	[STATE_CHECKING] = checking_enter,
	[STATE_HELD] = session_poke,
	[STATE_QUEUED] = session_poke,
	[STATE_UPLOADING] = session_poke,
	[STATE_UPLOADED] = confirm_enter,
	[STATE_ACCEPTED] = session_leave,
	[STATE_REJECTED] = session_poke,
	[STATE_FAILED] = session_poke,
	[STATE_GONE] = session_poke,
};
static_assert(ARRAY_LEN(enters) == STATE_N, "what entering each state means");

void session_enter(struct session *s) {
	if (s->row.ignored && s->row.state != STATE_ACCEPTED) return;
	enters[s->row.state](s);
	if (!s->dead) session_poke(s); /* facts that came during the commit */
}
