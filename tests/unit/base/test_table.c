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
	table_print(t, &out);
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
	table_print(t, &out);
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

int main(void) {
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_columns), cmocka_unit_test(test_wide),
		cmocka_unit_test(test_escaped), cmocka_unit_test(test_unfinished_row)};
	return cmocka_run_group_tests_name("base/table", tests, NULL, NULL);
}
