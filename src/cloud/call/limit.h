/* SPDX-License-Identifier: MIT */
/* Request rates: a token bucket for each client (a key, an address) in a table of fixed size. When a place is needed
 * the client that was seen longest ago loses its bucket, and begins with a full one when it comes back. Any thread. */
#pragma once

#include "base/error.h"

struct limiter;
/* rate: requests a second, 0: no limit at all; burst: how many may come at once, at least 1. */
struct limiter *limiter_new(int64_t rate, int64_t burst);
void limiter_free(struct limiter *l);
/* 0 when the request may pass, else milliseconds until the next one may. */
int64_t limiter_take(struct limiter *l, const char *client, int64_t now_mono_ms);
