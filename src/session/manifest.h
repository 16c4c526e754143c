/* SPDX-License-Identifier: MIT */
/* The manifest of a revision: every object of it, the metadata file included, not itself (api.md "Manifest"). */
#pragma once

#include "base/digest.h"
#include "base/json.h"

#define MANIFEST_FILES_MAX 10001
#define MANIFEST_BYTES_MAX (64 << 20)
struct manifest_file {
	char *name, *bucket, *key;
	int64_t size, mtime_ms;
	struct sha256 sha256;
	struct sha256 *parts; /* part_n of them, or NULL */
	size_t part_n;
};
struct manifest {
	char *station, *session, *software, *metadata;
	int64_t revision;
	struct manifest_file *files;
	size_t n, capacity;
};
void manifest_done(struct manifest *m);
DEFINE_AUTO_VAL(struct manifest, manifest_done)
struct manifest_file *manifest_add(struct manifest *m); /* zeroed; the caller fills owned members */
char *manifest_write(
	const struct manifest *m); /* one JSON object; the same input gives the same bytes; the caller frees */
/* ERR_INPUT names the member's path. Names are checked by file_name_check, sizes and parts against part.h, none twice,
 * the metadata file among them. */
MUST_USE int manifest_read(const char *text, size_t n, struct manifest *ret, struct error *err);
