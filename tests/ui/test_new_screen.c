/* SPDX-License-Identifier: MIT */
/* A new screen with data of its own is one file and two rows: this program has tables of its own with a screen and a
 * part more, and the frame, the help, the digit, the command line, the model and the source know them, though nothing
 * else was changed. */
#include "console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "situation.h"
#include "ui/screens/screens.h"

#define OLD_MS 30000

/* --- the part: what was measured at a gauge --- */

struct gauge {
	int64_t at_ms, depth_cm;
	char *words;
};
static struct {
	int64_t depth_cm; /* at gauge 1 */
	bool unreadable;
	int reads, held; /* `words` that are not freed yet */
} measured;

static int gauge_read(const struct part_read *r, void *data, struct error *err) {
	struct gauge *g = data;
	measured.reads++;
	if (measured.unreadable) return error_set(err, ERR_DISK, "the gauge is dry");
	g->depth_cm = measured.depth_cm * *(const int64_t *)r->wish;
	g->words = xasprintf("%lld cm", (long long)g->depth_cm);
	measured.held++;
	return 0;
}

static void gauge_done(void *data) {
	struct gauge *g = data;
	measured.held -= g->words != NULL;
	free(g->words);
}

static const struct part part_gauge = {
	.name = "gauge",
	.size = sizeof(struct gauge),
	.old_ms = OLD_MS,
	.read = gauge_read,
	.wish_size = sizeof(int64_t),
	.done = gauge_done,
};

/* In place of ui/screens/parts.c, which the linker then leaves out. */
const struct part *const parts[] = {&part_link, &part_status, &part_summary, &part_page, &part_detail, &part_gauge,
	&part_events, &part_handover, &part_fleet, NULL};

/* --- the screen --- */

struct dummy_screen {
	int drawn, acted;
	char arg[32];
	int64_t gauge;
};

static void dummy_enter(struct host *h, void *self, const char *arg) {
	struct dummy_screen *d = self;
	d->gauge = 2;
	host_show(h, &part_gauge, &d->gauge);
	if (arg) snprintf(d->arg, sizeof d->arg, "%s", arg);
}

static void dummy_draw(void *self, const struct model *m, const struct canvas *c) {
	struct dummy_screen *d = self;
	const struct gauge *g = part_data(m, &part_gauge);
	int64_t age_ms = part_age_ms(m, &part_gauge);
	char age[UNIT_TEXT];
	d->drawn++;
	canvas_fmt(c, 0, 0, c->w, ROLE_TEXT, "dummy acted %d times on %s", d->acted, d->arg);
	canvas_fmt(c, 1, 0, c->w, ROLE_TEXT, "gauge %s%s%s", g ? g->words : "-",
		age_ms < 0 ? "" : ", old: ", age_ms < 0 ? "" : span_text(age, age_ms));
	if (part_error(m, &part_gauge)->code)
		canvas_text(c, 2, 0, c->w, ROLE_BAD, ALIGN_LEFT, part_error(m, &part_gauge)->text);
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
	.parts = (const struct part *const[]){&part_gauge, NULL},
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

/* Read as its row says while its screen is shown, drawn, and freed. */
static void test_its_data(void **state) {
	struct console *c = *state;
	measured.depth_cm = 21;
	console_press(c, "5");
	assert_true(console_shows(c, "gauge -"));
	console_moved(c, &part_gauge);
	assert_true(console_shows(c, "gauge 42 cm"));
	measured.depth_cm = 35;
	console_moved(c, &part_gauge);
	assert_true(console_shows(c, "gauge 70 cm"));
	assert_int_equal(measured.held, 1); /* the older ones are freed */
	console_press(c, "1");
	assert_false(c->shown & part_bit(&c->app.model, &part_gauge)); /* nobody sees it: nobody reads it */
	console_press(c, "5");
	assert_true(c->shown & part_bit(&c->app.model, &part_gauge));
	assert_true(console_shows(c, "gauge 70 cm"));
}

/* What can no longer be read stays, and says its age once that is above the row's. */
static void test_its_data_grow_old(void **state) {
	struct console *c = *state;
	measured.depth_cm = 21;
	console_press(c, "5");
	console_moved(c, &part_gauge);
	console_later(600000);
	console_paint(c);
	assert_false(console_shows(c, "old")); /* nothing changed: it is as it is */
	console_moved(c, &part_gauge);
	measured.unreadable = true;
	console_later(OLD_MS);
	console_moved(c, &part_gauge);
	assert_true(console_shows(c, "gauge 42 cm"));
	assert_true(console_shows(c, "the gauge is dry"));
	assert_false(console_shows(c, "old"));
	console_later(4 * 60000 - OLD_MS);
	console_moved(c, &part_gauge);
	assert_true(console_shows(c, "gauge 42 cm, old: 4 min"));
	measured.unreadable = false;
	console_moved(c, &part_gauge);
	assert_true(console_shows(c, "gauge 42 cm"));
	assert_false(console_shows(c, "old"));
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
		cmocka_unit_test_setup_teardown(test_its_data, setup, teardown),
		cmocka_unit_test_setup_teardown(test_its_data_grow_old, setup, teardown),
		cmocka_unit_test_setup_teardown(test_command_line, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
