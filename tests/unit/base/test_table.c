/* SPDX-License-Identifier: MIT */
/* base/table: widths, alignment, escaping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/table.h"

static const char *const titles[] = {"NAME", ">SIZE", "WHY"};

static void expect(const struct table *t, const char *text) {
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 16);
	table_print(t, 0, &out);
	assert_string_equal(buf_text(&out), text);
}

static void test_columns(void **state) {
	(void)state;
	AUTO(table_free) struct table *t = table_new(titles, 3);
	expect(t, "NAME  SIZE  WHY\n");
	table_cell(t, "a");
	table_cellf(t, "%d MB", 600);
	table_cell(t, NULL);
	table_cell(t, "longer");
	table_cell(t, "1 B");
	table_cell(t, "fine");
	expect(t, "NAME      SIZE  WHY\na       600 MB  -\nlonger     1 B  fine\n");
}

static void test_cells_of_json(void **state) {
	(void)state;
	AUTO(table_free) struct table *t = table_new(titles, 3);
	AUTO(json_free) cJSON *o = json_object();
	json_add_text(o, "text", "a");
	json_add_i64(o, "number", 5000000000);
	json_add_bool(o, "other", true);
	table_cell_json(t, json_get(o, "text"));
	table_cell_json(t, json_get(o, "number"));
	table_cell_json(t, json_get(o, "other"));
	table_cell_json(t, json_get(o, "gone"));
	expect(t, "NAME        SIZE  WHY\na     5000000000  -\n-\n");
}

static void test_wide(void **state) {
	(void)state;
	AUTO(table_free) struct table *t = table_new(titles, 3);
	static const char *const names[] = {"日本", "äö", "e\xCC\x81", "ascii"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		table_cell(t, names[i]);
		table_cell(t, "1");
		table_cell(t, "x");
	}
	expect(t, "NAME   SIZE  WHY\n日本      1  x\näö        1  x\ne\xCC\x81         1  x\nascii     1  x\n");
}

/* What came from outside cannot speak to the terminal. */
static void test_escaped(void **state) {
	(void)state;
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 16);
	AUTO(table_free) struct table *t = table_new(titles, 3);
	table_cell(t, "\033]0;title\a\n");
	table_cell(t, "\xFF");
	table_cell(t, "");
	table_print(t, 0, &out);
	assert_null(strchr(buf_text(&out), '\033'));
	assert_null(strchr(buf_text(&out), '\a'));
	assert_non_null(strstr(buf_text(&out), "\\xff"));
	int lines = 0;
	for (const char *c = buf_text(&out); *c; c++) lines += *c == '\n';
	assert_int_equal(lines, 2);
}

static void test_unfinished_row(void **state) {
	(void)state;
	AUTO(table_free) struct table *t = table_new(titles, 3);
	table_cell(t, "a");
	expect(t, "NAME  SIZE  WHY\na\n");
	table_free(NULL);
}

static void test_broken_to_the_width(void **state) {
	(void)state;
	AUTO(table_free) struct table *t = table_new(titles, 3);
	static const struct {
		int width;
		const char *text;
	} cases[] = {
		{0, "NAME  SIZE  WHY\nabc    600  the quick brown fox jumps over it\nd        1  "
			"日本日本日本日本日本日本日本\n"},
		{45, "NAME  SIZE  WHY\nabc    600  the quick brown fox jumps over it\nd        1  "
			 "日本日本日本日本日本日本日本\n"},
		{39, "NAME  SIZE  WHY\nabc    600  the quick brown fox jumps\n            over it\n"
			 "d        1  日本日本日本日本日本日本日\n            本\n"},
		{30, "NAME  SIZE  WHY\nabc    600  \n    the quick brown fox jumps\n    over it\n"
			 "d        1  \n    日本日本日本日本日本日本日\n    本\n"},
		{10, "NAME  SIZE  WHY\nabc    600  the quick brown fox jumps over it\nd        1  "
			 "日本日本日本日本日本日本日本\n"},
	};
	table_cell(t, "abc");
	table_cell(t, "600");
	table_cell(t, "the quick brown fox jumps over it");
	table_cell(t, "d");
	table_cell(t, "1");
	table_cell(t, "日本日本日本日本日本日本日本");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(buf_done) struct buf out = BUF_INIT(1 << 16);
		table_print(t, cases[i].width, &out);
		assert_string_equal(buf_text(&out), cases[i].text);
	}
}

int main(void) {
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_columns), cmocka_unit_test(test_cells_of_json),
		cmocka_unit_test(test_wide), cmocka_unit_test(test_escaped), cmocka_unit_test(test_unfinished_row),
		cmocka_unit_test(test_broken_to_the_width)};
	return cmocka_run_group_tests_name("base/table", tests, NULL, NULL);
}
