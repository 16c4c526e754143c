/* SPDX-License-Identifier: MIT */
/* One request as curl sees it: its options, the callbacks that move its bytes, and curl's failures in our words.
 * Callbacks run inside curl: they may note and abort, never add or remove an exchange. */
#include "base/clock.h"
#include "base/http_parts.h"
#include "base/text.h"

#define HEADER_BYTES_MAX (64 * 1024)
#define PROGRESS_MS 100
#define CA_CACHE_S 10L

/* --- moving bytes --- */

static size_t exchange_read(struct exchange *t, char *to, size_t n) {
	const struct http_source *source = &t->request.source;
	if (!source->read) {
		memcpy(to, t->body + t->offset, n);
		return n;
	}
	ssize_t got = source->read(source->arg, to, n, t->offset, &t->err);
	t->paused = got == HTTP_LATER;
	if (t->paused) return CURL_READFUNC_PAUSE;
	if (got > 0) return MIN((size_t)got, n);
	if (got == 0)
		error_set(&t->err, ERR_CHANGED, "the source ended after %lld of %lld bytes; it was cut short while it was sent",
			(long long)t->offset, (long long)source->size);
	else if (t->err.code == ERR_NONE) error_set(&t->err, ERR_CHANGED, "the source could not be read");
	return CURL_READFUNC_ABORT;
}

int64_t exchange_size(const struct exchange *t) {
	return t->request.source.read ? t->request.source.size : (int64_t)t->request.body_n;
}

static size_t on_read(char *to, size_t size, size_t count, void *arg) {
	struct exchange *t = arg;
	size_t n = (size_t)MIN((int64_t)(size * count), exchange_size(t) - t->offset);
	if (n == 0) return 0;
	size_t got = exchange_read(t, to, n);
	if (got != CURL_READFUNC_ABORT && got != CURL_READFUNC_PAUSE) t->offset += (int64_t)got;
	return got;
}

/* curl sends a request again when a kept connection turns out to be dead: the body from its start. */
static int on_seek(void *arg, curl_off_t offset, int origin) {
	struct exchange *t = arg;
	if (origin != SEEK_SET || offset < 0 || offset > exchange_size(t)) return CURL_SEEKFUNC_CANTSEEK;
	t->offset = offset;
	return CURL_SEEKFUNC_OK;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *arg) {
	struct exchange *t = arg;
	size_t n = size * count;
	buf_add(&t->answer, bytes, n);
	t->received += (int64_t)n;
	if (buf_ok(&t->answer)) return n;
	error_set(&t->err, ERR_MIDDLEBOX, "the answer is longer than the %zu bytes expected of it", t->answer.max);
	return n + 1; /* anything but n fails the exchange */
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg) {
	struct exchange *t = arg;
	size_t n = size * count;
	(void)bytes;
	if (t->header_bytes == 0) t->slow_since_ms = clock_mono_ms(); /* what the server took to think is over */
	t->header_bytes += (int64_t)n;
	if (t->header_bytes <= HEADER_BYTES_MAX) return n;
	error_set(&t->err, ERR_MIDDLEBOX, "the answer's headers are longer than %d bytes", HEADER_BYTES_MAX);
	return n + 1;
}

static int on_transfer_info(void *arg, curl_off_t down_all, curl_off_t down_now, curl_off_t up_all, curl_off_t up_now) {
	struct exchange *t = arg;
	(void)down_all, (void)down_now, (void)up_all;
	t->sent = up_now;
	if (!t->request.on_progress || t->sent == t->reported) return 0;
	int64_t now = clock_mono_ms();
	if (now - t->reported_ms < PROGRESS_MS && t->sent < exchange_size(t)) return 0;
	t->reported_ms = now;
	t->reported = t->sent;
	t->request.on_progress(t->request.arg, t->sent);
	return 0;
}

/* --- options --- */

static void set_method(struct exchange *t) {
	CURL *e = t->easy;
	bool has_body = t->request.source.read || t->body;
	/* A POST or PUT without a body still says Content-Length: 0. */
	if (has_body || !strcmp(t->method, "POST") || !strcmp(t->method, "PUT")) {
		curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)exchange_size(t));
		curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
	} else if (!strcmp(t->method, "HEAD")) {
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
		return;
	}
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, t->method);
}

static void set_callbacks(struct exchange *t) {
	CURL *e = t->easy;
	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->curl_text);
	curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(e, CURLOPT_READDATA, t);
	curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(e, CURLOPT_SEEKDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_transfer_info);
	curl_easy_setopt(e, CURLOPT_XFERINFODATA, t);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
}

static void set_limits(struct exchange *t) {
	CURL *e = t->easy;
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)t->http->connect_ms);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)t->request.deadline_ms);
	curl_easy_setopt(e, CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t)t->request.send_rate_max);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 30L);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 10L);
}

/* Copies the header lines. Content-Length is curl's to write (it is the body's size); a line break inside a line would
 * be a header of somebody else's. */
static int set_headers(struct exchange *t, struct error *err) {
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	for (const char *const *line = t->request.headers; list && line && *line; line++) {
		if (strpbrk(*line, "\r\n") || !strchr(*line, ':')) {
			curl_slist_free_all(list);
			return error_set(err, ERR_INPUT, "the request has a header that is not \"Name: value\" on one line");
		}
		if (strncasecmp(*line, "content-length:", strlen("content-length:")) != 0)
			list = curl_slist_append(list, *line);
	}
	if (!list) abort();
	t->headers = list;
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, list);
	return 0;
}

int easy_new(struct exchange *t, struct error *err) {
	if (!text_starts(t->url, "http://") && !text_starts(t->url, "https://"))
		return error_set(err, ERR_INPUT, "the URL %s does not begin with http:// or https://",
			http_url_safe((char[256]){0}, 256, t->url));
	t->easy = curl_easy_init();
	if (!t->easy) abort();
	CURL *e = t->easy;
	if (curl_easy_setopt(e, CURLOPT_URL, t->url) != CURLE_OK)
		return error_set(err, ERR_INPUT, "the URL is longer than libcurl takes");
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L); /* what was signed is what is sent */
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_USERAGENT, t->http->user_agent);
	if (t->http->ca_file) curl_easy_setopt(e, CURLOPT_CAINFO, t->http->ca_file);
#if LIBCURL_VERSION_NUM >= 0x075700
	curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_S); /* a day by default: a mended file would not be seen */
#endif
	set_method(t);
	set_callbacks(t);
	set_limits(t);
	return set_headers(t, err);
}

/* --- failures --- */

static const struct {
	CURLcode code;
	enum error_code error;
	const char *mend; /* or "" */
} curl_failures[] = {
	{CURLE_COULDNT_RESOLVE_HOST, ERR_UNREACHABLE, "; check the name of the host and the network"},
	{CURLE_COULDNT_RESOLVE_PROXY, ERR_UNREACHABLE, "; check the address of the proxy"},
	{CURLE_COULDNT_CONNECT, ERR_UNREACHABLE, "; is the server up, and does the network reach it?"},
	{CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, ""},
	{CURLE_SEND_ERROR, ERR_UNREACHABLE, ""},
	{CURLE_RECV_ERROR, ERR_UNREACHABLE, ""},
	{CURLE_GOT_NOTHING, ERR_UNREACHABLE, ""},
	{CURLE_PARTIAL_FILE, ERR_UNREACHABLE, ""},
	{CURLE_SEND_FAIL_REWIND, ERR_UNREACHABLE, ""},
	{CURLE_SSL_CONNECT_ERROR, ERR_UNREACHABLE, "; is it a TLS server?"},
	{CURLE_PEER_FAILED_VERIFICATION, ERR_UNREACHABLE, ""}, /* by what is wrong with it: below */
	{CURLE_SSL_CERTPROBLEM, ERR_UNREACHABLE, ""},
	{CURLE_SSL_CACERT_BADFILE, ERR_CONFIG, "; [cloud] ca_file cannot be read, or holds no certificate"},
	{CURLE_URL_MALFORMAT, ERR_INPUT, "; it is no address"},
	{CURLE_PROXY, ERR_UNREACHABLE, "; check the proxy"},
	{CURLE_WEIRD_SERVER_REPLY, ERR_MIDDLEBOX, "; something answers that is no HTTP server"},
	{CURLE_UNSUPPORTED_PROTOCOL, ERR_MIDDLEBOX, "; something answers that is no HTTP server"},
	{CURLE_BAD_CONTENT_ENCODING, ERR_MIDDLEBOX, ""},
};

/* What OpenSSL found wrong with the certificate (its X509_V_ERR numbers), and what a person does about it. */
static const struct {
	long first, last;
	const char *mend;
} certificate_faults[] = {
	{9, 9, "; the cloud's certificate is not valid yet: is the clock of this machine right?"},
	{10, 10,
		"; the cloud's certificate has expired: whoever runs the cloud renews it (or is this machine's clock wrong?)"},
	{18, 21, "; it is signed by nobody whom this machine knows: set [cloud] ca_file to the certificate that signed it"},
	{23, 23, "; the cloud's certificate was revoked: whoever runs the cloud replaces it"},
};

static const char *certificate_mend(const struct exchange *t) {
	long fault = 0;
	curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &fault);
	for (size_t i = 0; i < ARRAY_LEN(certificate_faults); i++) {
		if (fault < certificate_faults[i].first || fault > certificate_faults[i].last) continue;
		bool unknown = certificate_faults[i].last == 21;
		if (unknown && t->http->ca_file) return "; [cloud] ca_file does not hold the certificate that signed it";
		return certificate_faults[i].mend;
	}
	if (fault <= 1) /* none, or X509_V_ERR_UNSPECIFIED, with which curl begins */
		return "; the cloud's certificate is of another name: write the one that it has into [cloud] endpoint";
	return "; the cloud's certificate is not good: whoever runs the cloud mends it";
}

/* A proxy's fault looks like the cloud's: it is named. */
static void proxy_explain(const struct exchange *t, struct error *err) {
	char proxy[400];
	if (!http_proxy(proxy, sizeof proxy, t->url)) return;
	struct error plain = *err;
	error_set(err, plain.code, "%s (through the proxy %s; NO_PROXY excepts a host)", plain.text, proxy);
}

void easy_explain(const struct exchange *t, CURLcode code, struct error *err) {
	char safe[200];
	const char *words = *t->curl_text ? t->curl_text : curl_easy_strerror(code);
	enum error_code error = ERR_UNREACHABLE;
	const char *mend = "";
	for (size_t i = 0; i < ARRAY_LEN(curl_failures); i++) {
		if (curl_failures[i].code != code) continue;
		error = curl_failures[i].error;
		mend = curl_failures[i].mend;
	}
	if (code == CURLE_PEER_FAILED_VERIFICATION) mend = certificate_mend(t);
	error_set(err, error, "%s %s: %s%s", t->method, http_url_safe(safe, sizeof safe, t->url), words, mend);
	proxy_explain(t, err);
}

/* --- for the caller --- */

const char *http_header(const struct http_answer *answer, const char *name) {
	struct curl_header *header;
	if (!answer->headers || !answer->headers->easy) return NULL;
	if (curl_easy_header(answer->headers->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) return NULL;
	return header->value;
}

const char *http_url_safe(char *to, size_t size, const char *url) {
	AUTO(buf_done) struct buf plain = BUF_INIT(8192);
	const char *colon = strstr(url, "://");
	const char *authority = colon ? colon + 3 : url;
	const char *path = authority + strcspn(authority, "/?#");
	const char *host = memrchr(authority, '@', (size_t)(path - authority));
	host = host ? host + 1 : authority;
	buf_add(&plain, url, (size_t)(authority - url));
	buf_add(&plain, host, (size_t)(path - host));
	buf_add(&plain, path, MIN(strcspn(path, "?#"), 1024));
	return text_safe(to, size, buf_text(&plain));
}
