/* SPDX-License-Identifier: MIT */
/* A long JSON text taken apart value by value, in memory bounded by the longest one: objects and arrays of the outer
 * levels are walked, each value within is given to json_parse. What passes is as strict as json_parse; ERR_INPUT names
 * the byte. One thread. */
#pragma once

#include <sys/types.h>

#include "base/json.h"

/* Bytes read, 0 at the end, -1. */
typedef ssize_t json_source(void *arg, char *to, size_t n, struct error *err);

struct json_pull {
	json_source *source;
	void *arg;
	char *chunk;
	size_t n, at;	/* of chunk: read, taken */
	int64_t offset; /* of chunk in the text */
	bool ended;
	bool fresh; /* nothing of the innermost container was taken yet */
};
void json_pull_init(struct json_pull *p, json_source *source, void *arg);
void json_pull_done(struct json_pull *p);
DEFINE_AUTO_VAL(struct json_pull, json_pull_done)

/* The next character after blanks, which stays; 0 at the end of the text, -1. */
MUST_USE int json_pull_peek(struct json_pull *p, struct error *err);
MUST_USE int json_pull_open(struct json_pull *p, char bracket, struct error *err); /* '{' or '[' */
/* 1: another member or element follows; 0: the container ended with `bracket` ('}' or ']'). */
MUST_USE int json_pull_next(struct json_pull *p, char bracket, struct error *err);
/* From text in memory, which stays the caller's: the source's argument. */
struct json_text_source {
	const char *text;
	size_t n;
};
ssize_t json_text_read(void *arg, char *to, size_t n, struct error *err);
MUST_USE int json_pull_name(struct json_pull *p, char **ret, struct error *err); /* and its colon; the caller frees */
/* A whole value of at most `max` bytes. */
MUST_USE int json_pull_value(struct json_pull *p, size_t max, cJSON **ret, struct error *err);
/* The same as it is written, without a look at what it is: of a text that json_parse took. */
MUST_USE int json_pull_raw(struct json_pull *p, struct buf *out, struct error *err);
MUST_USE int json_pull_end(struct json_pull *p, struct error *err); /* nothing but blanks follows */
