/* SPDX-License-Identifier: MIT */
/* One session in full: its row, files, checks local and cloud, attempts and events. */
#pragma once

#include "cli/cli.h"

MUST_USE int session_full(
	struct journal_view *v, const struct config *c, const char *name, bool json, struct error *err);
