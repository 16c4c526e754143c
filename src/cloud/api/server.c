/* SPDX-License-Identifier: MIT */
#include "cloud/api/server.h"
