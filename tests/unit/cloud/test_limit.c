/* SPDX-License-Identifier: MIT */
/* Token buckets and address lists. */
#include "api_help.h"

static void a_burst_then_the_rate(void **state) {
	(void)state;
	struct limiter *l = limiter_new(10, 3);
	for (int i = 0; i < 3; i++) assert_int_equal(limiter_take(l, "a", 1000), 0);
	int64_t wait_ms = limiter_take(l, "a", 1000);
	assert_int_equal(wait_ms, 100);
	assert_int_equal(limiter_take(l, "b", 1000), 0); /* another client has its own */
	assert_true(limiter_take(l, "a", 1050) > 0);
	assert_int_equal(limiter_take(l, "a", 1000 + wait_ms), 0);
	assert_true(limiter_take(l, "a", 1000 + wait_ms) > 0);
	for (int i = 0; i < 3; i++) assert_int_equal(limiter_take(l, "a", 100000), 0); /* never more than the burst */
	assert_true(limiter_take(l, "a", 100000) > 0);
	limiter_free(l);
}

static void no_rate_is_no_limit(void **state) {
	(void)state;
	struct limiter *l = limiter_new(0, 1);
	for (int i = 0; i < 10000; i++) assert_int_equal(limiter_take(l, "a", 1), 0);
	limiter_free(l);
	limiter_free(NULL);
}

static void the_table_is_bounded(void **state) {
	(void)state;
	struct limiter *l = limiter_new(1, 1);
	char client[32];
	for (int i = 0; i < 100000; i++) { /* each new client gets a full bucket, whomever it pushes out */
		snprintf(client, sizeof client, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
		assert_int_equal(limiter_take(l, client, 5000 + i / 100), 0);
	}
	assert_true(limiter_take(l, client, 6000) > 0); /* the last one is still known */
	limiter_free(l);
}

static bool allowed(const struct option_list *cidrs, const char *address) {
	struct allow_list l;
	struct address a;
	OK(allow_parse(cidrs, &l, &err));
	assert_int_equal(address_parse(address, &a), 0);
	bool has = allow_has(&l, &a);
	allow_done(&l);
	return has;
}

static void the_list_holds_both_families(void **state) {
	(void)state;
	static char texts[][24] = {"10.1.0.0/16", "192.0.2.7", "2001:db8:8000::/33", "::1", "172.16.0.0/12"};
	char *items[] = {texts[0], texts[1], texts[2], texts[3], texts[4]};
	const struct option_list list = {.items = items, .n = ARRAY_LEN(items)}, none = {0};
	static const struct {
		const char *address;
		bool allowed;
	} cases[] = {
		{"10.1.255.255", true},
		{"10.2.0.0", false},
		{"192.0.2.7", true},
		{"192.0.2.8", false},
		{"::ffff:10.1.0.9", true},
		{"2001:db8:8000::1", true},
		{"2001:db8:7fff::1", false},
		{"::1", true},
		{"::2", false},
		{"127.0.0.1", false},
		{"172.31.255.255", true},
		{"172.32.0.0", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(allowed(&list, cases[i].address), cases[i].allowed);
		assert_true(allowed(&none, cases[i].address));
	}
	char *all[] = {(char[]){"0.0.0.0/0"}};
	const struct option_list v4 = {.items = all, .n = 1};
	assert_true(allowed(&v4, "8.8.8.8"));
	assert_false(allowed(&v4, "2001:db8::1"));
}

static void a_bad_cidr_is_refused(void **state) {
	(void)state;
	static const char *const bad[] = {"10.0.0.0/33", "10.0.0/8", "x", "", "::1/129", "10.0.0.0/", "10.0.0.0/-1",
		"1234567890123456789012345678901234567890123456789012345678901234567890/8"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *item = strdup(bad[i]);
		const struct option_list list = {.items = &item, .n = 1};
		struct allow_list l;
		FAILS(ERR_CONFIG, allow_parse(&list, &l, &err));
		free(item);
	}
}

static void an_address_has_one_form(void **state) {
	(void)state;
	struct address a;
	char text[ADDRESS_TEXT];
	assert_int_equal(address_parse("::ffff:192.0.2.7", &a), 0);
	assert_string_equal(address_text(&a, text), "192.0.2.7");
	assert_string_equal(address_group(&a, text), "192.0.2.7");
	assert_int_equal(address_parse("2001:db8:1:2:3:4:5:6", &a), 0);
	assert_string_equal(address_group(&a, text), "2001:db8:1:2::"); /* one customer's network */
	const struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f000001)}};
	assert_int_equal(address_of((const struct sockaddr *)&in, &a), 0);
	assert_string_equal(address_text(&a, text), "127.0.0.1");
	const struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	assert_int_equal(address_of((const struct sockaddr *)&in6, &a), 0);
	assert_string_equal(address_text(&a, text), "::1");
	const struct sockaddr local = {.sa_family = AF_UNIX};
	assert_int_equal(address_of(&local, &a), -1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_then_the_rate),
		cmocka_unit_test(no_rate_is_no_limit),
		cmocka_unit_test(the_table_is_bounded),
		cmocka_unit_test(the_list_holds_both_families),
		cmocka_unit_test(a_bad_cidr_is_refused),
		cmocka_unit_test(an_address_has_one_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
