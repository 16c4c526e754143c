/* SPDX-License-Identifier: MIT */
/* What of this station stands in the way of a session that has settled: a copy of it under another name, or another
 * recording of its very name under another watched folder. Only what is on disk now counts, so that an only original is
 * never called a copy: a session that was renamed, moved or removed since is no rival. Thread pool. */
#pragma once

#include "station/journal/journal.h"

struct rival { /* "": none */
	char found[256], mend[256];
};
/* Is this reason of a session's being held one of rival_find's, which may pass when the other one goes? */
bool rival_is_reason(const char *reason);
/* A name that was sent before stands on another folder now, none of whose files was sent. */
void rival_name_again(const char *name, struct rival *ret);
/* `me`: id, name, root, and content when has_content; nothing rivals a released one. `roots` are the folders that could
 * be listed lately (NULL-terminated): others are not asked, they may hang. */
MUST_USE int rival_find(struct journal_view *v, const struct session_row *me, const char *const *roots,
	struct rival *ret, struct error *err);
