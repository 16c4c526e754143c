/* SPDX-License-Identifier: MIT */
/* The ingest API as a peer (base/retry.h): its error form, {"error": {"code", "message"}}, and what its words ask for
 * (api.md "Errors"). */
#pragma once

#include "base/retry.h"

extern const struct answer_form ingest_words;
