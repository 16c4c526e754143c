/* SPDX-License-Identifier: MIT */
/* The first rule that holds:
 *
 *   its content is in the cloud, decided                        -> adopt that revision
 *   its number is taken, or the cloud is ahead of the journal   -> ask again as the next free one
 *   as such a one, and nothing of it is known there             -> a person decides, unless one has
 *   else                                                        -> send */
#include "station/sending/revision.h"

#include <string.h>

static const char *const state_words[REVISION_STATE_N] = {
#define X(id, word) [REVISION_##id] = #word,
	REVISION_STATES(X)
#undef X
};

int revision_state_parse(const char *word, enum revision_state *ret) {
	for (size_t i = 0; i < REVISION_STATE_N; i++) {
		if (strcmp(word, state_words[i]) == 0) return *ret = (enum revision_state)i, 0;
	}
	return -1;
}

/* Begun by this station under this journal, and nobody has decided it: that asking alone makes one is no news. */
static bool is_own(const struct cloud_revision *k) { return k->state == REVISION_UPLOADING && !k->foreign; }

static int64_t newest(const struct revision_facts *f, bool (*counts)(const struct cloud_revision *k)) {
	int64_t max = 0;
	for (size_t i = 0; i < f->n; i++)
		if (!counts || counts(&f->known[i])) max = MAX(max, f->known[i].revision);
	return max;
}

static bool is_accepted(const struct cloud_revision *k) { return k->state == REVISION_ACCEPTED; }
static bool is_of_others(const struct cloud_revision *k) { return !is_own(k); }

/* An accepted one always, unless the session went on to other bytes since, back from which it comes: then it is a new
 * revision, or the cloud would go on showing the one in between. A rejected one that this station does not know yet: a
 * known one is being tried again. */
static bool may_adopt(const struct revision_facts *f, const struct cloud_revision *k) {
	if (!k->has_content || !sha256_equal(&k->content, f->content)) return false;
	if (k->state == REVISION_REJECTED) return k->revision >= f->asked;
	if (k->state != REVISION_ACCEPTED) return false;
	return k->revision == newest(f, is_accepted) || f->asked <= newest(f, is_of_others);
}

/* 0: none. */
static int64_t adopted(const struct revision_facts *f) {
	int64_t best = 0;
	enum revision_state state = REVISION_UPLOADING;
	for (size_t i = 0; f->content && i < f->n; i++) {
		const struct cloud_revision *k = &f->known[i];
		if (!may_adopt(f, k) || (state == REVISION_ACCEPTED && k->state != REVISION_ACCEPTED)) continue;
		if (k->state == state && k->revision < best) continue;
		best = k->revision;
		state = k->state;
	}
	return best;
}

static bool is_taken(const struct revision_facts *f) {
	if (f->refused) return true;
	for (size_t i = 0; i < f->n; i++) {
		const struct cloud_revision *k = &f->known[i];
		if (k->revision == f->asked && !is_own(k)) return true;
	}
	return newest(f, NULL) > f->asked;
}

/* The newest one where it is its own, else the one after it. */
static int64_t next_free(const struct revision_facts *f) {
	int64_t last = MAX(newest(f, NULL), f->asked);
	for (size_t i = 0; i < f->n; i++)
		if (f->known[i].revision == last && last > f->asked && is_own(&f->known[i])) return last;
	return last + 1;
}

struct revision_decision revision_decide(const struct revision_facts *f) {
	int64_t adopt = adopted(f);
	if (adopt) return (struct revision_decision){REVISION_ADOPT, adopt};
	if (is_taken(f)) return (struct revision_decision){REVISION_NEXT, next_free(f)};
	if (f->next && !f->kin && !f->released) return (struct revision_decision){REVISION_PERSON, f->asked};
	return (struct revision_decision){REVISION_SEND, f->asked};
}
