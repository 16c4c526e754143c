/* SPDX-License-Identifier: MIT */
/* Opening the listening socket by hand: one that serves IPv4 and IPv6, and a sentence when it cannot be had. */
#include "cloud/http/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/text.h"

#define LISTEN_BACKLOG 1024

struct place {
	char host[256], port[8];
	bool v6; /* written in brackets */
};

static int place_parse(const char *host_port, struct place *ret, struct error *err) {
	const char *colon = strrchr(host_port, ':');
	struct place p = {.v6 = host_port[0] == '['};
	const char *host = host_port + p.v6;
	int64_t port;
	size_t n = colon && colon > host ? (size_t)(colon - host) - p.v6 : 0;
	if (!colon || !n || n >= sizeof p.host || text_to_i64(colon + 1, 0, 65535, &port) || (p.v6 && host[n] != ']') ||
		(!p.v6 && memchr(host, ':', n)))
		return error_set(err, ERR_CONFIG,
			"listen: \"%s\" is not HOST:PORT; write 127.0.0.1:8080, 0.0.0.0:0 or [::]:8080", TEXT_SAFE(host_port));
	text_copy(p.host, n + 1, host);
	snprintf(p.port, sizeof p.port, "%d", (int)port);
	*ret = p;
	return 0;
}

static int socket_listen(const struct addrinfo *ai) {
	AUTO(fd_close) int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);
	int on = 1, off = 0;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on)) return -1;
	if (ai->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off)) return -1;
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, LISTEN_BACKLOG)) return -1;
	return TAKE_FD(fd);
}

static int socket_port(int fd) {
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa;
	if (getsockname(fd, (struct sockaddr *)&sa, &n)) return -1;
	return ntohs(
		sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port : ((struct sockaddr_in *)&sa)->sin_port);
}

int listen_open(const char *host_port, int *ret_fd, char at[LISTEN_TEXT], struct error *err) {
	struct place p;
	struct addrinfo *found = NULL;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	if (place_parse(host_port, &p, err)) return -1;
	int why = getaddrinfo(p.host, p.port, &hints, &found);
	if (why) return error_set(err, ERR_CONFIG, "listen: \"%s\" has no address: %s", p.host, gai_strerror(why));
	AUTO(fd_close) int fd = -1;
	for (const struct addrinfo *ai = found; ai && fd < 0; ai = ai->ai_next) fd = socket_listen(ai);
	int e = errno;
	freeaddrinfo(found);
	if (fd < 0) return error_errno(err, ERR_CONFIG, e, "listen on %s", host_port);
	snprintf(at, LISTEN_TEXT, p.v6 ? "[%s]:%d" : "%s:%d", p.host, socket_port(fd));
	*ret_fd = TAKE_FD(fd);
	return 0;
}
