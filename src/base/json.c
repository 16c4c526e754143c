/* SPDX-License-Identifier: MIT */
/* Reading and building JSON. cJSON is lenient (it takes raw control characters, "01", \u0000 and repeated names), so a
 * strict scan by RFC 8259 goes first; json_scan.c has it. Any thread. */
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_scan.h"
#include "base/text.h"

#define PRINTED_MAX INT64_C(1000000000000000) /* cJSON prints 15 digits, and takes a near miss for the number */

/* Sorted, so that a body full of names costs n log n, not n squared. */
static const char *repeated_name(const cJSON *object) {
	size_t n = 0;
	const cJSON *member = NULL, *seen = NULL;
	cJSON_ArrayForEach (member, object) n++;
	if (n < 2) return NULL;
	if (n == 2) {
		seen = object->child;
		return strcmp(seen->string, seen->next->string) == 0 ? seen->string : NULL;
	}
	const char **names = xcalloc(n, sizeof *names);
	n = 0;
	cJSON_ArrayForEach (member, object) names[n++] = member->string;
	const char *twice = text_twice(names, n);
	free(names);
	return twice;
}

/* What only the tree can tell: repeated names, numbers beyond a double. Depth is bounded by the scan. */
static int check_tree(const cJSON *j, struct error *err) {
	if (cJSON_IsNumber(j) && !isfinite(j->valuedouble))
		return error_set(err, ERR_INPUT, "not valid JSON: a number is too large");
	const char *twice = cJSON_IsObject(j) ? repeated_name(j) : NULL;
	if (twice) return error_set(err, ERR_INPUT, "the JSON member \"%s\" stands twice in one object: keep one", twice);
	const cJSON *child = NULL;
	cJSON_ArrayForEach (child, j)
		if (check_tree(child, err)) return -1;
	return 0;
}

int json_parse(const char *text, size_t n, cJSON **ret, struct error *err) {
	if (json_scan(text, n, err)) return -1;
	AUTO(json_free) cJSON *j = cJSON_ParseWithLength(text, n);
	if (!j) return error_set(err, ERR_INPUT, "not valid JSON");
	if (check_tree(j, err)) return -1;
	*ret = TAKE(j);
	return 0;
}

void json_free(cJSON *j) { cJSON_Delete(j); }

/* --- reading --- */

static void path_of(struct buf *out, const struct json_at *at) {
	if (!at) return;
	path_of(out, at->up);
	if (!at->name) buf_fmt(out, "[%zu]", at->index);
	else buf_fmt(out, "%s%s", out->len ? "." : "", at->name);
}

const char *json_path(char *to, size_t size, const struct json_at *at, const char *name) {
	AUTO(buf_done) struct buf path = BUF_INIT(size);
	path_of(&path, name ? &(struct json_at){.up = at, .name = name} : at);
	text_copy(to, size, path.len ? buf_text(&path) : "the value");
	return to;
}
#define PATH(at, name) json_path((char[256]){0}, 256, (at), (name))

static const char *kind_of(const cJSON *j) {
	if (cJSON_IsObject(j)) return "an object";
	if (cJSON_IsArray(j)) return "an array";
	if (cJSON_IsString(j)) return "text";
	if (cJSON_IsNumber(j)) return "a number";
	if (cJSON_IsBool(j)) return "true or false";
	return "null";
}

static const cJSON *member_of(const cJSON *o, const char *name) { return cJSON_GetObjectItemCaseSensitive(o, name); }

static int mistyped(const cJSON *j, const char *wanted, const struct json_at *at, const char *name, struct error *err) {
	return error_set(err, ERR_INPUT, "%s must be %s, not %s", PATH(at, name), wanted, kind_of(j));
}

int json_want_object(const cJSON *j, const struct json_at *at, struct error *err) {
	return cJSON_IsObject(j) ? 0 : mistyped(j, "an object", at, NULL, err);
}

int json_want_member(const cJSON *o, const char *name, const struct json_at *at, const cJSON **ret, struct error *err) {
	if (json_want_object(o, at, err)) return -1;
	const cJSON *j = member_of(o, name);
	if (!j) return error_set(err, ERR_INPUT, "%s is missing", PATH(at, name));
	*ret = j;
	return 0;
}

static int read_text(const cJSON *j, const char *name, const struct json_at *at, const char **ret, struct error *err) {
	if (!cJSON_IsString(j)) return mistyped(j, "text", at, name, err);
	*ret = j->valuestring;
	return 0;
}

static int read_i64(const cJSON *j, const char *name, const struct json_at *at, int64_t min, int64_t max, int64_t *ret,
	struct error *err) {
	if (!cJSON_IsNumber(j)) return mistyped(j, "a whole number", at, name, err);
	double v = j->valuedouble;
	bool exact = trunc(v) == v && fabs(v) <= (double)JSON_WHOLE_MAX;
	if (!exact || (int64_t)v < min || (int64_t)v > max)
		return error_set(err, ERR_INPUT, "%s must be a whole number from %lld to %lld, not %.17g", PATH(at, name),
			(long long)MAX(min, -JSON_WHOLE_MAX), (long long)MIN(max, JSON_WHOLE_MAX), v);
	*ret = (int64_t)v;
	return 0;
}

static int read_array(
	const cJSON *j, const char *name, const struct json_at *at, size_t max, const cJSON **ret, struct error *err) {
	if (!cJSON_IsArray(j)) return mistyped(j, "an array", at, name, err);
	size_t n = 0;
	const cJSON *element = NULL;
	cJSON_ArrayForEach (element, j) n++;
	if (n > max)
		return error_set(err, ERR_INPUT, "%s has %zu elements, and at most %zu are allowed", PATH(at, name), n, max);
	*ret = j;
	return 0;
}

int json_want_text(const cJSON *o, const char *name, const struct json_at *at, const char **ret, struct error *err) {
	const cJSON *j = NULL;
	return json_want_member(o, name, at, &j, err) ? -1 : read_text(j, name, at, ret, err);
}

int json_want_i64(const cJSON *o, const char *name, const struct json_at *at, int64_t min, int64_t max, int64_t *ret,
	struct error *err) {
	const cJSON *j = NULL;
	return json_want_member(o, name, at, &j, err) ? -1 : read_i64(j, name, at, min, max, ret, err);
}

int json_want_array(
	const cJSON *o, const char *name, const struct json_at *at, size_t max, const cJSON **ret, struct error *err) {
	const cJSON *j = NULL;
	return json_want_member(o, name, at, &j, err) ? -1 : read_array(j, name, at, max, ret, err);
}

/* The member when it is there and not null: 1 and *ret; 0 when it is not; -1 when o is no object. */
static int may(const cJSON *o, const char *name, const struct json_at *at, const cJSON **ret, struct error *err) {
	if (json_want_object(o, at, err)) return -1;
	*ret = member_of(o, name);
	return *ret && !cJSON_IsNull(*ret);
}

int json_may_text(const cJSON *o, const char *name, const struct json_at *at, const char **ret, struct error *err) {
	const cJSON *j = NULL;
	int there = may(o, name, at, &j, err);
	return there > 0 ? read_text(j, name, at, ret, err) : there;
}

int json_may_i64(const cJSON *o, const char *name, const struct json_at *at, int64_t min, int64_t max, int64_t *ret,
	struct error *err) {
	const cJSON *j = NULL;
	int there = may(o, name, at, &j, err);
	return there > 0 ? read_i64(j, name, at, min, max, ret, err) : there;
}

int json_may_double(const cJSON *o, const char *name, const struct json_at *at, double *ret, struct error *err) {
	const cJSON *j = NULL;
	int there = may(o, name, at, &j, err);
	if (there <= 0) return there;
	if (!cJSON_IsNumber(j)) return mistyped(j, "a number", at, name, err);
	*ret = j->valuedouble;
	return 0;
}

int json_may_bool(const cJSON *o, const char *name, const struct json_at *at, bool *ret, struct error *err) {
	const cJSON *j = NULL;
	int there = may(o, name, at, &j, err);
	if (there <= 0) return there;
	if (!cJSON_IsBool(j)) return mistyped(j, "true or false", at, name, err);
	*ret = cJSON_IsTrue(j);
	return 0;
}

int json_may_array(
	const cJSON *o, const char *name, const struct json_at *at, size_t max, const cJSON **ret, struct error *err) {
	const cJSON *j = NULL;
	int there = may(o, name, at, &j, err);
	return there > 0 ? read_array(j, name, at, max, ret, err) : there;
}

const cJSON *json_get(const cJSON *o, const char *name) {
	const cJSON *j = cJSON_IsObject(o) ? member_of(o, name) : NULL;
	return cJSON_IsNull(j) ? NULL : j;
}

const cJSON *json_get_object(const cJSON *o, const char *name) {
	const cJSON *j = json_get(o, name);
	return cJSON_IsObject(j) ? j : NULL;
}

const cJSON *json_get_array(const cJSON *o, const char *name) {
	const cJSON *j = json_get(o, name);
	return cJSON_IsArray(j) ? j : NULL;
}

const char *json_get_text(const cJSON *o, const char *name) { return json_as_text(json_get(o, name)); }

int64_t json_get_i64(const cJSON *o, const char *name, int64_t otherwise) {
	struct error ignored = ERROR_INIT;
	const cJSON *j = json_get(o, name);
	int64_t value = otherwise;
	return j && read_i64(j, name, NULL, -JSON_WHOLE_MAX, JSON_WHOLE_MAX, &value, &ignored) == 0 ? value : otherwise;
}

double json_get_double(const cJSON *o, const char *name, double otherwise) {
	json_as_double(json_get(o, name), &otherwise);
	return otherwise;
}

bool json_get_bool(const cJSON *o, const char *name) { return cJSON_IsTrue(json_get(o, name)); }

bool json_is_null(const cJSON *j) { return cJSON_IsNull(j); }

bool json_is_object(const cJSON *j) { return cJSON_IsObject(j); }

bool json_is_array(const cJSON *j) { return cJSON_IsArray(j); }

const char *json_as_text(const cJSON *j) { return cJSON_GetStringValue(j); }

bool json_as_double(const cJSON *j, double *ret) {
	if (!cJSON_IsNumber(j)) return false;
	*ret = j->valuedouble;
	return true;
}

const char *json_name(const cJSON *member) { return member->string; }

size_t json_count(const cJSON *array) { return (size_t)cJSON_GetArraySize(array); }

/* --- taking apart --- */

cJSON *json_take(cJSON *o, const char *name) { return cJSON_DetachItemFromObjectCaseSensitive(o, name); }

cJSON *json_take_first(cJSON *array) { return cJSON_DetachItemFromArray(array, 0); }

/* --- building --- */

static cJSON *made(cJSON *j) {
	if (!j) abort();
	return j;
}

cJSON *json_object(void) { return made(cJSON_CreateObject()); }

cJSON *json_array(void) { return made(cJSON_CreateArray()); }

cJSON *json_null(void) { return made(cJSON_CreateNull()); }

cJSON *json_copy(const cJSON *j) { return made(cJSON_Duplicate(j, true)); }

void json_add(cJSON *o, const char *name, cJSON *value) {
	if (!cJSON_AddItemToObject(o, name, made(value))) abort();
}

void json_push(cJSON *array, cJSON *value) {
	if (!cJSON_AddItemToArray(array, made(value))) abort();
}

cJSON *json_raw(const char *text) { return made(cJSON_CreateRaw(text)); }

static cJSON *text_made(const char *value) { return value ? cJSON_CreateString(value) : cJSON_CreateNull(); }

void json_add_text(cJSON *o, const char *name, const char *value) { json_add(o, name, text_made(value)); }

void json_push_text(cJSON *array, const char *value) { json_push(array, text_made(value)); }

void json_push_double(cJSON *array, double value) { json_push(array, cJSON_CreateNumber(value)); }

void json_add_i64(cJSON *o, const char *name, int64_t value) {
	value = MAX(MIN(value, JSON_WHOLE_MAX), -JSON_WHOLE_MAX); /* a sparse file may claim more than readers can tell */
	if (value > -PRINTED_MAX && value < PRINTED_MAX) {
		json_add(o, name, cJSON_CreateNumber((double)value));
		return;
	}
	char digits[24];
	snprintf(digits, sizeof digits, "%lld", (long long)value);
	json_add(o, name, json_raw(digits));
}

void json_add_double(cJSON *o, const char *name, double value) { json_add(o, name, cJSON_CreateNumber(value)); }

void json_add_bool(cJSON *o, const char *name, bool value) { json_add(o, name, cJSON_CreateBool(value)); }

void json_add_time(cJSON *o, const char *name, int64_t ms) {
	json_add_text(o, name, ms ? time_rfc3339((char[TIME_TEXT]){0}, ms) : NULL);
}

/* cJSON escapes what lies below U+0020 only, and prints bytes that are no UTF-8 as they are. What a terminal acts upon
 * becomes \u escapes here, other bytes the replacement character: the line is valid JSON and safe to show. */
static void make_safe(struct buf *out, const char *s, size_t n) {
	for (size_t i = 0; i < n;) {
		uint32_t c = 0;
		size_t len = text_decode(s + i, n - i, &c);
		if (!len) buf_str(out, "\xEF\xBF\xBD");
		else if (text_is_unsafe(c)) buf_fmt(out, "\\u%04x", (unsigned)c);
		else buf_add(out, s + i, len);
		i += len ? len : 1;
	}
}

void json_quote(struct buf *out, const char *s) {
	buf_char(out, '"');
	for (const char *from = s;; s++) {
		if ((uint8_t)*s >= 0x20 && *s != '"' && *s != '\\') continue;
		buf_add(out, from, (size_t)(s - from));
		if (!*s) break;
		if (*s == '"' || *s == '\\') buf_fmt(out, "\\%c", *s);
		else buf_fmt(out, "\\u%04x", (unsigned)(uint8_t)*s);
		from = s + 1;
	}
	buf_char(out, '"');
}

void json_number(struct buf *out, double value) {
	AUTO(json_free) cJSON *number = made(cJSON_CreateNumber(value));
	AUTO(xfree) char *text = json_text(number);
	buf_str(out, text);
}

char *json_text(const cJSON *j) {
	char *raw = cJSON_PrintUnformatted(j);
	if (!raw) abort();
	size_t n = 0;
	while (raw[n] > 0 && raw[n] < 0x7F) n++;
	if (!raw[n]) return raw;
	struct buf out = BUF_INIT(SIZE_MAX / 8);
	buf_add(&out, raw, n);
	make_safe(&out, raw + n, strlen(raw + n));
	cJSON_free(raw);
	return buf_take(&out);
}
