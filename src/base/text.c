/* SPDX-License-Identifier: MIT */
/* Text from outside: UTF-8 by RFC 3629, escaping for a person's eye, comparison, numbers, near misses. Encodings are in
 * text_code.c. Nothing here depends on the process's locale. Any thread. */
#include "base/text.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t text_decode(const char *s, size_t n, uint32_t *ret) {
	static const struct {
		uint8_t mask, lead;
		uint32_t least;
	} forms[] = {{0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
	uint8_t first = (uint8_t)s[0];
	for (size_t len = 1; len <= ARRAY_LEN(forms); len++) {
		if ((first & forms[len - 1].mask) != forms[len - 1].lead) continue;
		if (len > n) return 0;
		uint32_t c = first & (uint8_t)~forms[len - 1].mask;
		for (size_t i = 1; i < len; i++) {
			if (((uint8_t)s[i] & 0xC0) != 0x80) return 0;
			c = c << 6 | ((uint8_t)s[i] & 0x3F);
		}
		if (c < forms[len - 1].least || (c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF) return 0;
		*ret = c;
		return len;
	}
	return 0;
}

size_t text_encode(char to[4], uint32_t c) {
	static const uint32_t above[] = {0x80, 0x800, 0x10000, 0x110000};
	static const uint8_t lead[] = {0x00, 0xC0, 0xE0, 0xF0};
	if (c >= 0xD800 && c <= 0xDFFF) return 0;
	for (size_t n = 1; n <= ARRAY_LEN(above); n++) {
		if (c >= above[n - 1]) continue;
		for (size_t i = n - 1; i > 0; i--, c >>= 6) to[i] = (char)(0x80 | (c & 0x3F));
		to[0] = (char)(lead[n - 1] | c);
		return n;
	}
	return 0;
}

bool text_is_utf8(const char *s, size_t n, size_t *ret_bad_offset) {
	for (size_t i = 0; i < n;) {
		uint32_t c = 0;
		size_t len = text_decode(s + i, n - i, &c);
		if (!len || !c) {
			if (ret_bad_offset) *ret_bad_offset = i;
			return false;
		}
		i += len;
	}
	return true;
}

bool text_is_unsafe(uint32_t c) {
	return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || (c >= 0x200E && c <= 0x200F) ||
		   (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

#define ESCAPED_MAX 16
/* The next character of s as it may be shown: bytes taken from s; the shown ones in to, *ret_n of them. */
static size_t escape_one(const char *s, size_t n, char to[ESCAPED_MAX], size_t *ret_n) {
	uint32_t c = 0;
	size_t len = text_decode(s, n, &c);
	int shown = 0;
	if (!len || c < 0x80) {
		if (len && !text_is_unsafe(c)) {
			to[0] = s[0];
			shown = 1;
		} else shown = snprintf(to, ESCAPED_MAX, "\\x%02x", (unsigned)(uint8_t)s[0]);
		len = 1;
	} else if (text_is_unsafe(c)) shown = snprintf(to, ESCAPED_MAX, "\\u{%04x}", (unsigned)c);
	else {
		memcpy(to, s, len);
		shown = (int)len;
	}
	*ret_n = (size_t)shown;
	return len;
}

void text_escape(struct buf *out, const char *s, size_t n) {
	for (size_t i = 0; i < n;) {
		char one[ESCAPED_MAX];
		size_t shown = 0;
		i += escape_one(s + i, n - i, one, &shown);
		buf_add(out, one, shown);
	}
}

const char *text_safe(char *to, size_t size, const char *s) {
	static const char ellipsis[] = "…";
	size_t n = s ? strlen(s) : 0, at = 0, cut = 0;
	for (size_t i = 0; i < n;) {
		char one[ESCAPED_MAX];
		size_t shown = 0;
		i += escape_one(s + i, n - i, one, &shown);
		if (at + shown >= size) {
			at = cut;
			if (size >= sizeof ellipsis) at += sizeof ellipsis - 1;
			if (size >= sizeof ellipsis) memcpy(to + cut, ellipsis, sizeof ellipsis - 1);
			break;
		}
		memcpy(to + at, one, shown);
		at += shown;
		if (at + sizeof ellipsis <= size) cut = at; /* here an ellipsis still fits */
	}
	if (size) to[at] = '\0';
	return to;
}

bool text_starts(const char *s, const char *prefix) { return strncmp(s, prefix, strlen(prefix)) == 0; }

/* "host", "host:8750", "[::1]:8750"; a port that there is. */
static bool is_port_good(const char *host, size_t n) {
	const char *bracket = memrchr(host, ']', n), *from = bracket ? bracket + 1 : host;
	const char *colon = memchr(from, ':', n - (size_t)(from - host));
	int64_t port;
	if (!colon) return !bracket || from == host + n;
	AUTO(xfree) char *digits = xstrndup(colon + 1, n - (size_t)(colon + 1 - host));
	return colon > host && text_to_i64(digits, 1, 65535, &port) == 0;
}

bool text_is_web_address(const char *s, bool path) {
	const char *host = text_starts(s, "https://") ? s + 8 : text_starts(s, "http://") ? s + 7 : NULL;
	if (!host || !*host || *host == '/' || strpbrk(host, path ? "?#@ \"<>\\" : "/?#@ \"<>\\")) return false;
	for (const char *c = host; *c; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f) return false;
	return is_port_good(host, strcspn(host, "/"));
}

bool text_ends(const char *s, const char *suffix) {
	size_t n = strlen(s), k = strlen(suffix);
	return n >= k && memcmp(s + n - k, suffix, k) == 0;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

bool text_equal_nocase(const char *a, const char *b) {
	while (*a && lower(*a) == lower(*b)) a++, b++;
	return lower(*a) == lower(*b);
}

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

char *text_trim(char *s) {
	while (is_blank(*s)) s++;
	size_t n = strlen(s);
	while (n && is_blank(s[n - 1])) n--;
	s[n] = '\0';
	return s;
}

void text_copy(char *to, size_t size, const char *s) {
	if (!size) return;
	size_t n = strnlen(s, size - 1);
	memcpy(to, s, n);
	to[n] = '\0';
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

int text_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret) {
	bool negative = *s == '-';
	if (negative) s++;
	if (!*s) return -1;
	int64_t v = 0;
	for (; *s; s++) {
		if (!is_digit(*s)) return -1;
		int d = *s - '0';
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, negative ? -d : d, &v)) return -1;
	}
	if (v < min || v > max) return -1;
	*ret = v;
	return 0;
}

static locale_t c_locale;
static void c_locale_make(void) {
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (!c_locale) abort();
}

/* [+-] digits with one point among or beside them, then maybe an exponent: no hex, no "inf", no blanks. */
static bool is_decimal(const char *s) {
	if (*s == '+' || *s == '-') s++;
	size_t digits = strspn(s, "0123456789");
	s += digits;
	if (*s == '.') {
		size_t fraction = strspn(++s, "0123456789");
		s += fraction;
		digits += fraction;
	}
	if (!digits) return false;
	if (*s != 'e' && *s != 'E') return !*s;
	if (*++s == '+' || *s == '-') s++;
	size_t exponent = strspn(s, "0123456789");
	return exponent && !s[exponent];
}

int text_to_double(const char *s, double *ret) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, c_locale_make);
	if (!is_decimal(s)) return -1;
	double v = strtod_l(s, NULL, c_locale);
	if (!isfinite(v)) return -1;
	*ret = v;
	return 0;
}

#define NEAR_MAX 63
/* Edit distance with neighbours swapped counted as one (optimal string alignment), ASCII case ignored. */
static size_t edit_distance(const char *a, size_t an, const char *b, size_t bn) {
	size_t rows[3][NEAR_MAX + 1];
	for (size_t j = 0; j <= bn; j++) rows[0][j] = j;
	for (size_t i = 1; i <= an; i++) {
		size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= bn; j++) {
			size_t same = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
			now[j] = MIN(MIN(before[j] + 1, now[j - 1] + 1), before[j - 1] + same);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
				now[j] = MIN(now[j], earlier[j - 2] + 1);
		}
	}
	return rows[an % 3][bn];
}

const char *text_nearest(const char *s, const char *const *names, size_t n) {
	const char *best = NULL;
	size_t best_distance = SIZE_MAX, len = strlen(s);
	if (!len || len > NEAR_MAX) return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t name_len = strlen(names[i]), longer = MAX(len, name_len);
		if (!name_len || name_len > NEAR_MAX) continue;
		size_t distance = edit_distance(s, len, names[i], name_len);
		if (len >= 3 && name_len > len && strncasecmp(s, names[i], len) == 0) distance = 1; /* its beginning */
		if (distance >= longer || distance > (longer + 2) / 3 || distance >= best_distance) continue;
		best = names[i];
		best_distance = distance;
	}
	return best;
}

static int compare_texts(const void *a, const void *b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *text_twice(const char **texts, size_t n) {
	if (n < 2) return NULL;
	qsort(texts, n, sizeof *texts, compare_texts);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(texts[i - 1], texts[i]) == 0) return texts[i];
	}
	return NULL;
}
