/* SPDX-License-Identifier: MIT */
/* Looks at sessions until they are at rest, and for change afterwards. Whoever wants a look asks the core
 * (session_look, session_touch). Loop thread. */
#pragma once

#include "station/engine/part.h"

extern const struct part settle_part;
