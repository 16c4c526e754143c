/* SPDX-License-Identifier: MIT */
/* Objects that are in the store while the catalog knows only their promise: a crash, or a full disk, between the link
 * of the file and the commit of its row. The file is whole (objects.h), so its bytes are read once more and, when they
 * are what was promised, the row says so. Any thread; the same object may be looked at twice. */
#pragma once

#include "cloud/store/catalog.h"
#include "cloud/store/objects.h"

enum reconciled {
	RECONCILED_ABSENT,	  /* no file, no promise, or the row says stored already: nothing was done */
	RECONCILED_STORED,	  /* the row says stored now, as promised: the validator is to be told */
	RECONCILED_DIFFERENT, /* likewise, with other bytes than promised: to be told and logged */
};
/* One object: for a PUT that finds ERR_EXISTS. ret_row (may be NULL) is the row as it stands afterwards, when there is
 * one. */
MUST_USE int object_reconcile(struct catalog *c, struct objects *o, const char *bucket, const char *key,
	enum reconciled *ret, struct object_row *ret_row, struct error *err);

struct reconcile_report {
	int64_t promised;		   /* rows without stored_ms */
	int64_t stored;			   /* of these: found whole and marked */
	int64_t different;		   /* found with other bytes */
	char first_different[512]; /* "bucket/key" of the first, or "" */
};
/* Every promised row, at start, before the first request is served. */
MUST_USE int objects_reconcile(struct catalog *c, struct objects *o, struct reconcile_report *ret, struct error *err);
