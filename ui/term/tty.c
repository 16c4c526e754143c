/* SPDX-License-Identifier: MIT */
/* The terminal through ncursesw. Nothing is asked of it at start; what it can comes from terminfo. One struct tty a
 * process, on the loop's thread. */
#define NCURSES_WIDECHAR 1
#include "ui/term/tty.h"

#include <errno.h>
#include <locale.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "base/text.h"
#include "ui/term/key.h"

#define ESCAPE_MS 25
#define CURSES_PASTE_BEGIN (KEY_MAX - 2) /* of no other meaning in curses */
#define CURSES_PASTE_END (KEY_MAX - 1)
#define BURST_BYTES 16
#define COPY_MAX 74000 /* bytes; terminals cut longer OSC 52 */

struct tty {
	SCREEN *screen;
	FILE *in, *out;
	struct tty_options o;
	short pairs[ROLE_N];
	int cursor[2];
	bool colour, like_xterm, tells_pastes, inside_tmux;
	char note[160];
};

/* ncurses' own macros of term.h are in the way of words used here. */
#undef lines
#undef columns

/* --- past curses --- */

/* Straight to the terminal, after what curses has buffered. What cannot be written is lost: it is only a courtesy. */
static void tty_send(struct tty *t, const struct buf *b) {
	const char *at = buf_text(b);
	size_t left = b->len;
	fflush(t->out);
	while (left) {
		ssize_t n = write(t->o.out_fd, at, left);
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return;
		at += n;
		left -= (size_t)n;
	}
}

/* xterm's bracketed paste: pasted text comes between two marks. Terminals of other names are not asked for it. */
static void tty_pastes(struct tty *t, bool on) {
	AUTO(buf_done) struct buf out = BUF_INIT(64);
	buf_str(&out, on ? "\033[?2004h" : "\033[?2004l");
	if (t->like_xterm && buf_ok(&out)) tty_send(t, &out);
}

/* --- opening --- */

static bool terminfo_knows(const char *name, int fd) {
	int result = 0;
	if (!name || !*name) return false;
	bool known = setupterm(name, fd, &result) == OK;
	if (known) del_curterm(cur_term);
	return known;
}

/* The terminal's own name, or the nearest thing that terminfo knows. */
static const char *tty_name(struct tty *t) {
	static const char *const fallbacks[] = {"xterm-256color", "xterm", "vt100", "ansi", "dumb"};
	const char *name = getenv("TERM");
	if (terminfo_knows(name, t->o.out_fd)) return name;
	for (size_t i = 0; i < ARRAY_LEN(fallbacks); i++) {
		if (!terminfo_knows(fallbacks[i], t->o.out_fd)) continue;
		char safe[48];
		snprintf(t->note, sizeof t->note, "TERM=%s is not known here; drawn as %s. headgate --plain needs no terminal",
			text_safe(safe, sizeof safe, name ? name : ""), fallbacks[i]);
		return fallbacks[i];
	}
	return NULL;
}

static void tty_colours(struct tty *t) {
	t->colour = t->o.colour && has_colors() && start_color() == OK && COLORS >= 8;
	if (!t->colour) return;
	use_default_colors();
	for (short r = 0; r < ROLE_N; r++) {
		const struct style *s = &t->o.theme->styles[r];
		bool many = COLORS >= 256;
		t->pairs[r] = (short)(r + 1);
		init_pair((short)(r + 1), many ? s->fg : s->fg8, many ? s->bg : s->bg8);
	}
}

/* A screen that never came back from endwin is sent in pieces, one a cursor movement (ncurses 6: _nc_mvcur flushes
 * while _endwin is ewInitial). Once there and back, a frame is one write. */
static void tty_whole_frames(void) {
	endwin();
	doupdate();
}

static void tty_modes(void) {
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	scrollok(stdscr, FALSE);
	typeahead(-1); /* a frame goes out whole, whatever is typed meanwhile */
}

/* Ctrl-C and Ctrl-Z are keys like others, in their order among them: as signals they would overtake those. */
static void tty_signal_keys(const struct tty *t) {
	struct termios modes;
	if (tcgetattr(t->o.in_fd, &modes)) return;
	modes.c_cc[VINTR] = modes.c_cc[VSUSP] = _POSIX_VDISABLE;
	if (tcsetattr(t->o.in_fd, TCSADRAIN, &modes) == 0) def_prog_mode();
}

/* What terminals send beside what terminfo says of them: cursor keys of the mode that was not asked for, marks of a
 * paste. */
static void tty_more_keys(void) {
	static const struct {
		const char *sequence;
		int curses;
	} more[] = {{"\033[A", KEY_UP}, {"\033[B", KEY_DOWN}, {"\033[C", KEY_RIGHT}, {"\033[D", KEY_LEFT},
		{"\033[H", KEY_HOME}, {"\033[F", KEY_END}, {"\033[200~", CURSES_PASTE_BEGIN}, {"\033[201~", CURSES_PASTE_END}};
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		if (!key_defined(more[i].sequence)) define_key(more[i].sequence, more[i].curses);
}

int tty_open(struct tty **ret, const struct tty_options *o, struct error *err) {
	if (!isatty(o->in_fd) || !isatty(o->out_fd))
		return error_set(err, ERR_USAGE,
			"the console needs a terminal; without one use `headgate --plain`, `headgate status` or `headgate run`");
	struct tty *t = xcalloc(1, sizeof *t);
	t->o = *o;
	const char *name = tty_name(t);
	t->in = fdopen(fcntl(o->in_fd, F_DUPFD_CLOEXEC, 3), "r");
	t->out = fdopen(fcntl(o->out_fd, F_DUPFD_CLOEXEC, 3), "w");
	signal(SIGTSTP, SIG_IGN); /* until the console has its own: curses, which would lose some, then leaves it alone */
	if (name && t->in && t->out) t->screen = newterm(name, t->out, t->in);
	if (!t->screen) {
		tty_close(t);
		return error_set(err, ERR_USAGE, "this terminal cannot show the console (TERM=%s); use `headgate --plain`",
			getenv("TERM") ? getenv("TERM") : "");
	}
	set_term(t->screen);
	tty_whole_frames();
	tty_modes();
	tty_signal_keys(t);
	tty_colours(t);
	t->inside_tmux = getenv("TMUX") != NULL;
	t->like_xterm = text_starts(name, "xterm") || text_starts(name, "screen") || text_starts(name, "tmux");
	t->tells_pastes = t->like_xterm && !text_starts(name, "screen"); /* screen itself does not pass them on */
	tty_more_keys();
	tty_pastes(t, true);
	*ret = t;
	return 0;
}

void tty_close(struct tty *t) {
	if (!t) return;
	if (t->screen) {
		tty_mouse(t, false);
		tty_pastes(t, false);
		endwin();
		delscreen(t->screen);
	}
	if (t->in) fclose(t->in);
	if (t->out) fclose(t->out);
	xfree(t);
}

const char *tty_note(const struct tty *t) { return t->note[0] ? t->note : NULL; }

/* --- drawing --- */

struct canvas tty_canvas(struct tty *t) {
	return (struct canvas){
		.window = stdscr,
		.theme = t->o.theme,
		.h = LINES,
		.w = COLS,
		.ascii = t->o.ascii,
		.pairs = t->colour ? t->pairs : NULL,
		.cursor = t->cursor,
	};
}

void tty_set_theme(struct tty *t, const struct theme *theme) {
	t->o.theme = theme;
	tty_colours(t);
	tty_repaint(t);
}

void tty_flush(struct tty *t) {
	wmove(stdscr, MIN(t->cursor[0], LINES - 1), MIN(t->cursor[1], COLS - 1));
	wnoutrefresh(stdscr);
	doupdate();
}

void tty_repaint(struct tty *t) {
	(void)t;
	clearok(curscr, TRUE);
}

bool tty_resize(struct tty *t) {
	struct winsize size;
	if (ioctl(t->o.out_fd, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col) return false;
	if (size.ws_row == LINES && size.ws_col == COLS) return false;
	resizeterm(size.ws_row, size.ws_col);
	return true;
}

void tty_suspend(struct tty *t) {
	tty_mouse(t, false);
	tty_pastes(t, false);
	endwin();
}

void tty_resume(struct tty *t) {
	reset_prog_mode(); /* refresh does it only after tty_suspend, which a SIGSTOP leaves no time for */
	refresh();
	tty_pastes(t, true);
	if (!tty_resize(t)) tty_repaint(t);
}

/* --- beside the screen --- */

void tty_mouse(struct tty *t, bool on) {
	(void)t;
	mousemask(
		on ? BUTTON1_CLICKED | BUTTON1_PRESSED | BUTTON1_DOUBLE_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
	if (on) mouseinterval(0);
}

/* OSC 52 (xterm's "Manipulate Selection Data"); tmux passes on what is wrapped in its DCS. */
void tty_copy(struct tty *t, const char *text, size_t n) {
	AUTO(buf_done) struct buf out = BUF_INIT(2 * COPY_MAX);
	buf_str(&out, t->inside_tmux ? "\033Ptmux;\033\033]52;c;" : "\033]52;c;");
	text_base64(&out, (const uint8_t *)text, MIN(n, (size_t)COPY_MAX));
	buf_str(&out, t->inside_tmux ? "\a\033\\" : "\a");
	if (buf_ok(&out)) tty_send(t, &out);
}

/* --- keys --- */

static const struct {
	int curses;
	uint32_t key;
} special[] = {
	{KEY_UP, KEY_UP_},
	{KEY_DOWN, KEY_DOWN_},
	{KEY_LEFT, KEY_LEFT_},
	{KEY_RIGHT, KEY_RIGHT_},
	{KEY_PPAGE, KEY_PGUP},
	{KEY_NPAGE, KEY_PGDN},
	{KEY_HOME, KEY_HOME_},
	{KEY_END, KEY_END_},
	{KEY_ENTER, KEY_ENTER_},
	{KEY_BTAB, KEY_BACKTAB},
	{KEY_BACKSPACE, KEY_BACKSPACE_},
	{KEY_DC, KEY_DELETE_},
	{KEY_RESIZE, KEY_RESIZE_},
	{CURSES_PASTE_BEGIN, KEY_PASTE_BEGIN_},
	{CURSES_PASTE_END, KEY_PASTE_END_},
};

static uint32_t key_of_code(wint_t code) {
	for (size_t i = 0; i < ARRAY_LEN(special); i++)
		if ((wint_t)special[i].curses == code) return special[i].key;
	return 0;
}

static uint32_t key_of_char(wint_t c) {
	switch (c) {
	case '\r':
	case '\n': return KEY_ENTER_;
	case '\t': return KEY_TAB;
	case 27: return KEY_ESC;
	case 8:
	case 127: return KEY_BACKSPACE_;
	default: return (uint32_t)c;
	}
}

static bool key_of_mouse(struct key_event *ret) {
	MEVENT m;
	if (getmouse(&m) != OK) return false;
	*ret = (struct key_event){.key = KEY_MOUSE_, .mouse_y = m.y, .mouse_x = m.x};
	if (m.bstate & BUTTON4_PRESSED) ret->mouse_wheel = -1;
	else if (m.bstate & BUTTON5_PRESSED) ret->mouse_wheel = 1;
	ret->mouse_double = (m.bstate & BUTTON1_DOUBLE_CLICKED) != 0;
	return true;
}

/* Readable and yet nothing to read: the terminal has gone. */
static bool tty_gone(const struct tty *t) {
	struct pollfd p = {.fd = t->o.in_fd, .events = POLLIN};
	int waiting = 0;
	if (poll(&p, 1, 0) <= 0) return false;
	if (p.revents & (POLLHUP | POLLERR | POLLNVAL)) return true;
	return ioctl(t->o.in_fd, FIONREAD, &waiting) < 0 || waiting == 0;
}

bool tty_burst(const struct tty *t) {
	int waiting = 0;
	return !t->tells_pastes && ioctl(t->o.in_fd, FIONREAD, &waiting) == 0 && waiting >= BURST_BYTES;
}

/* After an Escape: the rest of a sequence that no table knows (a function key of a strange terminal) is taken away, so
 * that it acts neither as Escape nor as letters. */
static bool tty_strange_sequence(void) {
	wint_t c;
	int kind = wget_wch(stdscr, &c);
	if (kind == ERR) return false;
	if (kind == KEY_CODE_YES || (c != '[' && c != 'O')) {
		if (kind == KEY_CODE_YES) ungetch((int)c);
		else unget_wch((wchar_t)c);
		return false;
	}
	do kind = wget_wch(stdscr, &c);
	while (kind == OK && c >= ' ' && c < '@');
	return true;
}

int tty_key(struct tty *t, struct key_event *ret) {
	for (;;) {
		wint_t c;
		int kind = wget_wch(stdscr, &c);
		if (kind == ERR) return tty_gone(t) ? -1 : 0;
		*ret = (struct key_event){0};
		if (kind == OK && c == 27 && tty_strange_sequence()) continue;
		if (kind == KEY_CODE_YES && c == KEY_MOUSE) {
			if (key_of_mouse(ret)) return 1;
			continue;
		}
		ret->key = kind == KEY_CODE_YES ? key_of_code(c) : key_of_char(c);
		if (ret->key) return 1;
	}
}
