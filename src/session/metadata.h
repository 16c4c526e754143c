/* SPDX-License-Identifier: MIT */
/* The metadata text file: "key: value" or "key = value" lines (blank lines and lines starting with '#' skipped), or one
 * JSON object of texts and numbers. UTF-8, at most METADATA_MAX bytes, no key twice. */
#pragma once

#include "base/json.h"

#define METADATA_MAX (256 * 1024)
#define METADATA_KEY_MAX 128
struct metadata_entry {
	char *key, *text; /* text as written */
	bool is_number;	  /* the whole value is a finite number */
	double number;
};
struct metadata {
	struct metadata_entry *entries; /* in order of the file */
	size_t n, capacity;
};
/* ERR_INPUT says line (or member) and mend: not UTF-8 (offset), too long, no separator, key twice, nested value. */
MUST_USE int metadata_parse(const char *text, size_t n, struct metadata *ret, struct error *err);
const struct metadata_entry *metadata_get(const struct metadata *m, const char *key);
void metadata_done(struct metadata *m);
DEFINE_AUTO_VAL(struct metadata, metadata_done)
/* A value as JSON, so that what was written stands there: a number when it is the one that JSON writes for it ("3"),
 * else the text ("0042", "1.10", twenty digits), which no reader can round. */
void metadata_write(struct buf *out, bool is_number, double number, const char *text);
