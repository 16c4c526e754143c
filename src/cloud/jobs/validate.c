/* SPDX-License-Identifier: MIT */
#include "cloud/jobs/validate.h"
