/* SPDX-License-Identifier: MIT */
/* The engine, made of its parts: one libuv loop that finds, settles, checks, uploads and confirms sessions, and serves
 * the control socket.
 */
#pragma once

#include "station/engine/engine.h"

/* Runs until done (once), SIGTERM, SIGINT or `shutdown`; a signal ends it within a second and loses nothing. Returns 0,
 * or -1 with the first of product.md's exit reasons that holds (ERR_DISK, ERR_BUSY, ERR_KEY, ERR_UNREACHABLE,
 * ERR_UNFINISHED, ERR_ATTENTION, ERR_CANCELLED on SIGINT, and of `once` on SIGTERM and `shutdown` too). */
MUST_USE int engine_run(const struct engine_options *o, struct error *err);
extern const struct part *const engine_parts[PART_N]; /* the one table of them */
