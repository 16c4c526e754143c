/* SPDX-License-Identifier: MIT */
/* Lists of shell patterns for file names, as a person writes them: "*.part, .DS_Store". */
#pragma once

#include "base/option.h"

/* Separated by commas; a value that begins with "+" adds to what is in the list, any other replaces it. ERR_CONFIG for
 * an unfinished "[...". */
MUST_USE int patterns_set(struct option_list *l, const char *value, struct error *err);
void patterns_show(const struct option_list *l, char *to, size_t size);
/* Case does not matter. A pattern without '/' is held against the last part of the path, one with a '/' against all. */
bool patterns_match(const struct option_list *l, const char *path);
