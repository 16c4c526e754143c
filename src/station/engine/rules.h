/* SPDX-License-Identifier: MIT */
/* The metadata rules in force: shared by reference, since a check in a thread goes on with those it began with. */
#pragma once

#include "session/schema.h"
#include "station/engine/engine.h"

struct rules {
	int refs;
	struct schema schema;
};
struct rules *rules_hold(struct engine *e);			   /* those in force; rules_drop ends it */
void rules_drop(struct rules *r);					   /* NULL: nothing */
void rules_replace(struct engine *e, struct rules *r); /* takes r, whose schema is filled */
