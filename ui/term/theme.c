/* SPDX-License-Identifier: MIT */
/* The themes. Colours are those of xterm's 256; the second pair is for terminals of 8 or 16. Constant. */
#include "ui/term/theme.h"

#include <string.h>

#define PLAIN .fg = -1, .bg = -1, .fg8 = -1, .bg8 = -1

static const struct theme dark =
	{
		.name = "dark",
		.help = "for dark terminals",
		.styles =
			{
				[ROLE_TEXT] = {PLAIN},
				[ROLE_QUIET] = {.fg = 246, .bg = -1, .fg8 = -1, .bg8 = -1},
				[ROLE_TITLE] = {.fg = 231, .bg = 24, .fg8 = 7, .bg8 = 4, .bold = 1},
				[ROLE_TITLE_WARN] = {.fg = 221, .bg = 24, .fg8 = 3, .bg8 = 4, .bold = 1},
				[ROLE_TITLE_BAD] = {.fg = 231, .bg = 160, .fg8 = 7, .bg8 = 1, .bold = 1},
				[ROLE_HEADING] = {.fg = 75, .bg = -1, .fg8 = 6, .bg8 = -1, .bold = 1},
				[ROLE_SELECTED] = {PLAIN, .reverse = 1},
				[ROLE_MARKED] = {.fg = 221, .bg = -1, .fg8 = 3, .bg8 = -1, .bold = 1},
				[ROLE_GOOD] = {.fg = 114, .bg = -1, .fg8 = 2, .bg8 = -1},
				[ROLE_BUSY] = {.fg = 75, .bg = -1, .fg8 = 6, .bg8 = -1},
				[ROLE_WARN] = {.fg = 221, .bg = -1, .fg8 = 3, .bg8 = -1, .bold = 1},
				[ROLE_BAD] = {.fg = 210, .bg = -1, .fg8 = 1, .bg8 = -1, .bold = 1},
				[ROLE_KEY] = {.fg = 75, .bg = -1, .fg8 = 6, .bg8 = -1, .bold = 1},
				[ROLE_BAR] = {.fg = 75, .bg = -1, .fg8 = 6, .bg8 = -1},
				[ROLE_BAR_REST] = {.fg = 238, .bg = -1, .fg8 = -1, .bg8 = -1},
				[ROLE_INPUT] = {PLAIN, .bold = 1},
				[ROLE_STALE] = {.fg = 243, .bg = -1, .fg8 = -1, .bg8 = -1},
				[ROLE_TAB] = {.fg = 250, .bg = -1, .fg8 = -1, .bg8 = -1},
				[ROLE_TAB_HERE] = {PLAIN, .bold = 1, .reverse = 1},
			},
};

static const struct theme light =
	{
		.name = "light",
		.help = "for light terminals",
		.styles =
			{
				[ROLE_TEXT] = {PLAIN},
				[ROLE_QUIET] = {.fg = 241, .bg = -1, .fg8 = -1, .bg8 = -1},
				[ROLE_TITLE] = {.fg = 231, .bg = 25, .fg8 = 7, .bg8 = 4, .bold = 1},
				[ROLE_TITLE_WARN] = {.fg = 221, .bg = 25, .fg8 = 3, .bg8 = 4, .bold = 1},
				[ROLE_TITLE_BAD] = {.fg = 231, .bg = 160, .fg8 = 7, .bg8 = 1, .bold = 1},
				[ROLE_HEADING] = {.fg = 25, .bg = -1, .fg8 = 4, .bg8 = -1, .bold = 1},
				[ROLE_SELECTED] = {PLAIN, .reverse = 1},
				[ROLE_MARKED] = {.fg = 130, .bg = -1, .fg8 = 5, .bg8 = -1, .bold = 1},
				[ROLE_GOOD] = {.fg = 28, .bg = -1, .fg8 = 2, .bg8 = -1},
				[ROLE_BUSY] = {.fg = 25, .bg = -1, .fg8 = 4, .bg8 = -1},
				[ROLE_WARN] = {.fg = 130, .bg = -1, .fg8 = 5, .bg8 = -1, .bold = 1},
				[ROLE_BAD] = {.fg = 160, .bg = -1, .fg8 = 1, .bg8 = -1, .bold = 1},
				[ROLE_KEY] = {.fg = 25, .bg = -1, .fg8 = 4, .bg8 = -1, .bold = 1},
				[ROLE_BAR] = {.fg = 25, .bg = -1, .fg8 = 4, .bg8 = -1},
				[ROLE_BAR_REST] = {.fg = 250, .bg = -1, .fg8 = -1, .bg8 = -1},
				[ROLE_INPUT] = {PLAIN, .bold = 1},
				[ROLE_STALE] = {.fg = 245, .bg = -1, .fg8 = -1, .bg8 = -1},
				[ROLE_TAB] = {.fg = 240, .bg = -1, .fg8 = -1, .bg8 = -1},
				[ROLE_TAB_HERE] = {PLAIN, .bold = 1, .reverse = 1},
			},
};

static const struct theme mono = {
	.name = "mono",
	.help = "no colour: bold, reverse and underline",
	.styles =
		{
			[ROLE_TEXT] = {PLAIN},
			[ROLE_QUIET] = {PLAIN},
			[ROLE_TITLE] = {PLAIN, .bold = 1, .reverse = 1},
			[ROLE_TITLE_WARN] = {PLAIN, .bold = 1, .reverse = 1, .underline = 1},
			[ROLE_TITLE_BAD] = {PLAIN, .bold = 1, .underline = 1},
			[ROLE_HEADING] = {PLAIN, .bold = 1},
			[ROLE_SELECTED] = {PLAIN, .reverse = 1},
			[ROLE_MARKED] = {PLAIN, .bold = 1},
			[ROLE_GOOD] = {PLAIN},
			[ROLE_BUSY] = {PLAIN},
			[ROLE_WARN] = {PLAIN, .bold = 1},
			[ROLE_BAD] = {PLAIN, .bold = 1, .underline = 1},
			[ROLE_KEY] = {PLAIN, .bold = 1},
			[ROLE_BAR] = {PLAIN},
			[ROLE_BAR_REST] = {PLAIN},
			[ROLE_INPUT] = {PLAIN, .underline = 1},
			[ROLE_STALE] = {PLAIN},
			[ROLE_TAB] = {PLAIN},
			[ROLE_TAB_HERE] = {PLAIN, .reverse = 1},
		},
};

/* Blue, orange and grey keep apart for every common kind of colour blindness (Okabe and Ito's set). */
static const struct theme safe =
	{
		.name = "safe",
		.help = "colour-blind safe: blue, orange, grey",
		.styles =
			{
				[ROLE_TEXT] = {PLAIN},
				[ROLE_QUIET] = {.fg = 246, .bg = -1, .fg8 = -1, .bg8 = -1},
				[ROLE_TITLE] = {.fg = 231, .bg = 24, .fg8 = 7, .bg8 = 4, .bold = 1},
				[ROLE_TITLE_WARN] = {.fg = 221, .bg = 24, .fg8 = 3, .bg8 = 4, .bold = 1},
				[ROLE_TITLE_BAD] = {.fg = 231, .bg = 130, .fg8 = 7, .bg8 = 3, .bold = 1},
				[ROLE_HEADING] = {.fg = 74, .bg = -1, .fg8 = 6, .bg8 = -1, .bold = 1},
				[ROLE_SELECTED] = {PLAIN, .reverse = 1},
				[ROLE_MARKED] = {.fg = 220, .bg = -1, .fg8 = 3, .bg8 = -1, .bold = 1},
				[ROLE_GOOD] = {.fg = 74, .bg = -1, .fg8 = 6, .bg8 = -1},
				[ROLE_BUSY] = {.fg = 250, .bg = -1, .fg8 = 7, .bg8 = -1},
				[ROLE_WARN] = {.fg = 220, .bg = -1, .fg8 = 3, .bg8 = -1, .bold = 1},
				[ROLE_BAD] = {.fg = 208, .bg = -1, .fg8 = 3, .bg8 = -1, .bold = 1, .underline = 1},
				[ROLE_KEY] = {.fg = 74, .bg = -1, .fg8 = 6, .bg8 = -1, .bold = 1},
				[ROLE_BAR] = {.fg = 74, .bg = -1, .fg8 = 6, .bg8 = -1},
				[ROLE_BAR_REST] = {.fg = 238, .bg = -1, .fg8 = -1, .bg8 = -1},
				[ROLE_INPUT] = {PLAIN, .bold = 1},
				[ROLE_STALE] = {.fg = 243, .bg = -1, .fg8 = -1, .bg8 = -1},
				[ROLE_TAB] = {.fg = 250, .bg = -1, .fg8 = -1, .bg8 = -1},
				[ROLE_TAB_HERE] = {PLAIN, .bold = 1, .reverse = 1},
			},
};

const struct theme *const themes[] = {&dark, &light, &mono, &safe, NULL};

const struct theme *theme_by_name(const char *name) {
	for (size_t i = 0; themes[i]; i++)
		if (strcmp(themes[i]->name, name) == 0) return themes[i];
	return NULL;
}
