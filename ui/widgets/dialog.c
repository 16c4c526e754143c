/* SPDX-License-Identifier: MIT */
/* A question over the screen. */
#include "ui/widgets/dialog.h"

#define WIDTH_MAX 72
#define WIDTH_LEAST 30 /* of a box with a frame */
#define HEIGHT_LEAST 8

void dialog_draw(const struct canvas *c, const char *title, const char *text) {
	bool framed = c->h >= HEIGHT_LEAST && c->w >= WIDTH_LEAST;
	int width = c->w < WIDTH_MAX + 8 ? c->w : WIDTH_MAX, inset = framed ? 1 : 0;
	struct canvas none = canvas_sub(c, 0, 0, 0, MAX(width - 4 * inset, 1));
	int lines = canvas_block(&none, 0, ROLE_TEXT, text);
	int height = framed ? MIN(lines + 4, c->h) : c->h;
	struct canvas box = canvas_sub(c, (c->h - height) / 2, (c->w - width) / 2, height, width);
	struct canvas words = canvas_sub(&box, inset, 2 * inset, height - 2 * inset - 1, width - 4 * inset);
	canvas_clear(&box);
	if (framed) canvas_frame(&box, title);
	canvas_block(&words, 0, ROLE_TEXT, text);
	int y = height - 1 - inset;
	canvas_text(&box, y, 2 * inset, width - 4 * inset, ROLE_KEY, ALIGN_LEFT, "y yes   n no");
	canvas_cursor(&box, y, 2 * inset);
}

int dialog_key(const struct key_event *key) {
	switch (key->key) {
	case 'y':
	case 'Y': return 1;
	case 'n':
	case 'N':
	case 'q':
	case 'C' - '@':
	case KEY_ESC: return 0;
	default: return -1;
	}
}
