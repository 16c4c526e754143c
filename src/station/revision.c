/* SPDX-License-Identifier: MIT */
/* The first rule that holds:
 *
 *   its content is in the cloud, decided                        -> adopt that revision
 *   its number is taken, or the cloud is ahead of the journal   -> ask again as the next free one
 *   as such a one, and nothing of it is known there             -> a person decides, unless one has
 *   else                                                        -> send */
#include "station/revision.h"

#include <assert.h>
#include <string.h>

static const char *const state_words[] = {
	[REVISION_UPLOADING] = "uploading",
	[REVISION_ACCEPTED] = "accepted",
	[REVISION_REJECTED] = "rejected",
};
static_assert(ARRAY_LEN(state_words) == REVISION_STATE_N, "a word for each state");

int revision_state_parse(const char *word, enum revision_state *ret) {
	for (size_t i = 0; i < REVISION_STATE_N; i++) {
		if (strcmp(word, state_words[i]) == 0) return *ret = (enum revision_state)i, 0;
	}
	return -1;
}

static int64_t newest(const struct revision_facts *f, bool accepted_only) {
	int64_t max = 0;
	for (size_t i = 0; i < f->n; i++)
		if (!accepted_only || f->known[i].state == REVISION_ACCEPTED) max = MAX(max, f->known[i].revision);
	return max;
}

/* An accepted one always, unless the session went on to other bytes since, back from which it comes: then it is a new
 * revision, or the cloud would go on showing the one in between. A rejected one that this station does not know yet: a
 * known one is being tried again. */
static bool may_adopt(const struct revision_facts *f, const struct cloud_revision *k) {
	if (!k->has_content || !sha256_equal(&k->content, f->content)) return false;
	if (k->state == REVISION_REJECTED) return k->revision >= f->asked;
	if (k->state != REVISION_ACCEPTED) return false;
	return k->revision == newest(f, true) || f->asked <= newest(f, false);
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
		if (k->revision == f->asked && (k->state != REVISION_UPLOADING || k->foreign)) return true;
	}
	return newest(f, false) > f->asked;
}

struct revision_decision revision_decide(const struct revision_facts *f) {
	int64_t adopt = adopted(f);
	if (adopt) return (struct revision_decision){REVISION_ADOPT, adopt};
	if (is_taken(f)) return (struct revision_decision){REVISION_NEXT, MAX(newest(f, false), f->asked) + 1};
	if (f->next && !f->kin && !f->released) return (struct revision_decision){REVISION_PERSON, f->asked};
	return (struct revision_decision){REVISION_SEND, f->asked};
}
