/* SPDX-License-Identifier: MIT */
/* What the last run learned, kept for commands that come without an engine; as a part of the engine. Loop thread. */
#pragma once

#include "station/engine/part.h"

extern const struct part found_part;
