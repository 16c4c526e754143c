/* SPDX-License-Identifier: MIT */
/* One line of input. The text is UTF-8; `at` stands at a character's beginning. */
#include "ui/widgets/prompt.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define HISTORY_MAX 100
#define CHOICES_MAX 64

void prompt_open(struct prompt *p, char lead, const char *text) {
	p->lead = lead;
	text_copy(p->text, sizeof p->text, text ? text : "");
	p->n = p->at = strlen(p->text);
	p->history_at = p->history_n;
}

void prompt_done(struct prompt *p) {
	for (size_t i = 0; i < p->history_n; i++) free(p->history[i]);
	free(p->history);
	*p = (struct prompt){0};
}

void prompt_remember(struct prompt *p, const char *text) {
	if (!*text || (p->history_n && strcmp(p->history[p->history_n - 1], text) == 0)) return;
	if (p->history_n == HISTORY_MAX) {
		free(p->history[0]);
		memmove(p->history, p->history + 1, (HISTORY_MAX - 1) * sizeof *p->history);
		p->history_n--;
	}
	ARRAY_RESERVE(p->history, p->history_n, p->history_capacity);
	p->history[p->history_n++] = xstrdup(text);
}

static size_t prompt_left(const struct prompt *p) {
	size_t at = p->at;
	while (at > 0 && ((unsigned char)p->text[--at] & 0xC0) == 0x80) continue;
	return at;
}

static size_t prompt_right(const struct prompt *p) {
	size_t at = p->at;
	while (at < p->n && ((unsigned char)p->text[++at] & 0xC0) == 0x80) continue;
	return at;
}

static void prompt_cut(struct prompt *p, size_t from, size_t to) {
	memmove(p->text + from, p->text + to, p->n - to + 1);
	p->n -= to - from;
	p->at = from;
}

static void prompt_insert(struct prompt *p, uint32_t c) {
	char bytes[4];
	size_t n = text_encode(bytes, c);
	if (c < 0x20 || c >= KEYS_BASE || text_is_unsafe(c) || !n || p->n + n >= sizeof p->text) return;
	memmove(p->text + p->at + n, p->text + p->at, p->n - p->at + 1);
	memcpy(p->text + p->at, bytes, n);
	p->at += n;
	p->n += n;
}

static void prompt_history(struct prompt *p, int step) {
	if ((step < 0 && p->history_at == 0) || (step > 0 && p->history_at >= p->history_n)) return;
	p->history_at += (size_t)step;
	text_copy(p->text, sizeof p->text, p->history_at < p->history_n ? p->history[p->history_at] : "");
	p->n = p->at = strlen(p->text);
}

/* As far as all completions agree. */
static void prompt_complete(struct prompt *p) {
	const char *choices[CHOICES_MAX];
	size_t n = p->complete ? p->complete(p->arg, p->text, choices, CHOICES_MAX) : 0;
	if (!n) return;
	size_t common = strlen(choices[0]);
	for (size_t i = 1; i < n; i++) {
		size_t same = 0;
		while (same < common && choices[0][same] == choices[i][same]) same++;
		common = same;
	}
	if (common < p->n) return;
	text_copy(p->text, MIN(common + 1, sizeof p->text), choices[0]);
	p->n = p->at = strlen(p->text);
}

enum prompt_result prompt_key(struct prompt *p, const struct key_event *key) {
	switch (key->key) {
	case KEY_ENTER_: prompt_remember(p, p->text); return PROMPT_ENTERED;
	case KEY_ESC:
	case 'C' - '@':
	case 'G' - '@': return PROMPT_LEFT;
	case KEY_BACKSPACE_:
		if (!p->n) return PROMPT_LEFT;
		prompt_cut(p, prompt_left(p), p->at);
		break;
	case KEY_DELETE_: {
		size_t at = p->at;
		prompt_cut(p, at, prompt_right(p));
		break;
	}
	case KEY_LEFT_: p->at = prompt_left(p); break;
	case KEY_RIGHT_: p->at = prompt_right(p); break;
	case KEY_HOME_:
	case 'A' - '@': p->at = 0; break;
	case KEY_END_:
	case 'E' - '@': p->at = p->n; break;
	case 'U' - '@': prompt_cut(p, 0, p->at); break;
	case 'K' - '@':
		p->text[p->at] = '\0';
		p->n = p->at;
		break;
	case KEY_UP_: prompt_history(p, -1); break;
	case KEY_DOWN_: prompt_history(p, 1); break;
	case KEY_TAB: prompt_complete(p); break;
	default: prompt_insert(p, key->key);
	}
	return PROMPT_OPEN;
}

void prompt_draw(const struct prompt *p, const struct canvas *c, int y) {
	char before[PROMPT_MAX + 2], lead[2] = {p->lead, 0};
	text_copy(before, MIN(p->at + 1, sizeof before), p->text);
	int to_cursor = 1 + text_columns(before);
	/* A line that is too long shows its part before the cursor. */
	const char *from = p->text;
	while (to_cursor > c->w - 1 && *from) {
		uint32_t ignored;
		char one[8];
		size_t len = MAX(text_decode(from, strlen(from), &ignored), 1);
		text_copy(one, len + 1, from);
		to_cursor -= text_columns(one);
		from += len;
	}
	canvas_text(c, y, 0, c->w, ROLE_INPUT, ALIGN_LEFT, "");
	canvas_put(c, y, 0, ROLE_KEY, lead);
	canvas_text(c, y, 1, c->w - 1, ROLE_INPUT, ALIGN_LEFT, from);
	canvas_cursor(c, y, to_cursor);
}
