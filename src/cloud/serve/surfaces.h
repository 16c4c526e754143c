/* SPDX-License-Identifier: MIT */
/* The one table of what the cloud serves. */
#pragma once

#include "cloud/call/surface.h"

extern const struct surface *const surfaces[]; /* ended by NULL */
