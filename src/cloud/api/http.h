/* SPDX-License-Identifier: MIT */
/* The HTTP front of the API: libmicrohttpd, one thread a connection, so that a disk that is slow for one never holds up
 * another. The only file that knows the HTTP server is http.c. */
#pragma once

#include "cloud/api/api.h"

struct http_server;
/* Serves on listen_fd, which it takes over. With a certificate and key (PEM text, alive until the end): TLS. */
MUST_USE int http_server_start(struct http_server **ret, struct api *api, int listen_fd, const char *cert_pem,
	const char *key_pem, struct error *err);
/* Every few seconds, from one thread: ends connections that take longer than a minute to say what they want. */
void http_server_tick(struct http_server *s, int64_t now_mono_ms);
/* Accepts no more, lets what is under way end within wait_ms, then cuts what is left and frees. The number cut. */
int http_server_stop(struct http_server *s, int64_t wait_ms);
