/* SPDX-License-Identifier: MIT */
/* Keys, and what they do. One list (ACTIONS) gives the enum, the name for `:`, the default keys and the words of help
 * and footer, so that they can never disagree. Key names: a character, "C-l", "Up", "PgDn", "Enter", "Esc", "Tab",
 * "S-Tab", "Space", "Home" … */
#pragma once

#include "base/util.h"

enum key_special {
	KEYS_BASE = 0x110000,
	KEY_UP_,
	KEY_DOWN_,
	KEY_LEFT_,
	KEY_RIGHT_,
	KEY_PGUP,
	KEY_PGDN,
	KEY_HOME_,
	KEY_END_,
	KEY_ENTER_,
	KEY_ESC,
	KEY_TAB,
	KEY_BACKTAB,
	KEY_BACKSPACE_,
	KEY_DELETE_,
	KEY_MOUSE_,
	KEY_RESIZE_,
	KEY_PASTE_BEGIN_, /* around text that was pasted, on terminals that tell */
	KEY_PASTE_END_
};
struct key_event {
	uint32_t key;					   /* Unicode code point, or enum key_special */
	int mouse_y, mouse_x, mouse_wheel; /* KEY_MOUSE_: cell; wheel -1 up, 1 down, 0 click */
	bool mouse_double;
};
/* action, name, keys (separated by blanks), words for help */
#define ACTIONS(X)                                                                                                     \
	X(NONE, "", "", "")                                                                                                \
	X(UP, "up", "Up k", "one row up")                                                                                  \
	X(DOWN, "down", "Down j", "one row down")                                                                          \
	X(LEFT, "left", "Left h", "left")                                                                                  \
	X(RIGHT, "right", "Right l", "right")                                                                              \
	X(PAGE_UP, "page-up", "PgUp C-b", "one page up")                                                                   \
	X(PAGE_DOWN, "page-down", "PgDn C-f", "one page down")                                                             \
	X(TOP, "top", "g Home", "to the first row")                                                                        \
	X(BOTTOM, "bottom", "G End", "to the last row")                                                                    \
	X(OPEN, "open", "Enter", "open")                                                                                   \
	X(BACK, "back", "q Esc", "back; at the home screen, q quits, Esc ends the filter")                                 \
	X(QUIT, "quit", "Q C-c", "quit the console; the engine goes on")                                                   \
	X(HELP, "help", "?", "help for this screen")                                                                       \
	X(COMMAND, "command", ":", "command line")                                                                         \
	X(SEARCH, "search", "/", "filter or search")                                                                       \
	X(NEXT, "next", "n", "next match")                                                                                 \
	X(PREVIOUS, "previous", "N", "previous match")                                                                     \
	X(PANE, "pane", "Tab", "next pane")                                                                                \
	X(MARK, "mark", "Space", "mark this row")                                                                          \
	X(SORT, "sort", "s", "sort by the next column")                                                                    \
	X(REVERSE, "reverse", "S", "sort the other way round")                                                             \
	X(RETRY, "retry", "r", "try again now")                                                                            \
	X(PAUSE, "pause", "p", "pause or resume")                                                                          \
	X(IGNORE, "ignore", "i", "ignore, or take back")                                                                   \
	X(RELEASE, "release", "u", "held as a copy or for its name: send it as it is")                                     \
	X(EDIT, "edit", "e", "edit the metadata file in $EDITOR")                                                          \
	X(WHY, "why", "w", "why is it not uploading? Again: the rest of it")                                               \
	X(COPY, "copy", "y", "copy the name (OSC 52)")                                                                     \
	X(RESCAN, "rescan", "R", "read the watched folders again now")                                                     \
	X(HANDOVER, "handover", "H", "what happened since you last looked")                                                \
	X(MOUSE, "mouse", "m", "mouse on or off")                                                                          \
	X(THEME, "theme", "T", "next theme")                                                                               \
	X(REPAINT, "repaint", "C-l", "paint the screen anew")
enum action {
#define X(id, name, keys, words) ACTION_##id,
	ACTIONS(X)
#undef X
		ACTION_N
};
struct action_row {
	const char *name, *keys, *words;
};
extern const struct action_row action_rows[ACTION_N];
bool action_has_key(enum action a, uint32_t key);
const char *action_key_text(
	enum action a, char *to, size_t size); /* its first key as the footer shows it: "Enter", "r" */
enum action action_by_name(const char *name);
MUST_USE int key_parse(const char *name, uint32_t *ret);
