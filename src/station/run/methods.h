/* SPDX-License-Identifier: MIT */
/* The control socket's methods, as a part of the engine. Loop thread. */
#pragma once

#include "station/engine/part.h"

extern const struct part methods_part;
