/* SPDX-License-Identifier: MIT */
/* What the catalog says is stored, against what lies in the store. An object that is missing, cut or rotten is taken
 * out of the way (objects.h, "aside"), its row becomes a promise of the same bytes again, and an error event says so:
 * so it can be sent once more, and never in another form. Any thread; two that find the same at once change it once. */
#pragma once

#include "cloud/store/catalog.h"
#include "cloud/store/logs.h"
#include "cloud/store/objects.h"

struct stores {
	struct catalog *catalog;
	struct objects *objects;
	struct logs *logs;
};
enum finding {
	FOUND_WHOLE,   /* there, and as long as it was; its bytes too when they were read */
	FOUND_MISSING, /* not there, or known to be lost already */
	FOUND_DAMAGED, /* another length, or other bytes */
};
enum examining {
	EXAMINE_SIZE,  /* presence and size */
	EXAMINE_BYTES, /* the bytes too, where this process did not hash them itself since the file was last touched */
	EXAMINE_READ,  /* the bytes, whatever they cost */
};
struct examined {
	enum finding finding;
	bool arrived;	 /* its bytes were hashed as they came in, by this process */
	bool read;		 /* its bytes were read and hashed now */
	char words[256]; /* of what is not whole: a sentence that names the file */
};
/* -1: the machine failed, and nothing is known of the object. A row that was lost and whose file is there again is
 * stored again, when its bytes are what they were. */
MUST_USE int object_examine(
	const struct stores *s, const struct object_row *row, enum examining how, struct examined *ret, struct error *err);
