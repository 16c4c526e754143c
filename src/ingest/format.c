/* SPDX-License-Identifier: MIT */
/* Forms of texts. What is refused here never reaches a header, a path, a journal or a screen. */
#include "ingest/format.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define HEADER_VALUE_MAX 2048
#define PORT_MAX 65535

static bool consists_of(const char *s, const char *set) { return *s && !s[strspn(s, set)]; }

/* Printable ASCII; with spaces or without. */
static bool is_ascii(const char *s, bool spaces) {
	for (; *s; s++) {
		if ((unsigned char)*s > '~' || *s < ' ' || (*s == ' ' && !spaces)) return false;
	}
	return true;
}

static bool is_print(const char *s) {
	size_t n = strlen(s);
	for (size_t i = 0, more; i < n; i += more) {
		uint32_t c;
		more = text_decode(s + i, n - i, &c);
		if (!more || text_is_unsafe(c)) return false;
	}
	return true;
}

const char *format_token(const char *text, const struct shape_rules *rules) {
	(void)rules;
	return consists_of(text, UPPER LOWER DIGITS "-._~+/=") ? NULL : "must be a token of letters, digits and -._~+/=";
}

const char *format_station(const char *text, const struct shape_rules *rules) {
	(void)rules;
	bool good = consists_of(text, UPPER LOWER DIGITS "._-") && !strchr("._-", *text) && strlen(text) <= 64;
	return good ? NULL : "must be the name of a station: up to 64 letters, digits and ._-";
}

const char *format_session(const char *text, const struct shape_rules *rules) {
	(void)rules;
	bool good = strlen(text) == 15 && strspn(text, DIGITS) == 8 && text[8] == '_' && strspn(text + 9, DIGITS) == 6;
	return good ? NULL : "must be the name of a session: YYYYMMDD_HHMMSS";
}

const char *format_word(const char *text, const struct shape_rules *rules) {
	(void)rules;
	return consists_of(text, LOWER DIGITS "_") ? NULL : "must be a word of small letters, digits and _";
}

const char *format_label(const char *text, const struct shape_rules *rules) {
	(void)rules;
	return is_print(text) ? NULL : "must be one line of text without control characters";
}

const char *format_key(const char *text, const struct shape_rules *rules) {
	(void)rules;
	for (const char *s = text; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f) return "must be the key of an object, without control characters";
	return NULL;
}

const char *format_cursor(const char *text, const struct shape_rules *rules) { return format_label(text, rules); }

const char *format_sha256_hex(const char *text, const struct shape_rules *rules) {
	(void)rules;
	bool good = strlen(text) == 64 && consists_of(text, DIGITS "abcdef");
	return good ? NULL : "must be 64 hexadecimal digits";
}

const char *format_sha256(const char *text, const struct shape_rules *rules) {
	struct sha256 digest;
	(void)rules;
	return sha256_from_base64(text, &digest) == 0 ? NULL : "must be a SHA-256 in base64";
}

const char *format_time(const char *text, const struct shape_rules *rules) {
	int64_t ms;
	(void)rules;
	return time_parse_rfc3339(text, &ms) == 0 ? NULL : "must be a time of RFC 3339";
}

/* --- addresses --- */

/* "host", "host:8750", "[::1]:9000": a name or an address, and a port that exists. No user, whose name could pass for
 * the host's. */
static bool is_authority(const char *from, size_t n) {
	char text[300];
	int64_t port;
	if (n == 0 || n >= sizeof text) return false;
	memcpy(text, from, n);
	text[n] = '\0';
	char *colon = strrchr(text, ':'), *bracket = strrchr(text, ']');
	if (colon && colon > bracket) {
		*colon = '\0';
		if (text_to_i64(colon + 1, 1, PORT_MAX, &port)) return false;
	}
	if (*text != '[') return consists_of(text, UPPER LOWER DIGITS "-._");
	return bracket && !bracket[1] && strspn(text + 1, DIGITS "abcdefABCDEF:.") == (size_t)(bracket - text - 1);
}

const char *format_url(const char *text, const struct shape_rules *rules) {
	bool https = text_starts(text, "https://");
	if (!https && !text_starts(text, "http://")) return "must be a URL of http or https";
	if (!https && rules->https) return "must be a URL of https, as the endpoint is: bytes are not sent in the open";
	if (!is_ascii(text, false) || strpbrk(text, "\"<>\\^`{|}#")) return "must be a URL without blanks and controls";
	const char *host = strstr(text, "://") + 3;
	size_t n = strcspn(host, "/?");
	if (!is_authority(host, n)) return "must be a URL with a host, and no user before it";
	return host[n] == '/' && strchr(host + n, '?') ? NULL : "must be a presigned URL";
}

/* --- headers of a PUT --- */

const char *format_header_name(const char *text, const struct shape_rules *rules) {
	static const char *const names[] = {
		"host", "content-length", "content-type", "content-md5", "content-encoding", "if-none-match"};
	(void)rules;
	bool token = strlen(text) <= 128 && consists_of(text, UPPER LOWER DIGITS "-");
	if (token && !strncasecmp(text, "x-amz-", 6)) return NULL;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (text_equal_nocase(text, names[i])) return NULL;
	return "is no header that a presigned PUT needs";
}

const char *format_header_value(const char *text, const struct shape_rules *rules) {
	(void)rules;
	bool good = strlen(text) <= HEADER_VALUE_MAX && is_ascii(text, true);
	return good ? NULL : "must be one line of printable ASCII, at most 2,048 characters";
}
