/* SPDX-License-Identifier: MIT */
/* ui/widgets: prompt, table, pager, dialog, chart. */
#include "console.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ui/widgets/chart.h"
#include "ui/widgets/dialog.h"
#include "ui/widgets/table.h"

/* --- prompt --- */

static enum prompt_result type(struct prompt *p, const char *keys) {
	enum prompt_result result = PROMPT_OPEN;
	while (*keys && result == PROMPT_OPEN) {
		size_t n = strcspn(keys, " ");
		char name[16];
		struct key_event key = {0};
		text_copy(name, MIN(n + 1, sizeof name), keys);
		assert_int_equal(key_parse(name, &key.key), 0);
		result = prompt_key(p, &key);
		keys += n + (keys[n] == ' ');
	}
	return result;
}

static const struct edit {
	const char *keys, *text;
	size_t at;
} edits[] = {
	{"a b c", "abc", 3},
	{"a b Left c", "acb", 2},
	{"a b Home c", "cab", 1},
	{"a b C-a c End d", "cabd", 4},
	{"a b c Backspace", "ab", 2},
	{"a b c Home Delete", "bc", 0},
	{"a b c Delete", "abc", 3},
	{"a b c Left C-k", "ab", 2},
	{"a b c Left C-u", "c", 0},
	{"a Left Left Left b", "ba", 1},
	{"a Right Right b C-e c", "abc", 3},
	{"a PgUp b F", "abF", 3},
	{"a C-b b", "ab", 2},
};

static void test_prompt_editing(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
		struct prompt p = {0};
		prompt_open(&p, ':', NULL);
		assert_int_equal(type(&p, edits[i].keys), PROMPT_OPEN);
		assert_string_equal(p.text, edits[i].text);
		assert_int_equal(p.at, edits[i].at);
		assert_int_equal(p.n, strlen(p.text));
		prompt_done(&p);
	}
}

static void test_prompt_whole_characters(void **state) {
	(void)state;
	struct prompt p = {0};
	prompt_open(&p, '/', "a名é");
	assert_int_equal(type(&p, "Left Left"), PROMPT_OPEN);
	assert_int_equal(p.at, 1);
	type(&p, "Delete");
	assert_string_equal(p.text, "aé");
	prompt_key(&p, &(struct key_event){.key = 0x540d});
	assert_string_equal(p.text, "a名é");
	static const uint32_t refused[] = {0x1b, 0x202e, 0x9b, 0xd800, 0, KEY_MOUSE_};
	for (size_t i = 1; i < ARRAY_LEN(refused); i++) prompt_key(&p, &(struct key_event){.key = refused[i]});
	assert_string_equal(p.text, "a名é");
	prompt_done(&p);
}

static void test_prompt_ends(void **state) {
	(void)state;
	struct prompt p = {0};
	static const char *const leaves[] = {"Esc", "C-c", "C-g", "Backspace"};
	for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
		prompt_open(&p, ':', "");
		assert_int_equal(type(&p, leaves[i]), PROMPT_LEFT);
	}
	assert_int_equal(p.history_n, 0);
	prompt_open(&p, ':', "x");
	assert_int_equal(type(&p, "Enter"), PROMPT_ENTERED);
	assert_int_equal(p.history_n, 1);
	prompt_done(&p);
}

static void test_prompt_history(void **state) {
	(void)state;
	struct prompt p = {0};
	for (int i = 0; i < 130; i++) {
		char line[16];
		snprintf(line, sizeof line, "line %d", i);
		prompt_remember(&p, line);
		prompt_remember(&p, line); /* the same again is kept once */
	}
	prompt_remember(&p, "");
	assert_int_equal(p.history_n, 100);
	prompt_open(&p, ':', "");
	type(&p, "Up Up");
	assert_string_equal(p.text, "line 128");
	type(&p, "Down Down Down");
	assert_string_equal(p.text, "");
	for (int i = 0; i < 200; i++) type(&p, "Up");
	assert_string_equal(p.text, "line 30");
	prompt_done(&p);
}

static size_t complete(void *arg, const char *text, const char **to, size_t max) {
	static const char *const words[] = {"retry", "rescan", "resume", "quit"};
	size_t n = 0;
	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(words) && n < max; i++)
		if (text_starts(words[i], text)) to[n++] = words[i];
	return n;
}

static void test_prompt_completion(void **state) {
	(void)state;
	struct prompt p = {.complete = complete};
	static const char *const typed[][2] = {{"r", "re"}, {"ret", "retry"}, {"x", "x"}, {"q", "quit"}, {"res", "res"}};
	for (size_t i = 0; i < ARRAY_LEN(typed); i++) {
		prompt_open(&p, ':', typed[i][0]);
		type(&p, "Tab");
		assert_string_equal(p.text, typed[i][1]);
		assert_int_equal(p.at, strlen(typed[i][1]));
	}
	p.complete = NULL;
	prompt_open(&p, ':', "r");
	type(&p, "Tab");
	assert_string_equal(p.text, "r");
	prompt_done(&p);
}

static void test_prompt_pasted_megabyte(void **state) {
	(void)state;
	struct prompt p = {0};
	prompt_open(&p, '/', "");
	for (int i = 0; i < 1000000; i++) prompt_key(&p, &(struct key_event){.key = i % 3 ? 0x540d : 'a'});
	assert_true(p.n < PROMPT_MAX && p.n > PROMPT_MAX - 5);
	assert_true(text_is_utf8(p.text, p.n, NULL));
	prompt_draw(&p, &drawn_on, 9);
	prompt_done(&p);
}

static void test_prompt_draws_the_part_before_the_cursor(void **state) {
	(void)state;
	struct prompt p = {0};
	VTermPos at;
	prompt_open(&p, ':', "0123456789012345678901234567890123456789end");
	prompt_draw(&p, &drawn_on, 3);
	drawn_row_is(3, ":5678901234567890123456789012345678"
					"9end");
	prompt_open(&p, '/', "名前");
	prompt_draw(&p, &drawn_on, 4);
	drawn_row_is(4, "/名前");
	vterm_state_get_cursorpos(vterm_obtain_state(drawn->vt), &at);
	assert_int_equal(at.row, 4);
	assert_int_equal(at.col, 5);
	prompt_open(&p, '/', "名名名名名名名名名名名名名名名名名名名名名名名名名名"); /* 52 columns */
	prompt_draw(&p, &drawn_on, 5);
	drawn_row_is(5, "/名名名名名名名名名名名名名名名名名名名");
	vterm_state_get_cursorpos(vterm_obtain_state(drawn->vt), &at);
	assert_int_equal(at.col, 39); /* behind the last of them */
	prompt_done(&p);
}

/* --- table --- */

static const struct column columns[] = {
	{"NAME", 6, 8, 0, ALIGN_LEFT},
	{"SIZE", 5, 5, 2, ALIGN_RIGHT},
	{"WORDS", 6, 0, 1, ALIGN_LEFT},
};

static bool draw_cell(
	void *arg, int64_t row, int column, const struct canvas *c, const struct canvas *rest, bool selected) {
	int64_t *cells = arg;
	char text[32];
	(*cells)++;
	if (row == 2 && column == 1) {
		canvas_text(rest, 0, 0, rest->w, ROLE_TEXT, ALIGN_LEFT, "over the rest of the row");
		return true;
	}
	snprintf(text, sizeof text, "%s%c%lld", selected ? ">" : "", 'a' + column, (long long)row);
	canvas_text(c, 0, 0, c->w, selected ? ROLE_SELECTED : ROLE_TEXT, columns[column].align, text);
	return false;
}

static void draw_table(struct table_view *t, int width, int sorted) {
	struct canvas c = canvas_sub(&drawn_on, 0, 0, 5, width);
	int64_t cells = 0;
	canvas_clear(&drawn_on);
	table_view_draw(t, columns, ARRAY_LEN(columns), sorted, false, draw_cell, &cells, &c);
	assert_true(cells <= 5 * 3); /* what is not seen is not asked for */
}

static void test_table_columns(void **state) {
	(void)state;
	struct table_view t = {.total = 3};
	draw_table(&t, 40, 1);
	drawn_row_is(0, "NAME     SIZE▼ WORDS");
	drawn_row_is(1, ">a0        >b0 >c0");
	drawn_row_is(2, "a1          b1 c1");
	drawn_row_is(3, "a2       over the rest of the row");
	drawn_row_is(4, "");
	draw_table(&t, 17, -1); /* too narrow for SIZE */
	drawn_row_is(0, "NAME     WORDS");
	drawn_row_is(1, ">a0      >c0");
	draw_table(&t, 8, -1);
	drawn_row_is(1, ">a0");
	draw_table(&t, 3, -1);
	drawn_row_is(1, ">a0");
}

static void test_table_moves(void **state) {
	(void)state;
	struct table_view t = {0};
	draw_table(&t, 40, -1);
	for (int a = 0; a < ACTION_N; a++) table_view_act(&t, (enum action)a, NULL); /* an empty one stays at 0 */
	assert_int_equal(t.selected, 0);
	table_view_keep(&t, 100);
	static const struct {
		enum action action;
		int64_t selected, top;
	} moves[] = {{ACTION_UP, 0, 0}, {ACTION_DOWN, 1, 0}, {ACTION_PAGE_DOWN, 4, 1}, {ACTION_BOTTOM, 99, 96},
		{ACTION_DOWN, 99, 96}, {ACTION_PAGE_UP, 96, 96}, {ACTION_UP, 95, 95}, {ACTION_TOP, 0, 0}};
	for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
		assert_true(table_view_act(&t, moves[i].action, NULL));
		assert_int_equal(t.selected, moves[i].selected);
		assert_int_equal(t.top, moves[i].top);
	}
	assert_false(table_view_act(&t, ACTION_RETRY, NULL));
	table_view_act(&t, ACTION_BOTTOM, NULL);
	table_view_keep(&t, 10); /* it shrank */
	assert_int_equal(t.selected, 9);
	assert_int_equal(t.top, 6);
	assert_true(table_view_act(&t, ACTION_NONE, &(struct key_event){.key = KEY_MOUSE_, .mouse_wheel = -1}));
	assert_int_equal(t.selected, 6);
	assert_false(table_view_act(&t, ACTION_NONE, &(struct key_event){.key = KEY_MOUSE_}));
}

/* --- pager --- */

static void test_pager_wraps(void **state) {
	(void)state;
	struct pager p = {.hang = 2};
	struct canvas c = canvas_sub(&drawn_on, 0, 0, 5, 10);
	pager_add(&p, ROLE_TEXT, "one two three four five");
	pager_add(&p, ROLE_TEXT, "%s", "");
	pager_add(&p, ROLE_TEXT, "\033[1m%s", "名前名前");
	pager_draw(&p, &c);
	drawn_row_is(0, "one two");
	drawn_row_is(1, "  three");
	drawn_row_is(2, "  four");
	drawn_row_is(3, "  five");
	drawn_row_is(4, "");
	pager_act(&p, ACTION_BOTTOM, NULL);
	pager_draw(&p, &c);
	drawn_row_is(3, "\\x1b[1m名");
	drawn_row_is(4, "  前名前");
	c = canvas_sub(&drawn_on, 0, 0, 5, 30); /* wider: laid out anew, nothing to scroll */
	pager_draw(&p, &c);
	drawn_row_is(0, "one two three four five");
	assert_int_equal(p.top, 0);
	pager_done(&p);
}

static void test_pager_search(void **state) {
	(void)state;
	struct pager p = {0};
	struct canvas c = canvas_sub(&drawn_on, 0, 0, 3, 20);
	for (int i = 0; i < 50; i++) pager_add(&p, ROLE_TEXT, "line %d%s", i, i % 10 == 5 ? " Needle" : "");
	pager_draw(&p, &c);
	assert_true(pager_search(&p, "needle"));
	assert_int_equal(p.top, 5);
	pager_act(&p, ACTION_NEXT, NULL);
	assert_int_equal(p.top, 15);
	pager_act(&p, ACTION_PREVIOUS, NULL);
	assert_int_equal(p.top, 5);
	pager_act(&p, ACTION_PREVIOUS, NULL); /* none before it */
	assert_int_equal(p.top, 5);
	pager_act(&p, ACTION_BOTTOM, NULL);
	assert_true(pager_search(&p, "needle")); /* from the top again */
	assert_int_equal(p.top, 5);
	assert_false(pager_search(&p, "haystack"));
	assert_true(pager_search(&p, ""));
	assert_true(pager_act(&p, ACTION_NONE, &(struct key_event){.key = KEY_MOUSE_, .mouse_wheel = 1}));
	assert_int_equal(p.top, 8);
	assert_false(pager_act(&p, ACTION_RETRY, NULL));
	pager_clear(&p);
	pager_draw(&p, &c);
	assert_int_equal(p.top, 0);
	for (int a = 0; a < ACTION_N; a++) pager_act(&p, (enum action)a, NULL);
	assert_int_equal(p.top, 0);
	pager_done(&p);
}

/* --- dialog, chart --- */

static void test_dialog(void **state) {
	(void)state;
	static const struct {
		uint32_t key;
		int answer;
	} keys[] = {{'y', 1}, {'Y', 1}, {'n', 0}, {'N', 0}, {'q', 0}, {KEY_ESC, 0}, {KEY_ENTER_, -1}, {' ', -1}, {'x', -1}};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_int_equal(dialog_key(&(struct key_event){.key = keys[i].key}), keys[i].answer);
	dialog_draw(&drawn_on, "ignore", "Ignore \033[31m?\nNothing is deleted.");
	console_flush(drawn);
	assert_true(console_shows(drawn, "│ Ignore \\x1b[31m?"));
	assert_true(console_shows(drawn, "│ Nothing is deleted."));
	assert_true(console_shows(drawn, "│ y yes   n no"));
}

static const char *label(char to[32], double value) {
	snprintf(to, 32, "%.0f", value);
	return to;
}

static void test_chart(void **state) {
	(void)state;
	const double values[] = {4, NAN, 8, 0};
	struct chart k = {.values = values, .n = 4, .step_ms = 15000, .end_ms = NOW_MS, .label = label};
	struct canvas c = canvas_sub(&drawn_on, 0, 0, 3, 15), flat = canvas_sub(&drawn_on, 5, 0, 1, 15);
	chart_draw(&k, &c);
	drawn_row_is(0, "         8   █");
	drawn_row_is(1, "         0 █ █▁");
	chart_draw(&k, &flat); /* too low for one: nothing */
	drawn_row_is(5, "");
	const double unknown[] = {NAN, NAN};
	k.values = unknown;
	k.n = 2;
	c = canvas_sub(&drawn_on, 6, 0, 3, 40);
	chart_draw(&k, &c);
	drawn_row_is(6, "         -");
	drawn_row_is(8, "           14:01:56             14:02:11");
}

int main(void) {
#define DRAWN(f) cmocka_unit_test_setup_teardown(f, drawn_setup, drawn_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prompt_editing),
		DRAWN(test_prompt_whole_characters),
		cmocka_unit_test(test_prompt_ends),
		cmocka_unit_test(test_prompt_history),
		cmocka_unit_test(test_prompt_completion),
		DRAWN(test_prompt_pasted_megabyte),
		DRAWN(test_prompt_draws_the_part_before_the_cursor),
		DRAWN(test_table_columns),
		DRAWN(test_table_moves),
		DRAWN(test_pager_wraps),
		DRAWN(test_pager_search),
		DRAWN(test_dialog),
		DRAWN(test_chart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
