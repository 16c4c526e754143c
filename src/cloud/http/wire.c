/* SPDX-License-Identifier: MIT */
/* The only file that knows TLS. Sockets do not block: a call tries, and waits with poll(2) up to its deadline. */
#include "cloud/http/wire.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define FILE_BYTES (64 * 1024) /* of a file at a time, through TLS */
#define SEND_MAX (1 << 20)	   /* of a file at a time, by the kernel */
#define LEAST_BYTES_PER_S 1024 /* of an answer, after: */
#define SLOW_GRACE_MS 60000

/* --- TLS --- */

static int tls_failed(struct error *err, const char *what, const char *file) {
	unsigned long e = ERR_get_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;
	ERR_clear_error();
	return error_set(err, ERR_CONFIG, "%s %s cannot be used: %s; it must be PEM, and certificate and key a pair", what,
		file, reason ? reason : "no reason is given");
}

int wire_tls_open(SSL_CTX **ret, const char *cert_file, const char *key_file, struct error *err) {
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	if (!tls) return error_set(err, ERR_INTERNAL, "OpenSSL gives no TLS");
	int failed = 0;
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(
		tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF); /* tickets serve; a cache would grow with callers */
	if (SSL_CTX_use_certificate_chain_file(tls, cert_file) != 1) failed = tls_failed(err, "the certificate", cert_file);
	else if (SSL_CTX_use_PrivateKey_file(tls, key_file, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(tls) != 1)
		failed = tls_failed(err, "the certificate's key", key_file);
	if (failed) SSL_CTX_free(tls);
	else *ret = tls;
	return failed;
}

void wire_tls_keep(SSL_CTX *tls) { SSL_CTX_up_ref(tls); }

void wire_tls_close(SSL_CTX *tls) { SSL_CTX_free(tls); }

/* --- waiting --- */

static int wait_fd(const struct wire *w, short events, int64_t until_ms) {
	for (;;) {
		int64_t left_ms = until_ms - clock_mono_ms();
		struct pollfd p = {.fd = w->fd, .events = events};
		if (left_ms <= 0) return -1;
		int ready = poll(&p, 1, (int)MIN(left_ms, INT32_MAX));
		if (ready > 0) return 0;
		if (ready < 0 && errno != EINTR) return -1;
	}
}

/* After a call of libssl that did not do it: waits for what it wants. */
static int wait_tls(const struct wire *w, int result, int64_t until_ms) {
	int why = SSL_get_error(w->tls, result);
	ERR_clear_error();
	if (why == SSL_ERROR_WANT_READ) return wait_fd(w, POLLIN, until_ms);
	return why == SSL_ERROR_WANT_WRITE ? wait_fd(w, POLLOUT, until_ms) : -1;
}

int wire_open(struct wire *w, int fd, SSL_CTX *tls, int64_t until_ms) {
	*w = (struct wire){.fd = fd};
	if (!tls) return 0;
	w->tls = SSL_new(tls);
	if (!w->tls || SSL_set_fd(w->tls, fd) != 1) return -1;
	for (;;) {
		int result = SSL_accept(w->tls);
		if (result == 1) return 0;
		if (wait_tls(w, result, until_ms)) return -1;
	}
}

ssize_t wire_read(struct wire *w, void *to, size_t n, int64_t until_ms) {
	for (;;) {
		if (w->tls) {
			int result = SSL_read(w->tls, to, (int)MIN(n, INT32_MAX));
			if (result > 0) return result;
			if (SSL_get_error(w->tls, result) == SSL_ERROR_ZERO_RETURN) return 0;
			if (wait_tls(w, result, until_ms)) return -1;
			continue;
		}
		ssize_t got = recv(w->fd, to, n, 0);
		if (got >= 0) return got;
		if (errno == EINTR) continue;
		if (errno != EAGAIN || wait_fd(w, POLLIN, until_ms)) return -1;
	}
}

/* --- writing --- */

/* What was written at least one byte, or -1. */
static ssize_t write_some(struct wire *w, const void *bytes, size_t n, int64_t until_ms) {
	for (;;) {
		if (w->tls) {
			int result = SSL_write(w->tls, bytes, (int)MIN(n, SEND_MAX));
			if (result > 0) return result;
			if (wait_tls(w, result, until_ms)) return -1;
			continue;
		}
		ssize_t put = send(w->fd, bytes, n, MSG_NOSIGNAL);
		if (put >= 0) return put;
		if (errno == EINTR) continue;
		if (errno != EAGAIN || wait_fd(w, POLLOUT, until_ms)) return -1;
	}
}

static bool too_slow(int64_t began_ms, int64_t bytes) {
	int64_t ms = clock_mono_ms() - began_ms;
	return ms > SLOW_GRACE_MS && bytes / (ms / 1000) < LEAST_BYTES_PER_S;
}

int wire_write(struct wire *w, const void *bytes, size_t n, int64_t stall_ms) {
	int64_t began_ms = clock_mono_ms();
	for (size_t at = 0; at < n;) {
		ssize_t put = write_some(w, (const char *)bytes + at, n - at, clock_mono_ms() + stall_ms);
		if (put < 0 || too_slow(began_ms, (int64_t)at)) return -1;
		at += (size_t)put;
	}
	return 0;
}

static ssize_t send_some(struct wire *w, int fd, off_t *at, size_t n, int64_t until_ms) {
	for (;;) {
		ssize_t put = sendfile(w->fd, fd, at, MIN(n, SEND_MAX));
		if (put >= 0) return put ? put : -1; /* 0: the file is shorter than it was */
		if (errno == EINTR) continue;
		if (errno != EAGAIN || wait_fd(w, POLLOUT, until_ms)) return -1;
	}
}

static int send_through_tls(struct wire *w, int fd, off_t at, size_t n, int64_t stall_ms) {
	AUTO(xfree) char *bytes = xcalloc(1, FILE_BYTES);
	while (n) {
		ssize_t got = pread(fd, bytes, MIN(n, FILE_BYTES), at);
		if (got < 0 && errno == EINTR) continue;
		if (got <= 0 || wire_write(w, bytes, (size_t)got, stall_ms)) return -1;
		at += got;
		n -= (size_t)got;
	}
	return 0;
}

int wire_send_file(struct wire *w, int fd, int64_t offset, int64_t size, int64_t stall_ms) {
	int64_t began_ms = clock_mono_ms();
	off_t at = offset;
	if (w->tls) return send_through_tls(w, fd, at, (size_t)size, stall_ms);
	while (at < offset + size)
		if (send_some(w, fd, &at, (size_t)(offset + size - at), clock_mono_ms() + stall_ms) < 0 ||
			too_slow(began_ms, at - offset))
			return -1;
	return 0;
}

/* --- the end --- */

void wire_linger(struct wire *w, int64_t most, int64_t until_ms) {
	char thrown[16384];
	if (w->tls) SSL_shutdown(w->tls); /* one try: it says so and does not wait */
	ERR_clear_error();
	if (shutdown(w->fd, SHUT_WR)) return;
	while (most > 0) { /* beneath TLS: nobody reads it */
		ssize_t n = recv(w->fd, thrown, sizeof thrown, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return;
		if (n < 0 && wait_fd(w, POLLIN, until_ms)) return;
		if (clock_mono_ms() > until_ms) return;
		most -= MAX(n, 0);
	}
}

void wire_close(struct wire *w) {
	SSL_free(w->tls);
	w->tls = NULL;
	if (w->fd >= 0) fd_close(TAKE_FD(w->fd));
}
