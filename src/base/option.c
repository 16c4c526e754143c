/* SPDX-License-Identifier: MIT */
/* Configuration as rows. Every source (default, file, environment, flag) ends in option_assign: one parser a type, and
 * the origin written beside the value. Sources are applied in rising order of strength by the caller. One thread. */
#include "base/option.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/ini.h"
#include "base/text.h"
#include "base/units.h"

static void *option_field(const struct option_set *set, const struct option *row) {
	return (char *)set->config + row->offset;
}

/* --- one parser and one writer a type --- */

static int set_text(void *field, const struct option *row, const char *value, struct error *err) {
	(void)row, (void)err;
	char **text = field;
	xfree(*text);
	*text = *value ? xstrdup(value) : NULL;
	return 0;
}

void option_list_add(struct option_list *l, const char *item) {
	ARRAY_RESERVE(l->items, l->n, l->capacity);
	l->items[l->n++] = xstrdup(item);
}

void option_list_clear(struct option_list *l) {
	for (size_t i = 0; i < l->n; i++) xfree(l->items[i]);
	xfree(l->items);
	*l = (struct option_list){0};
}

static int set_list(void *field, const struct option *row, const char *value, struct error *err) {
	(void)row, (void)err;
	if (*value) option_list_add(field, value);
	return 0;
}

static int64_t option_max(const struct option *row) { return row->min || row->max ? row->max : INT64_MAX; }

static int option_check_range(const struct option *row, int64_t n, const char *value, struct error *err) {
	if (n >= row->min && n <= option_max(row)) return 0;
	char least[UNIT_TEXT + 8], most[UNIT_TEXT + 8];
	option_write_number(row->type, row->min, least, sizeof least);
	option_write_number(row->type, option_max(row), most, sizeof most);
	return error_set(err, ERR_CONFIG, "%s is outside the range from %s to %s", value, least, most);
}

static int set_int(void *field, const struct option *row, const char *value, struct error *err) {
	int64_t n;
	if (text_to_i64(value, row->min, option_max(row), &n)) {
		if (option_max(row) == INT64_MAX)
			return error_set(
				err, ERR_CONFIG, "\"%s\" is not a whole number of %lld or more", value, (long long)row->min);
		return error_set(err, ERR_CONFIG, "\"%s\" is not a whole number from %lld to %lld", value, (long long)row->min,
			(long long)row->max);
	}
	*(int64_t *)field = n;
	return 0;
}

static int set_bytes(void *field, const struct option *row, const char *value, struct error *err) {
	int64_t n;
	if (unit_parse_bytes(value, &n, err) || option_check_range(row, n, value, err)) return -1;
	*(int64_t *)field = n;
	return 0;
}

static int set_duration(void *field, const struct option *row, const char *value, struct error *err) {
	int64_t ms;
	if (unit_parse_duration(value, &ms, err) || option_check_range(row, ms, value, err)) return -1;
	*(int64_t *)field = ms;
	return 0;
}

static int set_bool(void *field, const struct option *row, const char *value, struct error *err) {
	static const char *const words[][2] = {{"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};
	(void)row;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		for (int b = 0; b < 2; b++)
			if (text_equal_nocase(value, words[i][b])) {
				*(bool *)field = b == 1;
				return 0;
			}
	return error_set(err, ERR_CONFIG, "\"%s\" is neither yes nor no", value);
}

struct option_unit {
	int64_t size;
	const char *suffix;
};

static void option_write_units(const struct option_unit *units, int64_t n, char *to, size_t size) {
	while (units->size > 1 && (n == 0 || n % units->size != 0)) units++;
	snprintf(to, size, "%lld%s", (long long)(n / units->size), units->suffix);
}

/* The largest unit that divides it, so that reading it again gives the same number. */
void option_write_number(enum option_type type, int64_t n, char *to, size_t size) {
	static const struct option_unit bytes[] = {{1LL << 40, "TiB"}, {1000000000000, "TB"}, {1LL << 30, "GiB"},
		{1000000000, "GB"}, {1LL << 20, "MiB"}, {1000000, "MB"}, {1LL << 10, "KiB"}, {1000, "kB"}, {1, "B"}};
	static const struct option_unit durations[] = {
		{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
	if (type == OPTION_BYTES) option_write_units(bytes, n, to, size);
	else if (type == OPTION_DURATION) option_write_units(durations, n, to, size);
	else snprintf(to, size, "%lld", (long long)n);
}

static void show_text(const void *field, const struct option *row, char *to, size_t size) {
	(void)row;
	const char *text = *(char *const *)field;
	text_copy(to, size, text ? text : "");
}

static void show_list(const void *field, const struct option *row, char *to, size_t size) {
	(void)row;
	const struct option_list *l = field;
	size_t at = 0;
	to[0] = '\0';
	for (size_t i = 0; i < l->n && at < size; i++)
		at += (size_t)snprintf(to + at, size - at, "%s%s", i ? ", " : "", l->items[i]);
}

static void show_number(const void *field, const struct option *row, char *to, size_t size) {
	option_write_number(row->type, *(const int64_t *)field, to, size);
}

static void show_bool(const void *field, const struct option *row, char *to, size_t size) {
	(void)row;
	text_copy(to, size, *(const bool *)field ? "yes" : "no");
}

/* OPTION_CALL has its own functions in the row. */
#define OPTION_TYPE_ROWS(X)                                                                                            \
	X(TEXT, set_text, show_text)                                                                                       \
	X(LIST, set_list, show_list)                                                                                       \
	X(INT, set_int, show_number)                                                                                       \
	X(BYTES, set_bytes, show_number)                                                                                   \
	X(DURATION, set_duration, show_number)                                                                             \
	X(BOOL, set_bool, show_bool)                                                                                       \
	X(CALL, NULL, NULL)
static_assert(ROWS(OPTION_TYPE_ROWS) == OPTION_TYPE_N, "one row a type");
static const struct {
	int (*set)(void *field, const struct option *row, const char *value, struct error *err);
	void (*show)(const void *field, const struct option *row, char *to, size_t size);
} option_types[OPTION_TYPE_N] = {
#define X(id, set, show) [OPTION_##id] = {set, show},
	OPTION_TYPE_ROWS(X)
#undef X
};

/* --- assigning --- */

/* Whether a value from `where` adds to a list or begins it anew: the same source, and a later line of the same file,
 * which may be read again (a --config that names the system's). */
static bool option_same_origin(const struct option_origin *o, enum option_source source, const char *where) {
	if (o->source != source) return false;
	if (source != SOURCE_FILE) return true;
	const char *old_end = strrchr(o->where, ':'), *new_end = strrchr(where, ':');
	return old_end && new_end && old_end - o->where == new_end - where &&
		   strncmp(o->where, where, (size_t)(new_end - where)) == 0 &&
		   strtol(old_end + 1, NULL, 10) < strtol(new_end + 1, NULL, 10);
}

static int option_assign(struct option_set *set, size_t i, const char *value, enum option_source source,
	const char *where, struct error *err) {
	const struct option *row = &set->rows[i];
	struct option_origin *origin = &set->origins[i];
	void *field = option_field(set, row);
	if (row->type == OPTION_LIST && !option_same_origin(origin, source, where)) option_list_clear(field);
	if (row->type == OPTION_CALL ? row->set(set->config, value, err)
								 : option_types[row->type].set(field, row, value, err))
		return -1;
	origin->source = source;
	text_copy(origin->where, sizeof origin->where, where);
	return 0;
}

int options_default(struct option_set *set, struct error *err) {
	for (size_t i = 0; i < set->n; i++) {
		const struct option *row = &set->rows[i];
		set->origins[i] = (struct option_origin){.source = SOURCE_DEFAULT, .where = "default"};
		if (row->initial && option_assign(set, i, row->initial, SOURCE_DEFAULT, "default", err))
			return error_prefix(err, "the default of [%s] %s", row->section, row->name);
	}
	return 0;
}

/* --- files --- */

static int option_find(const struct option_set *set, const char *section, const char *name) {
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->rows[i].section, section) == 0 && strcmp(set->rows[i].name, name) == 0) return (int)i;
	return -1;
}

static int option_unknown_section(const struct option_set *set, const char *section, struct error *err) {
	const char **names = xcalloc(set->n + 1, sizeof *names);
	for (size_t i = 0; i < set->n; i++) names[i] = set->rows[i].section;
	size_t n = set->n;
	if (set->free_section) names[n++] = set->free_section;
	const char *nearest = text_nearest(section, names, n);
	xfree(names);
	if (!*section) return error_set(err, ERR_CONFIG, "the value stands before any [section]: put it under one");
	if (nearest) return error_set(err, ERR_CONFIG, "unknown section [%s], did you mean [%s]?", section, nearest);
	return error_set(
		err, ERR_CONFIG, "unknown section [%s]: the valid ones begin with [%s]", section, set->rows[0].section);
}

/* Nearest name in its section; else the section in which the name is known. */
static int option_unknown_name(const struct option_set *set, const char *section, const char *name, struct error *err) {
	const char **names = xcalloc(set->n + 1, sizeof *names);
	const char *elsewhere = NULL;
	size_t n = 0;
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->rows[i].section, section) == 0) names[n++] = set->rows[i].name;
		else if (strcmp(set->rows[i].name, name) == 0) elsewhere = set->rows[i].section;
	}
	const char *nearest = text_nearest(name, names, n);
	const char *first = n ? names[0] : NULL;
	xfree(names);
	if (!n) return option_unknown_section(set, section, err);
	if (elsewhere)
		return error_set(err, ERR_CONFIG, "[%s] has no key \"%s\": it belongs under [%s]", section, name, elsewhere);
	if (nearest)
		return error_set(err, ERR_CONFIG, "[%s] has no key \"%s\", did you mean \"%s\"?", section, name, nearest);
	return error_set(
		err, ERR_CONFIG, "[%s] has no key \"%s\": its keys are \"%s\" and others, see --help", section, name, first);
}

struct option_file {
	struct option_set *set;
	const char *path;
};

static void option_env_name(const struct option_set *set, const struct option *row, char *to, size_t size) {
	snprintf(to, size, "%s%s_%s", set->env_prefix, row->section, row->name);
	for (char *c = to; *c; c++) *c = (char)(*c == '.' ? '_' : toupper((unsigned char)*c));
}

static int option_on_value(
	void *arg, const char *section, const char *name, const char *value, int line, struct error *err) {
	const struct option_file *f = arg;
	struct option_set *set = f->set;
	char env[128];
	snprintf(set->where, sizeof set->where, "%s:%d", f->path, line);
	if (set->free_section && strcmp(section, set->free_section) == 0)
		return set->free_set(set->config, name, value, err);
	int i = option_find(set, section, name);
	if (i < 0) return option_unknown_name(set, section, name, err);
	option_env_name(set, &set->rows[i], env, sizeof env);
	if (set->rows[i].no_file)
		return error_set(
			err, ERR_CONFIG, "%s may not stand in a configuration file: %s, or set %s", name, set->rows[i].help, env);
	if (option_assign(set, (size_t)i, value, SOURCE_FILE, set->where, err)) {
		err->code = ERR_CONFIG;
		return error_prefix(err, "[%s] %s", section, name);
	}
	return 0;
}

int options_file(struct option_set *set, const char *path, bool required, struct error *err) {
	struct option_file f = {set, path};
	struct error why = ERROR_INIT;
	if (ini_read(path, option_on_value, &f, &why) == 0) return 0;
	if (why.code == ERR_NOT_FOUND && !required) return 0;
	*err = why;
	err->code = ERR_CONFIG;
	return -1;
}

/* --- environment and flags --- */

static int option_assign_env(struct option_set *set, size_t i, const char *name, const char *value, struct error *err) {
	if (set->rows[i].type != OPTION_LIST) return option_assign(set, i, value, SOURCE_ENVIRONMENT, name, err);
	AUTO(xfree) char *copy = xstrdup(value);
	char *rest = copy, *item;
	while ((item = strsep(&rest, ",")))
		if (option_assign(set, i, text_trim(item), SOURCE_ENVIRONMENT, name, err)) return -1;
	return 0;
}

/* Whether `name` (with what follows it) is a variable of that row's section. */
static bool option_env_section(const struct option_set *set, const struct option *row, const char *name) {
	const struct option section = {.section = row->section, .name = ""};
	char start[128];
	if (set->env_shared && strcmp(row->section, set->env_shared) == 0) return false;
	option_env_name(set, &section, start, sizeof start);
	return text_starts(name, start);
}

static int option_env_unknown(const struct option_set *set, const char *name, struct error *err) {
	char(*names)[128] = xcalloc(set->n, sizeof *names);
	const char **list = xcalloc(set->n, sizeof *list);
	for (size_t i = 0; i < set->n; i++) {
		option_env_name(set, &set->rows[i], names[i], sizeof names[i]);
		list[i] = names[i];
	}
	const char *nearest = text_nearest(name, list, set->n);
	error_set(err, ERR_CONFIG, "the variable %s names no key%s%s%s", TEXT_SAFE(name), nearest ? ", did you mean " : "",
		nearest ? nearest : ": unset it", nearest ? "?" : "");
	xfree(list);
	xfree(names);
	return -1;
}

/* "NAME=value" of the environment: known, or not of our sections. */
static int option_check_env(const struct option_set *set, const char *variable, struct error *err) {
	char name[128], known[128];
	bool ours = false;
	text_copy(name, sizeof name, variable);
	name[strcspn(name, "=")] = '\0';
	for (size_t i = 0; i < set->n; i++) {
		option_env_name(set, &set->rows[i], known, sizeof known);
		if (strcmp(known, name) == 0) return 0;
		ours = ours || option_env_section(set, &set->rows[i], name);
	}
	return ours ? option_env_unknown(set, name, err) : 0;
}

int options_environment(struct option_set *set, struct error *err) {
	extern char **environ;
	for (char **e = environ; *e; e++)
		if (text_starts(*e, set->env_prefix) && option_check_env(set, *e, err)) return -1;
	for (size_t i = 0; i < set->n; i++) {
		char name[128];
		option_env_name(set, &set->rows[i], name, sizeof name);
		const char *value = getenv(name);
		if (!value) continue;
		if (option_assign_env(set, i, name, value, err)) {
			err->code = ERR_CONFIG;
			return error_prefix(err, "the variable %s", name);
		}
	}
	return 0;
}

const struct option *option_by_flag(const struct option_set *set, const char *flag) {
	for (size_t i = 0; i < set->n; i++)
		if (set->rows[i].flag && strcmp(set->rows[i].flag, flag) == 0) return &set->rows[i];
	return NULL;
}

int options_flag(struct option_set *set, const char *flag, const char *value, struct error *err) {
	char where[sizeof(struct option_origin){0}.where];
	const struct option *row = option_by_flag(set, flag);
	if (!row) return error_set(err, ERR_USAGE, "there is no flag --%s", flag);
	snprintf(where, sizeof where, "--%s", flag);
	if (option_assign(set, (size_t)(row - set->rows), value ? value : "yes", SOURCE_FLAG, where, err)) {
		err->code = ERR_USAGE;
		return error_prefix(err, "--%s", flag);
	}
	return 0;
}

/* --- showing and freeing --- */

void option_show(const struct option_set *set, size_t i, char *to, size_t size) {
	const struct option *row = &set->rows[i];
	const void *field = option_field(set, row);
	to[0] = '\0';
	if (row->secret) text_copy(to, size, set->origins[i].source == SOURCE_DEFAULT ? "" : "(set)");
	else if (row->type != OPTION_CALL) option_types[row->type].show(field, row, to, size);
	else if (row->show) row->show(set->config, to, size);
}

void options_done(struct option_set *set) {
	for (size_t i = 0; i < set->n; i++) {
		void *field = option_field(set, &set->rows[i]);
		if (set->rows[i].type == OPTION_LIST) option_list_clear(field);
		if (set->rows[i].type == OPTION_TEXT) xfree(TAKE(*(char **)field));
	}
}
