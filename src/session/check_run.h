/* SPDX-License-Identifier: MIT */
/* What check.c, check_files.c and check_metadata.c share; for no other file. */
#pragma once

#include "session/check.h"

void check_folder(const struct check_input *in, struct check_list *l); /* name, unique */
void check_files(const struct check_input *in, struct check_list *l);  /* data, sizes, names, kinds */
/* *ret (may be NULL) is written when the metadata parses; a number whose rule says text becomes a text there. */
void check_metadata(const struct check_input *in, struct check_list *l, struct metadata *ret);

/* What of bad_kinds stands where the metadata file belongs: "link to X", "FIFO"; else NULL. */
const char *check_metadata_kind(const struct check_input *in, const char *bad_kind);

/* text as valid UTF-8 in size bytes (16 or more), cut between characters with an ellipsis; returns to. */
const char *check_clip(char *to, size_t size, const char *text);
#define CLIP(s) check_clip((char[64]){0}, 64, (s))

/* Several findings of one check: joined by "; " as far as they fit, the rest counted; rule and mend are the first's. */
struct notes {
	size_t n, unsaid;
	char found[224], rule[256], mend[256];
};
void notes_add(struct notes *n, const char *found, const char *rule, const char *mend);
/* An error's sentence, "what; mend": its last part is the mend. */
void notes_add_sentence(struct notes *n, const char *sentence, const char *rule, const char *mend_default);
/* A hold with what was found, or a pass with `passed`. */
void notes_close(const struct notes *n, struct check_list *l, enum check_id id, const char *passed);
