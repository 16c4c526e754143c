/* SPDX-License-Identifier: MIT */
/* Drawing. A canvas is a rectangle of the terminal that clips what is drawn on it; coordinates are its own, from 0.
 * Text from outside is made safe here (base/text), is cut by display columns (wide and combining characters line up)
 * and never wraps. ui/term/canvas.c and ui/term/tty.c alone include curses. Drawing reads and changes nothing but the
 * canvas. */
#pragma once

#include "ui/term/theme.h"

struct canvas; /* on the caller's stack: canvas_sub */
struct canvas {
	void *window; /* WINDOW * */
	const struct theme *theme;
	int y, x, h, w;		/* in the window */
	bool ascii;			/* no block or line characters: LANG=C */
	const short *pairs; /* colour pair by role; NULL: no colour */
	int *cursor;		/* y, x in the window: where the real cursor will rest; NULL: nowhere */
};
enum align { ALIGN_LEFT, ALIGN_RIGHT, ALIGN_CENTRE };
struct canvas canvas_sub(const struct canvas *c, int y, int x, int h, int w); /* clipped to c */
void canvas_clear(const struct canvas *c);
/* Exactly `width` columns from x: text, then blanks (or before it, by align); cut text ends with "…" ('~' in ASCII). */
void canvas_text(const struct canvas *c, int y, int x, int width, enum role role, enum align align, const char *utf8);
void canvas_fmt(const struct canvas *c, int y, int x, int width, enum role role, const char *fmt, ...)
	PRINTF_LIKE(6, 7);
/* As much as it needs, at most to the right edge; returns the columns used. */
int canvas_put(const struct canvas *c, int y, int x, enum role role, const char *utf8);
void canvas_bar(
	const struct canvas *c, int y, int x, int width, double fraction, enum role role); /* eighth blocks, or '#' */
void canvas_spark(const struct canvas *c, int y, int x, int width, const double *values, size_t n, double top,
	enum role role); /* newest right; NAN: a gap */
void canvas_rule(const struct canvas *c, int y, int x, int width);
void canvas_frame(const struct canvas *c, const char *title);
void canvas_cursor(const struct canvas *c, int y, int x); /* where the real cursor rests (the selection, the input) */
/* Text over several rows from y, broken at its newlines and, where it is too wide, at blanks; the rows it needs, also
 * those that c clips away. */
int canvas_block(const struct canvas *c, int y, enum role role, const char *utf8);
int text_columns(const char *utf8); /* display width after making safe */
/* Bytes of the beginning of safe text (no newlines) that fit into `width` columns, broken after a blank if possible; at
 * least one character. */
size_t text_fit(const char *safe, int width);
