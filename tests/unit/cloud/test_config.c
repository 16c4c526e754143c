/* SPDX-License-Identifier: MIT */
/* cloud/config: the rows and their flags, sources, and values that do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cloud/config.h"

static char path[64];

static int setup(void **state) {
	(void)state;
	snprintf(path, sizeof path, "/tmp/test_config.XXXXXX");
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state) {
	(void)state;
	return unlink(path);
}

static void put(const char *text) {
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_defaults(void **state) {
	(void)state;
	AUTO(cloud_config_done) struct cloud_config c;
	struct error err = ERROR_INIT;
	static const char *const flags[] = {
		"data", "/srv/x", "listen", "[::1]:0", "allow", "10.0.0.0/8", "allow", "::1/128", NULL};
	if (cloud_config_load(&c, NULL, flags, &err)) fail_msg("%s", err.text);
	assert_string_equal(c.data, "/srv/x");
	assert_string_equal(c.listen, "[::1]:0");
	assert_int_equal(c.allow.n, 2);
	assert_int_equal(c.connections, 512);
	assert_int_equal(c.token_ms, 3600000);
	assert_int_equal(c.url_ms, 900000);
	assert_string_equal(c.raw_bucket, "headgate-raw");
	assert_string_equal(c.schema.file, "metadata.txt");
	assert_null(c.public_url);
}

static void test_sources(void **state) {
	(void)state;
	AUTO(cloud_config_done) struct cloud_config c;
	struct error err = ERROR_INIT;
	put("[cloud]\ndata = /from/file\nrate = 5\nregion = eu-central-1\n");
	setenv("HEADGATE_CLOUD_RATE", "7", 1);
	static const char *const flags[] = {"region", "eu-west-1", NULL};
	if (cloud_config_load(&c, path, flags, &err)) fail_msg("%s", err.text);
	unsetenv("HEADGATE_CLOUD_RATE");
	assert_string_equal(c.data, "/from/file");
	assert_int_equal(c.rate, 7);
	assert_string_equal(c.region, "eu-west-1");
}

static void test_schema(void **state) {
	(void)state;
	AUTO(cloud_config_done) struct cloud_config c;
	struct error err = ERROR_INIT;
	put("[metadata]\nfile = meta.json\n[metadata.keys]\nfatigue_level = number 0..10 required\n");
	const char *const flags[] = {"data", "/x", "schema", path, NULL};
	if (cloud_config_load(&c, NULL, flags, &err)) fail_msg("%s", err.text);
	assert_string_equal(c.schema.file, "meta.json");
	assert_int_equal(c.schema.n, 1);
}

static void test_mistakes(void **state) {
	(void)state;
	static const struct {
		const char *name, *value, *why;
	} cases[] = {
		{"listen", "localhost", "not HOST:PORT"},
		{"listen", ":80", "not HOST:PORT"},
		{"listen", "h:70000", "not HOST:PORT"},
		{"listen", "", "not HOST:PORT"},
		{"public-url", "ftp://x", "public_url"},
		{"public-url", "http://x/path", "without a path"},
		{"public-url", "https://", "public_url"},
		{"tls-cert", "/x.pem", "tls_cert is given without tls_key"},
		{"tls-key", "/x.pem", "tls_key is given without tls_cert"},
		{"raw-bucket", "cogntiv_raw_data", "cogntiv"},
		{"raw-bucket", "", "bucket"},
		{"raw-bucket", "headgate-lake", "named twice"},
		{"schema", "/nowhere/schema.ini", "/nowhere/schema.ini"},
		{"rate", "-1", "--rate"},
		{"token-time", "1ms", "--token-time"},
		{"data", "", "no data folder"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(cloud_config_done) struct cloud_config c;
		struct error err = ERROR_INIT;
		const char *const flags[] = {"data", "/x", cases[i].name, cases[i].value, NULL};
		assert_int_equal(cloud_config_load(&c, NULL, flags, &err), -1);
		assert_int_equal(error_classes[err.code].exit_status, 2);
		if (!strstr(err.text, cases[i].why)) fail_msg("%s does not say %s", err.text, cases[i].why);
	}
}

static void test_file_mistakes(void **state) {
	(void)state;
	AUTO(cloud_config_done) struct cloud_config c;
	struct error err = ERROR_INIT;
	put("[cloud]\n\nlisten_on = x\n");
	assert_int_equal(cloud_config_load(&c, path, NULL, &err), -1);
	assert_non_null(strstr(err.text, ":3: "));
	cloud_config_done(&c);
	assert_int_equal(cloud_config_load(&c, "/nowhere.ini", NULL, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
}

/* Each row that has a flag stands among the flags, with a value; each flag but --config has a row. */
static void test_flags_match_rows(void **state) {
	(void)state;
	AUTO(cloud_config_done) struct cloud_config c;
	struct error err = ERROR_INIT;
	static const char *const flags[] = {"data", "/x", NULL};
	assert_int_equal(cloud_config_load(&c, NULL, flags, &err), 0);
	size_t with_flag = 0;
	for (size_t i = 0; i < c.set.n; i++) {
		assert_non_null(c.set.rows[i].help);
		with_flag += c.set.rows[i].flag != NULL;
	}
	assert_int_equal(with_flag + 1, cloud_flag_n);
	for (size_t i = 0; i < cloud_flag_n; i++) {
		assert_non_null(cloud_flags[i].value);
		assert_int_equal(strcmp(cloud_flags[i].name, "config") == 0, !option_by_flag(&c.set, cloud_flags[i].name));
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void) {
	static const struct CMUnitTest tests[] = {TEST(test_defaults), TEST(test_sources), TEST(test_schema),
		TEST(test_mistakes), TEST(test_file_mistakes), TEST(test_flags_match_rows)};
	return cmocka_run_group_tests_name("cloud/config", tests, NULL, NULL);
}
