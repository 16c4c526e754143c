/* SPDX-License-Identifier: MIT */
/* Is the state folder still what this engine opened? As a part of the engine. Loop thread. */
#pragma once

#include "station/engine/part.h"

extern const struct part guard_part;
