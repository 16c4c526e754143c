/* SPDX-License-Identifier: MIT */
/* The whole console in a pty whose other end is libvterm: real keys, real curses, a fixed clock, and in place of the
 * journal and the engine a model that the test fills and a record of what was asked of them. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>

#include <cmocka.h>
#include <vterm.h>

#include "base/buf.h"
#include "ui/app_internal.h"

#define NOW_MS 1795183331000 /* 2026-11-20 14:02:11 UTC: what clock_wall_ms says at first */

struct console_options {
	int rows, cols;
	const char *theme; /* NULL: dark */
	bool ascii, no_colour, read_only;
};
struct console {
	struct app app;
	struct app_options options;
	int master, slave, rows, cols;
	VTerm *vt;
	VTermScreen *screen;
	struct buf asked;			   /* "retry 20261120_134502\n": commands and what else left the console, one a line */
	struct buf beside;			   /* OSC strings that came beside the screen */
	unsigned shown;				   /* parts */
	const void *wishes[PARTS_MAX]; /* of those that are not the console's own; borrowed */
	struct page_query page;		   /* the last that was asked for, and how many were */
	int page_n;
};
/* The model is empty; the home screen is shown once console_start was called. */
struct console *console_open(const struct console_options *o);
void console_start(struct console *c);
void console_close(struct console *c);
void console_paint(struct console *c);
/* The journal has moved, and `p`, which is shown and read from it, is read again. */
void console_moved(struct console *c, const struct part *p);
/* The clock goes on by so much, for the rest of the program. */
void console_later(int64_t ms);
/* Paints what is there and reads what the terminal got: for tests that draw on tty_canvas themselves. */
void console_flush(struct console *c);
/* Key names separated by blanks ("Down Down Enter", "C-l"; "text:…" types the rest, \\r and \\t being Enter and Tab),
 * then a frame. */
void console_press(struct console *c, const char *keys);
void console_resize(struct console *c, int rows, int cols);
/* A row of the screen in UTF-8 without the blanks at its end. */
const char *console_row(struct console *c, int y, char *to, size_t size);
/* Whether any row has it. */
bool console_shows(struct console *c, const char *text);
/* Text, cursor and attributes in words. */
void console_dump(struct console *c, struct buf *out);

/* For tests of what is drawn, with no screen: a console of 10 rows and 40 columns, its canvas, and what a row shows. */
extern struct console *drawn;
extern struct canvas drawn_on;
int drawn_setup(void **state);
int drawn_setup_ascii(void **state);
int drawn_teardown(void **state);
void drawn_row_is(int y, const char *text);
