/* SPDX-License-Identifier: MIT */
/* Counted references to the rules in force. Loop thread; what a reference shows is constant. */
#include "station/engine/rules.h"

#include <stdlib.h>

struct rules *rules_hold(struct engine *e) {
	e->rules->refs++;
	return e->rules;
}

void rules_drop(struct rules *r) {
	if (!r || --r->refs) return;
	schema_done(&r->schema);
	free(r);
}

void rules_replace(struct engine *e, struct rules *r) {
	r->refs = 1;
	rules_drop(e->rules);
	e->rules = r;
}
