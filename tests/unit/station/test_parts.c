/* SPDX-License-Identifier: MIT */
/* The core and its parts: what is called when, with parts of the test's own; and every state entered with the real
 * ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "station/engine/root.h"
#include "station/engine/session.h"
#include "station/run/run.h"

/* --- parts of the test's own: two that count, the others do nothing --- */

struct counts {
	int rooted, entered, driven, renewed, forgotten;
};
struct own {
	int number;
};
static struct counts first, second;
static enum busy first_busy, second_busy;

static void first_root(struct engine *e, size_t root) {
	assert_non_null(root_part(e, root, 0));
	first.rooted++;
}

static void first_enter(struct session *s) {
	assert_int_equal(((struct own *)session_part(s, 0))->number, 0); /* zeroed */
	((struct own *)session_part(s, 0))->number = 1;
	first.entered++;
}

static void first_drive(struct session *s) {
	first.driven++;
	if (s->row.paused) s->committing = true; /* as a step does */
}

static void second_drive(struct session *s) {
	(void)s;
	second.driven++;
}

static void first_renew(struct session *s) {
	(void)s;
	first.renewed++;
}

static void first_forget(struct session *s) {
	(void)s;
	first.forgotten++;
}

static enum busy is_first_busy(const struct engine *e) {
	(void)e;
	return first_busy;
}

static enum busy is_second_busy(const struct engine *e) {
	(void)e;
	return second_busy;
}

static const struct part first_part = {.root_size = sizeof(struct own),
	.session_size = sizeof(struct own),
	.root = first_root,
	.enter = first_enter,
	.drive = first_drive,
	.renew = first_renew,
	.forget = first_forget,
	.busy = is_first_busy};
static const struct part second_part = {.drive = second_drive, .drives_ignored = true, .busy = is_second_busy};
static const struct part idle_part = {0};

static const struct part *const *own_parts(void) {
	static const struct part *parts[PART_N];
	for (size_t i = 0; i < PART_N; i++) parts[i] = &idle_part;
	parts[0] = &first_part;
	parts[PART_N - 1] = &second_part;
	first = second = (struct counts){0};
	return parts;
}

/* --- an engine without a loop --- */

static struct config config;

static struct engine *engine_make(const struct part *const *parts) {
	struct engine *e = xcalloc(1, sizeof *e);
	config.retry_cap_ms = 3600000;
	config.settle_ms = 1000;
	e->config = &config;
	e->parts = parts;
	TAILQ_INIT(&e->driven);
	for (size_t i = 0; i < PART_N; i++)
		if (parts[i]->engine_size) e->part[i] = xcalloc(1, parts[i]->engine_size);
	engine_root(e, "/recordings", true);
	return e;
}

static struct session *load(struct engine *e, enum session_state state) {
	char root[] = "/recordings";
	struct session_row row = {.id = 1 + state, .root = root, .revision = 1, .state = state, .present = true};
	snprintf(row.name, sizeof row.name, "20261120_1200%02d", (int)state);
	return session_load(e, &row);
}

static void engine_drop(struct engine *e) {
	for (size_t i = 0; i < e->sessions.n; i++) session_free(e->sessions.items[i]);
	for (size_t i = 0; i < PART_N; i++) free(e->part[i]);
	free(e->sessions.items);
	free(e->accepted.items);
	root_done(&e->roots[0]);
	free(e->roots);
	free(e);
}

static void test_every_state_is_entered(void **state) {
	(void)state;
	struct engine *e = engine_make(engine_parts);
	for (int i = 0; i < STATE_N; i++) {
		struct session *s = load(e, (enum session_state)i);
		session_enter(s);
		if (i == STATE_ACCEPTED) {
			assert_true(s->dead && e->sweep);
			assert_non_null(stub_find(&e->accepted, session_stamp(s->row.name), 0));
		} else {
			assert_true(s->driven); /* facts that came meanwhile are acted upon */
			assert_false(s->dead);
		}
	}
	assert_int_equal(e->sessions.n, STATE_N);
	sessions_sweep(&e->sessions, session_free);
	assert_int_equal(e->sessions.n, STATE_N - 1);
	engine_drop(e);
}

static void test_parts_are_called(void **state) {
	(void)state;
	struct engine *e = engine_make(own_parts());
	assert_int_equal(first.rooted, 1);
	for (int i = 0; i < STATE_N; i++) session_enter(load(e, (enum session_state)i));
	assert_int_equal(first.entered, STATE_N);
	struct session *s = sessions_find(&e->sessions, "20261120_120001", 0);
	assert_int_equal(((struct own *)session_part(s, 0))->number, 1);
	assert_null(session_part(s, 1)); /* an idle one has nothing of it */

	session_drive(s);
	assert_int_equal(first.driven, 1);
	assert_int_equal(second.driven, 1);
	s->row.paused = true;
	session_drive(s); /* the first one's step is to be committed: nobody else decides */
	assert_int_equal(first.driven, 2);
	assert_int_equal(second.driven, 1);
	session_drive(s);
	assert_int_equal(first.driven, 2);
	s->committing = s->row.paused = false;
	s->row.ignored = true;
	session_drive(s);
	assert_int_equal(first.driven, 2);
	assert_int_equal(second.driven, 2);
	int before = first.entered;
	session_enter(s); /* ignored: nothing begins */
	assert_int_equal(first.entered, before);
	engine_drop(e);
	assert_int_equal(first.forgotten, STATE_N);
}

static void test_a_renewed_session_has_no_tickets(void **state) {
	(void)state;
	struct engine *e = engine_make(own_parts());
	struct session *s = load(e, STATE_QUEUED);
	struct ticket t = ticket_of(s);
	assert_ptr_equal(ticket_session(&t), s);
	session_renew(s);
	assert_null(ticket_session(&t));
	assert_int_equal(first.renewed, 1);
	t = ticket_of(s);
	s->dead = true;
	assert_null(ticket_session(&t));
	engine_drop(e);
}

static void test_the_busiest_part_counts(void **state) {
	(void)state;
	struct engine *e = engine_make(own_parts());
	assert_int_equal(engine_busy(e), BUSY_NOT);
	first_busy = BUSY_LATER;
	second_busy = BUSY_ASKED;
	assert_int_equal(engine_busy(e), BUSY_ASKED);
	first_busy = BUSY_NOW;
	assert_int_equal(engine_busy(e), BUSY_NOW);
	second_busy = BUSY_ENDING;
	e->ending = true;
	assert_int_equal(engine_busy(e), BUSY_ENDING);
	first_busy = second_busy = BUSY_NOT;
	struct session *s = load(e, STATE_QUEUED);
	s->committing = true;
	assert_int_equal(engine_busy(e), BUSY_NOW);
	e->cloud.key_refused = true; /* what waits for it is left to a run that has another key */
	assert_int_equal(engine_busy(e), BUSY_LEFT);
	engine_drop(e);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_state_is_entered),
		cmocka_unit_test(test_parts_are_called),
		cmocka_unit_test(test_a_renewed_session_has_no_tickets),
		cmocka_unit_test(test_the_busiest_part_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
