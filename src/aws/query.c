/* SPDX-License-Identifier: MIT */
/* Query strings. All names and values of one query stand in one block of text, each ended by a NUL. */
#include "aws/query.h"

#include "base/text.h"

static int query_decode(struct buf *out, const char *s, size_t n, struct error *err) {
	if (text_uri_decode(out, s, n) < 0)
		return error_set(err, ERR_INPUT, "the URL's query has a bad percent escape; encode it anew");
	buf_char(out, '\0');
	return 0;
}

/* Decodes "name=value", "name" or "" between s and end. */
static int query_add(struct buf *out, const char *s, const char *end, struct error *err) {
	const char *equals = memchr(s, '=', (size_t)(end - s));
	const char *name_end = equals ? equals : end;
	if (query_decode(out, s, (size_t)(name_end - s), err) < 0) return -1;
	const char *value = equals ? equals + 1 : end;
	return query_decode(out, value, (size_t)(end - value), err);
}

/* The items are pointed at the finished text, which no longer moves. */
static void query_point(struct query *q) {
	const char *at = q->text;
	for (size_t i = 0; i < q->n; i++) {
		q->items[i].name = at;
		q->items[i].value = at + strlen(at) + 1;
		at = q->items[i].value + strlen(q->items[i].value) + 1;
	}
}

int query_parse(struct query *ret, const char *raw, struct error *err) {
	size_t n = 0;
	AUTO(buf_done) struct buf text = BUF_INIT(QUERY_BYTES_MAX + 2 * QUERY_ITEMS_MAX);
	if (strlen(raw) > QUERY_BYTES_MAX)
		return error_set(err, ERR_INPUT, "the URL's query is longer than %d bytes", QUERY_BYTES_MAX);
	for (const char *s = raw; *s;) {
		const char *end = strchrnul(s, '&');
		if (end > s) {
			if (++n > QUERY_ITEMS_MAX)
				return error_set(err, ERR_INPUT, "the URL's query has more than %d parameters", QUERY_ITEMS_MAX);
			if (query_add(&text, s, end, err) < 0) return -1;
		}
		s = *end ? end + 1 : end;
	}
	if (buf_check(&text, "the URL's query", err) < 0) return -1;
	*ret = (struct query){.items = xcalloc(n + 1, sizeof ret->items[0]), .n = n, .capacity = n + 1};
	ret->text = buf_take(&text);
	query_point(ret);
	return 0;
}

const char *query_get(const struct query *q, const char *name) {
	for (size_t i = 0; i < q->n; i++)
		if (!strcmp(q->items[i].name, name)) return q->items[i].value;
	return NULL;
}

size_t query_count(const struct query *q, const char *name) {
	size_t n = 0;
	for (size_t i = 0; i < q->n; i++) n += !strcmp(q->items[i].name, name);
	return n;
}

void query_done(struct query *q) {
	free(q->items);
	free(q->text);
	*q = (struct query){0};
}
