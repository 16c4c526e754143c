/* SPDX-License-Identifier: MIT */
/* Two passes: head_scan looks at each byte once, as it comes, and ends at the blank line; head_parse takes the whole
 * head apart. What the scan let pass has CR and LF in pairs only and no control character but the tab. */
#include "cloud/http/head.h"

#include <string.h>

#include "base/text.h"

static int bad(struct head *h, const char *why) {
	h->why = why;
	return -1;
}

/* --- the scan --- */

static enum head_verdict head_scan(const char *b, size_t n, size_t *at, size_t *ret_size, struct head *h) {
	for (; *at < n; ++*at) {
		uint8_t c = (uint8_t)b[*at];
		if (c >= 0x20 && c != 0x7f) continue;
		if (c == '\t') continue;
		if (c != '\r') {
			bad(h,
				c == '\n' ? "a line of the head ends without its carriage return" : "a control character in the head");
			return HEAD_BAD;
		}
		if (*at + 1 == n) return HEAD_MORE;
		if (b[*at + 1] != '\n') {
			bad(h, "a carriage return without its line feed in the head");
			return HEAD_BAD;
		}
		++*at;
		if (*at >= 3 && b[*at - 2] == '\n') {
			*ret_size = *at + 1;
			return HEAD_WHOLE;
		}
	}
	return HEAD_MORE;
}

/* --- the lines --- */

/* RFC 9110 5.6.2. */
static bool is_token_char(char c) {
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		   (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_len(const char *s) {
	size_t n = 0;
	while (is_token_char(s[n])) n++;
	return n;
}

/* The next line, without its end, or NULL after the last. */
static char *line_next(char **rest, const char *end) {
	char *line = *rest;
	if (line >= end) return NULL;
	char *cr = memchr(line, '\r', (size_t)(end - line)); /* there: the head ends with one */
	*cr = '\0';
	*rest = cr + 2;
	return line;
}

/* "http://HOST/PATH" (RFC 9112 3.2.2) is taken as PATH when HOST is the one of the Host field. */
static int target_absolute(struct head *h, char *target, const char **ret_host) {
	char *host = strstr(target, "://");
	size_t scheme = host ? (size_t)(host - target) : 0;
	if (!(scheme == 4 && strncasecmp(target, "http", 4) == 0) && !(scheme == 5 && strncasecmp(target, "https", 5) == 0))
		return bad(h, "the request's target is no path");
	host += 3;
	char *path = strchr(host, '/');
	if (!path) return bad(h, "the request's target has no path");
	if (path == host) return bad(h, "the request's target names no host");
	memmove(host - 1, host, (size_t)(path - host)); /* room for its end */
	path[-1] = '\0';
	*ret_host = host - 1;
	h->target = path;
	return 0;
}

static int request_line(struct head *h, char *line, const char **ret_host) {
	size_t method = token_len(line);
	char *target = line + method + 1, *end = method && line[method] == ' ' ? strchr(target, ' ') : NULL;
	if (!end || end == target) return bad(h, "the first line is not METHOD TARGET HTTP/1.1");
	for (const char *c = target; c < end; c++)
		if ((uint8_t)*c <= 0x20 || (uint8_t)*c >= 0x7f || *c == '#')
			return bad(h, "the request's target has a character that must be written as %XX");
	const char *version = end + 1;
	if (strncmp(version, "HTTP/1.", 7) != 0 || version[7] < '0' || version[7] > '9' || version[8])
		return bad(h, "the version is none that is spoken here");
	line[method] = *end = '\0';
	h->method = line;
	h->http10 = version[7] == '0';
	h->keep_alive = !h->http10;
	h->target = target;
	if (target[0] == '/' || (strcmp(target, "*") == 0 && strcmp(line, "OPTIONS") == 0)) return 0;
	h->target = "";
	return target_absolute(h, target, ret_host);
}

static int field_line(struct head *h, char *line) {
	size_t n = token_len(line);
	if (line[0] == ' ' || line[0] == '\t') return bad(h, "a header that goes on over two lines");
	if (!n || line[n] != ':')
		return bad(h, line[n] == ' ' || line[n] == '\t' ? "a blank before the colon of a header"
														: "a line of the head is not NAME: VALUE");
	line[n] = '\0';
	char *value = line + n + 1;
	value += strspn(value, " \t");
	size_t len = strlen(value);
	while (len && (value[len - 1] == ' ' || value[len - 1] == '\t')) len--;
	value[len] = '\0';
	if (h->field_n == HEAD_FIELDS_MAX) h->fields_cut = true;
	else h->fields[h->field_n++] = (struct sigv4_header){line, value};
	return 0;
}

/* --- what the fields mean for the framing --- */

/* A field that may stand once: *ret_value stays NULL when it does not. */
static int field_once(struct head *h, const char *name, const char *twice, const char **ret_value) {
	for (size_t i = 0; i < h->field_n; i++) {
		if (!text_equal_nocase(h->fields[i].name, name)) continue;
		if (*ret_value) return bad(h, twice);
		*ret_value = h->fields[i].value;
	}
	return 0;
}

static int head_host(struct head *h, const char *of_target) {
	static const char of_host[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%!$&'()*+,;=:[]";
	const char *host = NULL;
	if (field_once(h, "host", "two Host headers", &host)) return -1;
	if (!host && !h->http10) return bad(h, "the Host header is missing");
	if (host && host[strspn(host, of_host)]) return bad(h, "the Host header is not a host");
	if (of_target && (!host || !text_equal_nocase(host, of_target)))
		return bad(h, "the request's target and its Host header name two hosts");
	return 0;
}

static int head_length(struct head *h) {
	const char *length = NULL, *coding = NULL;
	if (field_once(h, "content-length", "two Content-Length headers", &length) ||
		field_once(h, "transfer-encoding", "two Transfer-Encoding headers", &coding))
		return -1;
	if (length && coding) return bad(h, "Content-Length and Transfer-Encoding in one request");
	if (coding && (h->http10 || !text_equal_nocase(coding, "chunked")))
		return bad(h, "a Transfer-Encoding other than chunked");
	h->chunked = coding != NULL;
	/* digits alone: no sign, no blank, no list (RFC 9112 6.3) */
	if (length && (!length[0] || length[strspn(length, "0123456789")] || text_to_i64(length, 0, INT64_MAX, &h->length)))
		return bad(h, "the Content-Length is not a number");
	return 0;
}

/* Whether `word` is one of the list's, in any case. */
static bool list_has(const char *list, const char *word) {
	size_t n = strlen(word);
	for (const char *at = list; *at;) {
		at += strspn(at, " \t,");
		size_t len = strcspn(at, " \t,");
		if (len == n && strncasecmp(at, word, n) == 0) return true;
		at += len;
	}
	return false;
}

static void head_options(struct head *h) {
	for (size_t i = 0; i < h->field_n; i++) {
		const struct sigv4_header *f = &h->fields[i];
		if (text_equal_nocase(f->name, "connection")) {
			if (h->http10 && list_has(f->value, "keep-alive")) h->keep_alive = true;
			if (list_has(f->value, "close")) h->keep_alive = false;
		}
		if (!h->http10 && text_equal_nocase(f->name, "expect") && list_has(f->value, "100-continue")) h->expects = true;
	}
}

static int head_parse(struct head *h, char *bytes, size_t size) {
	char *rest = bytes;
	const char *end = bytes + size - 2, *host = NULL; /* the blank line's own end */
	char *line = line_next(&rest, end);
	if (line && !*line) line = line_next(&rest, end); /* one blank line before is let pass (RFC 9112 2.2) */
	if (!line) return bad(h, "a blank line where a request should begin");
	if (request_line(h, line, &host)) return -1;
	while ((line = line_next(&rest, end)))
		if (field_line(h, line)) return -1;
	if (!h->fields_cut && head_host(h, host)) return -1;
	if (h->fields_cut) { /* refused anyway, and ended: what was cut could say anything of the body */
		h->keep_alive = false;
		return 0;
	}
	if (head_length(h)) return -1;
	head_options(h);
	return 0;
}

enum head_verdict head_read(char *bytes, size_t n, size_t *at, size_t *ret_size, struct head *ret) {
	struct head h = {.method = "", .target = "", .length = -1};
	enum head_verdict v = head_scan(bytes, n, at, ret_size, &h);
	if (v == HEAD_WHOLE && head_parse(&h, bytes, *ret_size)) v = HEAD_BAD;
	if (v != HEAD_MORE) *ret = h;
	return v;
}

void head_begin(char *bytes, size_t n, struct head *ret) {
	struct head h = {.method = "", .target = ""};
	const char *host = NULL;
	size_t from = n > 1 && bytes[0] == '\r' && bytes[1] == '\n' ? 2 : 0, at = from;
	while (at < n && bytes[at] && bytes[at] != '\r' && bytes[at] != '\n') at++;
	if (at == n || ret->method[0]) return;
	bytes[at] = '\0';
	(void)request_line(&h, bytes + from, &host); /* what it is wrong in was said */
	ret->method = h.method;
	ret->target = h.target;
}
