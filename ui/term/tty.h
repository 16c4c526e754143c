/* SPDX-License-Identifier: MIT */
/* The terminal: start, end, size, keys, and what it can. No probing at start; an unknown TERM falls back to a known one
 * and says so, naming --plain. ESCDELAY 25 ms; the mouse stays off until asked for. Restored on every way out. */
#pragma once

#include "base/error.h"
#include "ui/term/canvas.h"

struct tty_options {
	const struct theme *theme;
	bool colour; /* false: NO_COLOR */
	bool ascii;	 /* true: LANG=C or asked for */
	int in_fd, out_fd;
};
struct tty;
MUST_USE int tty_open(struct tty **ret, const struct tty_options *o, struct error *err);
void tty_close(struct tty *t); /* leaves the alternate screen; NULL is fine */
struct canvas tty_canvas(struct tty *t);
void tty_set_theme(struct tty *t, const struct theme *theme);
void tty_flush(struct tty *t);			 /* what changed goes out, one write */
void tty_repaint(struct tty *t);		 /* everything, at the next flush: Ctrl-L */
MUST_USE bool tty_resize(struct tty *t); /* asks the kernel; true when the size changed */
void tty_suspend(struct tty *t);		 /* the terminal is somebody else's ($EDITOR) until tty_resume */
void tty_resume(struct tty *t);			 /* and all of it is painted anew, in the size it has now */
void tty_mouse(struct tty *t, bool on);
void tty_copy(struct tty *t, const char *text, size_t n); /* OSC 52, wrapped for tmux and screen */
/* The next key that is there: 1 and *ret; 0: none; -1: the terminal is gone (EOF, EIO, hang-up). */
struct key_event;
int tty_key(struct tty *t, struct key_event *ret);
/* More waits than is typed at once, on a terminal that does not tell when text is pasted. */
bool tty_burst(const struct tty *t);
const char *tty_note(const struct tty *t); /* what the fallback said, or NULL */
