/* SPDX-License-Identifier: MIT */
/* Addresses of callers, one written form for each client: an IPv4 address inside IPv6 is IPv4. */
#pragma once

#include <netinet/in.h>

#include "base/util.h"

#define ADDRESS_TEXT INET6_ADDRSTRLEN
struct address {
	uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2) */
};
MUST_USE int address_parse(const char *text, struct address *ret); /* -1 when it is none */
MUST_USE int address_of(const struct sockaddr *sa, struct address *ret);
const char *address_text(const struct address *a, char to[ADDRESS_TEXT]);
/* What a limit counts as one client: the address, of IPv6 the /64 that one customer has (RFC 6177). */
void address_net(const struct address *a, struct address *ret);
const char *address_group(const struct address *a, char to[ADDRESS_TEXT]);
