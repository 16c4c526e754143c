/* SPDX-License-Identifier: MIT */
/* What config_load does after every source was read: defaults that depend on the machine, paths made whole, values that
 * must fit each other. Private to config.c. */
#pragma once

#include "station/config.h"

MUST_USE int config_finish(struct config *c, struct error *err);
