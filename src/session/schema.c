/* SPDX-License-Identifier: MIT */
/* Metadata rules: their INI form, their JSON form, and the stricter of two. Pure functions but for schema_read_ini; any
 * thread once built.
 * Invariants of a rule that came in: its key is a valid metadata key and stands once; min <= max; one_of, when there,
 * has members, each a number when the type is number. */
#include "session/schema.h"

#include <string.h>

#include "base/ini.h"
#include "base/text.h"
#include "session/name.h"

#define RULES_MAX 1000
#define ONE_OF_MAX 1000

static const char *const type_names[] = {[SCHEMA_TEXT] = "text", [SCHEMA_NUMBER] = "number"};

/* --- life --- */

void schema_init(struct schema *s) { *s = (struct schema){.version = 1, .file = xstrdup(SCHEMA_FILE)}; }

bool schema_is_open(const struct schema *s) { return s->n == 0 && strcmp(s->file, SCHEMA_FILE) == 0; }

static void rule_done(struct schema_rule *r) {
	xfree(r->key);
	for (size_t i = 0; i < r->one_of_n; i++) xfree(r->one_of[i]);
	xfree(r->one_of);
	*r = (struct schema_rule){0};
}
DEFINE_AUTO_VAL(struct schema_rule, rule_done)

void schema_done(struct schema *s) {
	for (size_t i = 0; i < s->n; i++) rule_done(&s->rules[i]);
	xfree(s->rules);
	xfree(s->file);
	option_list_clear(&s->empty);
	*s = (struct schema){0};
}

const struct schema_rule *schema_rule_of(const struct schema *s, const char *key) {
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->rules[i].key, key) == 0) return &s->rules[i];
	}
	return NULL;
}

static void one_of_add(struct schema_rule *r, char *item) {
	size_t capacity = r->one_of_n; /* a rule is built once and small: grown one by one */
	r->one_of = xrealloc(r->one_of, (capacity + 1) * sizeof *r->one_of);
	r->one_of[r->one_of_n++] = item;
}

static struct schema_rule rule_copy(const struct schema_rule *r) {
	struct schema_rule copy = *r;
	copy.key = xstrdup(r->key);
	copy.one_of = NULL;
	copy.one_of_n = 0;
	for (size_t i = 0; i < r->one_of_n; i++) one_of_add(&copy, xstrdup(r->one_of[i]));
	return copy;
}

/* What both forms have in common. Takes the rule's contents when it is good. */
static int rule_put(struct schema *s, struct schema_rule *r, struct error *err) {
	if (!*r->key || strlen(r->key) > METADATA_KEY_MAX || strpbrk(r->key, ":=\n") ||
		!text_is_utf8(r->key, strlen(r->key), NULL)) {
		return error_set(err, ERR_CONFIG, "\"%s\" cannot be a metadata key: take 1 to %d bytes without ':' and '='",
			TEXT_SAFE(r->key), METADATA_KEY_MAX);
	}
	if (schema_rule_of(s, r->key)) {
		return error_set(err, ERR_CONFIG, "the metadata key \"%s\" has two rules; remove one", TEXT_SAFE(r->key));
	}
	if (s->n >= RULES_MAX) return error_set(err, ERR_CONFIG, "there are more than %d metadata rules", RULES_MAX);
	if (r->has_min && r->has_max && r->min > r->max) {
		return error_set(err, ERR_CONFIG, "the range of \"%s\" is empty: %.15g is above %.15g; swap the two",
			TEXT_SAFE(r->key), r->min, r->max);
	}
	ARRAY_RESERVE(s->rules, s->n, s->capacity);
	s->rules[s->n++] = *r;
	*r = (struct schema_rule){0};
	return 0;
}

/* --- INI form: TYPE [RANGE] [required] [one_of(a|b)] --- */

static int rule_error(struct error *err, const char *key, const char *fault, const char *word) {
	return error_set(err, ERR_CONFIG,
		"the rule of \"%s\" %s \"%s\"; write a type and what follows it, such as number 0..10 required, text required "
		"or text one_of(a|b)",
		TEXT_SAFE(key), fault, TEXT_SAFE(word));
}

static int parse_limit(const char *text, bool *ret_has, double *ret) {
	if (!*text) return 0; /* an open end */
	double value;
	if (text_to_double(text, &value)) return -1;
	*ret_has = true;
	*ret = value;
	return 0;
}

/* "0..10", "0..", "..10" */
static int parse_range(struct schema_rule *r, char *word, struct error *err) {
	char *dots = strstr(word, "..");
	AUTO(xfree) char *whole = xstrdup(word);
	*dots = '\0';
	bool bad = parse_limit(word, &r->has_min, &r->min) || parse_limit(dots + 2, &r->has_max, &r->max);
	if (bad || (!r->has_min && !r->has_max))
		return rule_error(err, r->key, "has a range that is not understood:", whole);
	return 0;
}

static int check_item(const struct schema_rule *r, const char *item, struct error *err) {
	double number;
	if (!*item) return rule_error(err, r->key, "has an empty choice in one_of:", item);
	if (r->one_of_n >= ONE_OF_MAX) return rule_error(err, r->key, "has more than a thousand choices at", item);
	if (r->type == SCHEMA_NUMBER && text_to_double(item, &number)) {
		return rule_error(err, r->key, "is of numbers and one_of holds", item);
	}
	return 0;
}

/* `list` is what stands between the parentheses. */
static int parse_one_of(struct schema_rule *r, char *list, struct error *err) {
	for (char *item = list; item;) {
		char *next = strchr(item, '|');
		if (next) *next++ = '\0';
		item = text_trim(item);
		if (check_item(r, item, err)) return -1;
		one_of_add(r, xstrdup(item));
		item = next;
	}
	return 0;
}

static int parse_word(struct schema_rule *r, char *word, bool first, struct error *err) {
	if (first) {
		if (strcmp(word, "text") == 0) r->type = SCHEMA_TEXT;
		else if (strcmp(word, "number") == 0) r->type = SCHEMA_NUMBER;
		else return rule_error(err, r->key, "begins with neither text nor number but", word);
		return 0;
	}
	if (strcmp(word, "required") == 0) {
		r->required = true;
		return 0;
	}
	if (r->type == SCHEMA_NUMBER && !r->has_min && !r->has_max && strstr(word, "..")) return parse_range(r, word, err);
	return rule_error(err, r->key, "has a word that is not understood:", word);
}

static int parse_rule(struct schema_rule *r, char *text, struct error *err) {
	bool first = true;
	for (char *p = text_trim(text); *p || first; first = false) {
		if (!first && text_starts(p, "one_of(") && r->one_of_n == 0) {
			char *end = strchr(p, ')');
			if (!end) return rule_error(err, r->key, "has a one_of( without its ')':", p);
			*end = '\0';
			if (parse_one_of(r, p + strlen("one_of("), err)) return -1;
			p = text_trim(end + 1);
			continue;
		}
		size_t n = strcspn(p, " \t");
		char *rest = p[n] ? p + n + 1 : p + n;
		p[n] = '\0';
		if (parse_word(r, p, first, err)) return -1;
		p = text_trim(rest);
	}
	return 0;
}

int schema_add(struct schema *s, const char *key, const char *rule, struct error *err) {
	AUTO(xfree) char *text = xstrdup(rule);
	AUTO(rule_done) struct schema_rule r = {.key = xstrdup(key)};
	if (parse_rule(&r, text, err)) return -1;
	return rule_put(s, &r, err);
}

static const char *const ini_names[] = {"file", "version"};

static int on_ini(void *arg, const char *section, const char *name, const char *value, int line, struct error *err) {
	(void)line;
	struct schema *s = arg;
	if (strcmp(section, "metadata.keys") == 0) return schema_add(s, name, value, err);
	if (strcmp(section, "check") == 0 && strcmp(name, "empty") == 0) return patterns_set(&s->empty, value, err);
	if (strcmp(section, "metadata") != 0) {
		return error_set(err, ERR_CONFIG,
			"[%s] %s has no place in a schema file; it has [metadata], [metadata.keys] and [check] empty",
			TEXT_SAFE(section), TEXT_SAFE(name));
	}
	if (strcmp(name, "file") == 0) {
		if (file_name_check(value, err)) return -1;
		xfree(s->file);
		s->file = xstrdup(value);
		return 0;
	}
	if (strcmp(name, "version") == 0) {
		if (text_to_i64(value, 1, INT32_MAX, &s->version) == 0) return 0;
		return error_set(err, ERR_CONFIG, "version \"%s\" is not a whole number from 1", TEXT_SAFE(value));
	}
	const char *near = text_nearest(name, ini_names, ARRAY_LEN(ini_names));
	return error_set(err, ERR_CONFIG, "\"%s\" is unknown in [metadata]; %s%s", TEXT_SAFE(name),
		near ? "did you mean " : "it has file and version", near ? near : "");
}

int schema_read_ini(struct schema *s, const char *path, struct error *err) {
	AUTO(schema_done) struct schema read = {0};
	schema_init(&read);
	if (ini_read(path, on_ini, &read, err)) return -1;
	schema_done(s);
	*s = read;
	read = (struct schema){0};
	return 0;
}

void schema_rule_text(const struct schema_rule *r, char *to, size_t size) {
	AUTO(buf_done) struct buf b = BUF_INIT(64 * 1024);
	buf_str(&b, type_names[r->type]);
	if (r->has_min || r->has_max) {
		buf_char(&b, ' ');
		if (r->has_min) buf_fmt(&b, "%.15g", r->min);
		buf_str(&b, "..");
		if (r->has_max) buf_fmt(&b, "%.15g", r->max);
	}
	for (size_t i = 0; i < r->one_of_n; i++) buf_fmt(&b, "%s%s", i ? "|" : " one_of(", r->one_of[i]);
	if (r->one_of_n) buf_char(&b, ')');
	if (r->required) buf_str(&b, " required");
	text_copy(to, size, buf_text(&b));
}

/* --- JSON form (api.md GET /v1/schema) --- */

static void one_of_to_json(const struct schema_rule *r, cJSON *j) {
	cJSON *choices = json_array();
	for (size_t i = 0; i < r->one_of_n; i++) {
		double number = 0;
		bool is_number = r->type == SCHEMA_NUMBER && text_to_double(r->one_of[i], &number) == 0;
		if (is_number) json_push_double(choices, number);
		else json_push_text(choices, r->one_of[i]);
	}
	json_add(j, "one_of", choices);
}

static cJSON *rule_to_json(const struct schema_rule *r) {
	cJSON *j = json_object();
	json_add_text(j, "type", type_names[r->type]);
	json_add_bool(j, "required", r->required);
	if (r->has_min) json_add_double(j, "minimum", r->min);
	if (r->has_max) json_add_double(j, "maximum", r->max);
	if (r->one_of_n) one_of_to_json(r, j);
	return j;
}

cJSON *schema_to_json(const struct schema *s) {
	cJSON *j = json_object(), *metadata = json_object(), *keys = json_object();
	json_add_i64(j, "version", s->version);
	json_add_text(metadata, "file", s->file);
	for (size_t i = 0; i < s->n; i++) json_add(keys, s->rules[i].key, rule_to_json(&s->rules[i]));
	json_add(metadata, "keys", keys);
	json_add(j, "metadata", metadata);
	if (!s->empty.n) return j;
	char empty[1024];
	cJSON *check = json_object();
	patterns_show(&s->empty, empty, sizeof empty);
	json_add_text(check, "empty", empty);
	json_add(j, "check", check);
	return j;
}

static int limit_from_json(
	const cJSON *j, const char *name, const struct json_at *at, bool *ret_has, double *ret, struct error *err) {
	if (json_may_double(j, name, at, ret, err)) return -1;
	*ret_has = json_get(j, name) != NULL;
	return 0;
}

static int one_of_from_json(struct schema_rule *r, const cJSON *j, const struct json_at *at, struct error *err) {
	const cJSON *choices = NULL, *choice;
	double number;
	if (json_may_array(j, "one_of", at, ONE_OF_MAX, &choices, err)) return -1;
	json_each (choice, choices) {
		const char *text = json_as_text(choice);
		if (!text && !json_as_double(choice, &number)) {
			return error_set(err, ERR_INPUT,
				"one_of of the metadata key \"%s\" holds what is neither a text nor a number", TEXT_SAFE(r->key));
		}
		AUTO(xfree) char *item = text ? xstrdup(text) : json_text(choice);
		if (check_item(r, item, err)) return -1;
		one_of_add(r, TAKE(item));
	}
	return 0;
}

static int rule_from_json(struct schema *s, const cJSON *j, const struct json_at *up, struct error *err) {
	struct json_at at = {up, json_name(j), 0};
	const char *type = NULL;
	AUTO(rule_done) struct schema_rule r = {.key = xstrdup(json_name(j))};
	if (json_want_object(j, &at, err) || json_want_text(j, "type", &at, &type, err)) return -1;
	if (strcmp(type, "number") == 0) r.type = SCHEMA_NUMBER;
	else if (strcmp(type, "text") != 0) {
		return error_set(err, ERR_INPUT, "the metadata key \"%s\" is of type \"%s\"; number and text are known",
			TEXT_SAFE(r.key), TEXT_SAFE(type));
	}
	if (json_may_bool(j, "required", &at, &r.required, err)) return -1;
	if (r.type == SCHEMA_NUMBER && (limit_from_json(j, "minimum", &at, &r.has_min, &r.min, err) ||
									   limit_from_json(j, "maximum", &at, &r.has_max, &r.max, err))) {
		return -1;
	}
	if (one_of_from_json(&r, j, &at, err)) return -1;
	return rule_put(s, &r, err);
}

static int schema_members(struct schema *s, const cJSON *j, struct error *err) {
	const cJSON *metadata = NULL, *keys = NULL, *rule;
	const char *file = NULL;
	struct json_at at = {NULL, "metadata", 0}, keys_at = {&at, "keys", 0};
	if (json_want_i64(j, "version", NULL, 1, INT32_MAX, &s->version, err)) return -1;
	if (json_want_member(j, "metadata", NULL, &metadata, err) || json_want_object(metadata, &at, err)) return -1;
	if (json_want_text(metadata, "file", &at, &file, err) || file_name_check(file, err)) return -1;
	if (json_want_member(metadata, "keys", &at, &keys, err) || json_want_object(keys, &keys_at, err)) return -1;
	xfree(s->file);
	s->file = xstrdup(file);
	const char *empty = json_get_text(json_get_object(j, "check"), "empty");
	if (empty && patterns_set(&s->empty, empty, err)) return -1;
	json_each (rule, keys) {
		if (rule_from_json(s, rule, &keys_at, err)) return -1;
	}
	return 0;
}

int schema_from_json(struct schema *s, const cJSON *j, struct error *err) {
	AUTO(schema_done) struct schema read = {0};
	schema_init(&read);
	if (json_want_object(j, NULL, err)) return -1;
	if (schema_members(&read, j, err)) {
		err->code = ERR_INPUT; /* whatever a rule's own words say: it came from outside */
		return -1;
	}
	schema_done(s);
	*s = read;
	read = (struct schema){0};
	return 0;
}

/* --- the stricter of both --- */

static bool one_of_has(const struct schema_rule *r, const char *item) {
	for (size_t i = 0; i < r->one_of_n; i++) {
		if (strcmp(r->one_of[i], item) == 0) return true;
	}
	return false;
}

static int looser(struct error *err, const struct schema_rule *cloud, const struct schema_rule *own) {
	char theirs[256], ours[256];
	schema_rule_text(cloud, theirs, sizeof theirs);
	schema_rule_text(own, ours, sizeof ours);
	return error_set(err, ERR_CONFIG,
		"this station's rule %s = %s allows what the cloud's (%s) does not; make it stricter in [metadata.keys], or "
		"remove it",
		TEXT_SAFE(own->key), TEXT_SAFE(ours), TEXT_SAFE(theirs));
}

/* What `own` does not say is the cloud's; what it says must lie within. */
static int rule_tighten(struct schema_rule *cloud, const struct schema_rule *own, struct error *err) {
	if (own->type != cloud->type) return looser(err, cloud, own);
	if ((own->has_min && cloud->has_min && own->min < cloud->min) ||
		(own->has_min && cloud->has_max && own->min > cloud->max) ||
		(own->has_max && cloud->has_max && own->max > cloud->max) ||
		(own->has_max && cloud->has_min && own->max < cloud->min)) {
		return looser(err, cloud, own);
	}
	for (size_t i = 0; cloud->one_of_n && i < own->one_of_n; i++) {
		if (!one_of_has(cloud, own->one_of[i])) return looser(err, cloud, own);
	}
	struct schema_rule tight = rule_copy(own->one_of_n ? own : cloud);
	tight.required = own->required || cloud->required;
	tight.has_min = own->has_min || cloud->has_min;
	tight.min = own->has_min ? own->min : cloud->min;
	tight.has_max = own->has_max || cloud->has_max;
	tight.max = own->has_max ? own->max : cloud->max;
	rule_done(cloud);
	*cloud = tight;
	return 0;
}

int schema_tighten(struct schema *cloud, const struct schema *own, struct error *err) {
	AUTO(schema_done)
	struct schema both = {.version = cloud->version, .file = xstrdup(schema_is_open(cloud) ? own->file : cloud->file)};
	for (size_t i = 0; i < cloud->empty.n; i++) option_list_add(&both.empty, cloud->empty.items[i]);
	for (size_t i = 0; i < cloud->n; i++) {
		AUTO(rule_done) struct schema_rule copy = rule_copy(&cloud->rules[i]);
		if (rule_put(&both, &copy, err)) return -1;
	}
	for (size_t i = 0; i < own->n; i++) {
		const struct schema_rule *there = schema_rule_of(&both, own->rules[i].key);
		if (there) {
			if (rule_tighten(&both.rules[there - both.rules], &own->rules[i], err)) return -1;
			continue;
		}
		AUTO(rule_done) struct schema_rule copy = rule_copy(&own->rules[i]);
		if (rule_put(&both, &copy, err)) return -1;
	}
	schema_done(cloud);
	*cloud = both;
	both = (struct schema){0};
	return 0;
}
