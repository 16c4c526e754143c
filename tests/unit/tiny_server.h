/* SPDX-License-Identifier: MIT */
/* A tiny HTTP server for tests of clients: real sockets on loopback, a thread a connection, and a handler that may
 * behave as badly as it likes. Everything is bounded: a read or write that makes no progress for ten seconds ends the
 * connection; tiny_stop cuts what is open and joins every thread. Included by one test file each. */
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define TINY_CONNECTIONS 64

struct tiny_request {
	int fd, number;	  /* of this request on its connection, from 1 */
	char head[16384]; /* request line and headers, with the empty line */
	char method[16], path[4096];
	long long content_length; /* 0 when none was given */
	char early[16384];		  /* of the body, read with the head */
	size_t early_n;
};
struct tiny {
	/* Answers; false ends the connection. On the connection's own thread. */
	bool (*serve)(struct tiny *s, struct tiny_request *r);
	void *arg;
	int port, listener;
	atomic_int connections, requests; /* since the start */
	atomic_bool stopping;
	pthread_t acceptor, threads[TINY_CONNECTIONS];
	atomic_int fds[TINY_CONNECTIONS]; /* -1: closed */
	int thread_n;
};
struct tiny_connection {
	struct tiny *server;
	int fd, slot;
};

__attribute__((unused)) static bool tiny_write(int fd, const void *bytes, size_t n) {
	const char *at = bytes;
	while (n > 0) {
		ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
		if (sent <= 0) return false;
		at += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* Status line, Content-Length, the header lines given ("A: b\r\n", or ""), body. */
__attribute__((unused)) static bool tiny_answer(int fd, int status, const char *headers, const char *body) {
	char head[4096];
	size_t n = strlen(body);
	snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n", status, n, headers);
	return tiny_write(fd, head, strlen(head)) && tiny_write(fd, body, n);
}

/* Next bytes of the body, 0 when it is whole, -1 when the connection ended. */
__attribute__((unused)) static ssize_t tiny_read_body(struct tiny_request *r, char *to, size_t n) {
	if (r->content_length <= 0) return 0;
	if ((long long)n > r->content_length) n = (size_t)r->content_length;
	ssize_t got;
	if (r->early_n > 0) {
		got = (ssize_t)(n < r->early_n ? n : r->early_n);
		memcpy(to, r->early, (size_t)got);
		r->early_n -= (size_t)got;
		memmove(r->early, r->early + got, r->early_n);
	} else {
		got = recv(r->fd, to, n, 0);
		if (got <= 0) return -1;
	}
	r->content_length -= got;
	return got;
}

__attribute__((unused)) static bool tiny_drain(struct tiny_request *r) {
	char sink[65536];
	ssize_t got;
	while ((got = tiny_read_body(r, sink, sizeof sink)) > 0) {
	}
	return got == 0;
}

/* Value of a header of the request, copied into to; "" when there is none. */
__attribute__((unused)) static const char *tiny_header(
	const struct tiny_request *r, const char *name, char *to, size_t size) {
	size_t name_n = strlen(name);
	to[0] = '\0';
	for (const char *line = strstr(r->head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
		const char *at = line + 2;
		if (strncasecmp(at, name, name_n) != 0 || at[name_n] != ':') continue;
		at += name_n + 1;
		while (*at == ' ') at++;
		snprintf(to, size, "%.*s", (int)strcspn(at, "\r\n"), at);
		break;
	}
	return to;
}

/* Blocks until the client goes away, or the server is stopped. */
__attribute__((unused)) static void tiny_wait_gone(struct tiny *s, int fd) {
	char byte;
	while (!s->stopping) {
		struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};
		if (poll(&p, 1, 100) <= 0) continue;
		if (recv(fd, &byte, 1, 0) <= 0) return;
	}
}

static bool tiny_read_head(struct tiny_request *r) {
	size_t n = 0;
	char *end = NULL;
	while (!end) {
		if (n + 1 >= sizeof r->head) return false;
		ssize_t got = recv(r->fd, r->head + n, sizeof r->head - 1 - n, 0);
		if (got <= 0) return false;
		n += (size_t)got;
		r->head[n] = '\0';
		end = strstr(r->head, "\r\n\r\n");
	}
	end += 4;
	r->early_n = n - (size_t)(end - r->head);
	memcpy(r->early, end, r->early_n);
	*end = '\0';
	return sscanf(r->head, "%15s %4095s", r->method, r->path) == 2;
}

static void *tiny_serve_connection(void *arg) {
	struct tiny_connection *c = arg;
	struct tiny *s = c->server;
	struct tiny_request *r = malloc(sizeof *r);
	bool go_on = r != NULL;
	int number = 0;
	while (go_on && !s->stopping) {
		char length[32];
		memset(r, 0, sizeof *r);
		r->fd = c->fd;
		r->number = ++number;
		if (!tiny_read_head(r)) break;
		r->content_length = strtoll(tiny_header(r, "content-length", length, sizeof length), NULL, 10);
		s->requests++;
		go_on = s->serve(s, r) && tiny_drain(r);
	}
	free(r);
	s->fds[c->slot] = -1;
	close(c->fd);
	free(c);
	return NULL;
}

static void *tiny_accept(void *arg) {
	struct tiny *s = arg;
	const struct timeval limit = {.tv_sec = 10};
	const int on = 1;
	while (!s->stopping) {
		struct pollfd p = {.fd = s->listener, .events = POLLIN};
		if (poll(&p, 1, 50) <= 0) continue;
		int fd = accept(s->listener, NULL, NULL);
		if (fd < 0 || s->thread_n == TINY_CONNECTIONS) {
			if (fd >= 0) close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
		s->connections++;
		struct tiny_connection *c = malloc(sizeof *c);
		if (!c) abort();
		*c = (struct tiny_connection){s, fd, s->thread_n};
		s->fds[s->thread_n] = fd;
		if (pthread_create(&s->threads[s->thread_n], NULL, tiny_serve_connection, c) != 0) abort();
		s->thread_n++;
	}
	return NULL;
}

__attribute__((unused)) static void tiny_start(
	struct tiny *s, bool (*serve)(struct tiny *s, struct tiny_request *r), void *arg) {
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof to;
	memset(s, 0, sizeof *s);
	s->serve = serve;
	s->arg = arg;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&to, sizeof to) < 0 || listen(s->listener, 64) < 0 ||
		getsockname(s->listener, (struct sockaddr *)&to, &n) < 0)
		abort();
	s->port = ntohs(to.sin_port);
	if (pthread_create(&s->acceptor, NULL, tiny_accept, s) != 0) abort();
}

__attribute__((unused)) static void tiny_stop(struct tiny *s) {
	s->stopping = true;
	pthread_join(s->acceptor, NULL);
	for (int i = 0; i < s->thread_n; i++) {
		int fd = s->fds[i];
		if (fd >= 0) shutdown(fd, SHUT_RDWR);
	}
	for (int i = 0; i < s->thread_n; i++) pthread_join(s->threads[i], NULL);
	close(s->listener);
}

/* The server is on loopback: what the environment says of proxies is not meant for it. */
static inline void tiny_no_proxies(void) {
	static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
}
