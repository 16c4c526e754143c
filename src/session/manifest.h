/* SPDX-License-Identifier: MIT */
/* The manifest of a revision: every object of it, the metadata file included, not itself (api.md "Manifest"). */
#pragma once

#include "base/digest.h"
#include "base/json_pull.h"

#define MANIFEST_FILES_MAX 10001
#define REVISION_MAX 1000000
#define MANIFEST_BYTES_MAX (64 << 20)
#define MANIFEST_INSTANCE_MAX 64 /* bytes of an instance id */
#define MTIME_UNKNOWN INT64_MIN
struct manifest_file {
	char *name, *bucket, *key;
	int64_t size, mtime_ms; /* MTIME_UNKNOWN, or any time, before 1970 too */
	struct sha256 sha256;
	struct sha256 *parts; /* part_n of them, or NULL */
	size_t part_n;
};
struct manifest {
	char *station, *session, *software, *metadata;
	char *instance; /* of the station's journal that wrote it, or NULL: tells twins of one station apart */
	int64_t revision;
	struct sha256 content; /* set by manifest_pull: computed from the files */
	struct manifest_file *files;
	size_t n, capacity;
};
void manifest_done(struct manifest *m);
DEFINE_AUTO_VAL(struct manifest, manifest_done)
struct manifest_file *manifest_add(struct manifest *m); /* zeroed; the caller fills owned members */
/* One JSON object that states its content id; the same input gives the same bytes. The caller frees. */
char *manifest_write(const struct manifest *m);
void manifest_content(const struct manifest *m, struct sha256 *ret); /* the content id of its files */
/* 1 to MANIFEST_INSTANCE_MAX of [A-Za-z0-9._-]. */
bool instance_is(const char *text);
/* From a source, in memory of its names and keys alone: at most about 20 MiB of the longest one. parts: keep the parts'
 * digests as well, which are checked in any case. ERR_INPUT names the member's path. Names are checked by
 * file_name_check, sizes and parts against part.h, none twice, the metadata file among them. A stated content id must
 * be that of the files; one that states none is older than them.
 */
MUST_USE int manifest_pull(json_source *source, void *arg, bool parts, struct manifest *ret, struct error *err);
