/* SPDX-License-Identifier: MIT */
/* cJSON behind one face: bounded parsing, and members whose absence or type becomes an error naming their path
 * ("files[3].size"). json_want_* fail when the member is missing or mistyped; json_may_* leave *ret when it is missing
 * or null, and fail only on a wrong type. Returned text and objects belong to the document. */
#pragma once

#include <cjson/cJSON.h>

#include "base/buf.h"

#define JSON_WHOLE_MAX INT64_C(9007199254740991) /* 2^53 - 1: above it a double is no longer one integer */

struct json_at { /* where we are, for error texts: a chain on the caller's stack */
	const struct json_at *up;
	const char *name; /* a member, or NULL for element `index` */
	size_t index;
};

/* ERR_INPUT when it is not one whole JSON value, not UTF-8, nested deeper than 32, or repeats a member's name. */
MUST_USE int json_parse(const char *text, size_t n, cJSON **ret, struct error *err);
void json_free(cJSON *j);
DEFINE_AUTO_PTR(cJSON, json_free)
/* "files[3].size" of member `name` of what stands `at` (NULL: of that itself) into to, which is returned. */
const char *json_path(char *to, size_t size, const struct json_at *at, const char *name);
MUST_USE int json_want_object(const cJSON *j, const struct json_at *at, struct error *err);
MUST_USE int json_want_text(
	const cJSON *o, const char *name, const struct json_at *at, const char **ret, struct error *err);
MUST_USE int json_want_i64(const cJSON *o, const char *name, const struct json_at *at, int64_t min, int64_t max,
	int64_t *ret, struct error *err);
MUST_USE int json_want_array(
	const cJSON *o, const char *name, const struct json_at *at, size_t max, const cJSON **ret, struct error *err);
MUST_USE int json_want_member(
	const cJSON *o, const char *name, const struct json_at *at, const cJSON **ret, struct error *err);
MUST_USE int json_may_text(
	const cJSON *o, const char *name, const struct json_at *at, const char **ret, struct error *err);
MUST_USE int json_may_i64(const cJSON *o, const char *name, const struct json_at *at, int64_t min, int64_t max,
	int64_t *ret, struct error *err);
MUST_USE int json_may_double(
	const cJSON *o, const char *name, const struct json_at *at, double *ret, struct error *err);
MUST_USE int json_may_bool(const cJSON *o, const char *name, const struct json_at *at, bool *ret, struct error *err);
MUST_USE int json_may_array(
	const cJSON *o, const char *name, const struct json_at *at, size_t max, const cJSON **ret, struct error *err);
/* Reading what was made by this program, or is only shown: a member that is missing, null or mistyped (or whose object
 * is none) is as if it were not there. j, o and array may be NULL. */
const cJSON *json_get(const cJSON *o, const char *name); /* NULL: not there */
const cJSON *json_get_object(const cJSON *o, const char *name);
const cJSON *json_get_array(const cJSON *o, const char *name);
const char *json_get_text(const cJSON *o, const char *name); /* NULL: not there */
int64_t json_get_i64(const cJSON *o, const char *name, int64_t otherwise);
double json_get_double(const cJSON *o, const char *name, double otherwise);
bool json_get_bool(const cJSON *o, const char *name); /* false: not there */
/* Of an element by itself. */
bool json_is_null(const cJSON *j);
bool json_is_object(const cJSON *j);
bool json_is_array(const cJSON *j);
const char *json_as_text(const cJSON *j);		  /* NULL: it is no text */
bool json_as_double(const cJSON *j, double *ret); /* false: it is no number */
const char *json_name(const cJSON *member);		  /* of a member of an object; NULL for what is none */
size_t json_count(const cJSON *array);			  /* or the members of an object */
#define json_each(element, array) cJSON_ArrayForEach (element, array)
/* Taking apart: what is taken becomes the caller's. NULL: it is not there. o and array may be NULL. */
cJSON *json_take(cJSON *o, const char *name);
cJSON *json_take_first(cJSON *array);
/* Building. Adding aborts when memory is out. Numbers above 2^53 are refused by assertion. */
cJSON *json_object(void);
cJSON *json_array(void);
cJSON *json_null(void);
cJSON *json_copy(const cJSON *j);
cJSON *json_raw(const char *text);								   /* what is JSON text already */
void json_add_text(cJSON *o, const char *name, const char *value); /* NULL adds null */
void json_add_i64(cJSON *o, const char *name, int64_t value);
void json_add_double(cJSON *o, const char *name, double value);
void json_add_bool(cJSON *o, const char *name, bool value);
void json_add_time(cJSON *o, const char *name, int64_t ms); /* RFC 3339, null when 0 */
void json_add(cJSON *o, const char *name, cJSON *value);	/* takes value */
void json_push(cJSON *array, cJSON *value);					/* takes value */
void json_push_text(cJSON *array, const char *value);		/* NULL adds null */
void json_push_double(cJSON *array, double value);
/* A text as JSON writes it, quotes included: for what is written without a tree, into a json_raw. */
void json_quote(struct buf *out, const char *s);
void json_number(struct buf *out, double value);
char *json_text(const cJSON *j); /* one line; the caller frees */
