/* SPDX-License-Identifier: MIT */
/* XML through expat, bounded: no document type (so no entities of the document's own), depth 16, 1 MiB. Any thread. */
#pragma once

#include "base/buf.h"

/* Text of the first element at `path` ("Error/Code"), namespaces ignored. 1 found, 0 not there, -1 not XML (err). */
MUST_USE int xml_text(const char *xml, size_t n, const char *path, struct buf *out, struct error *err);
void xml_escape(struct buf *out, const char *s); /* for text and attribute values; control characters become '?' */
