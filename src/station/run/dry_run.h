/* SPDX-License-Identifier: MIT */
/* `headgate run --dry-run`: what would be sent. Blocking; for a command. */
#pragma once

#include "base/json.h"
#include "station/config.h"

/* --dry-run: what would be sent, no cloud, no journal: one JSON object a session, {session, root, would, reason, files,
 * bytes}. */
MUST_USE int engine_dry_run(
	const struct config *c, void (*on_session)(void *arg, const cJSON *session), void *arg, struct error *err);
