/* SPDX-License-Identifier: MIT */
/* The watched folders: what is in them, what came and what went. Whoever wants them listed asks the core
 * (engine_rescan). Loop thread. */
#pragma once

#include "station/engine/part.h"

extern const struct part folders_part;
