/* SPDX-License-Identifier: MIT */
/* A plain text table. Cells are kept escaped, row after row; a last row that is not full is printed as far as it goes.
 * One thread. */
#include "base/table.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

#include "base/text.h"

#define CELL_MAX 4096
#define GAP "  "

struct table {
	size_t columns;
	char **cells; /* the titles are the first row */
	bool *right;  /* a column */
	size_t n, capacity;
};

/* Takes text. */
static void table_add(struct table *t, char *text) {
	ARRAY_RESERVE(t->cells, t->n, t->capacity);
	t->cells[t->n++] = text;
}

struct table *table_new(const char *const *titles, size_t columns) {
	struct table *t = xcalloc(1, sizeof *t);
	t->columns = columns;
	t->right = xcalloc(columns, sizeof *t->right);
	for (size_t i = 0; i < columns; i++) {
		t->right[i] = titles[i][0] == '>';
		table_add(t, xstrdup(titles[i] + (t->right[i] ? 1 : 0)));
	}
	return t;
}

void table_cell(struct table *t, const char *text) {
	AUTO(buf_done) struct buf b = BUF_INIT(4 * CELL_MAX + 16);
	if (text) text_escape(&b, text, strnlen(text, CELL_MAX));
	else buf_char(&b, '-');
	table_add(t, xstrdup(buf_text(&b)));
}

void table_cellf(struct table *t, const char *fmt, ...) {
	char text[CELL_MAX];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	table_cell(t, text);
}

void table_cell_json(struct table *t, const cJSON *value) {
	double number;
	if (json_as_double(value, &number)) table_cellf(t, "%.0f", number);
	else table_cell(t, json_as_text(value));
}

/* Columns on a terminal, in the locale that is in force. The text is valid UTF-8 without control characters. */
static size_t cell_width(const char *text) {
	size_t width = 0, left = strlen(text);
	mbstate_t state = {0};
	wchar_t wide;
	while (left) {
		size_t n = mbrtowc(&wide, text, left, &state);
		if (n == 0 || n > left) return width + left;
		int w = wcwidth(wide);
		width += w > 0 ? (size_t)w : 0;
		text += n;
		left -= n;
	}
	return width;
}

static void table_pad(struct buf *out, size_t n) {
	while (n--) buf_char(out, ' ');
}

/* How many bytes of text go on a line of so many columns: whole words when one fits, else what fits. */
static size_t line_fit(const char *text, size_t columns) {
	size_t fits = 0, words = 0;
	for (size_t n = 0; text[n];) {
		size_t next = n + 1;
		while (((unsigned char)text[next] & 0xC0) == 0x80) next++;
		AUTO(xfree) char *part = xstrndup(text, next);
		if (cell_width(part) > columns) return words ? words : fits ? fits : next;
		if (text[next] == ' ' || !text[next]) words = next;
		fits = n = next;
	}
	return fits;
}

/* A last column that would be narrower than this begins a line of its own. */
#define NARROW 24
#define HANG 4

static void table_print_last(const char *text, size_t at, size_t width, struct buf *out) {
	size_t hang = at + NARROW <= width ? at : HANG;
	if (!width || at + cell_width(text) <= width || width < HANG + NARROW) {
		buf_str(out, text);
		return;
	}
	for (bool first = hang == at; *text; first = false) {
		if (!first) buf_char(out, '\n'), table_pad(out, hang);
		size_t n = line_fit(text, width - hang);
		buf_add(out, text, n);
		for (text += n; *text == ' ';) text++;
	}
}

static void table_print_cell(
	const struct table *t, size_t i, const size_t *widths, const size_t *columns, size_t width, struct buf *out) {
	size_t column = i % t->columns, pad = columns[column] - widths[i];
	bool last = column == t->columns - 1 || i == t->n - 1;
	if (column) buf_str(out, GAP);
	if (t->right[column]) table_pad(out, pad);
	if (!last) {
		buf_str(out, t->cells[i]);
		if (!t->right[column]) table_pad(out, pad);
		return;
	}
	size_t at = t->right[column] ? pad : 0;
	for (size_t c = 0; c < column; c++) at += columns[c] + strlen(GAP);
	table_print_last(t->cells[i], at, width, out);
	buf_char(out, '\n');
}

void table_print(const struct table *t, int width, struct buf *out) {
	size_t *widths = xcalloc(t->n, sizeof *widths), *columns = xcalloc(t->columns, sizeof *columns);
	/* Widths are those of UTF-8 whatever locale the process has. */
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), old = (locale_t)0;
	if (utf8) old = uselocale(utf8);
	for (size_t i = 0; i < t->n; i++) {
		widths[i] = cell_width(t->cells[i]);
		columns[i % t->columns] = MAX(columns[i % t->columns], widths[i]);
	}
	for (size_t i = 0; i < t->n; i++) table_print_cell(t, i, widths, columns, (size_t)width, out);
	if (utf8) {
		uselocale(old);
		freelocale(utf8);
	}
	xfree(widths);
	xfree(columns);
}

void table_free(struct table *t) {
	if (!t) return;
	for (size_t i = 0; i < t->n; i++) xfree(t->cells[i]);
	xfree(t->cells);
	xfree(t->right);
	xfree(t);
}

int terminal_columns(int fd) {
	struct winsize size;
	return ioctl(fd, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}
