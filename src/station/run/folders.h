/* SPDX-License-Identifier: MIT */
/* All watched folders looked at by a command, where no engine runs that did it. */
#pragma once

#include "station/disk/folder.h"
#include "station/told/safe.h"

struct folder_seen {
	const char *path; /* the configuration's */
	enum folder_state state;
	struct error why;
	struct folder_listing listing;
	int64_t strange; /* sessions in it that the journal does not know */
	char first_strange[16];
	int64_t accepted, compared, changed; /* accepted ones in it; those that were held against it; those that differ */
	char first_changed[16];
	int64_t unreadable; /* accepted sessions in it that could not be compared the last time */
	char *unreadable_why;
};
struct folders {
	struct folder_seen *items;
	size_t n;
	struct safe_look look; /* wrong, lost, empty, names, strange, unreadable, changed */
};
/* Lists each watched folder, all at the same time, for timeout_ms at most: one that has not answered by then is LOST.
 * Then, in half of that time, the accepted sessions are compared, the newest first: names, sizes and times. v
 * may be NULL: nothing is known. ERR_DISK when the journal cannot be read. */
MUST_USE int folders_look(
	const struct config *c, struct journal_view *v, int64_t timeout_ms, struct folders *ret, struct error *err);
void folders_done(struct folders *f);
DEFINE_AUTO_VAL(struct folders, folders_done)
