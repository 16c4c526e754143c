/* SPDX-License-Identifier: MIT */
/* Patterns as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/pattern.h"

static void test_match(void **state) {
	(void)state;
	const struct {
		const char *pattern, *name;
		bool matches;
	} rows[] = {
		{"Thumbs.db", "thumbs.DB", true},
		{"Thumbs.db", "a/b/Thumbs.db", true},
		{"Thumbs.db", "xThumbs.db", false},
		{"*.part", "eeg.part", true},
		{"*.part", "sub/EEG.PART", true},
		{"*.part", "part", false},
		{"*~", "notes.txt~", true},
		{".*.??????", ".eeg.dat.Xy12Ab", true},
		{".*.??????", ".DS_Store", false},
		{".*.??????", "eeg.abcdef", false},
		{"._*", "sub/._eeg.dat", true},
		{"raw/*.log", "raw/a.log", true},
		{"raw/*.log", "a.log", false},
		{"[ab].txt", "b.txt", true},
		{"@*", "@eaDir", true},
		{"", "x", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct option_list l = {0};
		struct error err = ERROR_INIT;
		assert_int_equal(patterns_set(&l, rows[i].pattern, &err), 0);
		assert_int_equal(patterns_match(&l, rows[i].name), rows[i].matches);
		option_list_clear(&l);
	}
}

static void test_set_and_show(void **state) {
	(void)state;
	struct option_list l = {0};
	struct error err = ERROR_INIT;
	char text[64];
	assert_int_equal(patterns_set(&l, " *.part ,System Volume Information,, x ", &err), 0);
	patterns_show(&l, text, sizeof text);
	assert_string_equal(text, "*.part, System Volume Information, x");
	assert_int_equal(patterns_set(&l, "+ *.bak", &err), 0);
	assert_true(patterns_match(&l, "a.bak") && patterns_match(&l, "a.part"));
	assert_int_equal(patterns_set(&l, "*.bak", &err), 0);
	assert_true(patterns_match(&l, "a.bak") && !patterns_match(&l, "a.part"));
	assert_int_equal(patterns_set(&l, "", &err), 0);
	assert_int_equal(l.n, 0);
	assert_int_equal(patterns_set(&l, "a[b", &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
	option_list_clear(&l);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_match), cmocka_unit_test(test_set_and_show)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
