/* SPDX-License-Identifier: MIT */
/* A manifest whose text is in memory, read as the cloud reads it from the store. */
#pragma once

#include "session/manifest.h"

static inline int manifest_read(const char *text, size_t n, struct manifest *ret, struct error *err) {
	struct json_text_source source = {text, n};
	return manifest_pull(json_text_read, &source, true, ret, err);
}
