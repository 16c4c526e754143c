/* SPDX-License-Identifier: MIT */
/* Under which revision a session goes: each rule with its value, and a model of two stations and a cloud that live
 * through thousands of random days. The model compares contents: whatever happened, what a station shows as accepted is
 * in the cloud byte for byte, and nobody waits for ever who is not told so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "station/sending/revision.h"

static struct sha256 content_of(int of) {
	struct sha256 ret;
	sha256_of(&of, sizeof of, &ret);
	return ret;
}

/* --- rule by rule --- */

#define UP REVISION_UPLOADING
#define YES REVISION_ACCEPTED
#define NO REVISION_REJECTED

struct rule {
	const char *what;
	struct known {
		int64_t revision;
		enum revision_state state;
		int content; /* 0: unknown */
		bool foreign;
	} known[3];
	int64_t asked;
	int content; /* 0: only data go up */
	bool refused, next, kin, released;
	enum revision_step step;
	int64_t revision;
};

static const struct rule rules[] = {
	{"a new name", {{0}}, 1, 7, .step = REVISION_SEND, .revision = 1},
	{"begun by itself", {{1, UP, 0, false}}, 1, 7, .step = REVISION_SEND, .revision = 1},
	{"its next one", {{1, YES, 7, false}}, 2, 8, .step = REVISION_SEND, .revision = 2},
	{"after a rejection", {{1, NO, 7, false}}, 2, 7, .step = REVISION_SEND, .revision = 2},
	/* adopt */
	{"a journal was lost", {{1, YES, 7, true}}, 1, 7, .step = REVISION_ADOPT, .revision = 1},
	{"lost after two revisions", {{1, YES, 6, true}, {2, YES, 7, true}}, 1, 7, .step = REVISION_ADOPT, .revision = 2},
	{"lost, and put back to the first", {{1, YES, 7, true}, {2, YES, 8, true}}, 1, 7, .step = REVISION_ADOPT,
		.revision = 1},
	{"touched, and the same", {{1, YES, 7, false}}, 2, 7, .step = REVISION_ADOPT, .revision = 1},
	{"changed, and back again", {{1, YES, 7, false}, {2, YES, 8, false}}, 3, 7, .step = REVISION_SEND, .revision = 3},
	{"lost after a rejection", {{1, NO, 7, true}}, 1, 7, .step = REVISION_ADOPT, .revision = 1},
	{"rejected, then accepted as it is", {{1, NO, 7, true}, {2, YES, 7, true}}, 1, 7, .step = REVISION_ADOPT,
		.revision = 2},
	{"undecided is no verdict", {{1, UP, 7, false}}, 1, 7, .step = REVISION_SEND, .revision = 1},
	{"only data", {{1, YES, 7, true}}, 1, 0, .step = REVISION_NEXT, .revision = 2},
	/* the next free one */
	{"a twin's", {{1, YES, 9, true}}, 1, 7, .step = REVISION_NEXT, .revision = 2},
	{"a twin is at it", {{1, UP, 0, true}}, 1, 7, .step = REVISION_NEXT, .revision = 2},
	{"a twin went on", {{1, YES, 7, false}, {2, YES, 9, true}}, 2, 8, .step = REVISION_NEXT, .revision = 3},
	{"an old journal", {{1, YES, 6, false}, {2, YES, 7, false}, {3, YES, 8, false}}, 2, 9, .step = REVISION_NEXT,
		.revision = 4},
	{"its own, decided as something else", {{1, YES, 9, false}}, 1, 7, .step = REVISION_NEXT, .revision = 2},
	{"a file is refused", {{1, UP, 0, false}}, 1, 7, .refused = true, .step = REVISION_NEXT, .revision = 2},
	{"refused, and nothing known", {{0}}, 1, 7, .refused = true, .step = REVISION_NEXT, .revision = 2},
	{"the next one is taken too", {{1, YES, 9, true}, {2, UP, 0, true}}, 2, 7, .next = true, .step = REVISION_NEXT,
		.revision = 3},
	{"the next one is its own, begun before", {{1, YES, 9, true}, {2, UP, 0, false}}, 1, 7, .step = REVISION_NEXT,
		.revision = 2},
	{"the next one is its own, and refused", {{1, YES, 9, true}, {2, UP, 0, false}}, 2, 7, .refused = true,
		.step = REVISION_NEXT, .revision = 3},
	{"changed, and back again, as asked", {{1, YES, 7, false}, {2, YES, 8, false}, {3, UP, 0, false}}, 3, 7,
		.step = REVISION_SEND, .revision = 3},
	/* as such */
	{"kin", {{1, YES, 9, true}, {2, UP, 0, false}}, 2, 7, .next = true, .kin = true, .step = REVISION_SEND,
		.revision = 2},
	{"no kin", {{1, YES, 9, true}}, 2, 7, .next = true, .step = REVISION_PERSON, .revision = 2},
	{"no kin, and a person said so", {{1, YES, 9, true}}, 2, 7, .next = true, .released = true, .step = REVISION_SEND,
		.revision = 2},
	{"it is there after all", {{1, YES, 9, true}, {2, YES, 7, true}}, 3, 7, .next = true, .step = REVISION_ADOPT,
		.revision = 2},
};

static void test_rules(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const struct rule *r = &rules[i];
		struct cloud_revision known[ARRAY_LEN(r->known)];
		struct sha256 mine = content_of(r->content);
		struct revision_facts f = {.known = known,
			.asked = r->asked,
			.content = r->content ? &mine : NULL,
			.refused = r->refused,
			.next = r->next,
			.kin = r->kin,
			.released = r->released};
		for (; f.n < ARRAY_LEN(known) && r->known[f.n].revision; f.n++) {
			const struct known *k = &r->known[f.n];
			known[f.n] =
				(struct cloud_revision){k->revision, k->state, k->content != 0, content_of(k->content), k->foreign};
		}
		struct revision_decision d = revision_decide(&f);
		if (d.step != r->step || d.revision != r->revision)
			fail_msg("%s: step %d revision %lld", r->what, (int)d.step, (long long)d.revision);
	}
}

static void test_words(void **state) {
	(void)state;
	enum revision_state s;
	assert_int_equal(revision_state_parse("uploading", &s), 0);
	assert_int_equal(s, REVISION_UPLOADING);
	assert_int_equal(revision_state_parse("accepted", &s), 0);
	assert_int_equal(s, REVISION_ACCEPTED);
	assert_int_equal(revision_state_parse("rejected", &s), 0);
	assert_int_equal(s, REVISION_REJECTED);
	assert_int_equal(revision_state_parse("safe", &s), -1);
}

/* --- the model --- */

/* One name. A session's folder holds FILES data files, each of a content that is a number (0: not there); its content
 * is the whole array. The cloud has revisions; a station a journal that can be lost, restored and copied. */
#define FILES 3
#define REVISIONS 200
#define STATIONS 2
#define CONTENTS 5 /* of one file: few, so that equal ones meet */

struct bytes {
	int file[FILES];
};
struct m_revision {
	enum revision_state state;
	int instance;
	bool has_content;
	struct bytes content;
	struct bytes stored; /* what PUTs left, also of a revision that is never whole */
};
struct m_cloud {
	struct m_revision revision[REVISIONS];
	int n;
	int history; /* another one after a restore: what its cursor tells */
};
struct m_journal {
	int instance;
	int64_t revision;
	enum { M_NONE, M_QUEUED, M_UPLOADED, M_ACCEPTED, M_HELD } state;
	struct bytes content; /* what was hashed */
	bool released;
	int history; /* of the cloud, as its cursor was last */
};
struct m_station {
	bool here;
	struct bytes disk;
	struct m_journal journal, copy; /* copy: of the journal, kept by somebody's backup */
};
struct model {
	struct m_cloud cloud, backup;
	struct m_station station[STATIONS];
	uint64_t random;
	bool killed; /* in this run */
	int instances, histories, conflicts, adopted, sent, held;
};

static int roll(struct model *m, int n) {
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (int)(m->random % (uint64_t)n);
}

static bool bytes_equal(const struct bytes *a, const struct bytes *b) { return memcmp(a, b, sizeof *a) == 0; }

static struct sha256 bytes_content(const struct bytes *b) {
	struct sha256 ret;
	sha256_of(b, sizeof *b, &ret);
	return ret;
}

static struct bytes recording(struct model *m) {
	struct bytes b;
	for (int i = 0; i < FILES; i++) b.file[i] = 1 + roll(m, CONTENTS);
	return b;
}

/* The first PUT under a key stays: of file i in revision r. Revisions have keys of their own. */
static bool m_put(struct m_cloud *c, int64_t r, int i, int content) {
	int *slot = &c->revision[r - 1].stored.file[i];
	if (*slot) return *slot == content;
	*slot = content;
	return true;
}

/* presign: is file i, with that content, stored under revision r or an older one? */
static bool m_exists(const struct m_cloud *c, int64_t r, int i, int content) {
	for (int64_t k = MIN(r, (int64_t)c->n); k >= 1; k--)
		if (c->revision[k - 1].stored.file[i] == content) return true;
	return false;
}

static void m_known(const struct model *m, const struct m_journal *j, struct cloud_revision *known) {
	for (int i = 0; i < m->cloud.n; i++) {
		const struct m_revision *r = &m->cloud.revision[i];
		known[i] = (struct cloud_revision){
			i + 1, r->state, r->has_content, bytes_content(&r->content), r->instance && r->instance != j->instance};
	}
}

/* presign claims the revision for the one that promised first. */
static void m_claim(struct m_cloud *c, int64_t r, int instance) {
	while (c->n < r) c->revision[c->n++] = (struct m_revision){0};
	if (!c->revision[r - 1].instance) c->revision[r - 1].instance = instance;
}

/* Data files go up, then the manifest: the cloud decides. A twin of the same instance may be in between: then other
 * bytes are there already. */
static bool m_send(struct model *m, struct m_journal *j) {
	struct m_revision *r = &m->cloud.revision[j->revision - 1];
	for (int i = 0; i < FILES; i++) {
		if (m_exists(&m->cloud, j->revision, i, j->content.file[i])) continue;
		if (!m_put(&m->cloud, j->revision, i, j->content.file[i])) return false;
		if ((m->killed = roll(m, 8) == 0)) return true; /* killed: the next run goes on */
	}
	if (r->has_content && !bytes_equal(&r->content, &j->content)) return false; /* another manifest is there */
	r->has_content = true;
	r->content = j->content;
	j->state = M_UPLOADED;
	if (r->state == REVISION_UPLOADING) r->state = roll(m, 8) ? REVISION_ACCEPTED : REVISION_REJECTED;
	return true;
}

/* What presign.c and upload.c do, on one name, in one go. */
static void m_upload(struct model *m, struct m_journal *j) {
	struct cloud_revision known[REVISIONS + 1];
	struct sha256 content = bytes_content(&j->content);
	struct revision_facts f = {.known = known, .asked = j->revision, .content = &content, .released = j->released};
	for (int round = 0;; round++) {
		assert_true(round < 8); /* no exchange repeats without end */
		m_claim(&m->cloud, f.asked, j->instance);
		m_known(m, j, known);
		f.n = (size_t)m->cloud.n;
		f.kin = false;
		for (int i = 0; i < FILES; i++) f.kin |= m_exists(&m->cloud, f.asked, i, j->content.file[i]);
		struct revision_decision d = revision_decide(&f);
		if (d.step == REVISION_PERSON) {
			j->state = M_HELD;
			m->held++;
			return;
		}
		if (d.step == REVISION_ADOPT) {
			j->revision = d.revision;
			j->state = M_UPLOADED;
			m->adopted++;
			return;
		}
		if (d.step == REVISION_SEND) {
			j->revision = d.revision;
			m->sent++;
			if (m_send(m, j)) return;
			m->conflicts++;
		}
		f.refused = d.step == REVISION_SEND;
		f.next = f.next || d.step == REVISION_NEXT;
		if (d.step == REVISION_NEXT) f.asked = d.revision;
	}
}

/* The verdict rule of confirm.c: of this very revision, and of this very content. */
static void m_confirm(struct model *m, struct m_journal *j) {
	if (j->state != M_UPLOADED || j->revision > m->cloud.n) {
		if (j->state == M_UPLOADED) j->state = M_QUEUED; /* the cloud does not know it */
		return;
	}
	const struct m_revision *r = &m->cloud.revision[j->revision - 1];
	bool mine = r->has_content && bytes_equal(&r->content, &j->content);
	if (mine && r->state == REVISION_ACCEPTED) j->state = M_ACCEPTED;
	else if (mine && r->state == REVISION_REJECTED) j->state = M_HELD;
	else j->state = M_QUEUED;
}

/* A run of the engine: look, hash, send, follow. */
static void m_run(struct model *m, struct m_station *s) {
	struct m_journal *j = &s->journal;
	if (!j->instance) *j = (struct m_journal){.instance = ++m->instances, .revision = 1};
	/* the cursor went back: what was accepted is looked for again */
	if (j->history != m->cloud.history && j->state == M_ACCEPTED) j->state = M_UPLOADED;
	j->history = m->cloud.history;
	if (!s->here) return;
	bool changed = j->state == M_NONE || !bytes_equal(&j->content, &s->disk);
	if (changed) {
		if (j->state != M_NONE) j->revision++;
		j->content = s->disk;
		j->state = M_QUEUED;
	}
	m->killed = false;
	for (int i = 0; i < 3 && !m->killed && (j->state == M_QUEUED || j->state == M_UPLOADED); i++) {
		if (j->state == M_QUEUED) m_upload(m, j);
		m_confirm(m, j);
	}
}

static void m_happen(struct model *m) {
	struct m_station *s = &m->station[roll(m, STATIONS)], *other = &m->station[s == m->station];
	switch (roll(m, 12)) {
	case 0:
		s->here = true;
		s->disk = recording(m);
		break;
	case 1: s->disk.file[roll(m, FILES)] = 1 + roll(m, CONTENTS); break;
	case 2: s->here = !s->here; break;
	case 3: s->journal = (struct m_journal){0}; break; /* lost */
	case 4: s->copy = s->journal; break;
	case 5: s->journal = s->copy; break;		/* restored, however old */
	case 6: other->journal = s->journal; break; /* a cloned disk: the same instance */
	case 7: other->disk = s->disk, other->here = s->here; break;
	case 8: s->journal.released = s->journal.state == M_HELD; break;
	case 9:
		if (roll(m, 3) == 0) m->backup = m->cloud;
		if (roll(m, 10) == 0) { /* restored, objects and all */
			m->cloud = m->backup;
			m->cloud.history = ++m->histories;
		}
		break;
	default: m_run(m, s); break;
	}
}

static bool m_in_cloud(const struct m_cloud *c, const struct bytes *b) {
	for (int i = 0; i < c->n; i++) {
		const struct m_revision *r = &c->revision[i];
		if (r->state != REVISION_ACCEPTED || !bytes_equal(&r->content, b)) continue;
		bool whole = true;
		for (int f = 0; f < FILES; f++) whole &= m_exists(c, i + 1, f, b->file[f]);
		if (whole) return true;
	}
	return false;
}

/* After its run, what a station calls accepted is there; what is not accepted it does not call so, and it knows. */
static void m_judge(struct model *m, struct m_station *s, int day) {
	m_run(m, s);
	const struct m_journal *j = &s->journal;
	if (!s->here) return;
	assert_true(bytes_equal(&j->content, &s->disk));
	if (j->state == M_ACCEPTED && !m_in_cloud(&m->cloud, &s->disk))
		fail_msg("day %d: accepted, and the cloud has it not", day);
	assert_true(j->state == M_ACCEPTED || j->state == M_HELD || j->state == M_QUEUED);
}

static void test_model(void **state) {
	(void)state;
	int adopted = 0, conflicts = 0, held = 0, sent = 0;
	for (uint64_t seed = 1; seed <= 4000; seed++) {
		struct model *m = xcalloc(1, sizeof *m);
		m->random = seed * 0x9e3779b97f4a7c15u;
		for (int day = 0; day < 150 && m->cloud.n < REVISIONS - 10; day++) {
			m_happen(m);
			m_judge(m, &m->station[roll(m, STATIONS)], day);
		}
		adopted += m->adopted, conflicts += m->conflicts, held += m->held, sent += m->sent;
		free(m);
	}
	print_message("adopted %d, conflicts %d, held %d, sent %d\n", adopted, conflicts, held, sent);
	/* the days were as wild as meant */
	assert_true(adopted > 1000 && conflicts > 20 && held > 500 && sent > 1000);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules), cmocka_unit_test(test_words), cmocka_unit_test(test_model)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
