/* SPDX-License-Identifier: MIT */
/* What an answer must look like, as a table, and the one reader of such tables. A document is checked whole (members,
 * types, ranges, lengths, forms of text) while it is copied into a struct of the caller's; what does not fit leaves
 * nothing behind. Members that no table names are ignored, so that a newer cloud may say more. Any thread. */
#pragma once

#include "base/json.h"

/* What a text must be beyond its length; what the document's origin asks of it comes along. */
struct shape_rules {
	bool https; /* the endpoint is https: no URL may be less */
};
/* NULL when it fits, else the end of a sentence: "must be …". */
typedef const char *shape_format(const char *text, const struct shape_rules *rules);

enum shape_kind {
	SHAPE_TEXT,		/* char * */
	SHAPE_NUMBER,	/* int64_t, a whole number */
	SHAPE_BOOL,		/* bool */
	SHAPE_OBJECT,	/* struct of `of` *, NULL when it is not there */
	SHAPE_LIST,		/* struct of `of` *, and size_t at n_at */
	SHAPE_PAIRS,	/* an object of texts: struct shape_pair *, and size_t at n_at */
	SHAPE_DOCUMENT, /* a list of objects of `of`, kept as it stands: cJSON * */
	SHAPE_TEXTS,	/* a list of texts; checked, not kept */
	SHAPE_NAMED,	/* an object whose members are objects of `of`; checked, not kept */
	SHAPE_AMOUNT,	/* any finite number; checked, not kept */
	SHAPE_KIND_N
};
struct shape_pair {
	char *name, *value;
};
#define SHAPE_NOWHERE SIZE_MAX /* checked, and not kept */
struct shape_member {
	const char *name;
	enum shape_kind kind;
	bool optional; /* it may be missing or null */
	/* of a number its range; of a text its bytes; of a list or pairs how many, where min counts nothing */
	int64_t min, max;
	int64_t absent;			   /* what an optional number is when it is not there */
	shape_format *format;	   /* of a text, each of texts, or the value of a pair; NULL: any */
	shape_format *name_format; /* of the name of a pair */
	const struct shape *of;
	size_t at, n_at; /* offsets in the struct */
};
struct shape {
	size_t size; /* of the struct */
	const struct shape_member *members;
	size_t n;
	/* What no member can tell by itself; NULL: nothing. NULL is returned when it fits, else the end of a sentence. */
	const char *(*whole)(const void *read);
};

/* Into *to, which the caller gives back to shape_done. ERR_INPUT names the path of what does not fit; *to is zero then.
 */
MUST_USE int shape_read(const struct shape *s, const cJSON *j, const struct json_at *at,
	const struct shape_rules *rules, void *to, struct error *err);
void shape_done(const struct shape *s, void *to); /* what stands in it; it is zero afterwards */
