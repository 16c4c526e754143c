/* SPDX-License-Identifier: MIT */
/* Has a session come to rest? The decision is pure (the clock is given); the looking is in settle.c. */
#pragma once

#include "station/disk/scan.h"

#define TOUCH_LEAST_MS 20	 /* an event is followed by a look this much later: several come at once */
#define TOUCH_MOST_MS 1000	 /* big folders are looked at less often: five times the cost of a look */
#define WRITER_AGAIN_MS 1000 /* a file has a writer and no event will say when it closes */

struct settle_facts {
	int64_t now_ms, quiet_ms, settle_ms; /* monotonic: now, since when nothing changed; the time to wait */
	bool has_metadata, has_marker;
	bool marker_required;  /* it settles with its marker only */
	bool temporary;		   /* a file has a name that says: still being written */
	bool metadata_overdue; /* missing for longer than is waited for, or something else stands in its place */
	bool overdue;		   /* nothing changed for so long: a temporary name is a person's matter too */
	bool asked_leases;	   /* `lease` says something */
	enum lease lease;
};
enum settle_verdict {
	SETTLE_READY,
	SETTLE_QUIET,	  /* it changed too short a time ago: look again at quiet + settle */
	SETTLE_MARKER,	  /* its marker is required, and not there */
	SETTLE_TEMPORARY, /* quiet, but a file has a temporary name */
	SETTLE_METADATA,  /* quiet, but its metadata file is not there */
	SETTLE_LEASES,	  /* quiet: the leases are to be asked now */
	SETTLE_WRITER,	  /* a file is still open for writing */
	SETTLE_N
};
enum settle_verdict settle_decide(const struct settle_facts *f);
/* How long after an event to look, given what the last look cost. */
int64_t touch_delay_ms(int64_t cost_ms);
/* The monotonic instant of a wall-clock one: never in the future, whatever the clocks did meanwhile. */
int64_t quiet_from_wall(int64_t since_wall_ms, int64_t now_wall_ms, int64_t now_mono_ms);
