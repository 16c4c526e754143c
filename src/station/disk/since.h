/* SPDX-License-Identifier: MIT */
/* Which names of a root concern the engine. Pure. */
#pragma once

#include "station/config.h"

/* Older than [station] since, a date or a session's name: left alone. */
bool name_before_since(const struct config *c, const char *name);
