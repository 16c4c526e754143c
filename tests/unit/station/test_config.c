/* SPDX-License-Identifier: MIT */
/* station/config: rows and flags, the order of sources, defaults of the machine, values that do not fit, what a command
 * needs. HOME, the XDG folders and the system's point into a folder of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "base/file.h"
#include "station/config.h"

static char home[64];

static const char *in_home(const char *name) {
	static char paths[4][128];
	static int next;
	char *to = paths[next++ % 4];
	snprintf(to, sizeof paths[0], "%s/%s", home, name);
	return to;
}

static int setup(void **state) {
	(void)state;
	static const char *const unset[] = {"XDG_CONFIG_HOME", "XDG_STATE_HOME", "STATE_DIRECTORY"};
	for (size_t i = 0; i < ARRAY_LEN(unset); i++) unsetenv(unset[i]);
	snprintf(home, sizeof home, "/tmp/test_config.XXXXXX");
	if (!mkdtemp(home) || setenv("HOME", home, 1)) return -1;
	return setenv("CONFIGURATION_DIRECTORY", in_home("etc"), 1);
}

static int teardown(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	return file_remove_tree(home, &err);
}

static void put(const char *name, const char *text, mode_t mode) {
	struct error err = ERROR_INIT;
	if (file_write_atomic(in_home(name), text, strlen(text), mode, &err)) fail_msg("%s", err.text);
}

static void must_load(struct config *c, const char *file, const char *const *flags) {
	struct error err = ERROR_INIT;
	if (config_load(c, file, flags, &err)) fail_msg("%s", err.text);
}

static void test_defaults(void **state) {
	(void)state;
	AUTO(config_done) struct config c;
	must_load(&c, NULL, NULL);
	assert_true(strlen(c.name) > 0);
	assert_string_equal(c.state_dir, in_home(".local/state/headgate"));
	assert_int_equal(c.settle_ms, 10000);
	assert_int_equal(c.connections, 4);
	assert_int_equal(c.retry_base_ms, 30000);
	assert_int_equal(c.retry_cap_ms, 3600000);
	assert_string_equal(c.schema.file, "metadata.txt");
	assert_int_equal(bandwidth_now(&c.bandwidth, 0), 0);
	assert_null(c.endpoint);
}

static void test_state_folders(void **state) {
	(void)state;
	static const struct {
		const char *variable, *value, *state;
	} cases[] = {{"XDG_STATE_HOME", "/x/state", "/x/state/headgate"},
		{"STATE_DIRECTORY", "/var/lib/headgate:/other", "/var/lib/headgate"},
		{"HEADGATE_STATION_STATE", "/own/", "/own"}, {"HEADGATE_STATION_STATE", "~/own", NULL}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(config_done) struct config c;
		setenv(cases[i].variable, cases[i].value, 1);
		must_load(&c, NULL, NULL);
		assert_string_equal(c.state_dir, cases[i].state ? cases[i].state : in_home("own"));
	}
	unsetenv("HEADGATE_STATION_STATE");
}

static void test_sources(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	assert_int_equal(file_mkdirs(in_home(".config/headgate"), 0700, &err), 0);
	assert_int_equal(file_mkdirs(in_home("etc"), 0700, &err), 0);
	put("etc/headgate.ini", "[station]\nname = system\nrescan = 7s\n[upload]\nconnections = 1\n", 0644);
	put(".config/headgate/headgate.ini",
		"[station]\nname = user\nwatch = /user\nsettle = 1s\n[upload]\nconnections = 2\n", 0644);
	put("own.ini", "[station]\nname = own\nwatch = /a\nwatch = /b/\nsettle = 2s\n", 0644);
	setenv("HEADGATE_STATION_SETTLE", "3s", 1);
	static const char *const flags[] = {"endpoint", "http://127.0.0.1:1", NULL};
	AUTO(config_done) struct config c;
	must_load(&c, in_home("own.ini"), flags);
	unsetenv("HEADGATE_STATION_SETTLE");
	assert_string_equal(c.name, "own");
	assert_int_equal(c.watch.n, 2);
	assert_string_equal(c.watch.items[1], "/b");
	assert_int_equal(c.settle_ms, 3000);
	assert_int_equal(c.rescan_ms, 7000);
	assert_int_equal(c.connections, 2);
	assert_string_equal(c.endpoint, "http://127.0.0.1:1");
	setenv("XDG_CONFIG_HOME", in_home("elsewhere"), 1);
	AUTO(config_done) struct config other;
	must_load(&other, NULL, NULL);
	assert_int_equal(other.connections, 1);
	put("etc/headgate.ini", "", 0644);
}

static void test_system_file(void **state) {
	(void)state;
	static const struct {
		const char *systemd, *path;
	} cases[] = {{"/x/etc", "/x/etc/headgate.ini"}, {"/x/a:/x/b", "/x/a/headgate.ini"},
		{"", "/etc/headgate/headgate.ini"}, {"relative", "/etc/headgate/headgate.ini"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		setenv("CONFIGURATION_DIRECTORY", cases[i].systemd, 1);
		AUTO(xfree) char *path = config_system_file();
		assert_string_equal(path, cases[i].path);
	}
	setenv("CONFIGURATION_DIRECTORY", in_home("etc"), 1);
}

static void test_product_example(void **state) {
	(void)state;
	AUTO(config_done) struct config c;
	put("x.ini",
		"[station]\nname = eeg-lab-2\nwatch = /data/recordings\nsettle = 10s\n[cloud]\n"
		"endpoint = https://ingest.example.org\napi_key_file = /etc/headgate/api-key\n[upload]\nconnections = 4\n"
		"bandwidth = 20MB/s 08:00-18:00\n[metadata]\nfile = metadata.txt\n[metadata.keys]\n"
		"fatigue_level = number 0..10 required\nhardware_model = text required\n",
		0644);
	must_load(&c, in_home("x.ini"), NULL);
	assert_int_equal(c.bandwidth.bytes_per_s, 20000000);
	assert_int_equal(c.bandwidth.from_min, 480);
	assert_int_equal(c.bandwidth.to_min, 1080);
	assert_int_equal(c.schema.n, 2);
	assert_string_equal(c.metadata_keys.items[0], "fatigue_level = number 0..10 required");
}

/* A later file's metadata rules replace an earlier one's, and one file may not give two rules for a key. */
static void test_metadata_keys(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	assert_int_equal(file_mkdirs(in_home(".config/headgate"), 0700, &err), 0);
	put(".config/headgate/headgate.ini", "[metadata]\nfile = m.json\n[metadata.keys]\na = text\nb = text\n", 0644);
	put("own.ini", "[metadata.keys]\nb = number 0.. required\n", 0644);
	put("twice.ini", "[metadata.keys]\nb = text\nb = number\n", 0644);
	AUTO(config_done) struct config c;
	must_load(&c, in_home("own.ini"), NULL);
	assert_int_equal(c.schema.n, 1);
	assert_int_equal(c.metadata_keys.n, 1);
	assert_string_equal(c.schema.file, "m.json");
	AUTO(config_done) struct config twice;
	assert_int_equal(config_load(&twice, in_home("twice.ini"), NULL, &err), -1);
	assert_non_null(strstr(err.text, "twice.ini:3: "));
}

static void test_mistakes(void **state) {
	(void)state;
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"[station]\nnmae = x\n", "x.ini:2: [station] has no key \"nmae\", did you mean \"name\"?"},
		{"[station]\nname = two words\n", "x.ini:2: [station] name"},
		{"[station]\nsince = yesterday\n", "x.ini:2: [station] since \"yesterday\""},
		{"[station]\nsince = 2021-02-29\n", "x.ini:2: [station] since"},
		{"[station]\nwatch = /a\nwatch = /a/b\n", "x.ini:3: [station] watch names /a/b"},
		{"[station]\nwatch = /a\nwatch = /a/\n", "twice or within"},
		{"[station]\ntotal_min = 2GB\ntotal_max = 1GB\n", "x.ini:2: [station] total_min is above"},
		{"[cloud]\nendpoint = ingest.example.org\n", "x.ini:2: [cloud] endpoint"},
		{"[cloud]\nendpoint = https://\n", "x.ini:2: [cloud] endpoint"},
		{"[cloud]\nendpoint = https://user@host\n", "x.ini:2: [cloud] endpoint"},
		{"[cloud]\napi_key = sesame\n", "x.ini:2: api_key may not stand in a configuration file"},
		{"[upload]\nbandwidth = fast\n", "x.ini:2: [upload] bandwidth"},
		{"[upload]\nretry_base = 2m\nretry_cap = 1m\n", "x.ini:2: [upload] retry_base is above"},
		{"[upload]\nconnections = 0\n", "x.ini:2: [upload] connections"},
		{"[metadata]\nfile = ../x\n", "x.ini:2: [metadata] file"},
		{"[log]\nlevel = loud\n", "x.ini:2: [log] level \"loud\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(config_done) struct config c;
		struct error err = ERROR_INIT;
		put("x.ini", cases[i].text, 0644);
		assert_int_equal(config_load(&c, in_home("x.ini"), NULL, &err), -1);
		assert_int_equal(err.code, ERR_CONFIG);
		if (!strstr(err.text, cases[i].why)) fail_msg("%s does not say %s", err.text, cases[i].why);
	}
	AUTO(config_done) struct config c;
	struct error err = ERROR_INIT;
	assert_int_equal(config_load(&c, in_home("missing.ini"), NULL, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
}

static void test_since_good(void **state) {
	(void)state;
	static const char *const days[] = {"2026-11-21", "20261121_000000"};
	for (size_t i = 0; i < ARRAY_LEN(days); i++) {
		AUTO(config_done) struct config c;
		const char *const flags[] = {"since", days[i], NULL};
		must_load(&c, NULL, flags);
		assert_string_equal(c.since, days[i]);
	}
}

static void test_bandwidth_parse(void **state) {
	(void)state;
	static const struct {
		const char *text, *written; /* NULL: refused */
	} cases[] = {
		{"20MB/s", "20MB/s"},
		{" 20 MB/s ", "20MB/s"},
		{"1MiB/s 22:00-06:30", "1MiB/s 22:00-06:30"},
		{"5MB/s 00:00-24:00", "5MB/s"},
		{"", ""},
		{"20MB", NULL},
		{"20MB/s 8-18", NULL},
		{"20MB/s 25:00-26:00", NULL},
		{"20MB/s 24:30-10:00", NULL},
		{"20MB/s 08:60-10:00", NULL},
		{"20MB/s 08:00-18:00 daily", NULL},
		{"much/s", NULL},
		{"10B/s", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bandwidth_window w = {0};
		struct error err = ERROR_INIT;
		char written[64];
		int failed = bandwidth_parse(cases[i].text, &w, &err);
		if (failed != (cases[i].written ? 0 : -1)) fail_msg("%s: %d %s", cases[i].text, failed, err.text);
		if (failed) continue;
		bandwidth_write(&w, written, sizeof written);
		assert_string_equal(written, cases[i].written);
	}
}

static int64_t at_local(int hour, int minute) {
	struct tm day = {.tm_year = 126, .tm_mon = 10, .tm_mday = 20, .tm_hour = hour, .tm_min = minute, .tm_isdst = -1};
	return (int64_t)mktime(&day) * 1000;
}

static void test_rate_now(void **state) {
	(void)state;
	struct config c = {.bandwidth = {100000, 480, 1080}};
	assert_int_equal(bandwidth_now(&c.bandwidth, at_local(7, 59)), 0);
	assert_int_equal(bandwidth_now(&c.bandwidth, at_local(8, 0)), 100000);
	assert_int_equal(bandwidth_now(&c.bandwidth, at_local(17, 59)), 100000);
	assert_int_equal(bandwidth_now(&c.bandwidth, at_local(18, 0)), 0);
	c.bandwidth = (struct bandwidth_window){100000, 1320, 360}; /* over midnight */
	assert_int_equal(bandwidth_now(&c.bandwidth, at_local(23, 0)), 100000);
	assert_int_equal(bandwidth_now(&c.bandwidth, at_local(5, 59)), 100000);
	assert_int_equal(bandwidth_now(&c.bandwidth, at_local(12, 0)), 0);
	c.bandwidth = (struct bandwidth_window){100000, 0, 0};
	assert_int_equal(bandwidth_now(&c.bandwidth, at_local(12, 0)), 100000);
}

static void test_require(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct stat st;
	AUTO(config_done) struct config c;
	must_load(&c, NULL, NULL);
	assert_int_equal(config_require(&c, NEED_WATCH, &err), -1);
	assert_non_null(strstr(err.text, "--watch"));
	assert_int_equal(config_require(&c, NEED_CLOUD, &err), -1);
	assert_non_null(strstr(err.text, "--endpoint"));
	c.endpoint = xstrdup("http://127.0.0.1:1");
	assert_int_equal(config_require(&c, NEED_CLOUD, &err), -1);
	assert_non_null(strstr(err.text, "HEADGATE_CLOUD_API_KEY"));
	assert_int_equal(config_require(&c, NEED_STATE, &err), 0);
	assert_int_equal(stat(c.state_dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_key_file(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	put("key", "hg_secret\n", 0600);
	const char *const flags[] = {"endpoint", "http://127.0.0.1:1", "api-key-file", in_home("key"), NULL};
	AUTO(config_done) struct config c;
	must_load(&c, NULL, flags);
	assert_int_equal(config_require(&c, NEED_CLOUD, &err), 0);
	assert_true(secret_equal(&c.api_key, "hg_secret", 9));
	AUTO(config_done) struct config wide;
	assert_int_equal(chmod(in_home("key"), 0640), 0);
	must_load(&wide, NULL, flags);
	assert_int_equal(config_require(&wide, NEED_CLOUD, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_null(strstr(err.text, "hg_secret"));
	setenv("HEADGATE_CLOUD_API_KEY", "hg_env", 1);
	AUTO(config_done) struct config env;
	must_load(&env, NULL, flags);
	unsetenv("HEADGATE_CLOUD_API_KEY");
	assert_int_equal(config_require(&env, NEED_CLOUD, &err), 0);
	assert_true(secret_equal(&env.api_key, "hg_env", 6));
}

static void test_group(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	struct stat st;
	AUTO(config_done) struct config c;
	put("x.ini", "[station]\ngroup = no-such-group\n", 0644);
	must_load(&c, in_home("x.ini"), NULL);
	assert_int_equal(config_require(&c, NEED_STATE, &err), -1);
	assert_non_null(strstr(err.text, "no-such-group"));
	AUTO(config_done) struct config root;
	put("x.ini", "[station]\ngroup = root\n", 0644);
	must_load(&root, in_home("x.ini"), NULL);
	assert_int_equal(config_require(&root, NEED_STATE, &err), 0);
	assert_int_equal(stat(root.state_dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700); /* the journal opens it */
}

/* Each row that has a flag stands among the flags; each flag but --config has a row; no flag names a secret. */
static void test_flags_match_rows(void **state) {
	(void)state;
	AUTO(config_done) struct config c;
	must_load(&c, NULL, NULL);
	size_t with_flag = 0;
	for (size_t i = 0; i < c.set.n; i++) {
		assert_non_null(c.set.rows[i].help);
		assert_false(c.set.rows[i].secret && c.set.rows[i].flag);
		with_flag += c.set.rows[i].flag != NULL;
	}
	assert_int_equal(with_flag + 1, config_flag_n);
	for (size_t i = 0; i < config_flag_n; i++) {
		assert_non_null(config_flags[i].value);
		assert_int_equal(strcmp(config_flags[i].name, "config") == 0, !option_by_flag(&c.set, config_flags[i].name));
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void) {
	static const struct CMUnitTest tests[] = {TEST(test_defaults), TEST(test_state_folders), TEST(test_sources),
		TEST(test_system_file), TEST(test_product_example), TEST(test_metadata_keys), TEST(test_mistakes),
		TEST(test_since_good), TEST(test_bandwidth_parse), TEST(test_rate_now), TEST(test_require), TEST(test_key_file),
		TEST(test_group), TEST(test_flags_match_rows)};
	return cmocka_run_group_tests_name("station/config", tests, NULL, NULL);
}
