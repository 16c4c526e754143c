/* SPDX-License-Identifier: MIT */
/* What a key does: in a dialog, in a prompt, in the help, on the screen. The actions a screen has come from its table,
 * then those of the console; a key that is in neither does nothing. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "station/told/acts.h"
#include "ui/app_internal.h"
#include "ui/frame.h"
#include "ui/widgets/dialog.h"

#define PASTE_WORDS "pasted text is taken in : and / only"
#define PASTE_KEYS 16
#define PASTE_QUIET_MS 200 /* after which it is over */

/* --- actions --- */

static enum action input_find(uint32_t key, const struct screen_key *among, size_t n) {
	for (size_t i = 0; i < n; i++)
		if (action_has_key(among[i].action, key)) return among[i].action;
	return ACTION_NONE;
}

static enum action input_action(const struct screen *s, uint32_t key) {
	enum action action = input_find(key, s->keys, s->key_n);
	return action != ACTION_NONE ? action : input_find(key, frame_keys, frame_key_n);
}

static bool input_forbidden(struct app *a, enum action action) {
	const struct screen *s = app_here(a);
	bool changes = action == ACTION_RESCAN;
	for (size_t i = 0; i < s->key_n; i++)
		if (s->keys[i].action == action) changes = s->keys[i].changes;
	if (!changes || !a->o->read_only) return false;
	host_say(
		&a->host, ROLE_WARN, "this console is read-only: start it without --read-only to %s", action_rows[action].name);
	return true;
}

static void prompt_start(struct app *a, struct prompt *p, char lead) {
	a->prompt = p;
	prompt_open(p, lead, "");
	a->mode = MODE_PROMPT;
	app_draw(a);
}

static void next_theme(struct app *a) {
	size_t i = 0;
	while (themes[i] != a->theme) i++;
	a->theme = themes[i + 1] ? themes[i + 1] : themes[0];
	tty_set_theme(a->tty, a->theme);
	host_say(&a->host, ROLE_TEXT, "theme %s: %s", a->theme->name, a->theme->help);
}

/* The console's own actions; false: not one of them. */
static bool input_console(struct app *a, enum action action) {
	switch (action) {
	case ACTION_HELP:
		frame_help(app_here(a), a->o->read_only, &a->help);
		a->help.top = 0;
		a->mode = MODE_HELP;
		break;
	case ACTION_COMMAND: prompt_start(a, &a->command, ':'); return true;
	case ACTION_HANDOVER: app_go(a, screen_by_name("handover"), NULL); break;
	case ACTION_RESCAN: source_command(a->host.source, "rescan", NULL, 0); break;
	case ACTION_THEME: next_theme(a); break;
	case ACTION_MOUSE:
		a->mouse = !a->mouse;
		tty_mouse(a->tty, a->mouse);
		host_say(&a->host, ROLE_TEXT, a->mouse ? "mouse on (m: off, so that text can be selected)" : "mouse off");
		break;
	case ACTION_REPAINT: tty_repaint(a->tty); break;
	case ACTION_BACK: app_back(a); break;
	case ACTION_QUIT: app_quit(a); break;
	default: return false;
	}
	app_draw(a);
	return true;
}

static void after_act(struct app *a, const struct after *after) {
	switch (after->kind) {
	case AFTER_NOTHING: break;
	case AFTER_DRAW: app_draw(a); break;
	case AFTER_OPEN: app_go(a, screen_by_name(after->screen), after->arg); break;
	case AFTER_BACK: app_back(a); break;
	}
}

/* One Escape too many is no wish to leave. */
static void input_home(struct app *a) {
	const struct screen *s = app_here(a);
	if (s->search) s->search(&a->host, app_self(a, s), "", true);
	host_say(&a->host, ROLE_TEXT, "q leaves the console");
}

static void input_act(struct app *a, enum action action, const struct key_event *key) {
	const struct screen *s = app_here(a);
	if (input_forbidden(a, action)) return;
	if (action == ACTION_BACK && key && key->key == KEY_ESC && a->stack_n < 2) {
		input_home(a);
		return;
	}
	if (action == ACTION_SEARCH && s->search) {
		prompt_start(a, &a->search, '/');
		return;
	}
	for (size_t i = 0; i < s->key_n; i++) {
		if (s->keys[i].action != action) continue;
		struct after after = s->act(&a->host, app_self(a, s), action, key);
		after_act(a, &after);
		return;
	}
	if (!input_console(a, action) && action != ACTION_NONE)
		host_say(&a->host, ROLE_WARN, "%s does nothing on this screen; ? is help", action_rows[action].name);
}

/* --- the command line --- */

static const char *command_word(size_t i) {
	size_t screen_n = 0;
	while (screens[screen_n]) screen_n++;
	if (i < screen_n) return screens[i]->name;
	i -= screen_n;
	return i + 1 < ACTION_N ? action_rows[i + 1].name : NULL;
}

static size_t command_complete(void *arg, const char *text, const char **to, size_t max) {
	size_t n = 0;
	(void)arg;
	for (size_t i = 0; command_word(i) && n < max; i++)
		if (text_starts(command_word(i), text)) to[n++] = command_word(i);
	return n;
}

/* ":sessions", ":retry 20261120_134502", ":theme": a screen, an action of here, or a command over sessions by name. */
static void command_run(struct app *a, char *line) {
	enum act act;
	char *rest = line, *word = strsep(&rest, " ");
	const char *names[64];
	size_t n = 0;
	for (char *name; rest && n < ARRAY_LEN(names) && (name = strsep(&rest, " "));)
		if (*name) names[n++] = name;
	if (n && act_parse(word, &act) == 0) {
		host_command(&a->host, word, names, n, NULL);
		return;
	}
	const struct screen *s = screen_by_name(word);
	enum action action = action_by_name(word);
	if (s) {
		app_go(a, s, n ? names[0] : NULL);
	} else if (action != ACTION_NONE) {
		input_act(a, action, NULL);
	} else {
		const char *known[SCREENS_MAX + ACTION_N];
		size_t known_n = command_complete(NULL, "", known, ARRAY_LEN(known));
		const char *nearest = text_nearest(word, known, known_n);
		host_say(&a->host, ROLE_BAD, "no command \"%s\"%s%s; Tab completes, ? is help", word,
			nearest ? ", did you mean " : "", nearest ? nearest : "");
	}
}

static void input_prompt(struct app *a, const struct key_event *key) {
	struct prompt *p = a->prompt;
	const struct screen *s = app_here(a);
	a->command.complete = command_complete;
	enum prompt_result result = prompt_key(p, key);
	app_draw(a);
	if (p == &a->search && s->search)
		s->search(&a->host, app_self(a, s), result == PROMPT_LEFT ? "" : p->text, result != PROMPT_OPEN);
	if (result == PROMPT_OPEN) return;
	a->mode = MODE_SCREEN;
	if (result == PROMPT_ENTERED && p == &a->command && p->n) command_run(a, p->text);
}

/* --- every key --- */

static void input_dialog(struct app *a, const struct key_event *key) {
	int answer = dialog_key(key);
	if (answer < 0) return;
	if (answer)
		source_command(a->host.source, a->question.method, (const char *const *)a->question.sessions, a->question.n);
	app_question_done(a);
}

static void input_help(struct app *a, const struct key_event *key) {
	static const struct screen_key scrolling[] = {SCROLL_KEYS(NULL)};
	enum action action = input_find(key->key, scrolling, ARRAY_LEN(scrolling));
	if (action == ACTION_NONE && key->key != KEY_MOUSE_) a->mode = MODE_SCREEN;
	else pager_act(&a->help, action, key);
	app_draw(a);
}

static bool input_digit(struct app *a, uint32_t key) {
	for (size_t i = 0; screens[i]; i++) {
		if (!screens[i]->digit || (uint32_t)screens[i]->digit != key) continue;
		app_go(a, screens[i], NULL);
		return true;
	}
	return false;
}

static void input_mouse(struct app *a, const struct key_event *key) {
	const struct screen *s = app_here(a);
	struct canvas c = tty_canvas(a->tty);
	const struct screen *tab = key->mouse_y == FRAME_TABS_Y && !key->mouse_wheel && frame_body(&c).h
								   ? frame_tab(&a->model, s, c.w, key->mouse_x)
								   : NULL;
	if (tab) {
		app_go(a, tab, NULL);
		return;
	}
	struct after after = s->act(&a->host, app_self(a, s), ACTION_NONE, key);
	after_act(a, &after);
}

/* Pasted text is words, never commands: it is taken by an open prompt, up to its end of line, and by nothing else. */
static bool input_pasted(struct app *a, const struct key_event *key) {
	if (key->key == KEY_PASTE_BEGIN_ && a->mode != MODE_PROMPT) host_say(&a->host, ROLE_WARN, PASTE_WORDS);
	bool mark = key->key == KEY_PASTE_BEGIN_ || key->key == KEY_PASTE_END_;
	if (mark || key->key == KEY_ESC) a->pasting = key->key == KEY_PASTE_BEGIN_;
	return mark || (a->pasting && (a->mode != MODE_PROMPT || key->key < ' ' || key->key >= KEYS_BASE));
}

/* Words, not keys: PASTE_KEYS characters, none as the one before it, as repeated keys would be; a prompt that is opened
 * first takes what follows. */
static bool input_is_text(const struct key_event *keys, size_t n) {
	size_t changes = 0;
	if (n && (keys[0].key == ':' || keys[0].key == '/')) return false;
	for (size_t i = 0; i < n && keys[i].key != KEY_PASTE_BEGIN_; i++)
		changes += keys[i].key >= ' ' && keys[i].key < KEYS_BASE && (!i || keys[i].key != keys[i - 1].key);
	return changes >= PASTE_KEYS;
}

static void input_refuse(struct app *a) {
	a->refused_ms = clock_mono_ms();
	host_say(&a->host, ROLE_WARN, PASTE_WORDS);
}

void input_keys(struct app *a, const struct key_event *keys, size_t n) {
	for (size_t i = 0; i < n && !a->closing; i++) {
		if (a->mode != MODE_PROMPT && !a->pasting && input_is_text(keys + i, n - i)) {
			input_refuse(a);
			return;
		}
		input_key(a, &keys[i]);
	}
}

bool input_refuses(struct app *a) {
	if (!a->refused_ms || clock_mono_ms() - a->refused_ms >= PASTE_QUIET_MS) return false;
	input_refuse(a);
	return true;
}

void input_key(struct app *a, const struct key_event *key) {
	if (input_pasted(a, key)) return;
	if (key->key == KEY_RESIZE_) {
		app_draw(a);
		return;
	}
	if (key->key == 'Z' - '@') {
		app_stop(a);
		return;
	}
	switch (a->mode) {
	case MODE_DIALOG: input_dialog(a, key); return;
	case MODE_PROMPT: input_prompt(a, key); return;
	case MODE_HELP: input_help(a, key); return;
	case MODE_SCREEN: break;
	}
	if (key->key == KEY_MOUSE_) input_mouse(a, key);
	else if (!input_digit(a, key->key)) input_act(a, input_action(app_here(a), key->key), key);
}
