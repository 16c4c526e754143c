/* SPDX-License-Identifier: MIT */
/* A session and the cloud agree on its revision: at the first answer of each upload, before a byte is sent, and again
 * when a file is refused later. What follows from the rule of revision.h is done here. Loop thread. */
#include "station/sending/revising.h"

#include <stdlib.h>

#include "base/text.h"
#include "session/content.h"
#include "station/sending/revision.h"

#define ROUNDS_MAX 4	  /* the next free number was taken meanwhile, again and again: a pause, then from the start */
#define REFUSED_AT_ONCE 2 /* revisions in a row that were refused in mid-send; then with growing pauses */

/* A state that this program does not know is of a newer cloud: that number is taken, and nothing is concluded. */
static void known_take(const struct engine *e, const struct answer_revision *from, struct cloud_revision *to) {
	*to = (struct cloud_revision){.revision = from->revision};
	to->foreign = from->instance && strcmp(from->instance, e->instance) != 0;
	if (revision_state_parse(from->state, &to->state)) to->foreign = true;
	to->has_content = from->content && content_parse(from->content, &to->content) == 0;
}

/* --- what follows --- */

static void renumber(struct session *s, int64_t revision, const char *why) {
	struct engine *e = s->engine;
	if (revision == s->row.revision) return;
	char message[200];
	snprintf(message, sizeof message, "%s: it is revision %lld here, not %lld", why, (long long)revision,
		(long long)s->row.revision);
	journal_renumber(e->journal, &s->row, revision, message, engine_journal_done, e);
}

static enum revising go_on(struct session *s, int64_t revision) {
	renumber(s, revision, "the cloud has other revisions of that name");
	upload_of(s)->agreed = true;
	return REVISING_ON;
}

static enum revising adopt(struct session *s, int64_t revision) {
	struct upload *u = upload_of(s);
	renumber(s, revision, "the cloud has this very content");
	u->revision = revision;
	u->agreed = u->adopted = true;
	return REVISING_AGAIN;
}

static enum revising ask_again(struct session *s, int64_t revision) {
	struct upload *u = upload_of(s);
	if (++u->rounds > ROUNDS_MAX) {
		struct error why = ERROR_INIT;
		error_set(&why, ERR_CONFLICT,
			"each revision that is free is taken before it can be used: two machines seem to send %s at once",
			s->row.name);
		session_trouble(s, STEP_PAUSE, &why, 0);
		return REVISING_OVER;
	}
	u->revision = revision;
	u->next = true;
	return REVISING_AGAIN;
}

/* Nothing of it is lost either way: it stays here until somebody says which it is. */
static enum revising ask_person(struct session *s) {
	struct check c = {.id = CHECK_UNIQUE, .verdict = VERDICT_HOLD};
	char reason[512];
	text_copy(c.found, sizeof c.found,
		"the cloud has a recording under this name, and none of this one's data files is in it");
	text_copy(c.rule, sizeof c.rule, UNIQUE_RULE);
	snprintf(c.mend, sizeof c.mend,
		"another recording: rename the folder; the same one, changed: send it as the next revision: headgate release "
		"%s",
		s->row.name);
	journal_add_check(s->engine->journal, s->row.id, s->row.revision, "local", &c);
	snprintf(reason, sizeof reason, "%s: %s", check_names[c.id], c.found);
	upload_drop(s);
	if (s->row.state == STATE_HELD) { /* for its metadata; the data wait for the person too, now */
		s->metadata_held = false;
		session_save(s, 0, reason);
	} else {
		session_hold(s, SET_STORED, reason);
	}
	return REVISING_OVER;
}

enum revising revising_take(struct session *s, const struct answer_presign *answer, bool refused, bool kin) {
	struct upload *u = upload_of(s);
	AUTO(xfree) char *owner = xcalloc(answer->revision_n + 1, sizeof(struct cloud_revision));
	struct cloud_revision *known = (struct cloud_revision *)(void *)owner;
	for (size_t i = 0; i < answer->revision_n; i++) known_take(s->engine, &answer->revisions[i], &known[i]);
	const struct revision_facts f = {
		.known = known,
		.n = answer->revision_n,
		.asked = u->revision,
		.content = u->data_only || !s->row.has_content ? NULL : &s->row.content,
		.refused = refused || s->refused_revision == u->revision,
		.next = u->next,
		.kin = kin || u->stored_kin || sent_of(s)->unknown_there,
		.released = s->row.released,
	};
	struct revision_decision d = revision_decide(&f);
	switch (d.step) {
	case REVISION_SEND: return go_on(s, d.revision);
	case REVISION_ADOPT: return adopt(s, d.revision);
	case REVISION_NEXT: return ask_again(s, d.revision);
	case REVISION_PERSON: break;
	}
	return ask_person(s);
}

void revising_refused(struct session *s, const struct error *why) {
	s->refused_revision = s->row.revision;
	upload_pause(s, why, ++sent_of(s)->refusals <= REFUSED_AT_ONCE);
}
