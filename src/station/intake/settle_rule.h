/* SPDX-License-Identifier: MIT */
/* Has a session come to rest? The decision is pure (the clock is given); the looking is in settle.c. */
#pragma once

#include "station/disk/lease.h"

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
