/* SPDX-License-Identifier: MIT */
/* A watched folder, as the core and all parts see it. Loop thread. */
#pragma once

#include "station/disk/folder.h"
#include "station/engine/engine.h"

#define SLOW_MS 3000  /* a call into a root that takes longer is shown */
#define HANG_MS 10000 /* and here nobody waits for it any more: the root does not answer */

struct lanes;
struct root {
	char *path;
	bool configured;	 /* else only known from the journal: nothing new is looked for in it */
	struct lanes *lanes; /* its threads (owned) */

	/* as of the last listing, and of what does not answer since */
	bool ok, local; /* local: no file server */
	bool events;	/* they come for it */
	bool listed;	/* a listing of it ended in this run */
	struct error why;
	enum folder_state state;
	int64_t began_ms;		 /* monotonic: when the last listing of it that ended was begun */
	int64_t listed_ms;		 /* wall clock: when it was last listed whole; 0: not in this run */
	struct error listed_why; /* of the last listing */
	int64_t slow_ms;		 /* wall clock: since when a call into it takes SLOW_MS and more; 0: none does */
	int64_t hanging_ms;		 /* the same, for HANG_MS: it does not answer */

	/* what parts found out about it, for the verdict */
	size_t names_n;		  /* folders in it that look like recordings */
	size_t unreadable_n;  /* accepted sessions that are here and not comparable now */
	char *unreadable_why; /* the first one's sentence (owned); NULL: none */
	bool audited;		  /* accepted sessions are in it */
	size_t arriving;	  /* accepted sessions that were moved into it and are not there in the journal yet */
	int64_t compared_ms;  /* wall clock: each of them was compared since then; 0: not known */

	void *part[PART_N];
};
void root_done(struct root *r);
bool root_hangs(const struct engine *e, size_t root);
/* One that does not answer is lost. */
enum folder_state root_state(const struct root *r);
/* What is known of it now: its last listing, or that it does not answer. ERR_NONE: it is as it should be. */
struct error root_trouble(const struct engine *e, size_t root);
/* The facts of its listing are new: what follows for its sessions, and for whoever reads the events. */
void root_judge(struct engine *e, size_t root);
void root_waits(struct engine *e, size_t root, int64_t since_mono_ms); /* a call into it; 0: none for SLOW_MS */
/* Was each configured one listed in this run, or found not to be listable? *ret_well: all of them are as they should.
 */
bool roots_listed(const struct engine *e, bool *ret_well);
