/* SPDX-License-Identifier: MIT */
#include "session/name.h"
