/* SPDX-License-Identifier: MIT */
/* The allow-list of CIDRs. Constant after allow_parse. */
#pragma once

#include "base/option.h"
#include "cloud/call/address.h"

struct allow_list {
	struct allow_net *nets;
	size_t n;
};
/* "10.0.0.0/8", "192.0.2.7", "2001:db8::/32"; an empty list allows all. ERR_CONFIG names the bad one. */
MUST_USE int allow_parse(const struct option_list *cidrs, struct allow_list *ret, struct error *err);
bool allow_has(const struct allow_list *l, const struct address *a);
void allow_done(struct allow_list *l);
