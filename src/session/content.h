/* SPDX-License-Identifier: MIT */
/* The content id of a revision (api.md "Content id"): what it is, whoever names it and however. Two revisions with one
 * content id hold the same bytes under the same names; a verdict is about that, never about a name (reliability.md). */
#pragma once

#include "base/digest.h"

struct content_file {
	const char *name;
	int64_t size; /* bytes */
	const struct sha256 *sha256;
};
/* SHA-256 over the lines "name NUL size NUL sha256-hex LF" of the files, the metadata file included, manifests not.
 * Sorts `files` by name, as bytes. Any thread. */
void content_id(struct content_file *files, size_t n, struct sha256 *ret);
/* 64 lower-case hexadecimal digits and nothing else, as content ids are written. */
MUST_USE int content_parse(const char *text, struct sha256 *ret);
