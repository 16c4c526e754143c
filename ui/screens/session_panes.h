/* SPDX-License-Identifier: MIT */
/* The panes of the session screen. One is text (fill) or a table of rows (the rest). */
#pragma once

#include "ui/screens/screens.h"

enum session_pane_id { PANE_OVERVIEW, PANE_FILES, PANE_METADATA, PANE_CHECKS, PANE_ATTEMPTS, PANE_EVENTS, PANE_N };
struct session_pane {
	const char *title;
	void (*fill)(struct pager *p, const struct model *m, const struct session_detail *d);
	size_t count; /* offset of the number of rows in the detail; 0: none */
	const struct column *columns;
	int column_n;
	table_cell_draw *draw; /* its arg: the model */
	/* A row in full, shown below the table while it is selected; and the text by which `/` finds it. */
	void (*foot)(const struct session_detail *d, size_t row, char *to, size_t size);
	void (*text)(const struct session_detail *d, size_t row, char *to, size_t size);
	const char *none;
};
extern const struct session_pane session_panes[PANE_N];
size_t session_pane_rows(const struct session_detail *d, enum session_pane_id pane);
