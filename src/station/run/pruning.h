/* SPDX-License-Identifier: MIT */
/* Events of sessions that are safe or ignored are forgotten when they are old ([station] keep_events); as a part of the
 * engine. Loop thread. */
#pragma once

#include "station/engine/part.h"

extern const struct part pruning_part;
