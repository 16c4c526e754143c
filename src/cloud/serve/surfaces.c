/* SPDX-License-Identifier: MIT */
/* Asked in this order whose a call is; S3 last, whose buckets may have any name. Constant. */
#include "cloud/serve/surfaces.h"

#include "cloud/api/surface.h"
#include "cloud/s3/surface.h"

const struct surface *const surfaces[] = {&api_surface, &s3_surface, NULL};
