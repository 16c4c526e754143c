/* SPDX-License-Identifier: MIT */
/* curl's multi interface driven by libuv: curl says which sockets to watch and when to be called again; what they
 * report goes back by curl_multi_socket_action. Each watched socket has a uv_poll of its own, freed in its close
 * callback. */
#include "base/http_parts.h"

struct socket_watch {
	uv_poll_t poll;
	struct http *http;
	curl_socket_t fd;
	int events; /* that are waited for */
};

static void collect_done(struct http *h) {
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(h->multi, &left))) {
		if (message->msg != CURLMSG_DONE) continue;
		struct exchange *t = NULL;
		CURLcode code = message->data.result; /* the message is gone once the handle is removed */
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
		if (t->err.code == ERR_NONE && code != CURLE_OK) easy_explain(t, code, &t->err);
		http_exchange_ended(h, t);
	}
}

static void on_socket_ready(uv_poll_t *poll, int status, int events) {
	struct socket_watch *w = poll->data;
	struct http *h = w->http;
	int flags = 0, running;
	/* An error alone is told by curl as "select/poll returned error": asked to read and write, it finds which. */
	if (status < 0) flags = CURL_CSELECT_ERR | CURL_CSELECT_IN | CURL_CSELECT_OUT;
	if (events & UV_READABLE) flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE) flags |= CURL_CSELECT_OUT;
	h->ready = w;
	curl_multi_socket_action(h->multi, w->fd, flags, &running);						 /* may free w */
	if (status < 0 && h->ready) uv_poll_start(&w->poll, w->events, on_socket_ready); /* libuv has stopped it */
	h->ready = NULL;
	collect_done(h);
}

static void on_curl_timer(uv_timer_t *timer) {
	struct http *h = timer->data;
	int running;
	curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect_done(h);
}

static int on_curl_timeout(CURLM *multi, long timeout_ms, void *arg) {
	struct http *h = arg;
	(void)multi;
	if (timeout_ms < 0) uv_timer_stop(&h->curl_timer);
	else uv_timer_start(&h->curl_timer, on_curl_timer, (uint64_t)timeout_ms, 0);
	return 0;
}

static void on_watch_closed(uv_handle_t *handle) { free(handle->data); }

static struct socket_watch *watch_new(struct http *h, curl_socket_t fd) {
	struct socket_watch *w = xcalloc(1, sizeof *w);
	w->http = h;
	w->fd = fd;
	if (uv_poll_init_socket(h->loop, &w->poll, fd) < 0) {
		free(w);
		return NULL;
	}
	w->poll.data = w;
	return w;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg) {
	struct http *h = arg;
	struct socket_watch *w = socket_arg;
	struct exchange *t = NULL;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t); /* NULL for a handle of curl's own */
	if (t) t->fd = what == CURL_POLL_REMOVE ? CURL_SOCKET_BAD : fd;
	if (what == CURL_POLL_REMOVE) {
		if (w) uv_close((uv_handle_t *)&w->poll, on_watch_closed);
		if (w && w == h->ready) h->ready = NULL;
		curl_multi_assign(h->multi, fd, NULL);
		return 0;
	}
	if (!w && !(w = watch_new(h, fd))) return -1; /* curl fails the exchange */
	curl_multi_assign(h->multi, fd, w);
	w->events = (what != CURL_POLL_OUT ? UV_READABLE : 0) | (what != CURL_POLL_IN ? UV_WRITABLE : 0);
	return uv_poll_start(&w->poll, w->events, on_socket_ready) < 0 ? -1 : 0;
}

int http_loop_init(struct http *h, struct error *err) {
	h->multi = curl_multi_init();
	if (!h->multi) return error_set(err, ERR_INTERNAL, "libcurl gave no multi handle; is memory out?");
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_curl_timeout);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)h->max_connections);
	uv_timer_t *const timers[] = {&h->curl_timer, &h->flush_timer, &h->tick_timer};
	for (size_t i = 0; i < ARRAY_LEN(timers); i++) {
		uv_timer_init(h->loop, timers[i]);
		timers[i]->data = h;
		h->handles++;
	}
	return 0;
}

void http_loop_close(struct http *h, uv_close_cb on_close) {
	curl_multi_cleanup(h->multi); /* closes idle connections, whose watches go by on_curl_socket */
	h->multi = NULL;
	uv_close((uv_handle_t *)&h->curl_timer, on_close);
	uv_close((uv_handle_t *)&h->flush_timer, on_close);
	uv_close((uv_handle_t *)&h->tick_timer, on_close);
}
