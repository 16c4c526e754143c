/* SPDX-License-Identifier: MIT */
/* What the three files of the HTTP client share: http.c (requests and their lists), http_easy.c (one request as curl
 * sees it), http_loop.c (curl's sockets and timer on the libuv loop). Not for others to include. */
#pragma once

#include <curl/curl.h>
#include <sys/queue.h>

#include "base/http.h"

#define UPLOAD_BUFFER_BYTES (256 * 1024) /* measured.md */

struct http_headers {
	CURL *easy;
};

/* One request. It stands in exactly one of the lists of struct http:
 *   waiting --exchange_start--> running --curl is done, cancelled, too slow--> ended --on_done--> freed
 *      `----------------------cancelled, cannot start----------------------------^ */
struct exchange {
	TAILQ_ENTRY(exchange) link;
	uint64_t id;
	struct http *http;
	struct http_request request; /* strings are copies; source, callbacks and arg are the caller's */
	char *method, *url, *body;
	struct curl_slist *headers;
	CURL *easy; /* NULL until it runs */
	char curl_text[CURL_ERROR_SIZE];
	struct error err;		/* why it ended, when it was not curl that said so */
	bool cancelled, paused; /* paused: the source has nothing yet */
	int64_t offset, sent;	/* read from the source; sent to the network */
	int64_t received, header_bytes;
	struct buf answer;
	curl_socket_t fd; /* what it moves its bytes on, CURL_SOCKET_BAD when nothing is watched */
	int64_t started_ms, ended_ms;
	int64_t reported_ms, reported; /* on_progress */
	int64_t moved, slow_since_ms;  /* low rate: bytes at the last tick; since when it is slow */
};
TAILQ_HEAD(exchange_list, exchange);

struct http {
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t curl_timer;	/* curl's own time-out */
	uv_timer_t flush_timer; /* 0 ms: what must not happen inside the caller's call or curl's */
	uv_timer_t tick_timer;	/* low rate, while anything runs */
	size_t handles;			/* of ours that libuv still holds */
	struct exchange_list waiting, running, ended;
	size_t waiting_n, running_n, ended_n;
	uint64_t last_id;
	struct socket_watch *ready; /* whose event curl is told at this moment; NULL once curl lets go of it */
	char *user_agent, *ca_file;
	int64_t connect_ms, low_rate_bytes, low_rate_ms, max_connections;
	bool closing;
	void (*on_closed)(void *arg);
	void *on_closed_arg;
};

/* http.c */
void http_exchange_ended(struct http *h, struct exchange *t); /* from running to ended */
/* http_easy.c */
int64_t exchange_size(const struct exchange *t); /* of the body to be sent */
MUST_USE int easy_new(struct exchange *t, struct error *err);
void easy_explain(const struct exchange *t, CURLcode code, struct error *err);
/* http_loop.c */
MUST_USE int http_loop_init(struct http *h, struct error *err);
void http_loop_close(
	struct http *h, uv_close_cb on_close); /* multi and timers; on_close for each, poll handles apart */
