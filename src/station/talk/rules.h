/* SPDX-License-Identifier: MIT */
/* The metadata rules in force and the key file, as a part of the engine. Loop thread. */
#pragma once

#include "station/engine/part.h"

extern const struct part rules_part;
