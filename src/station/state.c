/* SPDX-License-Identifier: MIT */
#include "station/state.h"
