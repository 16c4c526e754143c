/* SPDX-License-Identifier: MIT */
/* Which sessions are in work: the oldest of those found, in at most [station] at_once places; the others wait outside
 * (engine.waiting). Loop thread. */
#pragma once

#include "station/disk/scan.h"
#include "station/engine/engine.h"

extern const struct part admission_part;

/* Those whose folders are not in the listing go into work, at most *left of them: what follows from it is decided
 * there. */
void admission_compare(struct engine *e, size_t root, const struct listed *names, size_t n, size_t *left);
struct session *admission_find(struct engine *e, const char *name, size_t root); /* into work now; NULL: not there */
