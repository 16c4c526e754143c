/* SPDX-License-Identifier: MIT */
/* The console's loop. Whatever happens (a key, data, the minute) marks it dirty; before the loop sleeps one frame is
 * drawn, unless FRAME_BURST of them were within as many FRAME_MS: then a timer draws it. Without a mark nothing runs
 * and nothing is written. One thread; the journal is read in the thread pool (ui/model/source.c). */
#include "ui/app_internal.h"

#include <assert.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <sys/wait.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "ui/frame.h"
#include "ui/plain.h"
#include "ui/widgets/dialog.h"

#define FRAME_MS 33
#define LEAVE_MS 300 /* so long a metadata file may still be read when the console ends */
#define BURST_KEYS 256
#define SAY_MS 6000
#define MINUTE_MS 60000

/* --- screens --- */

const struct screen *screen_by_name(const char *name) {
	for (size_t i = 0; name && screens[i]; i++)
		if (strcmp(screens[i]->name, name) == 0) return screens[i];
	return NULL;
}

static size_t screen_row(const struct screen *s) {
	size_t i = 0;
	while (screens[i] != s) i++;
	return i;
}

const struct screen *app_here(const struct app *a) { return a->stack[a->stack_n - 1]; }

void *app_self(struct app *a, const struct screen *s) {
	size_t i = screen_row(s);
	if (!a->states[i]) a->states[i] = xcalloc(1, s->state_size);
	return a->states[i];
}

static void app_enter(struct app *a, const char *arg) {
	const struct screen *s = app_here(a);
	if (s->enter) s->enter(&a->host, app_self(a, s), arg);
	a->mode = MODE_SCREEN;
	app_draw(a);
}

static void app_leave(struct app *a) {
	const struct screen *s = app_here(a);
	if (s->leave) s->leave(&a->host, app_self(a, s));
	for (size_t i = 0; s->parts && s->parts[i]; i++) source_hide(a->host.source, s->parts[i]);
}

void app_go(struct app *a, const struct screen *s, const char *arg) {
	if (a->stack_n) app_leave(a);
	if (s->digit) a->stack_n = 0;
	if (s->digit && s != screens[0]) a->stack[a->stack_n++] = screens[0];
	for (size_t i = 0; i < a->stack_n; i++) /* a screen has one state: it cannot lie beneath itself */
		if (a->stack[i] == s) a->stack_n = i;
	a->stack[a->stack_n++] = s;
	app_enter(a, arg);
}

void app_back(struct app *a) {
	if (a->stack_n < 2) {
		app_quit(a);
		return;
	}
	app_leave(a);
	a->stack_n--;
	app_enter(a, NULL);
}

/* --- what screens may ask (struct host) --- */

static_assert(offsetof(struct app, host) == 0, "a host is an app");
static struct app *app_of(struct host *h) { return (struct app *)(void *)h; }

void app_draw(struct app *a) { a->dirty = true; }

static void on_draw(struct host *h) { app_draw(app_of(h)); }

static void on_say_end(uv_timer_t *t) {
	struct app *a = t->data;
	a->say[0] = '\0';
	app_draw(a);
}

static void on_say(struct host *h, enum role role, const char *text) {
	struct app *a = app_of(h);
	text_copy(a->say, sizeof a->say, text);
	a->say_role = role;
	uv_update_time(&a->loop); /* a long paste may have kept the loop from it: it is to be seen for all its time */
	uv_timer_start(&a->say_end, on_say_end, SAY_MS, 0);
	app_draw(a);
}

static void on_copy(struct host *h, const char *text) {
	tty_copy(app_of(h)->tty, text, strlen(text));
	host_say(h, ROLE_TEXT, "copied: %s", text);
}

void app_question_done(struct app *a) {
	for (size_t i = 0; i < a->question.n; i++) free(a->question.sessions[i]);
	free(a->question.sessions);
	a->question = (struct question){0};
	a->mode = MODE_SCREEN;
	app_draw(a);
}

static void on_command(
	struct host *h, const char *method, const char *const *sessions, size_t n, const char *question) {
	struct app *a = app_of(h);
	if (a->o->read_only) {
		host_say(&a->host, ROLE_WARN, "this console is read-only: start it without --read-only to %s", method);
		return;
	}
	if (!question) {
		source_command(a->host.source, method, sessions, n);
		return;
	}
	text_copy(a->question.method, sizeof a->question.method, method);
	text_copy(a->question.text, sizeof a->question.text, question);
	a->question.sessions = xcalloc(n, sizeof *a->question.sessions);
	for (size_t i = 0; i < n; i++) a->question.sessions[i] = xstrdup(sessions[i]);
	a->question.n = n;
	a->mode = MODE_DIALOG;
	app_draw(a);
}

/* --- frames --- */

void app_paint(struct app *a) {
	struct canvas c = tty_canvas(a->tty), body = frame_body(&c);
	const struct screen *s = app_here(a);
	a->model.now_ms = clock_wall_ms();
	if (!body.h) {
		frame_small(&a->model, &c);
	} else {
		frame_draw(&a->model, s, &c);
		canvas_cursor(&body, 0, 0);
		if (a->mode == MODE_HELP) pager_draw(&a->help, &body);
		else s->draw(app_self(a, s), &a->model, &body);
		frame_footer(&a->model, s, a->say[0] ? a->say : NULL, a->say_role, &c);
	}
	if (a->mode == MODE_DIALOG) dialog_draw(&c, a->question.method, a->question.text);
	if (a->mode == MODE_PROMPT) prompt_draw(a->prompt, &c, c.h - 1);
	tty_flush(a->tty);
	a->drawn_ms[a->drawn_n++ % FRAME_BURST] = clock_mono_ms();
	a->dirty = false;
}

static void on_frame(uv_timer_t *t) { app_paint(t->data); }

static void on_prepare(uv_prepare_t *p) {
	struct app *a = p->data;
	if (!a->dirty || a->closing || uv_is_active((uv_handle_t *)&a->frame)) return;
	int64_t since = clock_mono_ms() - a->drawn_ms[a->drawn_n % FRAME_BURST], burst_ms = FRAME_BURST * FRAME_MS;
	if (since >= burst_ms) app_paint(a);
	else uv_timer_start(&a->frame, on_frame, (uint64_t)(burst_ms - since), 0);
}

/* What stands around every screen. */
static unsigned always_bits(const struct model *m) {
	unsigned bits = 0;
	for (size_t i = 0; m->parts[i]; i++)
		if (m->parts[i]->always) bits |= part_bit(m, m->parts[i]);
	return bits;
}

static void on_change(void *arg, unsigned changed) {
	struct app *a = arg;
	const struct screen *s = app_here(a);
	if (s->data) s->data(&a->host, app_self(a, s), changed);
	if (changed & (part_bits(&a->model, s->parts) | always_bits(&a->model))) app_draw(a);
}

static void on_source_say(void *arg, bool failed, const char *text) {
	on_say(arg, failed ? ROLE_BAD : ROLE_GOOD, text);
}

/* Ages and the clock change by the minute. */
static void on_clock(uv_timer_t *t) {
	app_draw(t->data);
	uv_timer_start(t, on_clock, (uint64_t)(MINUTE_MS - clock_wall_ms() % MINUTE_MS), 0);
}

/* --- the terminal --- */

static void app_end(struct app *a) {
	if (a->closing) return;
	a->closing = true;
	remember_save(a);
	uv_stop(&a->loop);
}

void app_quit(struct app *a) { app_end(a); }

/* At most so many keys; as tty_key. */
static int keys_read(struct app *a, struct key_event *keys, size_t most, size_t *ret_n) {
	int got = 0;
	*ret_n = 0;
	while (*ret_n < most && (got = tty_key(a->tty, &keys[*ret_n])) > 0) ++*ret_n;
	return got;
}

static void on_keys(uv_poll_t *p, int status, int events) {
	struct app *a = p->data;
	struct key_event keys[BURST_KEYS];
	int got = status < 0 ? -1 : 1;
	(void)events;
	while (!a->closing && got > 0) {
		bool refused = input_refuses(a);
		size_t n;
		got = keys_read(a, keys, refused || tty_burst(a->tty) ? BURST_KEYS : 1, &n);
		if (!refused) input_keys(a, keys, n);
	}
	if (got < 0) app_end(a); /* nobody is there any more: the engine goes on */
}

static const struct sigaction by_default = {.sa_handler = SIG_DFL};

static void app_resume(struct app *a) {
	tty_resume(a->tty);
	tty_mouse(a->tty, a->mouse);
	app_draw(a);
}

/* Ctrl-Z: the whole job is stopped, as by the terminal, once the shell has that back; until `fg`. */
void app_stop(struct app *a) {
	struct sigaction own;
	tty_suspend(a->tty);
	sigaction(SIGTSTP, &by_default, &own);
	kill(0, SIGTSTP);
	sigaction(SIGTSTP, &own, NULL);
	app_resume(a);
}

static void on_signal(uv_signal_t *s, int number) {
	struct app *a = s->data;
	if (a->closing) return;
	switch (number) {
	case SIGTSTP: app_stop(a); return;
	case SIGCONT: app_resume(a); return;
	case SIGWINCH: break;
	default: app_end(a); return;
	}
	if (tty_resize(a->tty)) app_draw(a);
	on_keys(&a->keys, 0, UV_READABLE); /* what curses pushed back */
}

/* Ctrl-Z stops console and editor alike, being one job of the shell; an editor that stops itself alone takes the
 * console with it. Whether it still stands is asked again: `fg` may have been between its stop and our hearing of it.
 */
static int editor_wait(pid_t pid) {
	siginfo_t i = {0};
	while (pid > 0 && waitid(P_PID, (id_t)pid, &i, WEXITED | WSTOPPED | WNOWAIT) == 0 && i.si_code == CLD_STOPPED) {
		i.si_pid = 0;
		if (waitid(P_PID, (id_t)pid, &i, WSTOPPED | WNOHANG) || i.si_pid != pid) continue;
		raise(SIGTSTP);
		kill(pid, SIGCONT);
	}
	int status = -1;
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run_editor(const char *path) {
	const char *editor = getenv("VISUAL");
	if (!editor || !*editor) editor = getenv("EDITOR");
	if (!editor || !*editor) editor = "vi";
	/* Ctrl-C and Ctrl-\ are the editor's meanwhile. */
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction interrupt, quit, stop;
	sigaction(SIGINT, &ignore, &interrupt);
	sigaction(SIGQUIT, &ignore, &quit);
	sigaction(SIGTSTP, &by_default, &stop);
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL); /* ignored here, for the engine's socket */
		signal(SIGXFSZ, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		execlp(editor, editor, path, (char *)NULL);
		_exit(127);
	}
	int status = editor_wait(pid);
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGQUIT, &quit, NULL);
	sigaction(SIGTSTP, &stop, NULL);
	return status;
}

static void on_edit(struct host *h, const char *root, const char *session) {
	struct app *a = app_of(h);
	if (a->o->read_only) {
		host_say(&a->host, ROLE_WARN, "this console is read-only: start it without --read-only to edit");
		return;
	}
	uv_poll_stop(&a->keys);
	tty_suspend(a->tty);
	AUTO(xfree) char *path = source_metadata_path(a->host.source, root, session);
	int status = run_editor(path);
	app_resume(a);
	uv_poll_start(&a->keys, UV_READABLE, on_keys);
	if (status == 127)
		host_say(&a->host, ROLE_BAD, "the editor could not be started: set EDITOR to the name of one program");
	else if (status)
		host_say(&a->host, ROLE_WARN, "the editor ended with status %d; nothing was checked again", status);
	else source_command(a->host.source, "retry", &session, 1);
}

/* --- start and end --- */

static const struct host_calls host_calls = {
	.draw = on_draw, .say = on_say, .command = on_command, .edit = on_edit, .copy = on_copy};

void app_init(struct app *a, const struct app_options *o) {
	a->o = o;
	a->model.read_only = o->read_only;
	a->model.parts = parts;
	a->host = (struct host){.calls = &host_calls, .model = &a->model};
}

struct source_options app_source_options(const struct app_options *o) {
	return (struct source_options){.state_dir = o->state_dir,
		.engine_path = o->engine_path,
		.engine_flags = o->engine_flags,
		.config = o->config,
		.config_n = o->config_n,
		.read_only = o->read_only};
}

static void app_handles(struct app *a, int fd) {
	static const int numbers[] = {SIGWINCH, SIGHUP, SIGTERM, SIGINT, SIGTSTP, SIGCONT};
	static_assert(ARRAY_LEN(numbers) == ARRAY_LEN(a->signals), "a handle for each");
	int flags = fcntl(fd, F_GETFL);
	uv_poll_init(&a->loop, &a->keys, fd);
	fcntl(fd, F_SETFL, flags); /* it is the shell's too, with which libuv's O_NONBLOCK would stay */
	a->keys.data = a;
	uv_poll_start(&a->keys, UV_READABLE, on_keys);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		uv_signal_init(&a->loop, &a->signals[i]);
		a->signals[i].data = a;
		uv_signal_start(&a->signals[i], on_signal, numbers[i]);
	}
	uv_timer_init(&a->loop, &a->frame);
	uv_timer_init(&a->loop, &a->clock);
	uv_timer_init(&a->loop, &a->say_end);
	uv_prepare_init(&a->loop, &a->prepare);
	a->frame.data = a->clock.data = a->say_end.data = a->prepare.data = a;
	uv_prepare_start(&a->prepare, on_prepare);
	uv_timer_start(&a->clock, on_clock, (uint64_t)(MINUTE_MS - clock_wall_ms() % MINUTE_MS), 0);
}

static void on_walk(uv_handle_t *h, void *arg) {
	(void)arg;
	if (!uv_is_closing(h)) uv_close(h, NULL);
}

static void on_source_closed(void *arg) { uv_walk(&((struct app *)arg)->loop, on_walk, NULL); }

static void on_leave(uv_timer_t *t) {
	if (source_stuck(((struct app *)t->data)->host.source)) _exit(EXIT_SUCCESS);
}

void app_free(struct app *a) {
	for (size_t i = 0; screens[i]; i++) {
		if (a->states[i] && screens[i]->done) screens[i]->done(a->states[i]);
		free(a->states[i]);
	}
	app_question_done(a);
	prompt_done(&a->command);
	prompt_done(&a->search);
	pager_done(&a->help);
}

static void app_close(struct app *a) {
	a->closing = true;
	tty_close(TAKE(a->tty)); /* first: whatever else takes a moment, the shell is back */
	uv_poll_stop(&a->keys);
	uv_prepare_stop(&a->prepare);
	uv_timer_stop(&a->frame); /* nothing draws any more */
	uv_timer_stop(&a->clock);
	uv_timer_start(&a->say_end, on_leave, LEAVE_MS, LEAVE_MS);
	source_close(a->host.source, on_source_closed, a);
	uv_run(&a->loop, UV_RUN_DEFAULT);
	uv_loop_close(&a->loop);
	app_free(a);
}

static int app_tty(struct app *a, const char *theme, struct error *err) {
	const char *no_colour = getenv("NO_COLOR");
	setlocale(LC_CTYPE, "");
	a->theme = theme_by_name(a->o->theme ? a->o->theme : theme);
	if (a->o->theme && !a->theme)
		return error_set(err, ERR_USAGE, "there is no theme %s: dark, light, mono or safe", a->o->theme);
	if (!a->theme) a->theme = themes[0];
	const struct tty_options t = {
		.theme = a->theme,
		.colour = !a->o->no_colour && !(no_colour && *no_colour),
		.ascii = a->o->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0,
		.in_fd = STDIN_FILENO,
		.out_fd = STDOUT_FILENO,
	};
	return tty_open(&a->tty, &t, err);
}

static const struct screen *app_first(const struct app *a, const char *remembered) {
	const struct screen *s = screen_by_name(a->o->screen ? a->o->screen : remembered);
	return s && s->digit ? s : screens[0];
}

int app_run(const struct app_options *o, struct error *err) {
	char screen[32] = "", theme[32] = "";
	struct app a = {.dirty = true};
	struct source_options so = app_source_options(o);
	if (o->plain) return plain_run(o, err);
	app_init(&a, o);
	so.on_change = on_change;
	so.on_say = on_source_say;
	so.arg = &a;
	if (o->screen && !screen_by_name(o->screen))
		return error_set(err, ERR_USAGE, "there is no screen %s: see the tabs of the console", o->screen);
	remember_load(&a, screen, sizeof screen, theme, sizeof theme);
	if (app_tty(&a, theme, err)) {
		app_free(&a);
		return -1;
	}
	uv_loop_init(&a.loop);
	app_handles(&a, STDIN_FILENO);
	int failed = source_open(&a.host.source, &a.loop, &so, &a.model, err);
	if (!failed) {
		if (tty_note(a.tty)) host_say(&a.host, ROLE_WARN, "%s", tty_note(a.tty));
		app_go(&a, app_first(&a, screen), NULL);
		uv_run(&a.loop, UV_RUN_DEFAULT);
	}
	app_close(&a);
	return failed;
}
