/* SPDX-License-Identifier: MIT */
/* What the tests of a peer's words share: its table walked whole, and rows of answers. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/retry.h"
#include "base/text.h"

#define HTML "<!DOCTYPE html><html><body>Please log in</body></html>"

static inline struct http_answer answer(int status, const char *body) {
	return (struct http_answer){.status = status, .body = body, .body_n = strlen(body)};
}

/* Writes the peer's own error body, with the message "why". */
typedef void own_body(struct buf *to, const char *word);

static inline void expect_rule(const struct answer_rule *rule, const struct answer_form *form, own_body *own) {
	struct error err = ERROR_INIT;
	AUTO(buf_done) struct buf body = BUF_INIT(1024);
	const char *word = rule->word ? rule->word : "some_other_word";
	int status = rule->status_min ? rule->status_min : 418;
	own(&body, word);
	struct http_answer a = answer(status, body.data);
	assert_int_equal(answer_check(&a, form, "put a.bin", &err), -1);
	/* A row of a range may give way to an earlier one at its lowest status; then the last status is its own. */
	if (err.code != rule->code) {
		a.status = rule->status_max;
		assert_int_equal(answer_check(&a, form, "put a.bin", &err), -1);
	}
	if (err.code != rule->code) fail_msg("%s %d: %s", word, a.status, err.text);
	assert_int_equal(err.http, a.status);
	assert_string_equal(err.word, word);
	assert_true(text_starts(err.text, "put a.bin: "));
	assert_non_null(strstr(err.text, "why"));
	assert_non_null(strstr(err.text, rule->mend));

	/* The same status with a web page: this row holds whatever the body is, or it came from a box in the middle. */
	if (rule->word) return;
	a = answer(a.status, HTML);
	assert_int_equal(answer_check(&a, form, "x", &err), -1);
	assert_int_equal(err.code, rule->any_body ? rule->code : ERR_MIDDLEBOX);
	assert_int_equal(error_classes[ERR_MIDDLEBOX].retry, RETRY_TRANSIENT);
}

/* Every row of the peer's, and every row that holds for all. */
static inline void walk_rules(const struct answer_form *form, own_body *own) {
	const struct answer_rule *const tables[] = {form->rules, answer_rules};
	const size_t sizes[] = {form->rule_n, answer_rule_n};
	bool words_over = false;
	for (size_t k = 0; k < ARRAY_LEN(tables); k++)
		for (size_t i = 0; i < sizes[k]; i++) {
			const struct answer_rule *rule = &tables[k][i];
			words_over = words_over || !rule->word;
			assert_true(!rule->word || !words_over); /* words first */
			assert_true(rule->word || rule->status_max >= rule->status_min);
			assert_true(rule->word || rule->status_min >= 400);
			assert_true(strlen(rule->mend) > 10); /* a sentence without one helps nobody */
			if (!rule->when) expect_rule(rule, form, own);
		}
}

struct class_row { /* architecture.md "Retry", line by line */
	int status;
	const char *word;
	enum retry_class retry;
};
static inline void expect_classes(
	const struct answer_form *form, own_body *own, const struct class_row *rows, size_t n) {
	for (size_t i = 0; i < n; i++) {
		struct error err = ERROR_INIT;
		AUTO(buf_done) struct buf body = BUF_INIT(1024);
		own(&body, rows[i].word);
		struct http_answer a = answer(rows[i].status, body.data);
		assert_int_equal(answer_check(&a, form, "x", &err), -1);
		if (error_classes[err.code].retry != rows[i].retry) fail_msg("%s: %s", rows[i].word, err.text);
	}
}

struct answer_case {
	int status;
	const char *body;
	enum error_code code;
};
static inline void expect_answers(const struct answer_form *form, const struct answer_case *rows, size_t n) {
	for (size_t i = 0; i < n; i++) {
		struct error err = ERROR_INIT;
		struct http_answer a = answer(rows[i].status, rows[i].body);
		int status = answer_check(&a, form, "x", &err);
		if (err.code != rows[i].code || (status == 0) != (rows[i].code == ERR_NONE))
			fail_msg("%d %s: %d %s", rows[i].status, rows[i].body, (int)err.code, err.text);
	}
}
