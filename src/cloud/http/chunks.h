/* SPDX-License-Identifier: MIT */
/* A chunked body (RFC 9112 7.1), read strictly and byte by byte where its framing is: sizes are hexadecimal digits
 * alone, every line ends in CR LF. Extensions and trailers are let pass unread, within a bound. Any thread. */
#pragma once

#include "base/util.h"

struct chunks { /* zeroed at the beginning */
	int state;
	int digits;		/* of the size that is being read */
	int64_t left;	/* of the chunk */
	size_t framing; /* bytes of extensions and trailers so far */
};
enum chunk_verdict { CHUNK_MORE, CHUNK_PIECE, CHUNK_END, CHUNK_BAD };
/* Takes bytes (*ret_used of n) up to the end of a piece of the body (CHUNK_PIECE: it lies in bytes), of the body, or of
 * what came. */
enum chunk_verdict chunks_read(
	struct chunks *c, const char *bytes, size_t n, size_t *ret_used, const char **ret_piece, size_t *ret_n);
