/* SPDX-License-Identifier: MIT */
/* Text from outside: UTF-8, escaping, numbers, near misses. */
#pragma once

#include "base/buf.h"

/* Bytes of the character that begins at s (n >= 1), its code point in *ret; 0 when they are not UTF-8: overlong forms,
 * surrogates and what lies above U+10FFFF are none. */
size_t text_decode(const char *s, size_t n, uint32_t *ret);
/* c in UTF-8 into to (4 bytes); how many, 0 when it is no character. */
size_t text_encode(char to[4], uint32_t c);
/* Controls (C0, DEL, C1), line and paragraph separators, and what turns the direction of writing: what a terminal may
 * act upon, or what shows one name as another. */
bool text_is_unsafe(uint32_t c);
bool text_is_utf8(const char *s, size_t n, size_t *ret_bad_offset); /* RFC 3629; NUL bytes are refused too */
/* Appends s for a person's eye: control characters, ESC, C1, bidi overrides and invalid bytes become \xHH or \u{HHHH}.
 */
void text_escape(struct buf *out, const char *s, size_t n);
/* The same into a fixed array, cut with an ellipsis; returns to. */
const char *text_safe(char *to, size_t size, const char *s);
#define TEXT_SAFE(s) text_safe((char[256]){0}, 256, (s))
/* http:// or https://, a host, a port that exists if any, and nothing of a query, a fragment, a user or what is no part
 * of an address; a path only where it may have one. */
bool text_is_web_address(const char *s, bool path);
bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix);
bool text_equal_nocase(const char *a, const char *b); /* ASCII only */
char *text_trim(char *s);							  /* in place; returns the first kept byte */
void text_copy(char *to, size_t size, const char *s); /* always terminated */
MUST_USE int text_to_i64(
	const char *s, int64_t min, int64_t max, int64_t *ret); /* whole string, decimal; -1 when not */
MUST_USE int text_to_double(const char *s, double *ret); /* whole string, finite, "C" locale whatever the process has */
/* The member of names (n of them) nearest to s by edit distance, or NULL when none is near enough to suggest. */
const char *text_nearest(const char *s, const char *const *names, size_t n);
void text_hex(char *to, const uint8_t *bytes, size_t n);		 /* lower case, to has 2n + 1 bytes */
MUST_USE int text_unhex(uint8_t *to, size_t n, const char *hex); /* exactly 2n digits */
void text_base64(struct buf *out, const uint8_t *bytes, size_t n);
MUST_USE int text_unbase64(uint8_t *to, size_t size, const char *s, size_t *ret_n); /* strict, padded (RFC 4648) */
/* RFC 3986 percent-encoding: unreserved characters stay, and '/' too when keep_slash. */
void text_uri_encode(struct buf *out, const char *s, size_t n, bool keep_slash);
MUST_USE int text_uri_decode(struct buf *out, const char *s, size_t n); /* -1 on a bad escape or an encoded NUL */
/* Sorts texts (n of them) bytewise; one that stands twice among them, or NULL. */
const char *text_twice(const char **texts, size_t n);
