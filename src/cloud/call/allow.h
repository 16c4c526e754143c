/* SPDX-License-Identifier: MIT */
/* Addresses: the allow-list of CIDRs, and one written form for each client (an IPv4 address inside IPv6 is IPv4).
 * Constant after allow_parse. */
#pragma once

#include <netinet/in.h>

#include "base/option.h"

#define ADDRESS_TEXT INET6_ADDRSTRLEN
struct address {
	uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2) */
};
struct allow_list {
	struct allow_net *nets;
	size_t n;
};
MUST_USE int address_parse(const char *text, struct address *ret); /* -1 when it is none */
MUST_USE int address_of(const struct sockaddr *sa, struct address *ret);
const char *address_text(const struct address *a, char to[ADDRESS_TEXT]);
/* What a limit counts as one client: the address, of IPv6 the /64 that one customer has (RFC 6177). */
void address_net(const struct address *a, struct address *ret);
const char *address_group(const struct address *a, char to[ADDRESS_TEXT]);

/* "10.0.0.0/8", "192.0.2.7", "2001:db8::/32"; an empty list allows all. ERR_CONFIG names the bad one. */
MUST_USE int allow_parse(const struct option_list *cidrs, struct allow_list *ret, struct error *err);
bool allow_has(const struct allow_list *l, const struct address *a);
void allow_done(struct allow_list *l);
