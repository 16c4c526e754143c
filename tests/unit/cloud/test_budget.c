/* SPDX-License-Identifier: MIT */
/* Memory that calls share: what fits, who waits, and that nobody has it all. */
#include "store_help.h"

#include "cloud/call/budget.h"

static void what_fits_is_given_and_comes_back(void **state) {
	(void)state;
	struct budget *b = budget_new(1000);
	struct budget_share one = {0}, two = {0}, three = {0};
	assert_true(budget_take(b, &one, "a", 400, 0));
	assert_true(budget_take(b, &one, "a", 300, 0)); /* it has that already */
	assert_int_equal(one.bytes, 400);
	assert_true(budget_take(b, &one, "a", 500, 0)); /* a hundred more */
	assert_false(budget_take(b, &two, "a", 1, 0));	/* half of it: no caller has more */
	assert_int_equal(two.bytes, 0);
	assert_false(budget_take(b, &two, "b", 251, 10)); /* half of what the others leave */
	assert_true(budget_take(b, &two, "b", 250, 0));
	assert_false(budget_take(b, &three, "c", 126, 10));
	assert_true(budget_take(b, &three, "c", 125, 0)); /* however many hold theirs, something is left */
	budget_shrink(&one, 100);
	budget_shrink(&one, 200); /* it has less */
	assert_int_equal(one.bytes, 100);
	assert_true(budget_take(b, &three, "c", 325, 0));
	assert_false(budget_take(b, &three, "c", 326, 0));
	assert_int_equal(three.bytes, 325); /* keeps what it had */
	budget_shrink(&one, 0);
	budget_shrink(&two, 0);
	budget_shrink(&three, 0);
	budget_shrink(&three, 0);
	budget_free(b);
	budget_free(NULL);
}

static void *give_back(void *arg) {
	sleep_us(20000);
	budget_shrink(arg, 0);
	return NULL;
}

static void who_does_not_fit_waits(void **state) {
	(void)state;
	struct budget *b = budget_new(1000);
	struct budget_share one = {0}, two = {0};
	pthread_t thread;
	assert_true(budget_take(b, &one, "a", 500, 0));
	assert_int_equal(pthread_create(&thread, NULL, give_back, &one), 0);
	assert_true(budget_take(b, &two, "a", 500, 60000));
	pthread_join(thread, NULL);
	budget_shrink(&two, 0);
	budget_free(b);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_is_given_and_comes_back),
		cmocka_unit_test(who_does_not_fit_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
