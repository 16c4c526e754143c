/* SPDX-License-Identifier: MIT */
/* A plain text table for command output: columns as wide as their content, cells escaped, numbers right-aligned. */
#pragma once

#include "base/json.h"

struct table;
struct table *table_new(const char *const *titles, size_t columns); /* a title that starts with '>' is right-aligned */
void table_cell(struct table *t, const char *text);					/* next cell; copies and escapes; NULL is "-" */
void table_cellf(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
void table_cell_json(struct table *t, const cJSON *value); /* a text, a whole number, else "-"; may be NULL */
/* Into `width` columns, where the last column is broken at its words; 0: as wide as the content is. */
void table_print(const struct table *t, int width, struct buf *out);
int terminal_columns(int fd); /* 0: it is no terminal, or does not say */
void table_free(struct table *t);
DEFINE_AUTO_PTR(struct table, table_free)
