/* SPDX-License-Identifier: MIT */
/* headgate-cloud serve: opens the stores, starts jobs and the HTTP server, prints `ready URL`, serves until SIGTERM or
 * SIGINT, then finishes what it holds within 30 s. Handlers never see the HTTP server: call/call.h. */
#pragma once

#include "cloud/config.h"

MUST_USE int cloud_serve(const struct cloud_config *c, struct error *err);
