/* SPDX-License-Identifier: MIT */
/* What cannot be read now may be later: a disk that hiccups, a file server that was restarted, descriptors that ran out
 * are the station's trouble and no session's fault, and a file whose rights were mended is found without being told.
 * Loop thread.
 *
 * A session that cannot be read is tried again, with growing pauses, where it is (settling, checking); after
 * UNREAD_TRIES, or at once when only a person can give the right to read, it is held, which puts it on the list, and is
 * read again all the same: when all of it can be read, or its owner or mode changed and it can, it goes on by itself.
 */
#include <errno.h>
#include <string.h>

#include "station/intake/check_task.h"
#include "station/engine/engine_internal.h"

#define UNREAD_TRIES 3
#define UNREAD_BASE_MS 1000

static int64_t unread_pause_ms(const struct session *s) {
	return MIN(UNREAD_BASE_MS << MIN(MAX(s->unreads - 1, 0), 20), s->engine->config->retry_cap_ms);
}

/* A person must act, or enough was tried: it is not put off any longer. */
static bool is_lasting(const struct session *s, const struct error *why) {
	return why->os == EACCES || why->os == EPERM || s->unreads >= UNREAD_TRIES;
}

static int64_t unread_again(struct session *s) {
	s->unreads++;
	int64_t pause = unread_pause_ms(s);
	s->unread_ms = now_ms() + pause;
	session_due(s, s->unread_ms);
	return pause;
}

/* Its reason until the next time. */
static void unread_say(struct session *s, const struct error *why) {
	if (s->row.reason && strcmp(s->row.reason, why->text) == 0) return;
	session_reason(s, why->text);
	session_save(s, SET_REASON, why->text);
}

bool unread_look(struct session *s, const struct error *why) {
	s->looked = true;
	if (state_has_settled(s->row.state)) return true; /* no change of it, as far as anybody can tell */
	if (is_lasting(s, why)) return false;
	settle_look(s, now_ms() + unread_again(s));
	unread_say(s, why);
	return true;
}

void unread_marked(struct session *s, uint64_t marks) {
	bool other = s->unread_marks && s->unread_marks != marks;
	s->unread_marks = marks;
	if (!other || !s->unread) return;
	s->unread_ms = now_ms();
	session_poke(s);
}

bool unread_wait(struct session *s, const struct check_task *t) {
	if (t->unread.code == ERR_NONE || is_lasting(s, &t->unread)) return false;
	/* what was hashed is not read again */
	journal_set_files(s->engine->journal, s->row.id, s->row.revision, t->snapshot.files, t->snapshot.n, NULL, NULL);
	unread_again(s);
	unread_say(s, &t->unread);
	return true;
}

bool is_short_of(const struct error *why) { return why->os == EMFILE || why->os == ENFILE || why->os == ENOMEM; }

bool unread_short(struct session *s, const struct error *why) {
	if (why->code == ERR_NONE || !is_short_of(why)) return false;
	unread_again(s);
	if (s->row.state == STATE_CHECKING) unread_say(s, why);
	return true;
}

void unread_noted(struct session *s, const struct error *why) {
	s->unread = why->code != ERR_NONE;
	if (s->unread) unread_again(s);
	else s->unreads = 0;
}

void unread_probed(struct session *s, const struct check_task *t) {
	if (!t->changed && t->unread.code != ERR_NONE) {
		unread_again(s);
		return;
	}
	s->unread = false;
	s->unreads = 0;
	if (!t->changed) {
		journal_set_files(s->engine->journal, s->row.id, s->row.revision, t->snapshot.files, t->snapshot.n, NULL, NULL);
	}
	session_retry(s, "it can be read again");
}

void unread_load(struct session *s, const struct check_list *checks) {
	for (size_t i = 0; i < checks->n; i++) {
		const struct check *c = &checks->items[i];
		if (c->verdict == VERDICT_HOLD && strstr(c->mend, UNREAD_MEND)) s->unread = true;
	}
	if (!s->unread) return;
	s->unreads = UNREAD_TRIES;
	s->unread_ms = now_ms();
}

static bool is_waiting(const struct session *s) {
	if (s->row.state == STATE_CHECKING) return s->unreads > 0;
	return s->row.state == STATE_HELD && s->unread && session_at_work(s);
}

void unread_drive(struct session *s) {
	if (!is_waiting(s) || s->committing || s->check || s->check_queued || !s->row.present) return;
	if (!s->engine->roots[s->root].ok) return;
	if (s->unread_ms > now_ms()) session_due(s, s->unread_ms);
	else checking_enter(s);
}

bool unread_busy(const struct session *s) {
	if (!is_waiting(s) || s->row.state != STATE_HELD || !s->row.present || !s->engine->roots[s->root].ok) return false;
	return s->check || s->check_queued || s->unread_ms <= now_ms();
}
