/* SPDX-License-Identifier: MIT */
/* A question over the screen. */
#include "ui/widgets/dialog.h"

#include <string.h>

#include "base/text.h"

#define WIDTH_MAX 72
#define LINES_MAX 12

/* Breaks text at blanks into lines of at most `width` bytes (texts of dialogs are ours, names in them are cut by
 * canvas). */
static int dialog_lines(const char *text, int width, char lines[LINES_MAX][WIDTH_MAX * 4]) {
	int n = 0;
	while (*text && n < LINES_MAX) {
		size_t len = strcspn(text, "\n");
		size_t cut = MIN(len, (size_t)width);
		if (cut < len) {
			size_t blank = cut;
			while (blank > 0 && text[blank] != ' ') blank--;
			if (blank) cut = blank;
			while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80) cut--;
		}
		text_copy(lines[n++], MIN(cut + 1, sizeof lines[0]), text);
		text += cut;
		while (*text == ' ') text++;
		if (*text == '\n') text++;
	}
	return n;
}

void dialog_draw(const struct canvas *c, const char *title, const char *text) {
	char lines[LINES_MAX][WIDTH_MAX * 4];
	int width = MIN(WIDTH_MAX, c->w - 2);
	if (width < 12) width = c->w;
	int n = dialog_lines(text, MAX(width - 4, 8), lines);
	int height = MIN(n + 4, c->h);
	struct canvas box = canvas_sub(c, (c->h - height) / 2, (c->w - width) / 2, height, width);
	canvas_clear(&box);
	if (c->h >= 5) canvas_frame(&box, title);
	int inset = c->h >= 5 ? 1 : 0;
	for (int i = 0; i < n && i + inset < height - inset - 1; i++)
		canvas_text(&box, i + inset, 2 * inset, width - 4 * inset, ROLE_TEXT, ALIGN_LEFT, lines[i]);
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
	case KEY_ESC: return 0;
	default: return -1;
	}
}
