/* SPDX-License-Identifier: MIT */
/* HTTP client: the requests, from http_send to on_done.
 *
 * Nothing of the caller's runs inside a call of the caller's, and no exchange is removed inside a callback of curl's:
 * both happen in on_flush, a timer of 0 ms that each change arms. There the cancelled ones end, then on_done is called
 * for those that had ended before, then waiting ones start, and after http_close the rest is taken down. */
#include "base/http_parts.h"

#include <linux/sockios.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/secret.h"

#define ANSWER_MAX_DEFAULT (1024 * 1024)
#define TICK_MIN_MS 10
#define TICK_MAX_MS 1000

static void on_flush(uv_timer_t *timer);
static void on_tick(uv_timer_t *timer);

static int64_t or_default(int64_t value, int64_t initial) { return value > 0 ? value : initial; }

static void flush_soon(struct http *h) {
	if (!uv_is_active((uv_handle_t *)&h->flush_timer)) uv_timer_start(&h->flush_timer, on_flush, 0, 0);
}

/* --- one exchange --- */

static struct exchange *exchange_new(struct http *h, const struct http_request *request) {
	struct exchange *t = xcalloc(1, sizeof *t);
	t->id = ++h->last_id;
	t->http = h;
	t->fd = CURL_SOCKET_BAD;
	t->request = *request;
	t->method = xstrdup(request->method);
	t->url = xstrdup(request->url);
	if (request->body) {
		t->body = xcalloc(request->body_n + 1, 1);
		memcpy(t->body, request->body, request->body_n);
	}
	t->request.body_n = request->body ? request->body_n : 0;
	t->request.deadline_ms = or_default(request->deadline_ms, 60000);
	t->answer = BUF_INIT(request->answer_max > 0 ? request->answer_max : ANSWER_MAX_DEFAULT);
	return t;
}

static void exchange_free(struct exchange *t) {
	if (t->easy) curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	if (t->answer.data) secret_wipe(t->answer.data, t->answer.len); /* keys and tokens pass here */
	buf_done(&t->answer);
	free(t->method);
	free(t->url);
	if (t->body) secret_wipe(t->body, t->request.body_n);
	free(t->body);
	free(t);
}

void http_exchange_ended(struct http *h, struct exchange *t) {
	curl_multi_remove_handle(h->multi, t->easy);
	TAILQ_REMOVE(&h->running, t, link);
	h->running_n--;
	TAILQ_INSERT_TAIL(&h->ended, t, link);
	h->ended_n++;
	t->ended_ms = clock_mono_ms();
	flush_soon(h);
}

/* Waiting, and never ran. */
static void exchange_dropped(struct http *h, struct exchange *t) {
	TAILQ_REMOVE(&h->waiting, t, link);
	h->waiting_n--;
	TAILQ_INSERT_TAIL(&h->ended, t, link);
	h->ended_n++;
	flush_soon(h);
}

static void exchange_start(struct http *h, struct exchange *t) {
	CURLMcode code = curl_multi_add_handle(h->multi, t->easy);
	if (code != CURLM_OK) {
		error_set(&t->err, ERR_INTERNAL, "libcurl did not take the request: %s", curl_multi_strerror(code));
		return exchange_dropped(h, t);
	}
	TAILQ_REMOVE(&h->waiting, t, link);
	h->waiting_n--;
	TAILQ_INSERT_TAIL(&h->running, t, link);
	h->running_n++;
	t->started_ms = t->slow_since_ms = t->ended_ms = clock_mono_ms();
	if (!uv_is_active((uv_handle_t *)&h->tick_timer)) {
		uint64_t tick_ms = (uint64_t)MAX(TICK_MIN_MS, MIN(TICK_MAX_MS, h->low_rate_ms / 8));
		uv_timer_start(&h->tick_timer, on_tick, tick_ms, tick_ms);
	}
}

static void exchange_deliver(struct exchange *t) {
	const struct http_headers headers = {.easy = t->easy};
	struct http_answer answer = {.id = t->id,
		.err = t->err,
		.body = buf_text(&t->answer),
		.body_n = t->answer.len,
		.sent_bytes = t->sent,
		.elapsed_ms = t->ended_ms - t->started_ms,
		.headers = &headers};
	char proxy[400];
	answer.proxy = http_proxy(proxy, sizeof proxy, t->url);
	if (t->cancelled) error_set(&answer.err, ERR_CANCELLED, "%s was cancelled", t->method);
	if (t->easy && answer.err.code == ERR_NONE) {
		long status = 0;
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		answer.status = (int)status;
		const char *date = http_header(&answer, "Date");
		if (date && time_parse_http(date, &answer.date_ms) < 0) answer.date_ms = 0;
	}
	t->request.on_done(t->request.arg, &answer);
}

/* --- low rate --- */

/* What curl has sent by now; its progress callback may come later. */
static void exchange_count(struct exchange *t) {
	curl_off_t sent = 0;
	if (t->easy && curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &sent) == CURLE_OK) t->sent = MAX(t->sent, sent);
}

/* Bytes either way that reached the other side: what the kernel still holds has not moved, and may take minutes on a
 * slow link. */
static int64_t exchange_moved(const struct exchange *t) {
	int held = 0;
	if (t->fd != CURL_SOCKET_BAD && ioctl(t->fd, SIOCOUTQ, &held) < 0) held = 0;
	return t->sent + t->received + t->header_bytes - held;
}

/* How long curl itself may rest to keep the caller's limit: it sends a buffer at once and then waits. */
static int64_t exchange_rest_ms(const struct exchange *t) {
	int64_t rate = t->request.send_rate_max;
	return rate > 0 ? UPLOAD_BUFFER_BYTES * 1000 / rate : 0;
}

/* All is sent and nothing of the answer is here: the server may think, for hold_ms. */
static bool exchange_awaits(const struct exchange *t) { return t->sent >= exchange_size(t) && t->header_bytes == 0; }

/* True when t has been slower than the limit for the whole window. A limit of the caller's own that is lower than ours
 * is not held against it. */
static bool exchange_too_slow(struct exchange *t, int64_t now_ms, int64_t tick_ms) {
	const struct http *h = t->http;
	exchange_count(t);
	int64_t rate_min = h->low_rate_bytes, moved = exchange_moved(t);
	if (t->request.send_rate_max > 0) rate_min = MIN(rate_min, MAX(1, t->request.send_rate_max / 2));
	bool fast = (moved - t->moved) * 1000 >= rate_min * tick_ms;
	int64_t hold_ms = exchange_awaits(t) ? t->request.hold_ms : 0;
	if (fast || t->paused) t->slow_since_ms = now_ms;
	t->moved = moved;
	return now_ms - t->slow_since_ms >= h->low_rate_ms + hold_ms + exchange_rest_ms(t);
}

static void exchange_timed_out(struct exchange *t) {
	const struct http *h = t->http;
	char url[200];
	http_url_safe(url, sizeof url, t->url);
	if (exchange_awaits(t)) {
		error_set(&t->err, ERR_TIMEOUT, "%s %s: sent whole, and not answered within %lld s", t->method, url,
			(long long)(h->low_rate_ms + t->request.hold_ms + 999) / 1000);
	} else {
		error_set(&t->err, ERR_TIMEOUT, "%s %s: slower than %lld bytes a second for %lld s", t->method, url,
			(long long)h->low_rate_bytes, (long long)(h->low_rate_ms + 999) / 1000);
	}
}

static void on_tick(uv_timer_t *timer) {
	struct http *h = timer->data;
	int64_t now_ms = clock_mono_ms(), tick_ms = (int64_t)uv_timer_get_repeat(timer);
	for (struct exchange *t = TAILQ_FIRST(&h->running), *next; t; t = next) {
		next = TAILQ_NEXT(t, link);
		if (!exchange_too_slow(t, now_ms, tick_ms)) continue;
		exchange_timed_out(t);
		http_exchange_ended(h, t);
	}
	if (h->running_n == 0) uv_timer_stop(timer);
}

/* --- flush --- */

static void end_cancelled(struct http *h) {
	for (struct exchange *t = TAILQ_FIRST(&h->running), *next; t; t = next) {
		next = TAILQ_NEXT(t, link);
		if (t->cancelled) http_exchange_ended(h, t);
	}
	for (struct exchange *t = TAILQ_FIRST(&h->waiting), *next; t; t = next) {
		next = TAILQ_NEXT(t, link);
		if (t->cancelled) exchange_dropped(h, t);
	}
}

static void on_memory_gone(uv_handle_t *handle) {
	struct http *h = handle->data;
	if (--h->handles > 0) return;
	void (*on_closed)(void *) = h->on_closed;
	void *arg = h->on_closed_arg;
	free(h->user_agent);
	free(h->ca_file);
	free(h);
	if (on_closed) on_closed(arg);
}

static void on_flush(uv_timer_t *timer) {
	struct http *h = timer->data;
	end_cancelled(h);
	/* Those only that have ended by now: an on_done that sends anew must not keep the loop from its other work. */
	for (size_t n = h->ended_n; n > 0; n--) {
		struct exchange *t = TAILQ_FIRST(&h->ended);
		TAILQ_REMOVE(&h->ended, t, link);
		h->ended_n--;
		exchange_deliver(t);
		exchange_free(t);
	}
	struct exchange *t;
	while (!h->closing && (int64_t)h->running_n < h->max_connections && (t = TAILQ_FIRST(&h->waiting)))
		exchange_start(h, t);
	if (h->ended_n > 0) flush_soon(h);
	else if (h->closing && h->running_n + h->waiting_n == 0) http_loop_close(h, on_memory_gone);
}

/* --- the interface --- */

static void global_init(void) {
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) abort();
	struct sigaction now;
	if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL) signal(SIGPIPE, SIG_IGN);
}

int http_new(struct http **ret, uv_loop_t *loop, const struct http_options *options, struct error *err) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, global_init);
	struct http *h = xcalloc(1, sizeof *h);
	h->loop = loop;
	TAILQ_INIT(&h->waiting);
	TAILQ_INIT(&h->running);
	TAILQ_INIT(&h->ended);
	h->user_agent = xstrdup(options->user_agent ? options->user_agent : "headgate/" HEADGATE_VERSION);
	h->ca_file = xstrdup(options->ca_file);
	h->connect_ms = or_default(options->connect_ms, 10000);
	h->low_rate_bytes = or_default(options->low_rate_bytes, 1024);
	h->low_rate_ms = or_default(options->low_rate_ms, 30000);
	h->max_connections = or_default(options->max_connections, 8);
	if (http_loop_init(h, err) < 0) {
		free(h->user_agent);
		free(h->ca_file);
		free(h);
		return -1;
	}
	*ret = h;
	return 0;
}

uint64_t http_send(struct http *h, const struct http_request *request) {
	struct exchange *t = exchange_new(h, request);
	TAILQ_INSERT_TAIL(&h->waiting, t, link);
	h->waiting_n++;
	t->cancelled = h->closing;
	if (easy_new(t, &t->err) < 0) exchange_dropped(h, t);
	t->request.headers = NULL; /* copied by now */
	flush_soon(h);
	return t->id;
}

/* In whichever list it stands. */
static struct exchange *exchange_by_id(struct http *h, uint64_t id) {
	struct exchange_list *const lists[] = {&h->running, &h->waiting, &h->ended};
	struct exchange *t;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) TAILQ_FOREACH(t, lists[i], link)
	if (t->id == id) return t;
	return NULL;
}

void http_cancel(struct http *h, uint64_t id) {
	struct exchange *t = exchange_by_id(h, id);
	if (!t) return;
	t->cancelled = true;
	flush_soon(h);
}

void http_resume(struct http *h, uint64_t id) {
	struct exchange *t = exchange_by_id(h, id);
	if (!t || !t->easy || !t->paused) return;
	t->paused = false;
	curl_easy_pause(t->easy, CURLPAUSE_CONT);
}

void http_set_rate(struct http *h, uint64_t id, int64_t send_rate_max) {
	struct exchange *t = exchange_by_id(h, id);
	if (!t || !t->easy) return;
	t->request.send_rate_max = send_rate_max;
	t->slow_since_ms = clock_mono_ms();
	curl_easy_setopt(t->easy, CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t)send_rate_max);
	/* curl looks again now, not when its rest at the old rate is over: only a change of the pause wakes it. */
	curl_easy_pause(t->easy, CURLPAUSE_SEND);
	curl_easy_pause(t->easy, CURLPAUSE_CONT);
}

void http_close(struct http *h, void (*on_closed)(void *arg), void *arg) {
	struct exchange *t;
	h->closing = true;
	h->on_closed = on_closed;
	h->on_closed_arg = arg;
	TAILQ_FOREACH(t, &h->running, link) t->cancelled = true;
	TAILQ_FOREACH(t, &h->waiting, link) t->cancelled = true;
	flush_soon(h);
}
