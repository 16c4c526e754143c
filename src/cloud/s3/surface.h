/* SPDX-License-Identifier: MIT */
/* S3 as a surface: path style, Signature Version 4, S3's error words in XML. */
#pragma once

#include "cloud/call/surface.h"

extern const struct surface s3_surface;
