/* SPDX-License-Identifier: MIT */
/* Names of keys, and actions by key. Constant. */
#include "ui/term/key.h"

#include <stdio.h>
#include <string.h>

const struct action_row action_rows[ACTION_N] = {
#define X(id, name, keys, words) [ACTION_##id] = {name, keys, words},
	ACTIONS(X)
#undef X
};

static const struct {
	const char *name;
	uint32_t key;
} special_keys[] = {
	{"Up", KEY_UP_},
	{"Down", KEY_DOWN_},
	{"Left", KEY_LEFT_},
	{"Right", KEY_RIGHT_},
	{"PgUp", KEY_PGUP},
	{"PgDn", KEY_PGDN},
	{"Home", KEY_HOME_},
	{"End", KEY_END_},
	{"Enter", KEY_ENTER_},
	{"Esc", KEY_ESC},
	{"Tab", KEY_TAB},
	{"S-Tab", KEY_BACKTAB},
	{"Space", ' '},
	{"Backspace", KEY_BACKSPACE_},
	{"Delete", KEY_DELETE_},
};

static int key_parse_n(const char *name, size_t n, uint32_t *ret) {
	for (size_t i = 0; i < ARRAY_LEN(special_keys); i++) {
		if (strlen(special_keys[i].name) != n || memcmp(special_keys[i].name, name, n) != 0) continue;
		*ret = special_keys[i].key;
		return 0;
	}
	if (n == 3 && name[0] == 'C' && name[1] == '-' && name[2] >= 'a' && name[2] <= 'z') {
		*ret = (uint32_t)(name[2] - 'a' + 1);
		return 0;
	}
	if (n != 1) return -1;
	*ret = (unsigned char)name[0];
	return 0;
}

int key_parse(const char *name, uint32_t *ret) { return key_parse_n(name, strlen(name), ret); }

bool action_has_key(enum action a, uint32_t key) {
	const char *at = action_rows[a].keys;
	while (*at) {
		size_t n = strcspn(at, " ");
		uint32_t one;
		if (key_parse_n(at, n, &one) == 0 && one == key) return true;
		at += n;
		at += strspn(at, " ");
	}
	return false;
}

const char *action_key_text(enum action a, char *to, size_t size) {
	snprintf(to, size, "%.*s", (int)strcspn(action_rows[a].keys, " "), action_rows[a].keys);
	return to;
}

enum action action_by_name(const char *name) {
	for (int a = 1; a < ACTION_N; a++)
		if (strcmp(action_rows[a].name, name) == 0) return (enum action)a;
	return ACTION_NONE;
}
