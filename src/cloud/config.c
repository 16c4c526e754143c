/* SPDX-License-Identifier: MIT */
#include "cloud/config.h"
