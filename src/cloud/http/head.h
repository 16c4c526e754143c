/* SPDX-License-Identifier: MIT */
/* The head of an HTTP/1.1 request (RFC 9112), read strictly: what two readers could understand in two ways (a second
 * length, a length beside chunks, a blank before a colon, a folded line, a line that ends in one of CR and LF, a second
 * Host) is refused and never mended, for a proxy in front may have understood it in the other way. Any thread. */
#pragma once

#include "aws/sigv4.h"

#define HEAD_BYTES_MAX (32 * 1024)
#define HEAD_FIELDS_MAX 64
enum head_verdict {
	HEAD_MORE,	/* not whole yet */
	HEAD_WHOLE, /* *ret is filled */
	HEAD_BAD,	/* ret->why says what; the connection cannot go on */
};
struct head {
	const char *method, *target; /* "" when the request line could not be read; target as on the wire, "/…" or "*" */
	struct sigv4_header fields[HEAD_FIELDS_MAX];
	size_t field_n;
	bool fields_cut; /* there were more */
	bool http10, keep_alive, expects;
	bool chunked;
	int64_t length; /* Content-Length; -1: none given */
	const char *why;
};
/* Method and target as far as the first line tells them, of a head that cannot be read: an answer is worded for its
 * path. bytes are taken apart. */
void head_begin(char *bytes, size_t n, struct head *ret);
/* Looks at the n bytes that came since the request before; *at: 0 at first, kept for the next look. A head that is
 * whole is taken apart in place (its texts point into bytes) and *ret_size is its size. */
enum head_verdict head_read(char *bytes, size_t n, size_t *at, size_t *ret_size, struct head *ret);
