/* SPDX-License-Identifier: MIT */
/* What the last run left in the journal about what only a person mends. Any thread. */
#pragma once

#include "station/told/safe.h"

/* What the last run knew that no look at the folders tells: key, endpoint, conflict, metadata, as of at_ms. */
struct found {
	struct safe_look look;
	char message[640]; /* of key and endpoint; "": none */
};
MUST_USE int found_read(struct journal_view *v, struct found *ret, struct error *err); /* all 0: nothing is kept */
