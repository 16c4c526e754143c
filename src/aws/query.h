/* SPDX-License-Identifier: MIT */
/* The query of a URL, taken apart: name and value of each parameter, percent-decoded ('+' is a plus: RFC 3986, not a
 * form). Bounded: 16 KiB, 256 parameters. */
#pragma once

#include "base/buf.h"

#define QUERY_BYTES_MAX 16384
#define QUERY_ITEMS_MAX 256

struct query_item {
	const char *name, *value; /* "" when there is none */
};
struct query {
	struct query_item *items; /* in order of the URL */
	size_t n, capacity;
	char *text; /* what the items point into */
};
/* raw: without '?'. ERR_INPUT on a bad escape, an encoded NUL or beyond the bounds; ret is then untouched. */
MUST_USE int query_parse(struct query *ret, const char *raw, struct error *err);
const char *query_get(const struct query *q, const char *name); /* the first of that name, or NULL */
size_t query_count(const struct query *q, const char *name);
void query_done(struct query *q);
DEFINE_AUTO_VAL(struct query, query_done)
