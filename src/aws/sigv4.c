/* SPDX-License-Identifier: MIT */
#include "aws/sigv4.h"
