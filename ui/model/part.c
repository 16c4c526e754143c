/* SPDX-License-Identifier: MIT */
/* What is alike for all parts. No thread of its own: what changes the model is called on the loop. */
#include "ui/model/part.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ui/model/model.h"

static_assert(PARTS_MAX <= 32, "a bit for each");

size_t part_row(const struct model *m, const struct part *p) {
	size_t i = 0;
	while (m->parts[i] && m->parts[i] != p) i++;
	assert(i < PARTS_MAX && m->parts[i]);
	return i;
}

unsigned part_bit(const struct model *m, const struct part *p) { return 1u << part_row(m, p); }

unsigned part_bits(const struct model *m, const struct part *const *some) {
	unsigned bits = 0;
	for (; some && *some; some++) bits |= part_bit(m, *some);
	return bits;
}

static void *place_of(struct model *m, const struct part *p) {
	return p->place ? (char *)m + p->place : m->rows[part_row(m, p)].own;
}

const void *part_data(const struct model *m, const struct part *p) {
	return p->place ? (const char *)m + p->place : m->rows[part_row(m, p)].own;
}

/* --- how old --- */

const struct error *part_error(const struct model *m, const struct part *p) {
	static const struct error none = {.code = ERR_NONE};
	if (p->read) return &m->journal_err;
	if (p->every_ms) return &m->rows[part_row(m, p)].err;
	return m->link == LINK_UP ? &none : &m->link_err;
}

/* What the engine tells by itself is fresh while it is there, else what was read or answered last. */
static bool part_is_fresh(const struct model *m, const struct part *p) {
	return p->read || p->every_ms ? part_error(m, p)->code == ERR_NONE : m->link == LINK_UP;
}

int64_t part_age_ms(const struct model *m, const struct part *p) {
	const int64_t *at_ms = p->size ? part_data(m, p) : NULL;
	if (!at_ms || !*at_ms || part_is_fresh(m, p)) return -1;
	int64_t age_ms = m->now_ms - *at_ms;
	return age_ms > p->old_ms ? age_ms : -1;
}

/* --- into the model --- */

void part_free(const struct part *p, void *data) {
	if (data && p->done) p->done(data);
	free(data);
}

void part_take(struct model *m, const struct part *p, void *data) {
	if (!p->place && !m->rows[part_row(m, p)].own) m->rows[part_row(m, p)].own = xcalloc(1, p->size);
	void *old = place_of(m, p);
	if (p->keep) p->keep(data, old);
	if (p->done) p->done(old);
	memcpy(old, data, p->size);
	free(data);
}

void part_hear(struct model *m, const struct part *p, const cJSON *said, const struct error *err) {
	struct error *why = &m->rows[part_row(m, p)].err;
	*why = err ? *err : (struct error)ERROR_INIT;
	if (err) return;
	void *data = xcalloc(1, p->size);
	if (p->hear(data, said, why)) part_take(m, p, data);
	else part_free(p, data);
}

void parts_done(struct model *m) {
	for (size_t i = 0; m->parts[i]; i++) {
		const struct part *p = m->parts[i];
		void *data = place_of(m, p);
		if (data && p->done) {
			p->done(data);
			memset(data, 0, p->size);
		}
		free(m->rows[i].own);
		m->rows[i].own = NULL;
	}
}
