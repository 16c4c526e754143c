/* SPDX-License-Identifier: MIT */
/* The ingest API as a surface: JSON under /v1, bearer tokens, error words of its own (openapi.yaml). */
#pragma once

#include "cloud/call/surface.h"

extern const struct surface api_surface;
