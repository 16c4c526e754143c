/* SPDX-License-Identifier: MIT */
/* Reads a document by its table. Pointers are moved with memcpy: a table knows a member's offset, not its type. */
#include "ingest/shape.h"

#include <stdlib.h>
#include <string.h>

struct reading { /* one object being read */
	const cJSON *object;
	const struct json_at *at;
	const struct shape_rules *rules;
	char *to; /* NULL: checked only */
};

static void put(const struct reading *r, size_t at, const void *value, size_t size) {
	if (r->to && at != SHAPE_NOWHERE) memcpy(r->to + at, value, size);
}

static bool is_kept(const struct reading *r, const struct shape_member *m) { return r->to && m->at != SHAPE_NOWHERE; }

static int misfit(const struct json_at *at, const char *name, const char *fault, struct error *err) {
	char path[256];
	return error_set(err, ERR_INPUT, "%s %s", json_path(path, sizeof path, at, name), fault);
}

/* --- texts --- */

static int check_text(const struct shape_member *m, shape_format *format, const char *text, const struct json_at *at,
	const char *name, const struct shape_rules *rules, struct error *err) {
	size_t n = strlen(text);
	if ((int64_t)n < m->min || (int64_t)n > m->max) {
		char fault[96];
		snprintf(fault, sizeof fault, "must have %lld to %lld bytes, not %zu", (long long)m->min, (long long)m->max, n);
		return misfit(at, name, fault, err);
	}
	const char *fault = format ? format(text, rules) : NULL;
	return fault ? misfit(at, name, fault, err) : 0;
}

static int read_text(const struct reading *r, const struct shape_member *m, struct error *err) {
	const char *text;
	if (json_want_text(r->object, m->name, r->at, &text, err) ||
		check_text(m, m->format, text, r->at, m->name, r->rules, err))
		return -1;
	if (!is_kept(r, m)) return 0;
	char *copy = xstrdup(text);
	put(r, m->at, &copy, sizeof copy);
	return 0;
}

static int read_texts(const struct reading *r, const struct shape_member *m, struct error *err) {
	const cJSON *list, *item;
	struct json_at at = {.up = r->at, .name = m->name}, element = {.up = &at};
	if (json_want_array(r->object, m->name, r->at, (size_t)m->max, &list, err)) return -1;
	json_each (item, list) {
		const char *text = json_as_text(item);
		if (!text) return misfit(&element, NULL, "must be text", err);
		const char *fault = m->format ? m->format(text, r->rules) : NULL;
		if (fault) return misfit(&element, NULL, fault, err);
		element.index++;
	}
	return 0;
}

/* --- numbers --- */

static int read_number(const struct reading *r, const struct shape_member *m, struct error *err) {
	int64_t value;
	if (json_want_i64(r->object, m->name, r->at, m->min, m->max, &value, err)) return -1;
	put(r, m->at, &value, sizeof value);
	return 0;
}

static int read_bool(const struct reading *r, const struct shape_member *m, struct error *err) {
	bool value = false;
	if (json_may_bool(r->object, m->name, r->at, &value, err)) return -1;
	put(r, m->at, &value, sizeof value);
	return 0;
}

static int read_amount(const struct reading *r, const struct shape_member *m, struct error *err) {
	double value;
	return json_may_double(r->object, m->name, r->at, &value, err);
}

/* --- what holds others --- */

static int read_object(const struct reading *r, const struct shape_member *m, struct error *err) {
	const struct json_at at = {.up = r->at, .name = m->name};
	const cJSON *object;
	if (json_want_member(r->object, m->name, r->at, &object, err)) return -1;
	void *read = xcalloc(1, m->of->size);
	if (shape_read(m->of, object, &at, r->rules, read, err)) {
		free(read);
		return -1;
	}
	if (is_kept(r, m)) {
		put(r, m->at, &read, sizeof read);
		return 0;
	}
	shape_done(m->of, read);
	free(read);
	return 0;
}

static void elements_free(const struct shape *of, char *items, size_t n) {
	for (size_t i = 0; i < n; i++) shape_done(of, items + i * of->size);
	free(items);
}

/* The elements of a list, or the members of an object. */
static int read_elements(
	const struct reading *r, const struct shape_member *m, const cJSON *holder, bool named, struct error *err) {
	struct json_at at = {.up = r->at, .name = m->name}, element = {.up = &at};
	size_t n = 0, count = json_count(holder);
	char *items = xcalloc(count + 1, m->of->size);
	const cJSON *item;
	json_each (item, holder) {
		if (named) element.name = json_name(item);
		element.index = n;
		if (shape_read(m->of, item, &element, r->rules, items + n * m->of->size, err)) {
			elements_free(m->of, items, n);
			return -1;
		}
		n++;
	}
	if (m->kind != SHAPE_LIST || !is_kept(r, m)) {
		elements_free(m->of, items, n);
		return 0;
	}
	put(r, m->at, &items, sizeof items);
	put(r, m->n_at, &n, sizeof n);
	return 0;
}

static int read_list(const struct reading *r, const struct shape_member *m, struct error *err) {
	const cJSON *list;
	if (json_want_array(r->object, m->name, r->at, (size_t)m->max, &list, err) || read_elements(r, m, list, false, err))
		return -1;
	if (m->kind != SHAPE_DOCUMENT || !is_kept(r, m)) return 0;
	cJSON *copy = json_copy(list);
	put(r, m->at, &copy, sizeof copy);
	return 0;
}

/* The object that is a member, with at most m->max members of its own. */
static int want_named(const struct reading *r, const struct shape_member *m, const cJSON **ret, struct error *err) {
	const struct json_at at = {.up = r->at, .name = m->name};
	if (json_want_member(r->object, m->name, r->at, ret, err) || json_want_object(*ret, &at, err)) return -1;
	return (int64_t)json_count(*ret) <= m->max ? 0 : misfit(r->at, m->name, "has more members than it may", err);
}

static int read_named(const struct reading *r, const struct shape_member *m, struct error *err) {
	const cJSON *object;
	return want_named(r, m, &object, err) || read_elements(r, m, object, true, err) ? -1 : 0;
}

static void pairs_free(struct shape_pair *pairs, size_t n) {
	for (size_t i = 0; i < n; i++) {
		free(pairs[i].name);
		free(pairs[i].value);
	}
	free(pairs);
}

static int check_pair(const struct reading *r, const struct shape_member *m, const cJSON *pair, struct error *err) {
	const struct json_at at = {.up = r->at, .name = m->name};
	const char *name = json_name(pair), *text = json_as_text(pair);
	const char *fault = m->name_format ? m->name_format(name, r->rules) : NULL;
	if (fault) return misfit(&at, name, fault, err);
	if (!text) return misfit(&at, name, "must be text", err);
	fault = m->format ? m->format(text, r->rules) : NULL;
	return fault ? misfit(&at, name, fault, err) : 0;
}

static int read_pairs(const struct reading *r, const struct shape_member *m, struct error *err) {
	const cJSON *object, *pair;
	if (want_named(r, m, &object, err)) return -1;
	json_each (pair, object)
		if (check_pair(r, m, pair, err)) return -1;
	if (!is_kept(r, m)) return 0;
	size_t n = 0;
	struct shape_pair *pairs = xcalloc(json_count(object) + 1, sizeof *pairs);
	json_each (pair, object) pairs[n++] = (struct shape_pair){xstrdup(json_name(pair)), xstrdup(json_as_text(pair))};
	put(r, m->at, &pairs, sizeof pairs);
	put(r, m->n_at, &n, sizeof n);
	return 0;
}

/* --- the interface --- */

static int (*const readers[SHAPE_KIND_N])(const struct reading *r, const struct shape_member *m, struct error *err) = {
	[SHAPE_TEXT] = read_text,
	[SHAPE_NUMBER] = read_number,
	[SHAPE_BOOL] = read_bool,
	[SHAPE_OBJECT] = read_object,
	[SHAPE_LIST] = read_list,
	[SHAPE_PAIRS] = read_pairs,
	[SHAPE_DOCUMENT] = read_list,
	[SHAPE_TEXTS] = read_texts,
	[SHAPE_NAMED] = read_named,
	[SHAPE_AMOUNT] = read_amount,
};

static int read_member(const struct reading *r, const struct shape_member *m, struct error *err) {
	const cJSON *value;
	if (m->optional && !json_get(r->object, m->name)) {
		if (m->kind == SHAPE_NUMBER) put(r, m->at, &m->absent, sizeof m->absent);
		return 0;
	}
	if (json_want_member(r->object, m->name, r->at, &value, err)) return -1;
	if (json_is_null(value)) return misfit(r->at, m->name, "must not be null", err);
	return readers[m->kind](r, m, err);
}

int shape_read(const struct shape *s, const cJSON *j, const struct json_at *at, const struct shape_rules *rules,
	void *to, struct error *err) {
	const struct reading r = {.object = j, .at = at, .rules = rules, .to = to};
	memset(to, 0, s->size);
	if (json_want_object(j, at, err)) return -1;
	for (size_t i = 0; i < s->n; i++) {
		if (read_member(&r, &s->members[i], err) == 0) continue;
		shape_done(s, to);
		return -1;
	}
	const char *fault = s->whole ? s->whole(to) : NULL;
	if (!fault) return 0;
	shape_done(s, to);
	return misfit(at, NULL, fault, err);
}

static void member_done(const struct shape_member *m, char *from) {
	void *value;
	size_t n = 0;
	if (m->at == SHAPE_NOWHERE) return;
	if (m->kind == SHAPE_LIST || m->kind == SHAPE_PAIRS) memcpy(&n, from + m->n_at, sizeof n);
	switch (m->kind) {
	case SHAPE_TEXT:
	case SHAPE_OBJECT:
	case SHAPE_LIST:
	case SHAPE_PAIRS:
	case SHAPE_DOCUMENT: memcpy(&value, from + m->at, sizeof value); break;
	default: return;
	}
	if (!value) return;
	if (m->kind == SHAPE_LIST) elements_free(m->of, value, n);
	else if (m->kind == SHAPE_PAIRS) pairs_free(value, n);
	else if (m->kind == SHAPE_DOCUMENT) json_free(value);
	else {
		if (m->kind == SHAPE_OBJECT) shape_done(m->of, value);
		free(value);
	}
}

void shape_done(const struct shape *s, void *to) {
	for (size_t i = 0; i < s->n; i++) member_done(&s->members[i], to);
	memset(to, 0, s->size);
}
