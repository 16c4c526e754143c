/* SPDX-License-Identifier: MIT */
/* Commands from a table. Standard output carries results only, standard error every sentence for a person. Main thread.
 */
#include "base/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

void command_print(const struct buf *out) { fputs(buf_text(out), stdout); }

void command_json(cJSON *o) {
	AUTO(xfree) char *line = json_text(o);
	json_free(o);
	puts(line);
}

int command_fail(const char *program, const struct error *err) {
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 16);
	text_escape(&out, err->text, strlen(err->text));
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", program, buf_text(&out));
	return error_classes[err->code].exit_status;
}

int command_args(const struct arg_spec *spec, int argc, char **argv, args_on_flag *on_flag, void *arg,
	char ***ret_operands, int *ret_n) {
	struct error err = ERROR_INIT;
	bool help = false;
	/* The error begins with program and command itself. */
	if (args_parse(spec, argc, argv, on_flag, arg, ret_operands, ret_n, &help, &err)) {
		AUTO(buf_done) struct buf out = BUF_INIT(1 << 16);
		text_escape(&out, err.text, strlen(err.text));
		fprintf(stderr, "%s\n", buf_text(&out));
		return error_classes[err.code].exit_status;
	}
	if (!help) return -1;
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 16);
	args_help(spec, &out);
	command_print(&out);
	return 0;
}

static void command_help(const struct command_set *set, struct buf *out) {
	size_t width = 0;
	for (size_t i = 0; i < set->n; i++) width = MAX(width, strlen(set->commands[i].name));
	buf_fmt(out, "usage: %s COMMAND [flags]\n\n%s\n\ncommands:\n", set->program, set->summary);
	for (size_t i = 0; i < set->n; i++)
		buf_fmt(out, "  %-*s  %s\n", (int)width, set->commands[i].name, set->commands[i].summary);
	buf_fmt(
		out, "\n%s COMMAND --help tells more%s.\n", set->program, set->version ? "; --version prints the version" : "");
	if (set->bare_spec) {
		buf_fmt(out, "\nwithout a command: %s\n", set->bare_spec->summary);
		args_help_own(set->bare_spec, out);
	}
	if (set->text) buf_fmt(out, "\n%s\n", set->text);
}

static int command_unknown(const struct command_set *set, const char *word) {
	struct error err = ERROR_INIT;
	const char **names = xcalloc(set->n, sizeof *names);
	for (size_t i = 0; i < set->n; i++) names[i] = set->commands[i].name;
	const char *nearest = text_nearest(word, names, set->n);
	xfree(names);
	if (nearest)
		error_set(&err, ERR_USAGE, "there is no command \"%s\", did you mean \"%s\"?", TEXT_SAFE(word), nearest);
	else error_set(&err, ERR_USAGE, "there is no command \"%s\"; %s --help lists them", TEXT_SAFE(word), set->program);
	return command_fail(set->program, &err);
}

int command_usage(const struct command_set *set) {
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 16);
	command_help(set, &out);
	fputs(buf_text(&out), stderr);
	return error_classes[ERR_USAGE].exit_status;
}

static bool word_is(const char *word, const char *a, const char *b, const char *c) {
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

static int command_run(const struct command_set *set, int argc, char **argv) {
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 16);
	const char *word = argv[1];
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->commands[i].name, word) == 0) return set->commands[i].run(argc - 1, argv + 1);
	bool help = word_is(word, "--help", "-h", "help"),
		 version = set->version && word_is(word, "--version", "-V", "version");
	if (!help && !version && set->bare && *word == '-') return set->bare(argc, argv);
	if (!help && !version) return command_unknown(set, word);
	if (help) command_help(set, &out);
	else buf_fmt(&out, "%s %s\n", set->program, HEADGATE_VERSION);
	command_print(&out);
	return 0;
}

/* Started with standard descriptors closed, the next file that is opened would take their place: a journal into which
 * the log is written. What is written to a standard output that was closed fails, as it should; standard error has
 * nobody to be told to. */
static void stdio_open(void) {
	static const int flags[] = {[STDIN_FILENO] = O_RDONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_WRONLY};
	for (int fd = 0; fd < (int)ARRAY_LEN(flags); fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
		/* the lowest that is free is taken: those below are open; a root without devices has a folder at least */
		if (open("/dev/null", flags[fd] | O_NOCTTY) < 0 && open("/", O_RDONLY | O_DIRECTORY) < 0) return;
	}
}

int command_main(const struct command_set *set, int argc, char **argv) {
	stdio_open();
	signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error of the write */
	if (argc < 2 && !set->bare) return command_usage(set);
	int status = argc < 2 ? set->bare(argc, argv) : command_run(set, argc, argv);
	struct error err = ERROR_INIT;
	if (fflush(stdout) == 0 && !ferror(stdout)) return status;
	error_errno(&err, ERR_DISK, errno, "write to standard output");
	return command_fail(set->program, &err);
}
