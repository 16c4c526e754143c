/* SPDX-License-Identifier: MIT */
/* Roles of text, and what each looks like in a theme. Colour is never the only carrier of meaning: a role that matters
 * has a word or a mark beside it, and attributes (bold, reverse, underline) in the mono theme. No meaning in A_DIM. */
#pragma once

#include "base/util.h"

#define ROLES(X)                                                                                                       \
	X(TEXT)                                                                                                            \
	X(QUIET)                                                                                                           \
	X(TITLE)                                                                                                           \
	X(TITLE_WARN)                                                                                                      \
	X(TITLE_BAD)                                                                                                       \
	X(HEADING)                                                                                                         \
	X(SELECTED)                                                                                                        \
	X(MARKED)                                                                                                          \
	X(GOOD)                                                                                                            \
	X(BUSY)                                                                                                            \
	X(WARN)                                                                                                            \
	X(BAD)                                                                                                             \
	X(KEY)                                                                                                             \
	X(BAR)                                                                                                             \
	X(BAR_REST)                                                                                                        \
	X(INPUT)                                                                                                           \
	X(STALE)                                                                                                           \
	X(TAB)                                                                                                             \
	X(TAB_HERE)
enum role {
#define X(id) ROLE_##id,
	ROLES(X)
#undef X
		ROLE_N
};
struct style {
	short fg, bg;	/* colour 0..255; -1: the terminal's own */
	short fg8, bg8; /* on terminals of 8 or 16 colours */
	unsigned bold : 1, reverse : 1, underline : 1;
};
struct theme {
	const char *name, *help; /* dark, light, mono, safe (colour-blind safe) */
	struct style styles[ROLE_N];
};
extern const struct theme *const themes[]; /* NULL-terminated; the first is the default */
const struct theme *theme_by_name(const char *name);
