/* SPDX-License-Identifier: MIT */
/* A growing byte buffer with a ceiling.
 * Invariants: data is NULL or has len + 1 bytes or more, data[len] is NUL; len <= max. When an addition would pass max,
 * nothing is added and `full` stays set: build freely, check once at the end with buf_ok(). */
#pragma once

#include "base/error.h"

struct buf {
	char *data;
	size_t len, capacity, max;
	bool full;
};
#define BUF_INIT(ceiling) ((struct buf){.max = (ceiling)})

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_fmt(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_consume(struct buf *b, size_t n); /* drops the first n bytes */
void buf_clear(struct buf *b);			   /* len = 0, keeps the memory */
void buf_done(struct buf *b);
DEFINE_AUTO_VAL(struct buf, buf_done)
const char *buf_text(const struct buf *b); /* never NULL; valid until the next change */
char *buf_take(struct buf *b);			   /* the caller frees; the buffer is empty afterwards */
bool buf_ok(const struct buf *b);
MUST_USE int buf_check(const struct buf *b, const char *what, struct error *err); /* ERR_INPUT naming the ceiling */
