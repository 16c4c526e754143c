/* SPDX-License-Identifier: MIT */
/* Promises that were never used are forgotten, some time after their URLs ended; so are sessions that were begun and
 * got nothing. What is stored, or was and is lost, is not touched. Any thread. */
#pragma once

#include "cloud/store/catalog.h"
#include "cloud/store/objects.h"

#define COLLECT_MOST 1000 /* promises a call, and sessions */
/* Those from before `before_ms`. *ret_more: there may be others. */
MUST_USE int collect_unused(struct catalog *c, struct objects *o, int64_t before_ms, bool *ret_more, struct error *err);
