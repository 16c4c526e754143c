/* SPDX-License-Identifier: MIT */
/* HTTP client over a libuv loop: curl's multi interface driven by uv_poll and one uv_timer. All calls from the loop's
 * thread. A request is named by an id (never reused), not by a pointer; its on_done is called exactly once, from the
 * loop, never from inside http_send, http_cancel or http_close. Redirects are not followed; URLs are never logged with
 * their query. HTTP/1.1, one pool of connections; proxies by HTTPS_PROXY, http_proxy, NO_PROXY as curl(1) has them,
 * and named in what goes wrong.
 * Nothing is sent that was not asked for: no Expect, no Content-Type; a body goes with its Content-Length. */
#pragma once

#include <uv.h>

#include "base/buf.h"

struct http;
struct http_options {
	const char *user_agent;	 /* "headgate/0.1" */
	const char *ca_file;	 /* NULL: the system's */
	int64_t connect_ms;		 /* 0: 10 s */
	int64_t low_rate_bytes;	 /* a transfer slower than this (bytes a second) for low_rate_ms ends with ERR_TIMEOUT; 0:
								1,024 */
	int64_t low_rate_ms;	 /* 0: 30 s */
	int64_t max_connections; /* requests that run at once, the others wait in order; 0: 8 */
};
struct http_answer {
	uint64_t id;
	int status;		  /* 0 when there was no answer */
	struct error err; /* ERR_NONE for any complete HTTP answer, whatever its status; else UNREACHABLE, TIMEOUT,
						 CANCELLED, CHANGED (the source failed) … */
	const char *body; /* NUL-terminated, never NULL; valid during on_done */
	size_t body_n;
	int64_t sent_bytes;
	int64_t elapsed_ms;
	int64_t date_ms;   /* the answer's Date, 0 when it had none */
	const char *proxy; /* that it came through (http_proxy), or NULL */
	const struct http_headers *headers;
};
/* Body bytes from the caller. read returns bytes given (up to n), 0 at the end, -1 to end the request with *err;
 * HTTP_LATER when there are none yet: http_resume follows when there are, and the time until then is not the network's.
 */
#define HTTP_LATER (-2)
struct http_source {
	ssize_t (*read)(void *arg, char *to, size_t n, int64_t offset, struct error *err);
	void *arg;
	int64_t size;
};
struct http_request {
	const char *method; /* "GET", "PUT" … */
	const char *url;
	const char *const *headers; /* "Name: value"; NULL-terminated array, or NULL; copied */
	const char *body;			/* copied; or NULL */
	size_t body_n;
	struct http_source source; /* used when .read is set; the arg outlives the request */
	size_t answer_max;		   /* ceiling of the answer's body; 0: 1 MiB. Beyond it: ERR_MIDDLEBOX */
	int64_t deadline_ms;	   /* absolute limit of the whole request once it runs; 0: 60 s */
	int64_t hold_ms;	   /* the server may be silent that long before its answer (long poll), beyond the low rate */
	int64_t send_rate_max; /* bytes a second; 0: no limit */
	/* At most ten times a second, and once when all is sent; or NULL. */
	void (*on_progress)(void *arg, int64_t sent_bytes);
	void (*on_done)(void *arg, const struct http_answer *answer);
	void *arg;
};
/* SIGPIPE is ignored from then on, unless the process handles it. */
MUST_USE int http_new(struct http **ret, uv_loop_t *loop, const struct http_options *options, struct error *err);
uint64_t http_send(
	struct http *h, const struct http_request *request); /* a request that cannot start still ends in on_done */
void http_cancel(struct http *h, uint64_t id); /* on_done follows with ERR_CANCELLED; unknown ids are ignored */
void http_resume(struct http *h, uint64_t id); /* after HTTP_LATER: read is called again; unknown ids are ignored */
void http_set_rate(struct http *h, uint64_t id, int64_t send_rate_max);
/* Cancels what runs or waits (each on_done follows with ERR_CANCELLED), closes handles; on_closed is called from the
 * loop when the memory is gone. */
void http_close(struct http *h, void (*on_closed)(void *arg), void *arg);
/* First header of that name (case-insensitive), or NULL. Valid during on_done. */
const char *http_header(const struct http_answer *answer, const char *name);
/* The proxy through which curl asks for that URL by the environment, without user and password, and the variable that
 * names it: "http://proxy:3128 of https_proxy"; NULL: none. */
const char *http_proxy(char *to, size_t size, const char *url);
/* Scheme, host, path of url without query and user info, for logs and error texts. */
const char *http_url_safe(char *to, size_t size, const char *url);
