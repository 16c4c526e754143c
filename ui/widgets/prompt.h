/* SPDX-License-Identifier: MIT */
/* One line of input: editing keys, history, completion from a list. A pasted megabyte is cut at its ceiling. */
#pragma once

#include "ui/term/canvas.h"
#include "ui/term/key.h"

#define PROMPT_MAX 512
enum prompt_result { PROMPT_OPEN, PROMPT_ENTERED, PROMPT_LEFT };
struct prompt {
	char lead; /* ':' or '/' */
	char text[PROMPT_MAX];
	size_t n, at;
	char **history;
	size_t history_n, history_at, history_capacity;
	/* Fills `to` with the completions of text (at most max); may be NULL. */
	size_t (*complete)(void *arg, const char *text, const char **to, size_t max);
	void *arg;
};
void prompt_open(struct prompt *p, char lead, const char *text);
enum prompt_result prompt_key(struct prompt *p, const struct key_event *key);
void prompt_draw(const struct prompt *p, const struct canvas *c, int y);
void prompt_remember(struct prompt *p, const char *text); /* into the history, as when it was entered */
void prompt_done(struct prompt *p);
