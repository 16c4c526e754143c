/* SPDX-License-Identifier: MIT */
/* The two forms that most patterns have, a name and "*SUFFIX", are compared without fnmatch: a folder of 10,000 files
 * is held against them at each look. */
#include "base/pattern.h"

#include <fnmatch.h>
#include <string.h>

#include "base/text.h"

static const char *const wild = "*?[\\";

int patterns_set(struct option_list *l, const char *value, struct error *err) {
	AUTO(xfree) char *copy = xstrdup(value);
	char *rest = text_trim(copy), *item;
	bool adds = *rest == '+';
	if (adds) rest++;
	else option_list_clear(l);
	while ((item = strsep(&rest, ",")) != NULL) {
		item = text_trim(item);
		if (!*item) continue;
		const char *open = strrchr(item, '[');
		if (open && !strchr(open, ']'))
			return error_set(
				err, ERR_CONFIG, "\"%s\" is no pattern: a \"[\" is not closed by a \"]\"", TEXT_SAFE(item));
		option_list_add(l, item);
	}
	return 0;
}

void patterns_show(const struct option_list *l, char *to, size_t size) {
	size_t at = 0;
	to[0] = '\0';
	for (size_t i = 0; i < l->n && at < size; i++) {
		int n = snprintf(to + at, size - at, "%s%s", i ? ", " : "", l->items[i]);
		at += (size_t)MAX(n, 0);
	}
}

static bool ends_nocase(const char *name, const char *suffix) {
	size_t n = strlen(name), k = strlen(suffix);
	return n >= k && text_equal_nocase(name + n - k, suffix);
}

static bool pattern_match(const char *pattern, const char *path, const char *base) {
	const char *name = strchr(pattern, '/') ? path : base;
	if (!strpbrk(pattern, wild)) return text_equal_nocase(pattern, name);
	if (*pattern == '*' && !strpbrk(pattern + 1, wild) && name == base) return ends_nocase(name, pattern + 1);
	return fnmatch(pattern, name, FNM_CASEFOLD) == 0;
}

bool patterns_match(const struct option_list *l, const char *path) {
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	for (size_t i = 0; i < l->n; i++) {
		if (pattern_match(l->items[i], path, base)) return true;
	}
	return false;
}
