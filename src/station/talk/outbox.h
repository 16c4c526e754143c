/* SPDX-License-Identifier: MIT */
/* Reports to the cloud's log, delivered, as a part of the engine. Loop thread. */
#pragma once

#include "station/engine/part.h"

extern const struct part outbox_part;
