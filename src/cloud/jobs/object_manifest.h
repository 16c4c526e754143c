/* SPDX-License-Identifier: MIT */
/* A stored manifest, read as it lies in the store. Any thread. */
#pragma once

#include "cloud/store/catalog.h"
#include "cloud/store/objects.h"

/* In bounded memory, without the parts' digests. ERR_INPUT: it is none, with words; ERR_CHECKSUM: its bytes are not
 * those that were stored, ERR_NOT_FOUND; else the machine failed. */
MUST_USE int object_manifest(struct objects *o, const struct object_row *row, struct manifest *ret, struct error *err);
