/* SPDX-License-Identifier: MIT */
/* What the console knows is a table of parts: a row each, with how it is read, how old it may be and who frees it.
 * Screens name the parts that they draw (ui/screens/screen.h); only what is shown is read. The table comes with the
 * model (struct model's `parts`), so that a screen with something new to show brings its own row.
 *
 * The data of a part begin with `int64_t at_ms`: when they were true, 0: never. They stay as they are while the part
 * cannot be read. */
#pragma once

#include "base/json.h"

#define PARTS_MAX 24
#define PART_WISH_MOST 256 /* bytes */

struct model;
struct journal_view;
struct part_read {
	struct journal_view *view;
	const char *state_dir;
	const void *wish; /* of wish_size */
};
struct part {
	const char *name;
	/* Its data: where in struct model; 0: memory of their own, found by part_data. Size 0: it has none, and is told of
	 * only. */
	size_t place, size;
	bool always; /* around every screen: kept fresh and drawn whatever is shown */
	bool first;	 /* read before the first frame, which is whole then */
	/* Where the data stop being kept fresh (the journal cannot be read, the engine is gone, it does not answer) they
	 * are shown as old once they are older than this. */
	int64_t old_ms;

	/* Either from the journal, in the thread pool, whenever that moved: into zeroed data. */
	int (*read)(const struct part_read *r, void *data, struct error *err);
	bool once;		  /* read when it is asked for, and not again */
	size_t wish_size; /* what a screen may ask of it: a window, a name. 0: nothing but to have it */
	bool exact;		  /* what was read for another wish than the present one is of no use */

	/* Or from the engine: what it answers to `method`, and what it tells under that name by itself, into zeroed data.
	 * False: they say nothing new; err may be why. The loop's thread. */
	const char *method;
	int64_t every_ms; /* asked for again while it is shown; 0: the engine tells by itself */
	bool (*hear)(void *data, const cJSON *said, struct error *err);

	void (*keep)(void *data, void *old); /* takes over from the older data what was not read anew; may be NULL */
	void (*done)(void *data);			 /* frees what they hold; may be NULL */
};

size_t part_row(const struct model *m, const struct part *p); /* in the table */
/* A set of parts is an unsigned, a bit a row. */
unsigned part_bit(const struct model *m, const struct part *p);
unsigned part_bits(const struct model *m, const struct part *const *some); /* NULL-terminated; NULL: none */
/* The data; NULL: those in memory of their own were never read. */
const void *part_data(const struct model *m, const struct part *p);
/* Why it is not kept fresh; ERR_NONE: it is. */
const struct error *part_error(const struct model *m, const struct part *p);
/* How old it is; -1 while that need not be said. */
int64_t part_age_ms(const struct model *m, const struct part *p);

/* --- for who fills the model --- */

/* New data, of malloc: taken into the model. */
void part_take(struct model *m, const struct part *p, void *data);
void part_free(const struct part *p, void *data); /* that were not taken */
/* What the engine said of it; err: that it did not answer. */
void part_hear(struct model *m, const struct part *p, const cJSON *said, const struct error *err);
void parts_done(struct model *m); /* what part_take put there */
