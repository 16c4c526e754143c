/* SPDX-License-Identifier: MIT */
/* A chunk is read at a time. Between values stand brackets, commas and colons alone, which are checked here; where a
 * value ends is found by its quotes and brackets, whether it is one by json_parse. */
#include "base/json_pull.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK (64 << 10)
#define NAME_MAX_BYTES 4096

void json_pull_init(struct json_pull *p, json_source *source, void *arg) {
	*p = (struct json_pull){.source = source, .arg = arg, .chunk = xcalloc(1, CHUNK)};
}

void json_pull_done(struct json_pull *p) {
	free(p->chunk);
	p->chunk = NULL;
}

ssize_t json_text_read(void *arg, char *to, size_t n, struct error *err) {
	struct json_text_source *s = arg;
	(void)err;
	n = MIN(n, s->n);
	if (n) memcpy(to, s->text, n);
	s->text += n;
	s->n -= n;
	return (ssize_t)n;
}

static int refuse(const struct json_pull *p, struct error *err, const char *why) {
	return error_set(err, ERR_INPUT, "not valid JSON at byte %lld: %s", (long long)(p->offset + (int64_t)p->at), why);
}

/* 1: there is a byte at p->at; 0 the end, -1. */
static int more(struct json_pull *p, struct error *err) {
	if (p->at < p->n) return 1;
	if (p->ended) return 0;
	p->offset += (int64_t)p->n;
	p->n = p->at = 0;
	ssize_t n = p->source(p->arg, p->chunk, CHUNK, err);
	if (n < 0) return -1;
	p->n = (size_t)n;
	p->ended = n == 0;
	return n > 0;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

int json_pull_peek(struct json_pull *p, struct error *err) {
	int there;
	while ((there = more(p, err)) > 0 && is_blank(p->chunk[p->at])) p->at++;
	return there > 0 ? (uint8_t)p->chunk[p->at] : there;
}

static int expect(struct json_pull *p, char c, struct error *err) {
	int got = json_pull_peek(p, err);
	if (got < 0) return -1;
	if (got != (uint8_t)c) {
		char why[] = "x is expected";
		why[0] = c;
		return refuse(p, err, got ? why : "it ends too early");
	}
	p->at++;
	return 0;
}

int json_pull_open(struct json_pull *p, char bracket, struct error *err) {
	if (expect(p, bracket, err)) return -1;
	p->fresh = true;
	return 0;
}

int json_pull_next(struct json_pull *p, char bracket, struct error *err) {
	int c = json_pull_peek(p, err);
	if (c < 0) return -1;
	if (c == (uint8_t)bracket) {
		p->at++;
		p->fresh = false;
		return 0;
	}
	if (!p->fresh && expect(p, ',', err)) return -1;
	p->fresh = false;
	return 1;
}

static bool is_end_of_word(char c) { return is_blank(c) || c == ',' || c == ':' || c == '}' || c == ']'; }

/* Where a value ends: at the bracket that closes its first one, at its closing quote, or before what ends a word. */
struct shape {
	int depth;
	bool in_text, escaped;
};

static bool shape_ends(struct shape *s, char c) {
	if (s->in_text) {
		if (s->escaped) s->escaped = false;
		else if (c == '\\') s->escaped = true;
		else s->in_text = c != '"';
		return !s->in_text && s->depth == 0;
	}
	if (c == '"') s->in_text = true;
	else if (c == '{' || c == '[') s->depth++;
	else if (c == '}' || c == ']') return --s->depth <= 0;
	return false;
}

static int collect(struct json_pull *p, struct buf *out, struct error *err) {
	struct shape s = {0};
	int there = json_pull_peek(p, err);
	if (there < 0) return -1;
	while ((there = more(p, err)) > 0) {
		char c = p->chunk[p->at];
		if (s.depth == 0 && !s.in_text && out->len && is_end_of_word(c)) return 0;
		buf_char(out, c);
		if (!buf_ok(out)) {
			error_set(err, ERR_INPUT, "a value is longer than %zu bytes (at byte %lld)", out->max,
				(long long)(p->offset + (int64_t)p->at));
			return -1;
		}
		p->at++;
		if (shape_ends(&s, c)) return 0;
	}
	return there;
}

int json_pull_raw(struct json_pull *p, struct buf *out, struct error *err) { return collect(p, out, err); }

int json_pull_value(struct json_pull *p, size_t max, cJSON **ret, struct error *err) {
	AUTO(buf_done) struct buf text = BUF_INIT(max);
	if (collect(p, &text, err)) return -1;
	return json_parse(buf_text(&text), text.len, ret, err);
}

int json_pull_name(struct json_pull *p, char **ret, struct error *err) {
	AUTO(json_free) cJSON *name = NULL;
	int c = json_pull_peek(p, err);
	if (c < 0) return -1;
	if (c != '"') return refuse(p, err, "a member's name in quotes is expected");
	if (json_pull_value(p, NAME_MAX_BYTES, &name, err) || expect(p, ':', err)) return -1;
	*ret = xstrdup(name->valuestring);
	return 0;
}

int json_pull_end(struct json_pull *p, struct error *err) {
	int c = json_pull_peek(p, err);
	if (c < 0) return -1;
	return c ? refuse(p, err, "something follows the value") : 0;
}
