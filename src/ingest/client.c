/* SPDX-License-Identifier: MIT */
#include "ingest/client.h"
