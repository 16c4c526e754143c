/* SPDX-License-Identifier: MIT */
/* base/heap: in order, whatever is taken out of its middle, and never in more than n log n comparisons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/heap.h"

#define MANY 100000
#define LOG_MANY 17 /* 2^17 > MANY */

struct thing {
	int64_t key;
	size_t place;
	bool in;
};
static int64_t compared;

static int compare(const void *a, const void *b) {
	const struct thing *x = a, *y = b;
	compared++;
	return x->key < y->key ? -1 : x->key > y->key;
}

static struct heap heap_of_things(void) {
	return (struct heap){.compare = compare, .place = offsetof(struct thing, place)};
}

static uint64_t next_random(uint64_t *x) {
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void take_all_in_order(struct heap *h, size_t n) {
	int64_t before = INT64_MIN;
	for (size_t i = 0; i < n; i++) {
		struct thing *t = heap_first(h);
		assert_non_null(t);
		assert_true(t->key >= before);
		before = t->key;
		heap_remove(h, t);
		t->in = false;
	}
	assert_null(heap_first(h));
}

/* Ascending, descending, all the same, and at random: the orders that an insertion sort dislikes and likes. */
static void test_orders_in_n_log_n(void **state) {
	(void)state;
	struct thing *things = xcalloc(MANY, sizeof *things);
	for (int order = 0; order < 4; order++) {
		AUTO(heap_done) struct heap h = heap_of_things();
		uint64_t x = 88172645463325252u;
		compared = 0;
		for (int i = 0; i < MANY; i++) {
			const int64_t keys[] = {i, -i, 7, (int64_t)(next_random(&x) % 1000)};
			things[i] = (struct thing){.key = keys[order]};
			heap_add(&h, &things[i]);
		}
		take_all_in_order(&h, MANY);
		assert_true(compared <= 4LL * MANY * LOG_MANY);
	}
	free(things);
}

static void test_any_may_be_taken_out(void **state) {
	(void)state;
	struct thing *things = xcalloc(MANY, sizeof *things);
	AUTO(heap_done) struct heap h = heap_of_things();
	uint64_t x = 1;
	size_t left = MANY;
	for (int i = 0; i < MANY; i++) {
		things[i] = (struct thing){.key = (int64_t)(next_random(&x) % MANY), .in = true};
		heap_add(&h, &things[i]);
	}
	compared = 0;
	for (int i = 0; i < MANY; i += 3, left--) {
		heap_remove(&h, &things[i]);
		things[i].in = false;
	}
	take_all_in_order(&h, left);
	assert_true(compared <= 4LL * MANY * LOG_MANY);
	for (int i = 0; i < MANY; i++) assert_false(things[i].in);
	free(things);
}

static void test_empty_and_alone(void **state) {
	(void)state;
	AUTO(heap_done) struct heap h = heap_of_things();
	struct thing one = {.key = 5};
	assert_null(heap_first(&h));
	for (int i = 0; i < 3; i++) {
		heap_add(&h, &one);
		assert_ptr_equal(heap_first(&h), &one);
		heap_remove(&h, &one);
		assert_null(heap_first(&h));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders_in_n_log_n),
		cmocka_unit_test(test_any_may_be_taken_out),
		cmocka_unit_test(test_empty_and_alone),
	};
	return cmocka_run_group_tests_name("base/heap", tests, NULL, NULL);
}
