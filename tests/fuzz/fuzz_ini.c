/* SPDX-License-Identifier: MIT */
/* INI files: lines are counted truly, values are bounded, and schema rules read from one survive their own writing. */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/ini.h"
#include "session/schema.h"

struct seen {
	int line, lines;
};

static int on_value(void *arg, const char *section, const char *name, const char *value, int line, struct error *err) {
	struct seen *s = arg;
	FUZZ_CHECK(line >= s->line && line <= s->lines);
	FUZZ_CHECK(strlen(section) <= INI_LINE_MAX && strlen(name) + strlen(value) <= INI_LINE_MAX);
	s->line = line;
	return strcmp(name, "refuse") ? 0 : error_set(err, ERR_CONFIG, "refused");
}

/* A rule that was taken is taken again as it is written. */
static void check_rules(const struct schema *s) {
	AUTO(schema_done) struct schema again;
	AUTO(json_free) cJSON *json = schema_to_json(s);
	struct error err = ERROR_INIT;
	schema_init(&again);
	FUZZ_CHECK(schema_from_json(&again, json, &err) == 0);
	FUZZ_CHECK(again.n == s->n);
	AUTO(json_free) cJSON *same = schema_to_json(&again);
	FUZZ_CHECK(cJSON_Compare(json, same, true));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
	struct seen seen = {.lines = 1};
	struct error err = ERROR_INIT;
	char path[64];
	AUTO(fd_close) int fd = memfd_create("fuzz.ini", MFD_CLOEXEC);
	FUZZ_CHECK(fd >= 0 && write(fd, data, n) == (ssize_t)n);
	for (size_t i = 0; i < n; i++) seen.lines += data[i] == '\n';
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (ini_read(path, on_value, &seen, &err) == 0) fuzz_taken += seen.line > 0;
	else FUZZ_CHECK(*err.text && err.code != ERR_NONE);
	AUTO(schema_done) struct schema s;
	schema_init(&s);
	if (schema_read_ini(&s, path, &err) == 0) check_rules(&s);
	return 0;
}
