/* SPDX-License-Identifier: MIT */
/* Metadata as one JSON object, its values as metadata_write writes them: what the programs do with one at a time. */
#pragma once

#include "session/metadata.h"

/* The caller frees. */
static inline char *metadata_text(const struct metadata *m) {
	AUTO(json_free) cJSON *j = json_object();
	for (size_t i = 0; i < m->n; i++) {
		const struct metadata_entry *e = &m->entries[i];
		AUTO(buf_done) struct buf value = BUF_INIT(METADATA_MAX * 8);
		metadata_write(&value, e->is_number, e->number, e->text);
		json_add(j, e->key, json_raw(buf_text(&value)));
	}
	return json_text(j);
}
