/* SPDX-License-Identifier: MIT */
/* Metadata rules. Written in INI as `fatigue_level = number 0..10 required`, `hardware_model = text required`,
 * `mode = text one_of(a|b c|d)`, `note = text`; open ranges `0..` and `..10`. The cloud owns them (GET /v1/schema); a
 * station's own may only be stricter. */
#pragma once

#include "base/pattern.h"
#include "session/metadata.h"

enum schema_type { SCHEMA_TEXT, SCHEMA_NUMBER };
struct schema_rule {
	char *key;
	enum schema_type type;
	bool required, has_min, has_max;
	double min, max;
	char **one_of;
	size_t one_of_n;
};
struct schema {
	int64_t version;
	char *file; /* name of the metadata file, "metadata.txt" */
	struct schema_rule *rules;
	size_t n, capacity;
	struct option_list empty; /* patterns of files that may be empty */
};
#define SCHEMA_FILE "metadata.txt"
/* No rules, and no file but the usual name: whatever a station calls its metadata file will do. */
bool schema_is_open(const struct schema *s);
void schema_init(struct schema *s); /* version 1, metadata.txt, no rules */
void schema_done(struct schema *s);
DEFINE_AUTO_VAL(struct schema, schema_done)
MUST_USE int schema_add(struct schema *s, const char *key, const char *rule, struct error *err); /* the INI form */
MUST_USE int schema_read_ini(
	struct schema *s, const char *path, struct error *err); /* [metadata] file, version; [metadata.keys] */
cJSON *schema_to_json(const struct schema *s);				/* {version, metadata:{file, keys}} of api.md */
MUST_USE int schema_from_json(struct schema *s, const cJSON *j, struct error *err);
/* Adds `own` (a station's) to `cloud` in place; the name of the metadata file is own's where the cloud's is open: each
 * rule becomes the stricter of both; one that is looser or of another type is ERR_CONFIG naming the key. */
MUST_USE int schema_tighten(struct schema *cloud, const struct schema *own, struct error *err);
const struct schema_rule *schema_rule_of(const struct schema *s, const char *key);
void schema_rule_text(const struct schema_rule *r, char *to, size_t size); /* "number 0..10 required" */
