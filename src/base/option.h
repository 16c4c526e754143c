/* SPDX-License-Identifier: MIT */
/* Configuration as rows: section, name, type, range, default and help, bound to the field of a struct. Both programs
 * describe their configuration with such a table; file, environment and flags go through the same setters, and each
 * value remembers where it came from. */
#pragma once

#include "base/error.h"

enum option_type {
	OPTION_TEXT,  /* char *, owned */
	OPTION_LIST,  /* struct option_list: each setting adds one; the first of a later source replaces an earlier one's */
	OPTION_INT,	  /* int64_t, min..max */
	OPTION_BYTES, /* int64_t */
	OPTION_DURATION, /* int64_t in ms */
	OPTION_BOOL,	 /* bool: yes/no/true/false/on/off/1/0 */
	OPTION_CALL,	 /* parsed by `set` */
	OPTION_TYPE_N
};
struct option_list {
	char **items;
	size_t n, capacity;
};
struct option {
	const char *section, *name;
	enum option_type type;
	size_t offset;		 /* of the field in the bound struct */
	int64_t min, max;	 /* INT, BYTES (bytes), DURATION (ms); both 0: any that is >= 0 */
	const char *initial; /* default, as it would be written; NULL: none */
	const char *help;	 /* one line */
	const char *flag;	 /* long flag without "--", or NULL */
	int (*set)(void *config, const char *value, struct error *err); /* OPTION_CALL */
	void (*show)(const void *config, char *to, size_t size);		/* OPTION_CALL; NULL: shown as nothing */
	bool secret;													/* shown as "(set)" */
	bool no_file; /* may not stand in a configuration file: secrets; `help` must say what to do instead */
};
void option_list_add(struct option_list *l, const char *item); /* copies */
void option_list_clear(struct option_list *l);
enum option_source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENVIRONMENT, SOURCE_FLAG };
struct option_origin { /* one a row, beside the bound struct */
	enum option_source source;
	char where[256]; /* "/etc/headgate/headgate.ini:12", "HEADGATE_CLOUD_ENDPOINT", "--endpoint", "default" */
};
struct option_set {
	const struct option *rows;
	size_t n;
	void *config;				   /* the bound struct */
	struct option_origin *origins; /* n of them, the caller's memory */
	const char *env_prefix;		   /* "HEADGATE_" */
	const char *env_shared; /* a section whose variables another program has too: unknown ones are not ours to refuse */
	/* A section whose keys are free (metadata.keys): called instead of the rows; NULL when there is none. */
	const char *free_section;
	int (*free_set)(void *config, const char *name, const char *value, struct error *err);
	char where[256]; /* "FILE:LINE" of the value that free_set is given */
};
MUST_USE int options_default(struct option_set *set, struct error *err);
/* A missing file is fine when !required. Unknown keys: ERR_CONFIG with file, line and the nearest valid name. */
MUST_USE int options_file(struct option_set *set, const char *path, bool required, struct error *err);
/* PREFIX_SECTION_NAME in capitals; the items of a list are separated by commas there. A variable of one of our sections
 * that names no key is ERR_CONFIG with the nearest name. */
MUST_USE int options_environment(struct option_set *set, struct error *err);
MUST_USE int options_flag(
	struct option_set *set, const char *flag, const char *value, struct error *err); /* ERR_USAGE when unknown */
const struct option *option_by_flag(const struct option_set *set, const char *flag);
void option_show(
	const struct option_set *set, size_t row, char *to, size_t size); /* the value as it would be written */
/* As it would be written: the largest unit that divides it. */
void option_write_number(enum option_type type, int64_t n, char *to, size_t size);
void options_done(struct option_set *set); /* frees owned fields */
