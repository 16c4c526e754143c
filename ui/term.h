/* SPDX-License-Identifier: MIT */
/* The terminal: start, end, size, keys, and what it can. No probing at start; an unknown TERM falls back to a known one
 * and says so, naming --plain. ESCDELAY 25 ms; the mouse stays off until asked for. Restored on every way out. */
#pragma once

#include "base/error.h"
#include "ui/canvas.h"

struct term_options {
	const struct theme *theme;
	bool colour; /* false: NO_COLOR */
	bool ascii;	 /* true: LANG=C or asked for */
	int in_fd, out_fd;
};
struct term;
MUST_USE int term_open(struct term **ret, const struct term_options *o, struct error *err);
void term_close(struct term *t); /* leaves the alternate screen; NULL is fine */
struct canvas term_canvas(struct term *t);
void term_set_theme(struct term *t, const struct theme *theme);
void term_flush(struct term *t);		   /* what changed goes out, one write */
void term_repaint(struct term *t);		   /* everything, at the next flush: Ctrl-L */
MUST_USE bool term_resize(struct term *t); /* asks the kernel; true when the size changed */
void term_suspend(struct term *t);		   /* the terminal is somebody else's ($EDITOR) until term_resume */
void term_resume(struct term *t);
void term_mouse(struct term *t, bool on);
void term_copy(struct term *t, const char *text, size_t n); /* OSC 52, wrapped for tmux and screen */
void term_bell(struct term *t);
void term_title(struct term *t, const char *title);
/* The next key that is there: 1 and *ret; 0: none; -1: the terminal is gone (EOF, EIO, hang-up). */
struct key_event;
int term_key(struct term *t, struct key_event *ret);
const char *term_note(const struct term *t); /* what the fallback said, or NULL */
