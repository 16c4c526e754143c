/* SPDX-License-Identifier: MIT */
/* The HTTP/1.1 front of the API: one thread a connection, so that a disk that is slow for one never holds up another.
 * It knows sockets, heads and bodies (wire.h, head.h, chunks.h, guests.h) and nothing of what is asked: call.h. */
#pragma once

#include "cloud/call/api.h"
#include "cloud/http/wire.h"

/* How long a caller may take, and how much of a refused body is read, so that a client which sends before it reads has
 * its answer. */
struct http_limits {
	int64_t idle_ms;  /* without a request */
	int64_t head_ms;  /* from a head's first byte to its last; a TLS handshake likewise */
	int64_t stall_ms; /* without a byte of a body, or with none of an answer taken */
	int64_t drain_ms, drain_bytes;
};
extern const struct http_limits http_limits; /* those of the program */
struct http_server;
/* Serves on listen_fd, which it takes over; tls (NULL: plain) belongs to it from then on. */
MUST_USE int http_server_start(struct http_server **ret, struct api *api, int listen_fd, SSL_CTX *tls,
	const struct http_limits *limits, struct error *err);
/* New connections use this from now on (a certificate was renewed); those that are open keep theirs. */
void http_server_tls(struct http_server *s, SSL_CTX *tls);
/* Accepts no more, lets what is under way end within wait_ms, then cuts what is left and frees. The number cut. */
int http_server_stop(struct http_server *s, int64_t wait_ms);
