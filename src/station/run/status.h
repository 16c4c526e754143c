/* SPDX-License-Identifier: MIT */
/* What the engine says of itself: the JSON of station/control/client.h, made from memory alone, with what each part
 * adds to it. Loop thread. */
#pragma once

#include "station/engine/engine.h"

cJSON *engine_status(struct engine *e); /* taken */
extern const struct part progress_part; /* tells whoever runs the engine */
