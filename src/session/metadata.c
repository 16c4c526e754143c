/* SPDX-License-Identifier: MIT */
/* Reading the metadata file: lines or JSON. Pure functions, any thread.
 * Invariant of a struct metadata that metadata_parse gave out: no key twice, no key empty, every text UTF-8. */
#include "session/metadata.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_pull.h"
#include "base/text.h"

void metadata_done(struct metadata *m) {
	for (size_t i = 0; i < m->n; i++) {
		xfree(m->entries[i].key);
		xfree(m->entries[i].text);
	}
	xfree(m->entries);
	*m = (struct metadata){0};
}

/* --- where in the text --- */

static size_t line_of(const char *text, size_t offset) {
	size_t line = 1;
	for (size_t i = 0; i < offset; i++) line += text[i] == '\n';
	return line;
}

static int check_utf8(const char *text, size_t n, struct error *err) {
	size_t bad = 0;
	if (text_is_utf8(text, n, &bad)) return 0;
	return error_set(err, ERR_INPUT, "it is not UTF-8: byte 0x%02X at offset %zu (line %zu); save the file as UTF-8",
		(unsigned)(unsigned char)text[bad], bad, line_of(text, bad));
}

/* --- entries --- */

static int check_key(const char *key, const char *where, struct error *err) {
	if (!*key) return error_set(err, ERR_INPUT, "%s has no key before its separator; write \"key: value\"", where);
	if (strlen(key) > METADATA_KEY_MAX) {
		return error_set(err, ERR_INPUT, "%s has a key of %zu bytes (\"%.24s…\"); a key has at most %d", where,
			strlen(key), TEXT_SAFE(key), METADATA_KEY_MAX);
	}
	return 0;
}

/* Takes text. */
static struct metadata_entry *entry_add(struct metadata *m, const char *key, char *text) {
	ARRAY_RESERVE(m->entries, m->n, m->capacity);
	struct metadata_entry *e = &m->entries[m->n++];
	*e = (struct metadata_entry){.key = xstrdup(key), .text = text};
	return e;
}

struct place {
	const char *key;
	size_t line;
};

static int compare_places(const void *a, const void *b) {
	const struct place *x = a, *y = b;
	int order = strcmp(x->key, y->key);
	return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* lines[i]: where entry i stands. By sorting: a hostile file may have a hundred thousand keys. */
static int check_twice(const struct metadata *m, const size_t *lines, struct error *err) {
	struct place *places = xcalloc(m->n, sizeof *places);
	for (size_t i = 0; i < m->n; i++) places[i] = (struct place){m->entries[i].key, lines[i]};
	qsort(places, m->n, sizeof *places, compare_places);
	int status = 0;
	for (size_t i = 1; i < m->n && status == 0; i++) {
		if (strcmp(places[i - 1].key, places[i].key) != 0) continue;
		status = error_set(err, ERR_INPUT, "the key \"%s\" stands twice (lines %zu and %zu); remove one",
			TEXT_SAFE(places[i].key), places[i - 1].line, places[i].line);
	}
	free(places);
	return status;
}

/* --- lines --- */

/* `line` is NUL-terminated and may be changed. Adds at most one entry. */
static int parse_line(struct metadata *m, char *line, size_t number, struct error *err) {
	char where[32];
	char *text = text_trim(line);
	if (!*text || *text == '#') return 0;
	char *separator = strpbrk(text, ":=");
	if (!separator) {
		return error_set(err, ERR_INPUT, "line %zu (\"%s\") has no ':' or '='; write \"key: value\"", number,
			text_safe((char[64]){0}, 64, text));
	}
	*separator = '\0';
	snprintf(where, sizeof where, "line %zu", number);
	const char *key = text_trim(text);
	if (check_key(key, where, err)) return -1;
	struct metadata_entry *e = entry_add(m, key, xstrdup(text_trim(separator + 1)));
	e->is_number = text_to_double(e->text, &e->number) == 0;
	return 0;
}

struct line_numbers {
	size_t *items, capacity;
};

static int parse_lines(struct metadata *m, const char *text, size_t n, struct error *err) {
	struct line_numbers numbers = {0};
	size_t line_number = 0;
	int status = 0;
	for (const char *p = text, *end = text + n; p < end && status == 0;) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		if (!stop) stop = end;
		AUTO(xfree) char *line = xstrndup(p, (size_t)(stop - p));
		status = parse_line(m, line, ++line_number, err);
		if (status == 0 && m->n) {
			ARRAY_RESERVE(numbers.items, m->n, numbers.capacity);
			if (!numbers.items[m->n - 1]) numbers.items[m->n - 1] = line_number;
		}
		p = stop + 1;
	}
	if (status == 0) status = check_twice(m, numbers.items, err);
	free(numbers.items);
	return status;
}

/* --- JSON --- */

/* raw: the value as it is written. */
static int parse_member(struct metadata *m, const cJSON *member, const char *raw, struct error *err) {
	const char *name = json_name(member), *text = json_as_text(member);
	double number;
	if (check_key(name, "the JSON object", err)) return -1;
	if (text) {
		struct metadata_entry *e = entry_add(m, name, xstrdup(text));
		e->is_number = false;
		return 0;
	}
	if (json_as_double(member, &number) && isfinite(number)) {
		struct metadata_entry *e = entry_add(m, name, xstrdup(raw));
		e->is_number = true;
		e->number = number;
		return 0;
	}
	return error_set(
		err, ERR_INPUT, "the member \"%s\" is neither a text nor a number; write one of these", TEXT_SAFE(name));
}

/* json_parse refuses a member that stands twice. */
static int parse_json(struct metadata *m, const char *text, size_t n, struct error *err) {
	AUTO(json_free) cJSON *j = NULL;
	AUTO(json_pull_done) struct json_pull p = {0};
	struct json_text_source source = {text, n};
	if (json_parse(text, n, &j, err)) return -1;
	json_pull_init(&p, json_text_read, &source);
	if (json_pull_open(&p, '{', err)) return -1;
	const cJSON *member;
	json_each (member, j) { /* in the order of the text, which is good JSON */
		AUTO(xfree) char *name = NULL;
		AUTO(buf_done) struct buf raw = BUF_INIT(METADATA_MAX);
		if (json_pull_next(&p, '}', err) < 0 || json_pull_name(&p, &name, err) || json_pull_raw(&p, &raw, err) ||
			parse_member(m, member, buf_text(&raw), err))
			return -1;
	}
	return 0;
}

/* --- both --- */

int metadata_parse(const char *text, size_t n, struct metadata *ret, struct error *err) {
	if (n > METADATA_MAX) {
		return error_set(
			err, ERR_INPUT, "it has %zu bytes, at most %d are read; is it really the metadata file?", n, METADATA_MAX);
	}
	if (check_utf8(text, n, err)) return -1;
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) text += 3, n -= 3; /* a byte order mark */
	size_t blank = 0;
	while (blank < n && strchr(" \t\r\n", text[blank])) blank++;
	AUTO(metadata_done) struct metadata m = {0};
	bool json = blank < n && text[blank] == '{';
	if (json ? parse_json(&m, text, n, err) : parse_lines(&m, text, n, err)) return -1;
	*ret = m;
	m = (struct metadata){0};
	return 0;
}

const struct metadata_entry *metadata_get(const struct metadata *m, const char *key) {
	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->entries[i].key, key) == 0) return &m->entries[i];
	}
	return NULL;
}

void metadata_write(struct buf *out, bool is_number, double number, const char *text) {
	AUTO(buf_done) struct buf plain = BUF_INIT(64);
	if (is_number) json_number(&plain, number);
	if (is_number && strcmp(buf_text(&plain), text) == 0) buf_str(out, text);
	else json_quote(out, text);
}
