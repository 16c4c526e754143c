/* SPDX-License-Identifier: MIT */
/*   SIZE -> [EXTENSION ->] SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE
 *                             \ size 0 -> TRAILER -> TRAILER_LINE -> TRAILER_LF -> TRAILER
 *                                            \-> END_LF -> the end */
#include "cloud/http/chunks.h"

#define DIGITS_MAX 15 /* below 2^60 */
#define FRAMING_MAX 4096

enum { SIZE, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER, TRAILER_LINE, TRAILER_LF, END_LF };

static int hex_of(char c) {
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A byte of an extension or a trailer. */
static bool framing_takes(struct chunks *c, char byte) {
	return ++c->framing <= FRAMING_MAX && ((uint8_t)byte >= 0x20 || byte == '\t') && byte != 0x7f;
}

static bool size_takes(struct chunks *c, char byte) {
	int digit = hex_of(byte);
	if (digit >= 0) {
		if (++c->digits > DIGITS_MAX) return false;
		c->left = c->left * 16 + digit;
		return true;
	}
	if (!c->digits || (byte != '\r' && byte != ';')) return false;
	c->state = byte == '\r' ? SIZE_LF : EXTENSION;
	return true;
}

/* One byte of the framing. False: it cannot stand here. */
static bool byte_takes(struct chunks *c, char byte) {
	switch (c->state) {
	case SIZE: return size_takes(c, byte);
	case EXTENSION:
		if (byte == '\r') c->state = SIZE_LF;
		return byte == '\r' || framing_takes(c, byte);
	case SIZE_LF: c->state = c->left ? DATA : TRAILER; return byte == '\n';
	case DATA_CR: c->state = DATA_LF; return byte == '\r';
	case DATA_LF:
		c->state = SIZE;
		c->digits = 0;
		return byte == '\n';
	case TRAILER: c->state = byte == '\r' ? END_LF : TRAILER_LINE; return byte == '\r' || framing_takes(c, byte);
	case TRAILER_LINE:
		if (byte == '\r') c->state = TRAILER_LF;
		return byte == '\r' || framing_takes(c, byte);
	case TRAILER_LF: c->state = TRAILER; return byte == '\n';
	default: return byte == '\n';
	}
}

enum chunk_verdict chunks_read(
	struct chunks *c, const char *bytes, size_t n, size_t *ret_used, const char **ret_piece, size_t *ret_n) {
	for (size_t i = 0; i < n; i++) {
		if (c->state == DATA) {
			size_t piece = (size_t)MIN(c->left, (int64_t)(n - i));
			*ret_piece = bytes + i;
			*ret_n = piece;
			*ret_used = i + piece;
			c->left -= (int64_t)piece;
			if (!c->left) c->state = DATA_CR;
			return CHUNK_PIECE;
		}
		bool last = c->state == END_LF;
		if (!byte_takes(c, bytes[i])) return CHUNK_BAD;
		*ret_used = i + 1;
		if (last) return CHUNK_END;
	}
	*ret_used = n;
	return CHUNK_MORE;
}
