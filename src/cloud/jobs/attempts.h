/* SPDX-License-Identifier: MIT */
/* Which sessions are being looked at now, in a file that outlives the program: DATA/validating, a line a place. Not
 * synced: it is there to tell a death of the program (killed for memory, say), which the system's cache survives. The
 * file belongs to the validator's threads, a place to each. */
#pragma once

#include "cloud/store/catalog.h"

#define ATTEMPTS_PLACES 8
struct attempts;
/* Counts what the last run died with in the catalog, and begins anew. */
MUST_USE int attempts_open(struct attempts **ret, const char *data_dir, struct catalog *c, struct error *err);
void attempts_close(struct attempts *a);
void attempts_begin(struct attempts *a, int place, const char *station, const char *session);
void attempts_end(struct attempts *a, int place);
