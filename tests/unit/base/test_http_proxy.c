/* SPDX-License-Identifier: MIT */
/* The proxy that is named is the one that curl(1) documents for the same environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/http.h"
#include "base/util.h"

static const char *const names[] = {
	"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"};

static const struct {
	const char *environment[3][2];
	const char *url, *wanted; /* NULL: none */
} rows[] = {
	{{{NULL}}, "https://cloud.example.org/v1/info", NULL},
	{{{"https_proxy", "http://p:3128"}}, "https://cloud.example.org", "http://p:3128 of https_proxy"},
	{{{"HTTPS_PROXY", "http://u:secret@p:3128/"}}, "https://c", "http://p:3128/ of HTTPS_PROXY"},
	{{{"https_proxy", "http://a"}, {"HTTPS_PROXY", "http://b"}}, "https://c", "http://a of https_proxy"},
	{{{"https_proxy", ""}, {"ALL_PROXY", "http://b"}}, "https://c", "http://b of ALL_PROXY"},
	{{{"https_proxy", "http://p"}}, "http://c", NULL},
	{{{"http_proxy", "http://p"}}, "http://c", "http://p of http_proxy"},
	{{{"HTTP_PROXY", "http://p"}}, "http://c", NULL}, /* what CGI sets from a header */
	{{{"all_proxy", "socks5://p:1080"}}, "http://c", "socks5://p:1080 of all_proxy"},
	{{{"https_proxy", "http://p"}, {"no_proxy", "*"}}, "https://c", NULL},
	{{{"https_proxy", "http://p"}, {"no_proxy", "example.org"}}, "https://cloud.example.org:8443/x", NULL},
	{{{"https_proxy", "http://p"}, {"no_proxy", "a, .example.org ,b"}}, "https://CLOUD.example.org", NULL},
	{{{"https_proxy", "http://p"}, {"NO_PROXY", "example.org"}}, "https://badexample.org", "http://p of https_proxy"},
	{{{"https_proxy", "http://p"}, {"no_proxy", "10.0.0.0/8"}}, "https://10.1.2.3:8750", NULL},
	{{{"https_proxy", "http://p"}, {"no_proxy", "10.0.0.0/8"}}, "https://11.1.2.3", "http://p of https_proxy"},
	{{{"https_proxy", "http://p"}, {"no_proxy", "127.0.0.1"}}, "https://127.0.0.1:1", NULL},
	{{{"https_proxy", "http://p"}, {"no_proxy", "::1"}}, "https://[::1]:1", NULL},
};

static void test_proxy(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[400];
		for (size_t n = 0; n < ARRAY_LEN(names); n++) unsetenv(names[n]);
		for (size_t n = 0; n < ARRAY_LEN(rows[i].environment) && rows[i].environment[n][0]; n++)
			setenv(rows[i].environment[n][0], rows[i].environment[n][1], 1);
		const char *got = http_proxy(text, sizeof text, rows[i].url);
		if (!got != !rows[i].wanted || (got && strcmp(got, rows[i].wanted) != 0))
			fail_msg("row %zu: %s", i, got ? got : "none");
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_proxy)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
