/* SPDX-License-Identifier: MIT */
/* A new screen is one file and one row: this program has a table of its own with a screen more, and the frame, the
 * help, the digit and the command line know it, though nothing else was changed. */
#include "console.h"

#include <stdio.h>
#include <string.h>

#include "situation.h"
#include "ui/screens/screens.h"

struct dummy_screen {
	int drawn, acted;
	char arg[32];
};

static void dummy_enter(struct host *h, void *self, const char *arg) {
	struct dummy_screen *d = self;
	(void)h;
	if (arg) snprintf(d->arg, sizeof d->arg, "%s", arg);
}

static void dummy_draw(void *self, const struct model *m, const struct canvas *c) {
	struct dummy_screen *d = self;
	(void)m;
	d->drawn++;
	canvas_fmt(c, 0, 0, c->w, ROLE_TEXT, "dummy acted %d times on %s", d->acted, d->arg);
}

static struct after dummy_act(struct host *h, void *self, enum action action, const struct key_event *key) {
	(void)h, (void)key;
	((struct dummy_screen *)self)->acted += action == ACTION_RETRY;
	return (struct after){.kind = AFTER_DRAW};
}

static const struct screen_key dummy_keys[] = {{ACTION_RETRY, "again", false}};
static const struct screen screen_dummy = {
	.name = "dummy",
	.title = "Dummy",
	.digit = '5',
	.help = "A screen that only this test knows.",
	.keys = dummy_keys,
	.key_n = ARRAY_LEN(dummy_keys),
	.parts = MODEL_CLOCK,
	.state_size = sizeof(struct dummy_screen),
	.enter = dummy_enter,
	.draw = dummy_draw,
	.act = dummy_act,
};

/* In place of ui/screens/screens.c, which the linker then leaves out. */
const struct screen *const screens[] = {
	&screen_sessions, &screen_dummy, &screen_station, &screen_session, &screen_handover, NULL};

static int setup(void **state) {
	struct console *c = console_open(&(struct console_options){.rows = 24, .cols = 80});
	situation_make(SITUATION_ALL_SAFE, &c->app.model);
	console_start(c);
	*state = c;
	return 0;
}

static int teardown(void **state) {
	struct console *c = *state;
	situation_free(&c->app.model);
	console_close(c);
	return 0;
}

static void test_tab_and_digit(void **state) {
	struct console *c = *state;
	assert_true(console_shows(c, "[1 Sessions] 5 Dummy  8 Station"));
	console_press(c, "5");
	assert_true(console_shows(c, " 1 Sessions [5 Dummy] 8 Station"));
	assert_true(console_shows(c, "dummy acted 0 times"));
}

static void test_its_key_and_footer(void **state) {
	struct console *c = *state;
	console_press(c, "5 r r");
	assert_true(console_shows(c, "dummy acted 2 times"));
	assert_true(console_shows(c, "r again"));
	console_press(c, "p"); /* a key that it does not have */
	assert_true(console_shows(c, "dummy acted 2 times"));
}

static void test_help(void **state) {
	struct console *c = *state;
	console_press(c, "5 ?");
	assert_true(console_shows(c, "A screen that only this test knows."));
	assert_true(console_shows(c, action_rows[ACTION_RETRY].words));
	console_press(c, "x 1 ? G");
	assert_true(console_shows(c, "5            Dummy"));
}

static void test_command_line(void **state) {
	struct console *c = *state;
	console_press(c, ": text:du\t 20261120_134502\r");
	assert_true(console_shows(c, "dummy acted 0 times on 20261120_134502"));
	console_press(c, "q");
	assert_ptr_equal(app_here(&c->app), &screen_sessions);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tab_and_digit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_its_key_and_footer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_help, setup, teardown),
		cmocka_unit_test_setup_teardown(test_command_line, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
