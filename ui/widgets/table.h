/* SPDX-License-Identifier: MIT */
/* A table of rows: columns that drop by priority as it narrows, one selected row, marks by key. Knows nothing of the
 * product. The rows may be a window of a larger list (total, first). */
#pragma once

#include "ui/term/canvas.h"
#include "ui/term/key.h"

struct column {
	const char *title;
	int least, wish; /* columns; wish 0: what is left; both 0: not shown */
	int priority;	 /* the highest number drops first; 0 stays */
	enum align align;
};
struct table_view {
	int64_t total, top, selected; /* absolute row numbers */
	int height;					  /* rows that fitted at the last draw */
	int y;						  /* of the heading then, in the terminal: where a click is */
};
/* Called for each visible cell; draws it on c (one row, the column's width), or on `rest` (from the cell to the row's
 * end) and returns true: then the columns behind it are left out in this row. */
typedef bool table_cell_draw(
	void *arg, int64_t row, int column, const struct canvas *c, const struct canvas *rest, bool selected);
void table_view_draw(struct table_view *t, const struct column *columns, int n, int sorted, bool reverse,
	table_cell_draw *draw, void *arg, const struct canvas *c);
bool table_view_act(
	struct table_view *t, enum action action, const struct key_event *key); /* moves; true when it did */
void table_view_keep(struct table_view *t, int64_t total);					/* after the data changed */
