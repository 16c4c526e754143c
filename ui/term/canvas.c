/* SPDX-License-Identifier: MIT */
/* Drawing on a curses window. Every text goes through canvas_text: made safe, cut by columns, padded to its width, so
 * that a row is always rewritten whole and wide characters never leave halves behind. Loop's thread. */
#define NCURSES_WIDECHAR 1
#include "ui/term/canvas.h"

#include <math.h>
#include <ncurses.h>
#include <stdarg.h>
#include <string.h>
#include <wchar.h>

#include "base/text.h"

#define CELLS_MAX 512 /* columns of one text */

struct canvas canvas_sub(const struct canvas *c, int y, int x, int h, int w) {
	struct canvas sub = *c;
	int top = MAX(y, 0), left = MAX(x, 0);
	sub.y = c->y + top;
	sub.x = c->x + left;
	sub.h = MAX(0, MIN(y + h, c->h) - top);
	sub.w = MAX(0, MIN(x + w, c->w) - left);
	return sub;
}

static void canvas_style(const struct canvas *c, enum role role) {
	const struct style *s = &c->theme->styles[role];
	attr_t attributes = A_NORMAL;
	if (s->bold) attributes |= A_BOLD;
	if (s->reverse) attributes |= A_REVERSE;
	if (s->underline) attributes |= A_UNDERLINE;
	wattr_set((WINDOW *)c->window, attributes, c->pairs ? c->pairs[role] : 0, NULL);
}

void canvas_clear(const struct canvas *c) {
	canvas_style(c, ROLE_TEXT);
	for (int y = 0; y < c->h; y++) mvwhline((WINDOW *)c->window, c->y + y, c->x, ' ', c->w);
}

/* --- text into cells --- */

struct cells {
	wchar_t text[CELLS_MAX * 2];
	size_t n;
	int columns;
};

/* What ASCII terminals show for the few signs of our own that are not ASCII. */
static wchar_t ascii_of(uint32_t c) {
	static const struct {
		uint32_t from;
		wchar_t to;
	} signs[] = {{0x2026, L'~'}, {0x2500, L'-'}, {0x2502, L'|'}, {0x25CF, L'*'}, {0x2022, L'*'}, {0x2192, L'>'},
		{0x2713, L'+'}, {0x2717, L'x'}, {0x25B2, L'^'}, {0x25BC, L'v'}, {0x00B7, L'.'}};
	if (c < 0x80) return (wchar_t)c;
	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (signs[i].from == c) return signs[i].to;
	return L'?';
}

/* Appends c when its columns fit into `width`; false when they do not. Combining characters follow their base. */
static bool cells_add(struct cells *cells, wchar_t c, int width) {
	int columns = wcwidth(c);
	if (columns < 0) {
		c = L'?';
		columns = 1;
	}
	if (cells->columns + columns > width || cells->n + 1 >= ARRAY_LEN(cells->text)) return false;
	cells->text[cells->n++] = c;
	cells->columns += columns;
	return true;
}

static void cells_cut(struct cells *cells, int width, bool ascii) {
	while (cells->n && cells->columns > width - 1) {
		int columns = wcwidth(cells->text[--cells->n]);
		cells->columns -= MAX(columns, 0);
	}
	if (width > 0) cells_add(cells, ascii ? L'~' : L'…', width);
}

static void cells_fill(struct cells *cells, const char *utf8, int width, bool ascii) {
	char safe[CELLS_MAX * 4];
	text_safe(safe, sizeof safe, utf8);
	size_t n = strlen(safe);
	cells->n = 0;
	cells->columns = 0;
	for (size_t i = 0; i < n;) {
		uint32_t c = 0;
		size_t len = text_decode(safe + i, n - i, &c);
		if (!len) {
			len = 1;
			c = '?';
		}
		if (ascii && wcwidth((wchar_t)c) == 0) { /* a combining character: its base stands for both */
			i += len;
			continue;
		}
		if (!cells_add(cells, ascii ? ascii_of(c) : (wchar_t)c, width)) {
			cells_cut(cells, width, ascii);
			return;
		}
		i += len;
	}
}

int text_columns(const char *utf8) {
	struct cells cells;
	cells_fill(&cells, utf8, CELLS_MAX, false);
	return cells.columns;
}

size_t text_fit(const char *safe, int width) {
	size_t n = strlen(safe), at = 0, blank = 0;
	int columns = 0;
	while (at < n) {
		uint32_t c = 0;
		size_t len = text_decode(safe + at, n - at, &c);
		int more = len ? wcwidth((wchar_t)c) : 1;
		if (columns + (more < 0 ? 1 : more) > width && at > 0) break;
		columns += more < 0 ? 1 : more;
		at += len ? len : 1;
		if (c == ' ') blank = at;
	}
	return at < n && blank > 0 && safe[at] != ' ' ? blank : at;
}

/* n blanks in the style that is set. */
static void canvas_blank(const struct canvas *c, int y, int x, int n) {
	wmove((WINDOW *)c->window, c->y + y, c->x + x);
	while (n-- > 0) waddch((WINDOW *)c->window, ' ');
}

void canvas_text(const struct canvas *c, int y, int x, int width, enum role role, enum align align, const char *utf8) {
	struct cells cells;
	if (x < 0) {
		width += x;
		x = 0;
	}
	width = MIN(width, c->w - x);
	if (y < 0 || y >= c->h || width <= 0) return;
	cells_fill(&cells, utf8 ? utf8 : "", MIN(width, CELLS_MAX), c->ascii);
	int before = 0, rest = width - cells.columns;
	if (align == ALIGN_RIGHT) before = rest;
	else if (align == ALIGN_CENTRE) before = rest / 2;
	canvas_style(c, role);
	if (before) canvas_blank(c, y, x, before);
	if (cells.n) mvwaddnwstr((WINDOW *)c->window, c->y + y, c->x + x + before, cells.text, (int)cells.n);
	if (rest > before) canvas_blank(c, y, x + before + cells.columns, rest - before);
}

void canvas_fmt(const struct canvas *c, int y, int x, int width, enum role role, const char *fmt, ...) {
	char text[CELLS_MAX * 4];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	canvas_text(c, y, x, width, role, ALIGN_LEFT, text);
}

int canvas_put(const struct canvas *c, int y, int x, enum role role, const char *utf8) {
	int columns = MIN(text_columns(utf8), c->w - x);
	if (columns <= 0) return 0;
	canvas_text(c, y, x, columns, role, ALIGN_LEFT, utf8);
	return columns;
}

int canvas_block(const struct canvas *c, int y, enum role role, const char *utf8) {
	int rows = 0;
	while (*utf8) {
		char line[CELLS_MAX * 2], safe[CELLS_MAX * 4];
		size_t n = strcspn(utf8, "\n");
		text_copy(line, MIN(n + 1, sizeof line), utf8);
		text_safe(safe, sizeof safe, line);
		for (const char *at = safe; *at; rows++) {
			size_t fit = text_fit(at, c->w);
			text_copy(line, MIN(fit + 1, sizeof line), at);
			canvas_text(c, y + rows, 0, c->w, role, ALIGN_LEFT, line);
			at += fit;
			while (*at == ' ') at++;
		}
		utf8 += n + (utf8[n] == '\n');
	}
	return rows;
}

/* --- figures --- */

static void canvas_cell(const struct canvas *c, int y, int x, wchar_t sign) {
	if (y >= 0 && y < c->h && x >= 0 && x < c->w) mvwaddnwstr((WINDOW *)c->window, c->y + y, c->x + x, &sign, 1);
}

void canvas_bar(const struct canvas *c, int y, int x, int width, double fraction, enum role role) {
	double full = (isfinite(fraction) ? MIN(MAX(fraction, 0.0), 1.0) : 0.0) * width;
	int whole = (int)full, eighths = (int)((full - whole) * 8);
	for (int i = 0; i < width; i++) {
		bool partly = i == whole && eighths > 0;
		canvas_style(c, i < whole || partly ? role : ROLE_BAR_REST);
		if (i < whole) canvas_cell(c, y, x + i, c->ascii ? L'#' : L'█');
		else if (partly && !c->ascii) canvas_cell(c, y, x + i, (wchar_t)(0x2590 - eighths)); /* U+258F is one eighth */
		else canvas_cell(c, y, x + i, c->ascii ? L'.' : L'░');
	}
}

void canvas_spark(
	const struct canvas *c, int y, int x, int width, const double *values, size_t n, double top, enum role role) {
	static const char ascii[] = "_.:-=+*#";
	canvas_style(c, role);
	for (int i = 0; i < width; i++) {
		size_t back = (size_t)(width - i); /* 1: the newest */
		double v = back <= n ? values[n - back] : NAN;
		if (isnan(v)) {
			canvas_cell(c, y, x + i, L' ');
			continue;
		}
		int level = top > 0 ? (int)(MIN(MAX(v / top, 0.0), 1.0) * 7 + 0.5) : 0;
		canvas_cell(c, y, x + i, c->ascii ? (wchar_t)ascii[level] : (wchar_t)(0x2581 + level));
	}
}

void canvas_rule(const struct canvas *c, int y, int x, int width) {
	canvas_style(c, ROLE_QUIET);
	for (int i = 0; i < width; i++) canvas_cell(c, y, x + i, c->ascii ? L'-' : L'─');
}

void canvas_frame(const struct canvas *c, const char *title) {
	static const wchar_t lines[2][6] = {{L'┌', L'┐', L'└', L'┘', L'─', L'│'}, {L'+', L'+', L'+', L'+', L'-', L'|'}};
	const wchar_t *l = lines[c->ascii];
	if (c->h < 2 || c->w < 2) return;
	canvas_style(c, ROLE_HEADING);
	for (int x = 1; x < c->w - 1; x++) {
		canvas_cell(c, 0, x, l[4]);
		canvas_cell(c, c->h - 1, x, l[4]);
	}
	for (int y = 1; y < c->h - 1; y++) {
		canvas_cell(c, y, 0, l[5]);
		canvas_cell(c, y, c->w - 1, l[5]);
	}
	canvas_cell(c, 0, 0, l[0]);
	canvas_cell(c, 0, c->w - 1, l[1]);
	canvas_cell(c, c->h - 1, 0, l[2]);
	canvas_cell(c, c->h - 1, c->w - 1, l[3]);
	if (title && c->w > 6) {
		struct canvas top = canvas_sub(c, 0, 2, 1, c->w - 4);
		canvas_put(&top, 0, 0, ROLE_HEADING, title);
	}
}

void canvas_cursor(const struct canvas *c, int y, int x) {
	if (!c->cursor || y < 0 || y >= c->h || x < 0 || x >= c->w) return;
	c->cursor[0] = c->y + y;
	c->cursor[1] = c->x + x;
}
