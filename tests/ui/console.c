/* SPDX-License-Identifier: MIT */
/* See console.h. clock_wall_ms and kill are replaced by the linker (--wrap). */
#include "console.h"

#include <locale.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "ui/frame.h"

#define WAIT_MS 20000
#define MARK "\033]777;painted\a"

int64_t __wrap_clock_wall_ms(void);
static int64_t later_ms;
int64_t __wrap_clock_wall_ms(void) { return NOW_MS + later_ms; }
void console_later(int64_t ms) { later_ms += ms; }

int __wrap_kill(pid_t pid, int number);
int __wrap_kill(pid_t pid, int number) { return pid == 0 && number == SIGTSTP ? 0 : -1; } /* not the test */

/* --- in place of the journal and the engine --- */

static struct console *console_of(struct source *s) { return (struct console *)(void *)s; }
static struct model *model_of(struct source *s) { return &console_of(s)->app.model; }

static void asked(struct source *s, const char *what, const char *const *names, size_t n) {
	struct buf *b = &console_of(s)->asked;
	buf_str(b, what);
	for (size_t i = 0; i < n; i++) buf_fmt(b, " %s", names[i]);
	buf_str(b, "\n");
}

int source_open(
	struct source **ret, uv_loop_t *loop, const struct source_options *o, struct model *m, struct error *err) {
	(void)ret, (void)loop, (void)o, (void)m;
	return error_set(err, ERR_INTERNAL, "a test has no source");
}
void source_close(struct source *s, void (*on_closed)(void *arg), void *arg) { (void)s, (void)on_closed, (void)arg; }
static void show_page(struct source *s, const struct page_query *q) {
	struct model *m = &console_of(s)->app.model;
	console_of(s)->page = *q;
	console_of(s)->page_n++;
	if (q->first) return; /* a window further down is for the test to fill */
	m->page.query.order = q->order;
	m->page.query.reverse = q->reverse;
	text_copy(m->page.query.filter, sizeof m->page.query.filter, q->filter);
	m->page.total = 0; /* those that fit come first, in their order */
	for (size_t i = 0; i < m->page.n; i++) {
		struct session_row row = m->page.rows[i];
		if (!strstr(row.name, q->filter) && !strstr(state_name(row.state), q->filter)) continue;
		memmove(
			m->page.rows + m->page.total + 1, m->page.rows + m->page.total, (i - (size_t)m->page.total) * sizeof row);
		m->page.rows[m->page.total++] = row;
	}
}

static void show_detail(struct source *s, const char *session) { asked(s, "detail", &session, 1); }

void console_moved(struct console *c, const struct part *p) {
	const struct part_read r = {.wish = c->wishes[part_row(&c->app.model, p)]};
	int64_t *data = xcalloc(1, p->size);
	*data = NOW_MS + later_ms;
	assert_true(c->shown & part_bit(&c->app.model, p));
	c->app.model.journal_err = ERROR_INIT;
	if (p->read(&r, data, &c->app.model.journal_err)) part_free(p, data);
	else part_take(&c->app.model, p, data);
	console_paint(c);
}

void source_show(struct source *s, const struct part *p, const void *wish) {
	console_of(s)->shown |= part_bit(model_of(s), p);
	console_of(s)->wishes[part_row(model_of(s), p)] = wish;
	if (p == &part_page) show_page(s, wish);
	else if (p == &part_detail) show_detail(s, wish);
	else if (p == &part_fleet) asked(s, "fleet", NULL, 0);
	else if (p == &part_handover) asked(s, "handover seen", NULL, 0);
}
void source_hide(struct source *s, const struct part *p) {
	bool shown = console_of(s)->shown & part_bit(model_of(s), p);
	console_of(s)->shown &= ~part_bit(model_of(s), p);
	if (shown && p == &part_detail) asked(s, "detail", NULL, 0);
}
bool source_stuck(struct source *s) { return s == NULL; }
char *source_metadata_path(const struct source *s, const char *root, const char *session) {
	(void)s;
	return xasprintf("%s/%s/metadata.txt", root, session);
}
void source_command(struct source *s, const char *method, const char *const *sessions, size_t n) {
	asked(s, method, sessions, n);
}
void remember_load(struct app *a, char *ret_screen, size_t size, char *ret_theme, size_t theme_size) {
	(void)a, (void)size, (void)theme_size;
	ret_screen[0] = ret_theme[0] = '\0';
}
void remember_save(struct app *a) { asked(a->host.source, "remember", NULL, 0); }

/* --- the terminal --- */

static int on_osc(const char *command, size_t len, void *user) {
	struct console *c = user;
	buf_add(&c->beside, command, len);
	buf_str(&c->beside, "\n");
	return 1;
}

static const VTermParserCallbacks beside_callbacks = {.osc = on_osc};

/* Feeds libvterm until the mark that was written after the frame has come through. */
static void console_read(struct console *c) {
	char bytes[8192], tail[sizeof MARK] = "";
	size_t tail_n = 0;
	assert_int_equal(write(c->slave, MARK, sizeof MARK - 1), sizeof MARK - 1);
	for (;;) {
		struct pollfd p = {.fd = c->master, .events = POLLIN};
		if (poll(&p, 1, WAIT_MS) != 1) fail_msg("the terminal got no end of the frame");
		ssize_t n = read(c->master, bytes, sizeof bytes);
		assert_true(n > 0);
		vterm_input_write(c->vt, bytes, (size_t)n);
		for (ssize_t i = 0; i < n; i++) {
			if (tail_n == sizeof MARK - 1) memmove(tail, tail + 1, --tail_n);
			tail[tail_n++] = bytes[i];
		}
		if (tail_n == sizeof MARK - 1 && memcmp(tail, MARK, tail_n) == 0) return;
	}
}

struct console *console_open(const struct console_options *o) {
	struct console *c = xcalloc(1, sizeof *c);
	struct error err = ERROR_INIT;
	struct winsize size = {.ws_row = (unsigned short)o->rows, .ws_col = (unsigned short)o->cols};
	setenv("TERM", "xterm-256color", 1);
	setenv("TZ", "UTC", 1);
	unsetenv("LINES");
	unsetenv("COLUMNS");
	unsetenv("TMUX");
	setlocale(LC_ALL, o->ascii ? "C" : "C.UTF-8");
	c->asked = c->beside = BUF_INIT(1 << 20);
	c->rows = o->rows;
	c->cols = o->cols;
	assert_int_equal(openpty(&c->master, &c->slave, NULL, NULL, &size), 0);
	c->vt = vterm_new(o->rows, o->cols);
	vterm_set_utf8(c->vt, 1);
	c->screen = vterm_obtain_screen(c->vt);
	vterm_screen_enable_altscreen(c->screen, 1);
	vterm_screen_set_unrecognised_fallbacks(c->screen, &beside_callbacks, c);
	vterm_screen_reset(c->screen, 1);
	c->options = (struct app_options){.read_only = o->read_only, .ascii = o->ascii, .no_colour = o->no_colour};
	app_init(&c->app, &c->options);
	c->app.theme = theme_by_name(o->theme ? o->theme : "dark");
	c->app.host.source = (struct source *)(void *)c;
	const struct tty_options t = {
		.theme = c->app.theme, .colour = !o->no_colour, .ascii = o->ascii, .in_fd = c->slave, .out_fd = c->slave};
	if (tty_open(&c->app.tty, &t, &err)) fail_msg("%s", err.text);
	uv_loop_init(&c->app.loop);
	uv_timer_init(&c->app.loop, &c->app.say_end);
	c->app.say_end.data = &c->app;
	uv_poll_init(&c->app.loop, &c->app.keys, c->slave);
	return c;
}

void console_start(struct console *c) {
	app_go(&c->app, screens[0], NULL);
	console_paint(c);
}

static void on_walk(uv_handle_t *h, void *arg) {
	(void)arg;
	uv_close(h, NULL);
}

void console_close(struct console *c) {
	struct app *a = &c->app;
	uv_walk(&a->loop, on_walk, NULL);
	while (uv_run(&a->loop, UV_RUN_DEFAULT)) continue; /* once more after uv_stop */
	assert_int_equal(uv_loop_close(&a->loop), 0);
	tty_close(a->tty);
	app_free(a);
	vterm_free(c->vt);
	close(c->master);
	close(c->slave);
	buf_done(&c->asked);
	buf_done(&c->beside);
	free(c);
}

void console_flush(struct console *c) {
	tty_flush(c->app.tty);
	console_read(c);
}

void console_paint(struct console *c) {
	app_paint(&c->app);
	console_read(c);
}

void console_press(struct console *c, const char *keys) {
	while (*keys) {
		size_t n = strcspn(keys, " ");
		char name[32];
		struct key_event key = {0};
		if (text_starts(keys, "text:")) {
			for (keys += 5; *keys; keys += n) {
				n = text_decode(keys, strlen(keys), &key.key);
				if (key.key == '\r') key.key = KEY_ENTER_;
				if (key.key == '\t') key.key = KEY_TAB;
				input_key(&c->app, &key);
			}
			break;
		}
		text_copy(name, MIN(n + 1, sizeof name), keys);
		if (key_parse(name, &key.key)) fail_msg("no key %s", name);
		input_key(&c->app, &key);
		keys += n + (keys[n] == ' ');
	}
	console_paint(c);
}

void console_resize(struct console *c, int rows, int cols) {
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
	assert_int_equal(ioctl(c->slave, TIOCSWINSZ, &size), 0);
	c->rows = rows;
	c->cols = cols;
	vterm_set_size(c->vt, rows, cols);
	assert_true(tty_resize(c->app.tty));
	console_paint(c);
}

/* --- reading the screen --- */

static bool cell_at(struct console *c, int y, int x, VTermScreenCell *ret) {
	return vterm_screen_get_cell(c->screen, (VTermPos){.row = y, .col = x}, ret) == 1;
}

static void buf_cut(struct buf *b, size_t n) {
	if (n < b->len) b->data[b->len = n] = '\0';
}

static void row_text(struct console *c, int y, struct buf *out) {
	VTermScreenCell cell;
	for (int x = 0; x < c->cols; x += cell_at(c, y, x, &cell) && cell.width > 1 ? cell.width : 1) {
		assert_true(cell_at(c, y, x, &cell));
		if (!cell.chars[0]) buf_str(out, " ");
		for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i]; i++) {
			char bytes[4];
			if (cell.chars[i] != (uint32_t)-1) buf_add(out, bytes, text_encode(bytes, cell.chars[i]));
		}
	}
	while (out->len && buf_text(out)[out->len - 1] == ' ') buf_cut(out, out->len - 1);
}

const char *console_row(struct console *c, int y, char *to, size_t size) {
	AUTO(buf_done) struct buf row = BUF_INIT(1 << 16);
	row_text(c, y, &row);
	text_copy(to, size, buf_text(&row));
	return to;
}

bool console_shows(struct console *c, const char *text) {
	char row[4096];
	for (int y = 0; y < c->rows; y++)
		if (strstr(console_row(c, y, row, sizeof row), text)) return true;
	return false;
}

static void colour_words(const VTermColor *k, bool is_default, char *to, size_t size) {
	if (is_default) snprintf(to, size, "-");
	else if (VTERM_COLOR_IS_INDEXED(k)) snprintf(to, size, "%d", k->indexed.idx);
	else snprintf(to, size, "#%02x%02x%02x", k->rgb.red, k->rgb.green, k->rgb.blue);
}

static void cell_words(const VTermScreenCell *cell, char to[64]) {
	char fg[16], bg[16];
	colour_words(&cell->fg, VTERM_COLOR_IS_DEFAULT_FG(&cell->fg), fg, sizeof fg);
	colour_words(&cell->bg, VTERM_COLOR_IS_DEFAULT_BG(&cell->bg), bg, sizeof bg);
	snprintf(to, 64, "%s on %s%s%s%s", fg, bg, cell->attrs.bold ? " bold" : "",
		cell->attrs.underline ? " underline" : "", cell->attrs.reverse ? " reverse" : "");
}

/* Each style that occurs gets a letter; '.' is the plain one. */
void console_dump(struct console *c, struct buf *out) {
	char styles[52][64];
	size_t style_n = 0;
	VTermPos at;
	for (int y = 0; y < c->rows; y++) {
		AUTO(buf_done) struct buf row = BUF_INIT(1 << 16);
		row_text(c, y, &row);
		buf_fmt(out, "|%s\n", buf_text(&row));
	}
	vterm_state_get_cursorpos(vterm_obtain_state(c->vt), &at);
	buf_fmt(out, "cursor %d,%d\n", at.row, at.col);
	for (int y = 0; y < c->rows; y++) {
		AUTO(buf_done) struct buf row = BUF_INIT(1 << 16);
		size_t styled = 0;
		for (int x = 0; x < c->cols; x++) {
			VTermScreenCell cell;
			char words[64];
			size_t i = 0;
			assert_true(cell_at(c, y, x, &cell));
			cell_words(&cell, words);
			if (strcmp(words, "- on -") == 0) {
				buf_str(&row, ".");
				continue;
			}
			while (i < style_n && strcmp(styles[i], words) != 0) i++;
			assert_true(i < ARRAY_LEN(styles));
			if (i == style_n) text_copy(styles[style_n++], sizeof styles[0], words);
			buf_fmt(&row, "%c", (int)(i < 26 ? 'a' + i : 'A' + i - 26));
			styled = row.len;
		}
		buf_cut(&row, styled);
		if (styled) buf_fmt(out, "%3d %s\n", y, buf_text(&row));
	}
	for (size_t i = 0; i < style_n; i++) buf_fmt(out, "%c: %s\n", (int)(i < 26 ? 'a' + i : 'A' + i - 26), styles[i]);
}

/* --- for tests of what is drawn --- */

struct console *drawn;
struct canvas drawn_on;

static int drawn_open(bool ascii) {
	drawn = console_open(&(struct console_options){.rows = 10, .cols = 40, .ascii = ascii, .no_colour = ascii});
	drawn_on = tty_canvas(drawn->app.tty);
	return 0;
}

int drawn_setup(void **state) {
	(void)state;
	return drawn_open(false);
}

int drawn_setup_ascii(void **state) {
	(void)state;
	return drawn_open(true);
}

int drawn_teardown(void **state) {
	(void)state;
	console_close(drawn);
	return 0;
}

void drawn_row_is(int y, const char *text) {
	char row[400];
	console_flush(drawn);
	assert_string_equal(console_row(drawn, y, row, sizeof row), text);
}
