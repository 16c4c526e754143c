/* SPDX-License-Identifier: MIT */
/* Every key of every screen, from the tables: none stands twice, each does its work and none brings the console down.
 */
#include "console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "situation.h"
#include "ui/frame.h"

#define SESSION "20261120_134502"

static struct console *open_at(const struct screen *s, enum situation situation, bool read_only) {
	struct console *c = console_open(&(struct console_options){.rows = 24, .cols = 80, .read_only = read_only});
	situation_make(situation, &c->app.model);
	if (c->app.model.page.n) situation_detail(&c->app.model, SESSION);
	console_start(c);
	if (s != screens[0]) app_go(&c->app, s, s->digit ? NULL : SESSION);
	console_paint(c);
	buf_clear(&c->asked);
	return c;
}

static void shut(struct console *c) {
	situation_free(&c->app.model);
	console_close(c);
}

/* Calls `each` for every key name of an action. */
static void for_keys(enum action action, void (*each)(enum action action, const char *key, void *arg), void *arg) {
	const char *at = action_rows[action].keys;
	while (*at) {
		size_t n = strcspn(at, " ");
		char name[16];
		text_copy(name, MIN(n + 1, sizeof name), at);
		each(action, name, arg);
		at += n + (at[n] == ' ');
	}
}

/* --- the tables --- */

struct seen {
	uint32_t keys[128];
	enum action actions[128];
	size_t n;
};

static void see(enum action action, const char *name, void *arg) {
	struct seen *seen = arg;
	uint32_t key = 0;
	assert_int_equal(key_parse(name, &key), 0);
	for (size_t i = 0; i < seen->n; i++)
		if (seen->keys[i] == key)
			fail_msg("%s is %s and %s", name, action_rows[seen->actions[i]].name, action_rows[action].name);
	assert_true(seen->n < ARRAY_LEN(seen->keys));
	seen->keys[seen->n] = key;
	seen->actions[seen->n++] = action;
}

static void test_no_key_twice(void **state) {
	(void)state;
	for (size_t i = 0; screens[i]; i++) {
		struct seen seen = {0};
		for (size_t k = 0; screens[k]; k++)
			if (screens[k]->digit) see(ACTION_N, (char[2]){screens[k]->digit, 0}, &seen);
		for (size_t k = 0; k < frame_key_n; k++) for_keys(frame_keys[k].action, see, &seen);
		for (size_t k = 0; k < screens[i]->key_n; k++) for_keys(screens[i]->keys[k].action, see, &seen);
	}
}

static void test_screens_are_whole(void **state) {
	(void)state;
	for (size_t i = 0; screens[i]; i++) {
		const struct screen *s = screens[i];
		assert_true(i < SCREENS_MAX);
		assert_true(s->name && s->title && s->help && s->draw && s->act && s->parts && s->state_size);
		assert_ptr_equal(screen_by_name(s->name), s);
		for (size_t k = 0; k < s->key_n; k++) {
			assert_true(s->keys[k].action > ACTION_NONE && s->keys[k].action < ACTION_N);
			if (s->keys[k].action == ACTION_SEARCH) assert_non_null(s->search);
		}
	}
	assert_true(screens[0]->digit);
	assert_null(screen_by_name("nothing"));
	assert_null(screen_by_name(NULL));
}

/* Each part comes from one place, fits where it goes, and is drawn by somebody; what screens draw is in the table. */
static void test_parts_are_whole(void **state) {
	(void)state;
	const struct model m = {.parts = parts};
	unsigned drawn_bits = 0;
	for (size_t i = 0; screens[i]; i++) drawn_bits |= part_bits(&m, screens[i]->parts);
	for (size_t i = 0; parts[i]; i++) {
		const struct part *p = parts[i];
		assert_true(i < PARTS_MAX && p->name);
		assert_int_equal(part_row(&m, p), i); /* none stands twice */
		assert_true(p->always || drawn_bits & part_bit(&m, p));
		assert_true(p->read ? !p->method && p->size : !p->first && !p->once && !p->wish_size && !p->exact);
		assert_true(p->method ? p->hear && p->size && p->every_ms >= 0 : !p->hear && !p->every_ms);
		assert_true(p->wish_size <= PART_WISH_MOST && (p->wish_size || !p->exact));
		assert_true(!p->place || (p->size >= sizeof(int64_t) && p->place + p->size <= sizeof m));
	}
}

/* Every action but the console's inner ones is on some screen or everywhere. */
static void test_every_action_is_bound(void **state) {
	(void)state;
	for (int a = 1; a < ACTION_N; a++) {
		bool bound = false;
		for (size_t k = 0; k < frame_key_n; k++) bound |= (int)frame_keys[k].action == a;
		for (size_t i = 0; screens[i]; i++)
			for (size_t k = 0; k < screens[i]->key_n; k++) bound |= (int)screens[i]->keys[k].action == a;
		if (!bound) fail_msg("no screen knows %s", action_rows[a].name);
	}
}

/* --- pressing them --- */

struct press {
	const struct screen *screen;
	enum situation situation;
	bool read_only;
};

static void press(enum action action, const char *name, void *arg) {
	const struct press *p = arg;
	struct console *c = open_at(p->screen, p->situation, p->read_only);
	bool is_back = action == ACTION_BACK && p->screen == screens[0] && strcmp(name, "Esc") != 0;
	bool ends = action == ACTION_QUIT || is_back;
	console_press(c, name);
	assert_int_equal(c->app.closing, ends);
	if (c->app.mode == MODE_DIALOG) console_press(c, "n");
	if (c->app.mode != MODE_SCREEN) console_press(c, "Esc");
	assert_int_equal(c->app.mode, MODE_SCREEN);
	console_press(c, name); /* again, from where it led */
	shut(c);
}

static void press_all(const struct press *p) {
	for (size_t k = 0; k < frame_key_n; k++) for_keys(frame_keys[k].action, press, (void *)(uintptr_t)p);
	for (size_t k = 0; k < p->screen->key_n; k++) for_keys(p->screen->keys[k].action, press, (void *)(uintptr_t)p);
	for (size_t k = 0; screens[k]; k++)
		if (screens[k]->digit) press(ACTION_N, (char[2]){screens[k]->digit, 0}, (void *)(uintptr_t)p);
}

static void test_press_live(void **state) {
	(void)state;
	for (size_t i = 0; screens[i]; i++) press_all(&(struct press){screens[i], SITUATION_LIVE, false});
}

static void test_press_nothing_known(void **state) {
	(void)state;
	for (size_t i = 0; screens[i]; i++) press_all(&(struct press){screens[i], SITUATION_JOURNAL_BAD, false});
}

static void test_press_hostile_read_only(void **state) {
	(void)state;
	for (size_t i = 0; screens[i]; i++) press_all(&(struct press){screens[i], SITUATION_HOSTILE, true});
}

/* --- read-only: what changes anything is refused --- */

static void refused(enum action action, const char *name, void *arg) {
	const struct press *p = arg;
	struct console *c = open_at(p->screen, SITUATION_LIVE, true);
	console_press(c, name);
	assert_int_equal(c->app.mode, MODE_SCREEN);
	assert_string_equal(buf_text(&c->asked), "");
	assert_true(console_shows(c, "read-only"));
	(void)action;
	shut(c);
}

static void test_read_only_refuses(void **state) {
	(void)state;
	for (size_t i = 0; screens[i]; i++)
		for (size_t k = 0; k < screens[i]->key_n; k++)
			if (screens[i]->keys[k].changes)
				for_keys(screens[i]->keys[k].action, refused, &(struct press){.screen = screens[i]});
	for (size_t k = 0; k < frame_key_n; k++)
		if (frame_keys[k].changes) for_keys(frame_keys[k].action, refused, &(struct press){.screen = screens[0]});
}

/* --- what the keys ask for --- */

static const struct asks {
	const char *screen, *keys, *asked;
} asks[] = {
	{"sessions", "r", "retry " SESSION "\n"},
	{"sessions", "p", "pause " SESSION "\n"},
	{"sessions", "Down Down Down Down p", "resume 20261120_122000\n"},
	{"sessions", "i n", ""},
	{"sessions", "i y", "ignore " SESSION "\n"},
	{"sessions", "Space Space i x Y", "ignore " SESSION " 20261120_131110\n"},
	{"sessions", "Space Up Space Up r", "retry " SESSION "\n"},
	{"sessions", "Space Down Down Down p", "pause " SESSION "\n"}, /* though the selected one is paused */
	{"sessions", "G Up i", "unignore 20261119_093000\n"},
	{"sessions", "R", "rescan\n"},
	{"sessions", "Enter", "detail " SESSION "\n"},
	{"sessions", "w", "detail " SESSION "\n"},
	{"sessions", "w w", "detail " SESSION "\ndetail\n"},
	{"sessions", "H", "handover seen\n"},
	{"sessions", "H H q : text:why\r", "handover seen\nhandover seen\ndetail " SESSION "\n"}, /* home again */
	{"sessions", ": text:retry 20261120_131110 20261120_124033\r", "retry 20261120_131110 20261120_124033\n"},
	{"sessions", ": text:pause\r", "pause " SESSION "\n"},
	{"sessions", ": text:session 20261120_131110\r", "detail 20261120_131110\n"},
	{"sessions", ": text:quit\r", "remember\n"},
	{"sessions", "q", "remember\n"},
	{"sessions", "C-c", "remember\n"},
	{"session", "r", "retry " SESSION "\n"},
	{"session", "p", "pause " SESSION "\n"},
	{"session", "i y", "ignore " SESSION "\n"},
	{"session", "i Esc", ""},
	{"session", "e", "retry " SESSION "\n"}, /* EDITOR is true(1) */
	{"session", "q", "detail\n"},
	{"station", "Left", "fleet\n"},
};

static void test_what_keys_ask(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		struct console *c = open_at(screen_by_name(asks[i].screen), SITUATION_LIVE, false);
		console_press(c, asks[i].keys);
		if (strcmp(buf_text(&c->asked), asks[i].asked) != 0)
			fail_msg("%s, %s: asked for \"%s\", not \"%s\"", asks[i].screen, asks[i].keys, buf_text(&c->asked),
				asks[i].asked);
		shut(c);
	}
}

static void test_editor_that_fails(void **state) {
	(void)state;
	static const char *const editors[][2] = {{"false", "ended with status 1"}, {"/no/such/editor", "set EDITOR"}};
	for (size_t i = 0; i < ARRAY_LEN(editors); i++) {
		struct console *c = open_at(screen_by_name("session"), SITUATION_LIVE, false);
		setenv("EDITOR", editors[i][0], 1);
		console_press(c, "e");
		assert_true(console_shows(c, editors[i][1]));
		assert_string_equal(buf_text(&c->asked), "");
		setenv("EDITOR", "true", 1);
		shut(c);
	}
}

static void test_copy(void **state) {
	(void)state;
	struct console *c = open_at(screens[0], SITUATION_LIVE, false);
	console_press(c, "y");
	assert_non_null(strstr(buf_text(&c->beside), "52;c;MjAyNjExMjBfMTM0NTAy\n")); /* 20261120_134502 */
	assert_true(console_shows(c, "copied: " SESSION));
	console_press(c, "Enter Tab Down y");
	assert_true(console_shows(c, "copied: " SESSION "/eeg-lab-2/eeg.dat"));
	shut(c);
}

static void test_a_command_that_is_none(void **state) {
	(void)state;
	struct console *c = open_at(screens[0], SITUATION_LIVE, false);
	console_press(c, ": text:sesions\r");
	assert_true(console_shows(c, "did you mean sessions"));
	console_press(c, ": text:xyzzyxyzzy\r");
	assert_true(console_shows(c, "no command"));
	console_press(c, "8 : text:retry\r"); /* one of another screen */
	assert_true(console_shows(c, "retry does nothing on this screen"));
	console_press(c, "1 : text:xyzzyxyzzy\r");
	console_press(c, ": Up");
	assert_true(console_shows(c, ":xyzzyxyzzy"));
	console_press(c, "C-u text:ret\t\r");
	assert_string_equal(buf_text(&c->asked), "retry " SESSION "\n");
	shut(c);
}

static void test_search_in_a_session(void **state) {
	(void)state;
	struct console *c = open_at(screen_by_name("session"), SITUATION_LIVE, false);
	console_press(c, "Tab / text:video\r");
	assert_true(console_shows(c, "object")); /* the foot */
	console_press(c, "/ text:nowhere at all\r");
	assert_true(console_shows(c, "is nowhere in this pane"));
	console_press(c, "Tab / text:hardware\r");
	console_press(c, "n N");
	assert_int_equal(c->app.mode, MODE_SCREEN);
	shut(c);
}

static void test_mouse(void **state) {
	(void)state;
	struct console *c = open_at(screens[0], SITUATION_LIVE, false);
	struct key_event click = {.key = KEY_MOUSE_, .mouse_y = 6, .mouse_x = 3};
	char row[400];
	input_key(&c->app, &click);
	console_paint(c);
	assert_int_equal(console_row(c, 6, row, sizeof row)[0], '>');
	input_key(&c->app, &(struct key_event){.key = KEY_MOUSE_, .mouse_wheel = 1, .mouse_y = 6});
	console_paint(c);
	assert_int_equal(console_row(c, 9, row, sizeof row)[0], '>');
	click.mouse_double = true;
	input_key(&c->app, &click);
	assert_ptr_equal(app_here(&c->app), screen_by_name("session"));
	input_key(&c->app, &(struct key_event){.key = KEY_MOUSE_, .mouse_wheel = 1, .mouse_y = 6});
	console_paint(c);
	shut(c);
}

static void test_words_beyond_the_filter_are_said(void **state) {
	(void)state;
	struct console *c = open_at(screens[0], SITUATION_LIVE, false);
	console_press(c, "/ text:a b c d e f g h\r");
	assert_false(console_shows(c, "not used"));
	console_press(c, "/ text:a b c d e f g h i\r");
	assert_true(console_shows(c, "the filter takes 8 words of 127 bytes together; what is beyond is not used"));
	shut(c);
}

static bool click_on(struct console *c, const char *text) {
	char row[800];
	for (int y = 0; y < c->rows; y++) {
		const char *at = strstr(console_row(c, y, row, sizeof row), text);
		if (!at) continue;
		struct key_event click = {.key = KEY_MOUSE_, .mouse_y = y, .mouse_x = (int)(at - row)};
		input_key(&c->app, &click);
		console_paint(c);
		return true;
	}
	return false;
}

static void test_clicks_on_titles(void **state) {
	(void)state;
	struct console *c = open_at(screen_by_name("session"), SITUATION_LIVE, false);
	static const char *const titles[] = {"Files", "Events", "Checks", "Overview", "Metadata", "Attempts"};
	char here[32];
	for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
		assert_true(click_on(c, titles[i]));
		snprintf(here, sizeof here, "[%s", titles[i]);
		if (!console_shows(c, here)) fail_msg("a click did not select %s", titles[i]);
	}
	assert_true(click_on(c, "8 Station"));
	assert_ptr_equal(app_here(&c->app), screen_by_name("station"));
	assert_true(click_on(c, "Fleet") && console_shows(c, "[Fleet]"));
	assert_true(click_on(c, "Events") && console_shows(c, "[Events]"));
	assert_true(click_on(c, "1 Sessions"));
	assert_ptr_equal(app_here(&c->app), screens[0]);
	console_resize(c, 12, 40); /* tabs by their digit alone */
	assert_true(click_on(c, " 8 "));
	assert_ptr_equal(app_here(&c->app), screen_by_name("station"));
	shut(c);
}

/* Whatever its size the answer can be read to its end, page by page. */
static void test_why_is_read_whole(void **state) {
	(void)state;
	for (int home = 0; home < 2; home++) {
		struct console *c = console_open(&(struct console_options){.rows = 8 + 4 * home, .cols = 40});
		char seen[8192] = "", row[400], why[1024];
		situation_make(SITUATION_LIVE, &c->app.model);
		situation_detail(&c->app.model, "20261120_124033");
		console_start(c);
		console_press(c, home ? "Down Down" : "Down Down Enter");
		if (home) console_press(c, "w");
		do {
			for (int y = 0; y < c->rows; y++)
				snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s ", console_row(c, y, row, sizeof row));
			if (!console_shows(c, "w: more")) break;
			console_press(c, "w");
		} while (strlen(seen) < 6000);
		const struct session_detail *d = &c->app.model.detail;
		model_why(&c->app.model, &d->row, &d->local, NULL, why, sizeof why);
		for (char *rest = why, *word; (word = strsep(&rest, " \n"));)
			if (!strstr(seen, word))
				fail_msg("%s: \"%s\" was not to be seen in %s", home ? "home" : "session", word, seen);
		console_press(c, "w");
		assert_false(console_shows(c, "What to do"));
		shut(c);
	}
}

/* Smaller, larger, in between: always a true screen, and nothing of the old one. */
static void test_resizing(void **state) {
	(void)state;
	static const int sizes[][2] = {{3, 20}, {1, 1}, {50, 200}, {8, 40}, {7, 39}, {2, 300}, {24, 80}};
	for (size_t i = 0; screens[i]; i++) {
		struct console *c = open_at(screens[i], SITUATION_LIVE, false);
		AUTO(buf_done) struct buf before = BUF_INIT(1 << 20), after = BUF_INIT(1 << 20);
		console_dump(c, &before);
		for (size_t k = 0; k < ARRAY_LEN(sizes); k++) console_resize(c, sizes[k][0], sizes[k][1]);
		tty_repaint(c->app.tty);
		console_paint(c);
		console_dump(c, &after);
		assert_string_equal(buf_text(&after), buf_text(&before));
		shut(c);
	}
}

static void test_themes_turn(void **state) {
	(void)state;
	struct console *c = open_at(screens[0], SITUATION_LIVE, false);
	for (size_t i = 1; themes[i]; i++) {
		char said[64];
		snprintf(said, sizeof said, "theme %s", themes[i]->name);
		console_press(c, "T");
		assert_true(console_shows(c, said));
	}
	console_press(c, "T");
	assert_ptr_equal(c->app.theme, themes[0]);
	shut(c);
}

/* What one console remembers, the next begins with. */
static void test_view_state_comes_back(void **state) {
	(void)state;
	static const struct {
		const char *screen, *keys, *shown;
	} cases[] = {
		{"sessions", "s S / text:held\r", "filter \"held\": 2 fit"},
		{"sessions", "s", "SESSION▼"},
		{"station", "Tab Tab", "[Configuration]"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct screen *s = screen_by_name(cases[i].screen);
		cJSON *memory = cJSON_CreateObject();
		struct console *c = open_at(s, SITUATION_LIVE, false);
		console_press(c, cases[i].keys);
		s->remember(app_self(&c->app, s), memory);
		shut(c);
		c = open_at(screens[0], SITUATION_LIVE, false);
		s->recall(app_self(&c->app, s), memory);
		app_go(&c->app, s, NULL);
		console_paint(c);
		if (!console_shows(c, cases[i].shown)) fail_msg("%s does not come back", cases[i].shown);
		cJSON_Delete(memory);
		memory = cJSON_Parse("{\"order\": 7, \"pane\": []}"); /* somebody edited it: ignored */
		s->recall(app_self(&c->app, s), memory);
		cJSON_Delete(memory);
		shut(c);
	}
}

static void test_station_filter(void **state) {
	(void)state;
	struct console *c = open_at(screen_by_name("station"), SITUATION_LIVE, false);
	console_press(c, "Tab / text:SlowDown\r");
	assert_true(console_shows(c, "filter \"SlowDown\": 1 of 5 fit"));
	console_press(c, "y");
	assert_true(console_shows(c, "copied: warn throttled 20261120_131110 503 SlowDown"));
	console_press(c, "/ text:\r");
	assert_false(console_shows(c, " of 5 fit"));
	console_press(c, "Tab / text:endpoint\r");
	assert_true(console_shows(c, "1 of 7 fit"));
	shut(c);
}

/* The rows that are shown are in the window that was read, whatever goes from under it: it is asked for once. */
static void test_the_window_follows(void **state) {
	(void)state;
	struct console *c = open_at(screens[0], SITUATION_LIVE, false);
	struct session_page *p = &c->app.model.page;
	size_t rows = p->n;
	int64_t total = p->total;
	p->total = 5000;
	console_paint(c);
	console_press(c, "G");
	assert_int_equal(c->page.first, 4999 - 100);
	assert_int_equal(c->page.limit, 200);
	int asked = c->page_n;
	p->query.first = c->page.first;
	p->total = 4000; /* a thousand fit the filter no longer: that window is empty */
	p->n = 0;
	screens[0]->data(&c->app.host, app_self(&c->app, screens[0]), part_bit(&c->app.model, &part_page));
	assert_int_equal(c->page_n, asked + 1);
	assert_int_equal(c->page.first, 3999 - 100);
	p->query.first = c->page.first; /* and still: asking for the same again would never end */
	p->query.limit = c->page.limit;
	screens[0]->data(&c->app.host, app_self(&c->app, screens[0]), part_bit(&c->app.model, &part_page));
	assert_int_equal(c->page_n, asked + 1);
	console_resize(c, 170, 80); /* a window is more than two screens */
	console_press(c, "Up");
	assert_int_equal(c->page.limit, 4 * (170 - 5));
	p->n = rows;
	p->total = total;
	shut(c);
}

static void swap_rows(struct console *c, size_t i, size_t k) {
	struct session_row *rows = c->app.model.page.rows, kept = rows[i];
	rows[i] = rows[k];
	rows[k] = kept;
	screens[0]->data(&c->app.host, app_self(&c->app, screens[0]), part_bit(&c->app.model, &part_page));
	console_paint(c);
}

/* What changes moves to the top: the session that was chosen stays the one that a key acts on. */
static void test_the_selection_follows_its_session(void **state) {
	(void)state;
	struct console *c = open_at(screens[0], SITUATION_LIVE, false);
	const struct session_row *rows = c->app.model.page.rows;
	char chosen[16], shown[32];
	console_press(c, "Down Down");
	text_copy(chosen, sizeof chosen, rows[2].name);
	swap_rows(c, 2, 4);
	assert_string_equal(rows[4].name, chosen);
	console_press(c, "y");
	snprintf(shown, sizeof shown, "copied: %s", chosen);
	assert_true(console_shows(c, shown));
	swap_rows(c, 4, 0); /* with it, to the top */
	console_press(c, "y");
	assert_true(console_shows(c, shown));
	console_press(c, "Home"); /* from now on the top, whichever stands there */
	swap_rows(c, 0, 3);
	console_press(c, "y");
	snprintf(shown, sizeof shown, "copied: %s", rows[0].name);
	assert_true(console_shows(c, shown));
	shut(c);
}

/* Keys, clicks and sizes in no order at all, over every situation: whatever comes, a frame can be drawn. */
static void test_monkey(void **state) {
	(void)state;
	srand(20261120);
	for (int s = 0; s < SITUATION_N; s++) {
		struct console *c = open_at(screens[0], (enum situation)s, s % 2);
		for (int i = 0; i < 1500; i++) {
			static const uint32_t kinds[] = {KEYS_BASE + 1, ' ', 1};
			static const int ranges[] = {KEY_RESIZE_ - KEYS_BASE, 95, 26};
			int kind = rand() % 3;
			struct key_event key = {.key = kinds[kind] + (uint32_t)(rand() % ranges[kind])};
			if (key.key == KEY_MOUSE_)
				key = (struct key_event){.key = KEY_MOUSE_,
					.mouse_y = rand() % 60 - 5,
					.mouse_x = rand() % 90,
					.mouse_wheel = rand() % 3 - 1,
					.mouse_double = rand() % 2};
			input_key(&c->app, &key);
			c->app.closing = false; /* it would have ended; go on */
			if (rand() % 50 == 0 && c->rows != 24) console_resize(c, 24, 80);
			else if (rand() % 50 == 0 && c->rows == 24) console_resize(c, 1 + rand() % 23, 1 + rand() % 120);
			else if (rand() % 4 == 0) console_paint(c);
		}
		shut(c);
	}
}

int main(void) {
	setenv("EDITOR", "true", 1);
	unsetenv("VISUAL");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_key_twice),
		cmocka_unit_test(test_screens_are_whole),
		cmocka_unit_test(test_parts_are_whole),
		cmocka_unit_test(test_every_action_is_bound),
		cmocka_unit_test(test_press_live),
		cmocka_unit_test(test_press_nothing_known),
		cmocka_unit_test(test_press_hostile_read_only),
		cmocka_unit_test(test_read_only_refuses),
		cmocka_unit_test(test_what_keys_ask),
		cmocka_unit_test(test_editor_that_fails),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_a_command_that_is_none),
		cmocka_unit_test(test_the_selection_follows_its_session),
		cmocka_unit_test(test_search_in_a_session),
		cmocka_unit_test(test_mouse),
		cmocka_unit_test(test_words_beyond_the_filter_are_said),
		cmocka_unit_test(test_clicks_on_titles),
		cmocka_unit_test(test_why_is_read_whole),
		cmocka_unit_test(test_resizing),
		cmocka_unit_test(test_themes_turn),
		cmocka_unit_test(test_view_state_comes_back),
		cmocka_unit_test(test_station_filter),
		cmocka_unit_test(test_the_window_follows),
		cmocka_unit_test(test_monkey),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
