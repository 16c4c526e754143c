/* SPDX-License-Identifier: MIT */
/* File-system events as hints: what is watched, and what an event asks for (a look at a session, a listing, a name that
 * appeared in a root). A part that reads folders adds them; events only ever make it read them again. */
#pragma once

#include "station/engine/engine.h"

MUST_USE int watches_open(
	struct engine *e, struct error *err); /* sets e->watches; NULL where inotify is not to be had */
void watches_close(struct engine *e);
void watches_free(struct engine *e); /* after the loop */

/* Adding a watch may wait for the file system, so the thread that reads the folders does it, into a list. */
struct watching {
	int fd; /* -1: no events are wanted */
	struct watching_folder {
		int wd;
		char *folder; /* of the session, with a final '/'; "": itself, or the root */
	} * items;
	size_t n, capacity;
	int why; /* errno of the last that failed for want of room */
};
struct watching watching_init(const struct engine *e, bool wanted);
void watching_add(struct watching *w, const char *path, const char *folder, bool session); /* any thread */
void watching_done(struct watching *w);

void watch_root(struct engine *e, size_t root, const struct watching *w);
/* What its look asked for. True: something may have happened that no event told, and it is to be looked at again. */
bool watch_session(struct session *s, const struct watching *w);
void watch_nobody(struct engine *e, const struct watching *w); /* the session is gone: nothing more of it */
void watch_drop(struct session *s);
bool watch_has(const struct session *s); /* events come for it */
/* The next name of a session that an event brought: false when there is none. */
bool watch_name(struct engine *e, size_t *ret_root, char ret_name[16]);
