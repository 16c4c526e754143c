/* SPDX-License-Identifier: MIT */
/* Bytes in and out of one connection, plain or TLS (OpenSSL's libssl), each call with a deadline on the monotonic
 * clock. A connection belongs to one thread; another may shutdown(2) its socket, which ends every wait here. */
#pragma once

#include <sys/uio.h>

#include "base/error.h"

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

/* Certificate chain and key, from PEM files; TLS 1.2 and 1.3. ERR_CONFIG says which file and what is wrong with it. */
MUST_USE int wire_tls_open(SSL_CTX **ret, const char *cert_file, const char *key_file, struct error *err);
void wire_tls_keep(SSL_CTX *tls);  /* one more holds it */
void wire_tls_close(SSL_CTX *tls); /* one less; NULL is fine */

struct wire {
	int fd; /* not blocking */
	SSL *tls;
};
/* With tls: the handshake. Takes fd in any case. */
MUST_USE int wire_open(struct wire *w, int fd, SSL_CTX *tls_or_null, int64_t until_ms);
/* Bytes that came (at least one); 0 at the end; -1 on a failure or at the deadline. */
MUST_USE ssize_t wire_read(struct wire *w, void *to, size_t n, int64_t until_ms);
/* All of it, or -1. Whoever takes no byte for stall_ms is given up, and whoever takes them too slowly. */
MUST_USE int wire_write(struct wire *w, const void *bytes, size_t n, int64_t stall_ms);
/* size bytes from offset of a file; -1 too when the file is shorter. */
MUST_USE int wire_send_file(struct wire *w, int fd, int64_t offset, int64_t size, int64_t stall_ms);
/* Says that nothing more comes; what still comes in is thrown away, up to `most` bytes and until_ms: closing a socket
 * with bytes unread resets it, and the peer could lose the answer (RFC 9112 9.6). */
void wire_linger(struct wire *w, int64_t most, int64_t until_ms);
void wire_close(struct wire *w);
