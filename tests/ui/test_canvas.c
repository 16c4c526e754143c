/* SPDX-License-Identifier: MIT */
/* ui/canvas, ui/theme: text in columns on a real terminal's cells. */
#include "console.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"

/* Text in a field of some columns between bars shows exactly what the field holds. */
static const struct field {
	int width;
	enum align align;
	const char *text, *shown;
} fields[] = {
	{6, ALIGN_LEFT, "abc", "[abc   ]"},
	{6, ALIGN_RIGHT, "abc", "[   abc]"},
	{6, ALIGN_CENTRE, "abc", "[ abc  ]"},
	{6, ALIGN_LEFT, "abcdef", "[abcdef]"},
	{6, ALIGN_LEFT, "abcdefg", "[abcde…]"},
	{6, ALIGN_RIGHT, "abcdefg", "[abcde…]"},
	{6, ALIGN_LEFT, "名前名前", "[名前… ]"},
	{6, ALIGN_LEFT, "名前名", "[名前名]"},
	{5, ALIGN_LEFT, "名前名", "[名前…]"},
	{5, ALIGN_RIGHT, "名前", "[ 名前]"},
	{3, ALIGN_LEFT, "e\xcc\x81\xcc\xa3t\xc3\xa9", "[e\xcc\x81\xcc\xa3té]"},
	{2, ALIGN_LEFT, "e\xcc\x81te\xcc\x81", "[e\xcc\x81…]"},
	{8, ALIGN_LEFT, "\033[2J", "[\\x1b[2J ]"},
	{9, ALIGN_LEFT, "a\xff\xfe", "[a\\xff\\xfe]"},
	{1, ALIGN_LEFT, "名", "[…]"},
	{1, ALIGN_LEFT, "ab", "[…]"},
	{6, ALIGN_LEFT, "", "[      ]"},
};

static void test_fields(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const struct field *f = &fields[i];
		canvas_clear(&drawn_on);
		canvas_put(&drawn_on, 0, 0, ROLE_TEXT, "[");
		canvas_text(&drawn_on, 0, 1, f->width, ROLE_TEXT, f->align, f->text);
		canvas_put(&drawn_on, 0, 1 + f->width, ROLE_TEXT, "]");
		drawn_row_is(0, f->shown);
	}
}

/* In curses' place: what goes to a terminal is counted. */
static int terminal_writes;

ssize_t write(int fd, const void *bytes, size_t n) {
	terminal_writes += isatty(fd);
	return syscall(SYS_write, fd, bytes, n);
}

/* Whoever looks at the terminal, a person or a test, never sees half of a frame. */
static void test_a_frame_is_one_write(void **state) {
	(void)state;
	static const char *const words[] = {"one", "two", "three"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		canvas_clear(&drawn_on);
		for (int y = 0; y < drawn->rows; y++)
			canvas_put(&drawn_on, y, (int)(3 * i) + y, y % 2 ? ROLE_GOOD : ROLE_BAD, words[i]);
		terminal_writes = 0;
		tty_flush(drawn->app.tty);
		assert_int_equal(terminal_writes, 1);
		console_flush(drawn);
		drawn_row_is(0, i == 0 ? "one" : i == 1 ? "   two" : "      three");
	}
}

static void test_null_text_is_blank(void **state) {
	(void)state;
	canvas_text(&drawn_on, 0, 0, 5, ROLE_TEXT, ALIGN_LEFT, NULL);
	drawn_row_is(0, "");
}

static void test_clipping(void **state) {
	(void)state;
	struct canvas box = canvas_sub(&drawn_on, 2, 5, 2, 6), none = canvas_sub(&box, 1, 4, 9, 9);
	canvas_text(&drawn_on, 2, 0, 30, ROLE_TEXT, ALIGN_LEFT, "..............................");
	canvas_text(&box, 0, -2, 20, ROLE_TEXT, ALIGN_LEFT, "abcdefghijkl");
	drawn_row_is(2, ".....abcde…...................");
	canvas_text(&box, -1, 0, 6, ROLE_TEXT, ALIGN_LEFT, "above");
	canvas_text(&box, 2, 0, 6, ROLE_TEXT, ALIGN_LEFT, "below");
	canvas_text(&box, 1, 6, 6, ROLE_TEXT, ALIGN_LEFT, "right");
	drawn_row_is(1, "");
	drawn_row_is(4, "");
	drawn_row_is(3, "");
	assert_int_equal(none.h, 1);
	assert_int_equal(none.w, 2);
	assert_int_equal(canvas_sub(&drawn_on, 20, 0, 5, 5).h, 0);
	assert_int_equal(canvas_sub(&drawn_on, 0, 40, 5, 5).w, 0);
	assert_int_equal(canvas_sub(&drawn_on, -1, -1, 3, 3).h, 2);
}

static void test_put_stops_at_the_edge(void **state) {
	(void)state;
	assert_int_equal(canvas_put(&drawn_on, 0, 37, ROLE_TEXT, "abcdef"), 3);
	drawn_row_is(0, "                                     ab…");
	assert_int_equal(canvas_put(&drawn_on, 0, 40, ROLE_TEXT, "abc"), 0);
	assert_int_equal(canvas_put(&drawn_on, 0, 0, ROLE_TEXT, "名前"), 4);
}

static void test_columns(void **state) {
	(void)state;
	assert_int_equal(text_columns(""), 0);
	assert_int_equal(text_columns("abc"), 3);
	assert_int_equal(text_columns("名前"), 4);
	assert_int_equal(text_columns("e\xcc\x81"), 1);
	assert_int_equal(text_columns("\033"), 4);
}

static void test_fit(void **state) {
	(void)state;
	assert_int_equal(text_fit("one two three", 20), 13);
	assert_int_equal(text_fit("one two three", 9), 8);
	assert_int_equal(text_fit("one two three", 7), 7);
	assert_int_equal(text_fit("abcdefgh", 3), 3);
	assert_int_equal(text_fit("名前", 3), 3);
	assert_int_equal(text_fit("名", 1), 3); /* at least one character */
	assert_int_equal(text_fit("", 5), 0);
}

static void test_block(void **state) {
	(void)state;
	struct canvas box = canvas_sub(&drawn_on, 0, 0, 3, 10), none = canvas_sub(&drawn_on, 0, 0, 0, 10);
	const char *text = "one two three four\nfive\n\nsix";
	assert_int_equal(canvas_block(&none, 0, ROLE_TEXT, text), 4);
	assert_int_equal(canvas_block(&box, 0, ROLE_TEXT, text), 4);
	drawn_row_is(0, "one two");
	drawn_row_is(1, "three four");
	drawn_row_is(2, "five");
	drawn_row_is(3, "");
}

static void test_bar(void **state) {
	(void)state;
	static const struct {
		double part;
		const char *shown;
	} bars[] = {{0, "░░░░"}, {1, "████"}, {0.5, "██░░"}, {0.53125, "██▏░"}, {0.625, "██▌░"}, {7, "████"}, {-1, "░░░░"},
		{NAN, "░░░░"}};
	for (size_t i = 0; i < ARRAY_LEN(bars); i++) {
		canvas_bar(&drawn_on, 0, 0, 4, bars[i].part, ROLE_BAR);
		drawn_row_is(0, bars[i].shown);
	}
	canvas_bar(&drawn_on, 1, 38, 4, 1, ROLE_BAR);
	drawn_row_is(1, "                                      ██");
}

/* A row is blanked to its end, also where it is wider than any text. */
static void test_very_wide(void **state) {
	(void)state;
	struct console *c = console_open(&(struct console_options){.rows = 3, .cols = 700});
	struct canvas all = tty_canvas(c->app.tty);
	char row[4000];
	canvas_put(&all, 1, 650, ROLE_TEXT, "before");
	console_flush(c);
	assert_non_null(strstr(console_row(c, 1, row, sizeof row), "before"));
	canvas_text(&all, 1, 0, all.w, ROLE_TEXT, ALIGN_LEFT, "after");
	console_flush(c);
	assert_string_equal(console_row(c, 1, row, sizeof row), "after");
	console_close(c);
}

static void test_spark(void **state) {
	(void)state;
	const double values[] = {0, NAN, 4, 8, 20};
	canvas_spark(&drawn_on, 0, 0, 7, values, ARRAY_LEN(values), 8, ROLE_BAR);
	drawn_row_is(0, "  ▁ ▅██");
	canvas_spark(&drawn_on, 1, 0, 2, values, ARRAY_LEN(values), 8, ROLE_BAR);
	drawn_row_is(1, "██");
	canvas_spark(&drawn_on, 2, 0, 2, values, 1, 0, ROLE_BAR);
	drawn_row_is(2, " ▁");
}

static void test_frame_and_rule(void **state) {
	(void)state;
	struct canvas box = canvas_sub(&drawn_on, 0, 0, 3, 12), thin = canvas_sub(&drawn_on, 5, 0, 1, 12);
	canvas_frame(&box, "title");
	drawn_row_is(0, "┌─title────┐");
	drawn_row_is(1, "│          │");
	drawn_row_is(2, "└──────────┘");
	canvas_frame(&thin, "none");
	drawn_row_is(5, "");
	canvas_rule(&drawn_on, 4, 2, 3);
	drawn_row_is(4, "  ───");
}

static void test_ascii(void **state) {
	(void)state;
	struct canvas box = canvas_sub(&drawn_on, 6, 0, 3, 8);
	const double values[] = {0, NAN, 8};
	canvas_text(&drawn_on, 0, 0, 12, ROLE_TEXT, ALIGN_LEFT, "● a → b · ▲▼");
	drawn_row_is(0, "* a > b . ^v");
	canvas_text(&drawn_on, 1, 0, 4, ROLE_TEXT, ALIGN_LEFT, "abcdef");
	drawn_row_is(1, "abc~");
	canvas_text(&drawn_on, 2, 0, 10, ROLE_TEXT, ALIGN_LEFT, "\xc3\xa9\033");
	drawn_row_is(2, "?\\x1b");
	canvas_bar(&drawn_on, 3, 0, 4, 0.5, ROLE_BAR);
	drawn_row_is(3, "##..");
	canvas_spark(&drawn_on, 4, 0, 3, values, 3, 8, ROLE_BAR);
	drawn_row_is(4, "_ #");
	canvas_rule(&drawn_on, 5, 0, 3);
	drawn_row_is(5, "---");
	canvas_frame(&box, "t");
	drawn_row_is(6, "+-t----+");
	drawn_row_is(7, "|      |");
}

static void test_cursor(void **state) {
	(void)state;
	struct canvas box = canvas_sub(&drawn_on, 3, 4, 2, 5);
	VTermPos at;
	canvas_cursor(&box, 1, 2);
	canvas_cursor(&box, 9, 9); /* outside: stays */
	console_flush(drawn);
	vterm_state_get_cursorpos(vterm_obtain_state(drawn->vt), &at);
	assert_int_equal(at.row, 4);
	assert_int_equal(at.col, 6);
}

/* Wide text under narrow text, rewritten in every way, leaves no halves. */
static void test_wide_text_rewritten(void **state) {
	(void)state;
	srand(5);
	for (int i = 0; i < 300; i++) {
		static const char *const texts[] = {"名前データ記録", "abcdefghijklmnop", "e\xcc\x81名e\xcc\x81前", "", "x名"};
		char shown[256];
		int y = rand() % 3;
		canvas_text(&drawn_on, y, 0, 30, ROLE_TEXT, ALIGN_LEFT, texts[rand() % 5]);
		console_flush(drawn);
		console_row(drawn, y, shown, sizeof shown);
		bool known = false;
		for (size_t k = 0; k < ARRAY_LEN(texts); k++) known |= strcmp(shown, texts[k]) == 0;
		if (!known) fail_msg("step %d shows %s", i, shown);
	}
}

/* --- themes --- */

static void test_themes(void **state) {
	(void)state;
	for (size_t i = 0; themes[i]; i++) {
		const struct theme *t = themes[i];
		assert_ptr_equal(theme_by_name(t->name), t);
		assert_true(t->help && *t->help);
		for (int r = 0; r < ROLE_N; r++) {
			const struct style *s = &t->styles[r];
			assert_in_range(s->fg + 1, 0, 256);
			assert_in_range(s->bg + 1, 0, 256);
			assert_in_range(s->fg8 + 1, 0, 8);
			assert_in_range(s->bg8 + 1, 0, 8);
			/* Without colour what is chosen, marked, wrong or here must differ by an attribute. */
			bool differs = s->bold || s->reverse || s->underline;
			if (r == ROLE_SELECTED || r == ROLE_BAD || r == ROLE_TAB_HERE || r == ROLE_TITLE || r == ROLE_WARN)
				assert_true(differs);
		}
	}
	assert_null(theme_by_name("pink"));
	const struct theme *mono = theme_by_name("mono");
	for (int r = 0; r < ROLE_N; r++) assert_true(mono->styles[r].fg == -1 && mono->styles[r].bg == -1);
}

int main(void) {
#define CANVAS_TEST(f) cmocka_unit_test_setup_teardown(f, drawn_setup, drawn_teardown)
	const struct CMUnitTest tests[] = {
		CANVAS_TEST(test_fields),
		CANVAS_TEST(test_a_frame_is_one_write),
		CANVAS_TEST(test_null_text_is_blank),
		CANVAS_TEST(test_clipping),
		CANVAS_TEST(test_put_stops_at_the_edge),
		CANVAS_TEST(test_columns),
		CANVAS_TEST(test_fit),
		CANVAS_TEST(test_block),
		CANVAS_TEST(test_bar),
		cmocka_unit_test(test_very_wide),
		CANVAS_TEST(test_spark),
		CANVAS_TEST(test_frame_and_rule),
		cmocka_unit_test_setup_teardown(test_ascii, drawn_setup_ascii, drawn_teardown),
		CANVAS_TEST(test_cursor),
		CANVAS_TEST(test_wide_text_rewritten),
		cmocka_unit_test(test_themes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
