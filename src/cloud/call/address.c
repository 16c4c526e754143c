/* SPDX-License-Identifier: MIT */
/* IPv4 is kept as ::ffff:0:0/96, so that one comparison serves both. */
#include "cloud/call/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool address_is_v4(const struct address *a) { return memcmp(a->bytes, v4_prefix, sizeof v4_prefix) == 0; }

static void address_set_v4(struct address *a, const void *four_bytes) {
	memcpy(a->bytes, v4_prefix, sizeof v4_prefix);
	memcpy(a->bytes + 12, four_bytes, 4);
}

int address_parse(const char *text, struct address *ret) {
	struct in_addr v4;
	struct in6_addr v6;
	if (inet_pton(AF_INET, text, &v4) == 1) {
		address_set_v4(ret, &v4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6) != 1) return -1;
	memcpy(ret->bytes, &v6, sizeof ret->bytes);
	return 0;
}

int address_of(const struct sockaddr *sa, struct address *ret) {
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, sa, sizeof in);
		address_set_v4(ret, &in.sin_addr);
		return 0;
	}
	if (sa->sa_family != AF_INET6) return -1;
	struct sockaddr_in6 in6;
	memcpy(&in6, sa, sizeof in6);
	memcpy(ret->bytes, &in6.sin6_addr, sizeof ret->bytes);
	return 0;
}

const char *address_text(const struct address *a, char to[ADDRESS_TEXT]) {
	if (address_is_v4(a)) inet_ntop(AF_INET, a->bytes + 12, to, ADDRESS_TEXT);
	else inet_ntop(AF_INET6, a->bytes, to, ADDRESS_TEXT);
	return to;
}

void address_net(const struct address *a, struct address *ret) {
	*ret = *a;
	if (!address_is_v4(a)) memset(ret->bytes + 8, 0, 8);
}

const char *address_group(const struct address *a, char to[ADDRESS_TEXT]) {
	struct address net;
	address_net(a, &net);
	return address_text(&net, to);
}
