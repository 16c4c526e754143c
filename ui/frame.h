/* SPDX-License-Identifier: MIT */
/* What stands around every screen: the header, the tabs with the verdict, the footer; and what is shown on a terminal
 * that is too small for more. Pure drawing, from the model. */
#pragma once

#include "ui/screens/screen.h"

#define FRAME_WIDTH_LEAST 40
#define FRAME_HEIGHT_LEAST 8

/* The rows of the screen itself; h 0: the terminal is too small for one. */
struct canvas frame_body(const struct canvas *c);
void frame_draw(const struct model *m, const struct screen *here, const struct canvas *c);
/* The screen whose tab is in column x of the tabs' row, FRAME_TABS_Y; NULL: none. */
#define FRAME_TABS_Y 1
const struct screen *frame_tab(const struct model *m, const struct screen *here, int width, int x);
/* say NULL: the keys. */
void frame_footer(
	const struct model *m, const struct screen *here, const char *say, enum role say_role, const struct canvas *c);
void frame_small(const struct model *m, const struct canvas *c); /* at least one true status line, down to 20x3 */
/* Every key of the screen and the console, from the tables. */
struct pager;
void frame_help(const struct screen *here, bool read_only, struct pager *p);
/* The console's own keys, which work on every screen. */
extern const struct screen_key frame_keys[];
extern const size_t frame_key_n;
