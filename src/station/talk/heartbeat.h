/* SPDX-License-Identifier: MIT */
/* A sign of life to the cloud, and the disk that recordings fill, as a part of the engine. Loop thread. */
#pragma once

#include "station/engine/part.h"

extern const struct part heartbeat_part;
