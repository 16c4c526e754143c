/* SPDX-License-Identifier: MIT */
/* Asked in this order whose a call is; what is nobody's is the first one's. Constant. */
#include "cloud/serve/surfaces.h"

#include "cloud/api/surface.h"
#include "cloud/s3/surface.h"

const struct surface *const surfaces[] = {&api_surface, &s3_surface, NULL};
