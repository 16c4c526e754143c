/* SPDX-License-Identifier: MIT */
#include "cloud/store/objects.h"
