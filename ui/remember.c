/* SPDX-License-Identifier: MIT */
/* What the console keeps for this user: screen, theme, command history, each screen's own state. One bounded JSON file
 * (XDG Base Directory Specification); what cannot be read or written is as if it were not there. */
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "ui/app_internal.h"

#define FILE_NAME "console.json"
#define FILE_MOST (256 << 10)

/* NULL: this user has no home. */
static char *remember_folder(void) {
	AUTO(xfree) char *folder = path_state_home("headgate");
	return *folder == '/' ? TAKE(folder) : NULL;
}

static const char *remember_text(const cJSON *o, const char *name) {
	const char *text = json_get_text(o, name);
	return text ? text : "";
}

static void recall_screens(struct app *a, const cJSON *kept) {
	for (size_t i = 0; screens[i]; i++) {
		const cJSON *own = json_get_object(kept, screens[i]->name);
		if (screens[i]->recall && own) screens[i]->recall(app_self(a, screens[i]), own);
	}
}

static void recall_history(struct app *a, const cJSON *kept) {
	const cJSON *line;
	json_each (line, kept) {
		const char *text = json_as_text(line);
		if (text && strlen(text) < PROMPT_MAX) prompt_remember(&a->command, text);
	}
}

void remember_load(struct app *a, char *ret_screen, size_t size, char *ret_theme, size_t theme_size) {
	AUTO(xfree) char *folder = remember_folder();
	AUTO(xfree) char *path = folder ? path_join(folder, FILE_NAME) : NULL;
	AUTO(buf_done) struct buf text = BUF_INIT(FILE_MOST);
	AUTO(json_free) cJSON *kept = NULL;
	struct error none = ERROR_INIT;
	if (!path || file_read(path, FILE_MOST, &text, &none) || json_parse(buf_text(&text), text.len, &kept, &none))
		return;
	text_copy(ret_screen, size, remember_text(kept, "screen"));
	text_copy(ret_theme, theme_size, remember_text(kept, "theme"));
	recall_screens(a, json_get_object(kept, "screens"));
	recall_history(a, json_get_array(kept, "history"));
}

static cJSON *remember_screens(struct app *a) {
	cJSON *all = json_object();
	for (size_t i = 0; screens[i]; i++) {
		if (!screens[i]->remember || !a->states[i]) continue;
		cJSON *own = json_object();
		screens[i]->remember(a->states[i], own);
		json_add(all, screens[i]->name, own);
	}
	return all;
}

static cJSON *remember_history(const struct prompt *p) {
	cJSON *list = json_array();
	for (size_t i = 0; i < p->history_n; i++) json_push_text(list, p->history[i]);
	return list;
}

void remember_save(struct app *a) {
	AUTO(xfree) char *folder = remember_folder();
	AUTO(xfree) char *path = folder ? path_join(folder, FILE_NAME) : NULL;
	AUTO(json_free) cJSON *o = json_object();
	AUTO(buf_done) struct buf was = BUF_INIT(FILE_MOST);
	struct error none = ERROR_INIT;
	if (!path || !a->stack_n) return;
	size_t top = a->stack_n - 1; /* the last one that a digit reaches: others are of a moment */
	while (top > 0 && !a->stack[top]->digit) top--;
	json_add_text(o, "screen", a->stack[top]->name);
	json_add_text(o, "theme", a->theme->name);
	json_add(o, "screens", remember_screens(a));
	json_add(o, "history", remember_history(&a->command));
	AUTO(xfree) char *text = json_text(o);
	size_t n = strlen(text);
	bool same = file_read(path, FILE_MOST, &was, &none) == 0 && was.len == n && memcmp(was.data, text, n) == 0;
	if (same || n > FILE_MOST || file_mkdirs(folder, 0700, &none)) return;
	if (file_write_brisk(path, text, n, 0600, &none)) error_clear(&none);
}
