/* SPDX-License-Identifier: MIT */
/* Sessions that have settled are hashed and checked, and held or let through. Whoever wants one to be read once more
 * sets its check_wanted. Loop thread. */
#pragma once

#include "station/engine/part.h"

extern const struct part checking_part;
