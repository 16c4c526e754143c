/* SPDX-License-Identifier: MIT */
/* The folders in a watched one that look like recordings and are not named like one: shown, said once, and kept for
 * whoever comes without an engine. All of them are the root's names_n. Loop thread. */
#pragma once

#include "station/engine/root.h"

struct names {				 /* of a root */
	struct near_name *items; /* owned */
	size_t n;
	bool cut; /* more other folders are in it than are looked into */
};
void names_done(struct names *n);
void names_take(struct engine *e, size_t root, struct names *n, struct folder_listing *l); /* from a listing of it */
cJSON *names_json(const struct names *n);
void names_add(const struct names *n, const char *root, cJSON *all); /* to those of all roots */
/* Into the journal; `was` is what it has of them (owned by the caller). */
void names_keep(struct engine *e, const cJSON *all, char **was);
