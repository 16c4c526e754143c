/* SPDX-License-Identifier: MIT */
/* headgate without a command: the console on the running engine, or on one that it starts. The console itself is handed
 * over by the main, so that no command links a terminal library. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/console.h"
#include "ui/app.h"

#define VALUE_MOST 4096

static console_run *console;

void cli_set_console(console_run *run) { console = run; }

struct console_flags {
	struct app_options app;
	const char *engine_flags[2 * CLI_FLAG_PAIRS_MAX + 3]; /* for an engine that it starts: "--name=value" */
};

static int console_on_flag(void *arg, const char *name, const char *value, struct error *err) {
	struct app_options *o = &((struct console_flags *)arg)->app;
	(void)err;
	if (strcmp(name, "read-only") == 0) o->read_only = true;
	else if (strcmp(name, "plain") == 0) o->plain = true;
	else if (strcmp(name, "ascii") == 0) o->ascii = true;
	else if (strcmp(name, "mouse") == 0) o->mouse = true;
	else if (strcmp(name, "no-colour") == 0) o->no_colour = true;
	else if (strcmp(name, "theme") == 0) o->theme = value;
	else o->screen = value;
	return 0;
}

/* --- the configuration, as the console shows it --- */

static struct config_line *config_lines(const struct option_set *set) {
	struct config_line *lines = xcalloc(set->n, sizeof *lines);
	for (size_t i = 0; i < set->n; i++) {
		char value[VALUE_MOST];
		option_show(set, i, value, sizeof value);
		lines[i] = (struct config_line){
			xstrdup(set->rows[i].section), xstrdup(set->rows[i].name), xstrdup(value), xstrdup(set->origins[i].where)};
	}
	return lines;
}

static void config_lines_free(struct config_line *lines, size_t n) {
	for (size_t i = 0; i < n; i++) {
		free(lines[i].section);
		free(lines[i].name);
		free(lines[i].value);
		free(lines[i].source);
	}
	free(lines);
}

/* --- an engine of its own --- */

/* The flags that it was given itself. */
static size_t engine_flags(const struct cli *c, const char **to) {
	size_t n = 0;
	if (c->config_file) to[n++] = xasprintf("--config=%s", c->config_file);
	for (size_t i = 0; i + 1 < c->pair_n; i += 2) to[n++] = xasprintf("--%s=%s", c->pairs[i], c->pairs[i + 1]);
	return n;
}

static int console_body(struct cli *c, struct error *err) {
	struct console_flags *f = c->arg;
	char self[4096];
	struct error may = ERROR_INIT;
	if (c->json) return error_set(err, ERR_USAGE, "--json belongs to a command: headgate status --json");
	if (!f->app.plain && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
		return error_set(err, ERR_USAGE,
			"the console needs a terminal: headgate --plain needs none, headgate status --json is for programs");
	size_t flag_n = engine_flags(c, f->engine_flags);
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[MAX(n, 0)] = '\0';
	struct config_line *lines = config_lines(&c->config.set);
	f->app.state_dir = c->config.state_dir;
	f->app.config = lines;
	f->app.config_n = c->config.set.n;
	f->app.engine_flags = f->engine_flags;
	/* without a folder, an endpoint or a key there is nothing that an engine could do */
	if (n > 0 && config_require(&c->config, NEED_WATCH | NEED_CLOUD, &may) == 0) f->app.engine_path = self;
	int failed = console(&f->app, err);
	config_lines_free(lines, f->app.config_n);
	for (size_t i = 0; i < flag_n; i++) free((char *)(uintptr_t)f->engine_flags[i]);
	return failed;
}

static const struct arg_flag console_flags[] = {
	{"read-only", 'r', NULL, "watch only: no key changes anything"},
	{"plain", 'p', NULL, "what changes, as lines: for screen readers and recordings; no terminal needed"},
	{"screen", 0, "NAME", "the screen to begin with (default: the last one)"},
	{"theme", 0, "NAME", "dark, light, mono or safe (for the colour-blind)"},
	{"no-colour", 0, NULL, "no colours, as NO_COLOR does"},
	{"ascii", 0, NULL, "nothing but ASCII is drawn"},
	{"mouse", 0, NULL, "take the mouse from the terminal (m does so later)"},
};
const struct arg_spec console_spec = {
	.flags = console_flags,
	.flag_n = ARRAY_LEN(console_flags),
	.summary = "the console. Are today's sessions safe? Its key ? is help, Q ends it; the engine goes on.",
	.text = "Examples:\n  headgate --read-only --theme light\n  headgate --plain | tee -a changes.txt",
};

int cli_console(int argc, char **argv) {
	struct console_flags f = {0};
	return cli_command(&console_spec, argc, argv, console_on_flag, &f, console_body);
}
