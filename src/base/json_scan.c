/* SPDX-License-Identifier: MIT */
/* A recognizer by recursive descent: it builds nothing, and its recursion is bounded by JSON_DEPTH_MAX. Each scan_*
 * stands on the first character of its kind and leaves the cursor behind the last. Any thread. */
#include "base/json_scan.h"

#include <string.h>

#include "base/text.h"

struct scan {
	const char *text;
	size_t n, at;
	size_t values, most;
	int depth;
	struct error *err;
};

static int refuse(struct scan *s, const char *why) {
	size_t line = 1, column = 1;
	for (size_t i = 0; i < s->at; i++) {
		column++;
		if (s->text[i] == '\n') line++, column = 1;
	}
	return error_set(s->err, ERR_INPUT, "not valid JSON at line %zu, column %zu: %s", line, column, why);
}

/* The character here, or 0 at the end (NUL bytes were refused before). */
static char here(const struct scan *s) { return s->at < s->n ? s->text[s->at] : '\0'; }

static void skip_blanks(struct scan *s) {
	while (here(s) && strchr(" \t\r\n", here(s))) s->at++;
}

static size_t skip_digits(struct scan *s) {
	size_t from = s->at;
	while (here(s) >= '0' && here(s) <= '9') s->at++;
	return s->at - from;
}

static int scan_number(struct scan *s) {
	size_t from = s->at;
	if (here(s) == '-') s->at++;
	if (here(s) == '0') s->at++;
	else if (!skip_digits(s)) return refuse(s, "a digit is expected");
	if (here(s) == '.') {
		s->at++;
		if (!skip_digits(s)) return refuse(s, "a digit is expected after the point");
	}
	if (here(s) == 'e' || here(s) == 'E') {
		s->at++;
		if (here(s) == '+' || here(s) == '-') s->at++;
		if (!skip_digits(s)) return refuse(s, "a digit is expected in the exponent");
	}
	return s->at - from > JSON_NUMBER_MAX ? refuse(s, "the number is too long") : 0;
}

/* Four hexadecimal digits here: their value, or -1. */
static int unit_here(struct scan *s) {
	uint8_t bytes[2];
	char digits[5] = "";
	if (s->n - s->at < 4) return -1;
	memcpy(digits, s->text + s->at, 4);
	if (text_unhex(bytes, 2, digits)) return -1;
	s->at += 4;
	return bytes[0] << 8 | bytes[1];
}

/* Behind "\u". */
static int scan_unicode(struct scan *s) {
	int unit = unit_here(s);
	if (unit < 0) return refuse(s, "four hexadecimal digits are expected after \\u");
	if (unit == 0) return refuse(s, "text may not contain the character 0");
	if (unit < 0xD800 || unit > 0xDFFF) return 0;
	bool pair = unit < 0xDC00 && s->n - s->at >= 2 && memcmp(s->text + s->at, "\\u", 2) == 0;
	if (pair) {
		s->at += 2;
		int low = unit_here(s);
		pair = low >= 0xDC00 && low <= 0xDFFF;
	}
	return pair ? 0 : refuse(s, "half a surrogate pair stands alone");
}

static int scan_text(struct scan *s) {
	s->at++;
	for (;;) {
		char c = here(s);
		if (s->at >= s->n) return refuse(s, "the text has no closing quote");
		if ((uint8_t)c < 0x20) return refuse(s, "a control character must be written as an escape");
		s->at++;
		if (c == '"') return 0;
		if (c != '\\') continue;
		char escaped = here(s);
		if (!escaped || !strchr("\"\\/bfnrtu", escaped)) return refuse(s, "this escape does not exist");
		s->at++;
		if (escaped == 'u' && scan_unicode(s)) return -1;
	}
}

static int scan_value(struct scan *s);

/* "name" : */
static int scan_name(struct scan *s) {
	if (here(s) != '"') return refuse(s, "a member's name in quotes is expected");
	if (scan_text(s)) return -1;
	skip_blanks(s);
	if (here(s) != ':') return refuse(s, "a colon is expected");
	s->at++;
	return 0;
}

/* An object or an array: values between commas, each after a name in an object. */
static int scan_container(struct scan *s) {
	bool object = here(s) == '{';
	char end = object ? '}' : ']';
	if (++s->depth > JSON_DEPTH_MAX) return refuse(s, "it is nested too deeply (32 levels are allowed)");
	s->at++;
	skip_blanks(s);
	bool more = here(s) != end;
	while (more) {
		skip_blanks(s);
		if (object && scan_name(s)) return -1;
		if (scan_value(s)) return -1;
		skip_blanks(s);
		more = here(s) == ',';
		if (!more && here(s) != end) return refuse(s, object ? "a comma or } is expected" : "a comma or ] is expected");
		if (more) s->at++;
	}
	s->at++;
	s->depth--;
	return 0;
}

static int scan_word(struct scan *s) {
	static const char *const words[] = {"true", "false", "null"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i]);
		if (s->n - s->at < len || memcmp(s->text + s->at, words[i], len) != 0) continue;
		s->at += len;
		return 0;
	}
	return refuse(s, s->at >= s->n ? "it ends too early" : "a value is expected");
}

static int scan_value(struct scan *s) {
	skip_blanks(s);
	if (++s->values > s->most) return refuse(s, "it has too many values; send less in one call");
	char c = here(s);
	if (c == '{' || c == '[') return scan_container(s);
	if (c == '"') return scan_text(s);
	if (c == '-' || (c >= '0' && c <= '9')) return scan_number(s);
	return scan_word(s);
}

int json_scan_bounded(const char *text, size_t n, size_t most, size_t *ret_values, struct error *err) {
	struct scan s = {.text = text, .n = n, .most = most, .err = err};
	if (!text_is_utf8(text, n, &s.at)) return refuse(&s, "it is not UTF-8 text");
	s.at = 0;
	if (scan_value(&s)) return -1;
	skip_blanks(&s);
	if (s.at < s.n) return refuse(&s, "something follows the value");
	*ret_values = s.values;
	return 0;
}

int json_scan(const char *text, size_t n, struct error *err) {
	size_t values;
	return json_scan_bounded(text, n, SIZE_MAX, &values, err);
}
