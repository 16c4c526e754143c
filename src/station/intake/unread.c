/* SPDX-License-Identifier: MIT */
/* What cannot be read now may be later: a disk that hiccups, a file server that was restarted, descriptors that ran out
 * are the station's trouble and no session's fault, and a file whose rights were mended is found without being told.
 * Loop thread.
 *
 * A session that cannot be read is tried again, with growing pauses, where it is (settling, checking); after
 * UNREAD_TRIES, or at once when only a person can give the right to read, it is held, which puts it on the list, and is
 * read again all the same: when all of it can be read, or its owner or mode changed and it can, it goes on by itself.
 */
#include "station/intake/unread.h"

#include <errno.h>
#include <string.h>

#include "station/engine/root.h"
#include "station/engine/session.h"
#include "station/intake/check_task.h"

#define UNREAD_TRIES 3
#define UNREAD_BASE_MS 1000

/* The head of what checking knows of a session. */
static struct unread *mine(const struct session *s) { return session_part(s, PART_CHECKING); }

static int64_t unread_pause_ms(const struct session *s) {
	return MIN(UNREAD_BASE_MS << MIN(MAX(mine(s)->tries - 1, 0), 20), s->engine->config->retry_cap_ms);
}

/* A person must act, or enough was tried: it is not put off any longer. */
static bool is_lasting(const struct session *s, const struct error *why) {
	return why->os == EACCES || why->os == EPERM || mine(s)->tries >= UNREAD_TRIES;
}

static int64_t unread_again(struct session *s) {
	mine(s)->tries++;
	int64_t pause = unread_pause_ms(s);
	mine(s)->again_ms = now_ms() + pause;
	session_due(s, mine(s)->again_ms);
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
	session_look(s, now_ms() + unread_again(s));
	unread_say(s, why);
	return true;
}

void unread_marked(struct session *s, uint64_t marks) {
	bool other = mine(s)->marks && mine(s)->marks != marks;
	mine(s)->marks = marks;
	if (!other || !s->unread) return;
	mine(s)->again_ms = now_ms();
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

bool unread_short(struct session *s, const struct error *why) {
	if (why->code == ERR_NONE || !error_is_short(why)) return false;
	unread_again(s);
	if (s->row.state == STATE_CHECKING) unread_say(s, why);
	return true;
}

void unread_noted(struct session *s, const struct error *why) {
	s->unread = why->code != ERR_NONE;
	if (s->unread) unread_again(s);
	else mine(s)->tries = 0;
}

void unread_probed(struct session *s, const struct check_task *t) {
	if (!t->changed && t->unread.code != ERR_NONE) {
		unread_again(s);
		return;
	}
	s->unread = false;
	mine(s)->tries = 0;
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
	mine(s)->tries = UNREAD_TRIES;
	mine(s)->again_ms = now_ms();
}

static bool is_waiting(const struct session *s) {
	if (s->row.state == STATE_CHECKING) return mine(s)->tries > 0;
	return s->row.state == STATE_HELD && s->unread && session_at_work(s);
}

void unread_drive(struct session *s) {
	if (!is_waiting(s) || s->committing || s->checking || !s->row.present) return;
	if (!s->engine->roots[s->root].ok) return;
	if (mine(s)->again_ms > now_ms()) session_due(s, mine(s)->again_ms);
	else s->check_wanted = true;
}

bool unread_busy(const struct session *s) {
	if (!is_waiting(s) || s->row.state != STATE_HELD || !s->row.present || !s->engine->roots[s->root].ok) return false;
	return s->checking || mine(s)->again_ms <= now_ms();
}
