/* SPDX-License-Identifier: MIT */
/* The growing buffer. Its invariants stand in the header; buf_room alone makes memory. One thread a buffer. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes place for n more bytes and the NUL; false, and full from now on, when that would pass the ceiling. Once full,
 * nothing more goes in: what is there stays a true beginning of what was meant. */
static bool buf_room(struct buf *b, size_t n) {
	if (b->full || n > b->max - b->len || n > SIZE_MAX / 4 - b->len) {
		b->full = true;
		return false;
	}
	size_t need = b->len + n + 1;
	if (need <= b->capacity) return true;
	size_t grown = MAX(b->capacity * 2, (size_t)64);
	if (grown > b->max) grown = b->max + 1;
	b->capacity = MAX(grown, need);
	b->data = xrealloc(b->data, b->capacity);
	return true;
}

void buf_add(struct buf *b, const void *bytes, size_t n) {
	if (!buf_room(b, n)) return;
	if (n) memcpy(b->data + b->len, bytes, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_str(struct buf *b, const char *s) {
	if (s) buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c) { buf_add(b, &c, 1); }

void buf_fmt(struct buf *b, const char *fmt, ...) {
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0) abort();
	if (buf_room(b, (size_t)n)) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void buf_consume(struct buf *b, size_t n) {
	if (!n) return;
	if (n > b->len) abort();
	memmove(b->data, b->data + n, b->len - n + 1);
	b->len -= n;
}

void buf_clear(struct buf *b) {
	b->len = 0;
	b->full = false;
	if (b->data) b->data[0] = '\0';
}

void buf_done(struct buf *b) {
	free(b->data);
	*b = BUF_INIT(b->max);
}

const char *buf_text(const struct buf *b) { return b->data ? b->data : ""; }

char *buf_take(struct buf *b) {
	char *s = b->data ? b->data : xstrdup("");
	*b = BUF_INIT(b->max);
	return s;
}

bool buf_ok(const struct buf *b) { return !b->full; }

int buf_check(const struct buf *b, const char *what, struct error *err) {
	if (buf_ok(b)) return 0;
	return error_set(err, ERR_INPUT, "%s is larger than the %zu bytes that are allowed", what, b->max);
}
