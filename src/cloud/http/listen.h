/* SPDX-License-Identifier: MIT */
/* The listening socket: "HOST:PORT", "[IPV6]:PORT"; port 0 takes a free one. */
#pragma once

#include "base/error.h"

#define LISTEN_TEXT 300
/* *ret_fd listens (close-on-exec, IPv4 too when the host is "::"); `at` is HOST:PORT with the port that was taken. */
MUST_USE int listen_open(const char *host_port, int *ret_fd, char at[LISTEN_TEXT], struct error *err);
