/* SPDX-License-Identifier: MIT */
/* Encodings of bytes as text: hexadecimal, base64 (RFC 4648), percent-encoding (RFC 3986). Any thread. */
#include "base/text.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char uri_digits[] = "0123456789ABCDEF";

static int hex_value(char c) {
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	if (c >= 'A' && c <= 'F') return c - 'A' + 10;
	return -1;
}

void text_hex(char *to, const uint8_t *bytes, size_t n) {
	for (size_t i = 0; i < n; i++) {
		*to++ = hex_digits[bytes[i] >> 4];
		*to++ = hex_digits[bytes[i] & 15];
	}
	*to = '\0';
}

int text_unhex(uint8_t *to, size_t n, const char *hex) {
	if (strlen(hex) != 2 * n || strspn(hex, "0123456789abcdefABCDEF") != 2 * n) return -1;
	for (size_t i = 0; i < n; i++) to[i] = (uint8_t)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
	return 0;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void text_base64(struct buf *out, const uint8_t *bytes, size_t n) {
	for (size_t i = 0; i < n; i += 3) {
		size_t left = MIN(n - i, (size_t)3);
		uint32_t v = (uint32_t)bytes[i] << 16;
		if (left > 1) v |= (uint32_t)bytes[i + 1] << 8;
		if (left > 2) v |= bytes[i + 2];
		char four[4] = {base64_digits[v >> 18], base64_digits[v >> 12 & 63], '=', '='};
		if (left > 1) four[2] = base64_digits[v >> 6 & 63];
		if (left > 2) four[3] = base64_digits[v & 63];
		buf_add(out, four, sizeof four);
	}
}

static int base64_value(char c) {
	const char *at = c ? strchr(base64_digits, c) : NULL;
	return at ? (int)(at - base64_digits) : -1;
}

/* Four digits, the last two maybe '=' when `last`: 1 to 3 bytes, or 0 when they are wrong. The bits that padding leaves
 * over must be zero, so that one value has one spelling. */
static size_t base64_four(const char *s, bool last, uint8_t to[3]) {
	size_t pad = last && s[3] == '=' ? (s[2] == '=' ? 2 : 1) : 0;
	uint32_t v = 0;
	for (size_t i = 0; i < 4; i++) {
		int digit = i >= 4 - pad ? 0 : base64_value(s[i]);
		if (digit < 0) return 0;
		v = v << 6 | (uint32_t)digit;
	}
	to[0] = (uint8_t)(v >> 16);
	to[1] = (uint8_t)(v >> 8);
	to[2] = (uint8_t)v;
	for (size_t i = 3 - pad; i < 3; i++)
		if (to[i]) return 0;
	return 3 - pad;
}

int text_unbase64(uint8_t *to, size_t size, const char *s, size_t *ret_n) {
	size_t n = strlen(s), at = 0;
	if (n % 4) return -1;
	for (size_t i = 0; i < n; i += 4) {
		uint8_t three[3];
		size_t got = base64_four(s + i, i + 4 == n, three);
		if (!got || got > size - at) return -1;
		memcpy(to + at, three, got);
		at += got;
	}
	*ret_n = at;
	return 0;
}

static bool is_unreserved(char c) {
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

void text_uri_encode(struct buf *out, const char *s, size_t n, bool keep_slash) {
	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)s[i];
		if (is_unreserved(s[i]) || (keep_slash && s[i] == '/')) buf_char(out, s[i]);
		else buf_add(out, (char[]){'%', uri_digits[c >> 4], uri_digits[c & 15]}, 3);
	}
}

int text_uri_decode(struct buf *out, const char *s, size_t n) {
	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		if (c == '%') {
			if (n - i < 3 || hex_value(s[i + 1]) < 0 || hex_value(s[i + 2]) < 0) return -1;
			c = (char)(hex_value(s[i + 1]) << 4 | hex_value(s[i + 2]));
			if (!c) return -1;
			i += 2;
		}
		buf_char(out, c);
	}
	return 0;
}
