/* SPDX-License-Identifier: MIT */
/* Whoever may not open the state folder is told why, and by whom it is mended. */
#pragma once

#include "base/error.h"
#include "base/util.h"

/* Fills err for a state folder, a journal or a socket that is closed to this user. Returns -1. */
int station_denied(struct error *err, const char *state_dir);
