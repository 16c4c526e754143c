/* SPDX-License-Identifier: MIT */
/* The cloud's verdicts, as a part of the engine. Loop thread. */
#pragma once

#include "station/engine/part.h"

extern const struct part confirm_part;
