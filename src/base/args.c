/* SPDX-License-Identifier: MIT */
/* Command lines from tables: getopt_long is given its options from the rows, and --help is written from the same rows,
 * so that they cannot disagree. Not reentrant: getopt keeps its place in globals; called once a process, at its start.
 */
#include "base/args.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define LONG_BASE 256 /* getopt's value of row i is LONG_BASE + i: never a letter */

static const struct arg_flag flag_help = {"help", 'h', NULL, "show this help"};

/* Row i of the command's own flags, then the common ones, then --help; NULL after the last. */
static const struct arg_flag *args_flag(const struct arg_spec *spec, size_t i) {
	if (i < spec->flag_n) return &spec->flags[i];
	if (i - spec->flag_n < spec->common_n) return &spec->common[i - spec->flag_n];
	return i == spec->flag_n + spec->common_n ? &flag_help : NULL;
}

static const struct arg_flag *args_flag_by_value(const struct arg_spec *spec, int value) {
	const struct arg_flag *f;
	if (value >= LONG_BASE) return args_flag(spec, (size_t)(value - LONG_BASE));
	for (size_t i = 0; (f = args_flag(spec, i)); i++)
		if (f->letter && f->letter == value) return f;
	return NULL;
}

struct args_tables {
	struct option *longs;
	struct buf letters;
};

static void args_tables_make(const struct arg_spec *spec, struct args_tables *t) {
	const struct arg_flag *f;
	t->longs = xcalloc(spec->flag_n + spec->common_n + 2, sizeof *t->longs);
	t->letters = BUF_INIT(1024);
	buf_char(&t->letters, ':'); /* a missing value is told from an unknown flag */
	for (size_t i = 0; (f = args_flag(spec, i)); i++) {
		t->longs[i] = (struct option){f->name, f->value ? required_argument : no_argument, NULL, LONG_BASE + (int)i};
		if (!f->letter) continue;
		buf_char(&t->letters, f->letter);
		if (f->value) buf_char(&t->letters, ':');
	}
}

static void args_tables_done(struct args_tables *t) {
	xfree(t->longs);
	buf_done(&t->letters);
}
DEFINE_AUTO_VAL(struct args_tables, args_tables_done)

static void args_command(const struct arg_spec *spec, char *to, size_t size) {
	snprintf(to, size, "%s%s%s", spec->program, spec->command ? " " : "", spec->command ? spec->command : "");
}

static const char *args_nearest(const struct arg_spec *spec, const char *word) {
	const struct arg_flag *f;
	const char **names = xcalloc(spec->flag_n + spec->common_n + 1, sizeof *names);
	size_t n = 0;
	for (; (f = args_flag(spec, n)); n++) names[n] = f->name;
	const char *nearest = text_nearest(word, names, n);
	xfree(names);
	return nearest;
}

static int args_unknown(const struct arg_spec *spec, const char *word, struct error *err) {
	char command[128], name[64];
	args_command(spec, command, sizeof command);
	text_copy(name, sizeof name, word + strspn(word, "-"));
	name[strcspn(name, "=")] = '\0';
	const char *nearest = text_starts(word, "--") ? args_nearest(spec, name) : NULL;
	if (nearest)
		return error_set(
			err, ERR_USAGE, "%s: there is no flag %s, did you mean --%s?", command, TEXT_SAFE(word), nearest);
	return error_set(
		err, ERR_USAGE, "%s: there is no flag %s; %s --help lists them", command, TEXT_SAFE(word), command);
}

/* What getopt refused: '?' is unknown, ambiguous or a switch given a value; ':' lacks its value. */
static int args_refused(const struct arg_spec *spec, int c, char **argv, struct error *err) {
	char command[128];
	args_command(spec, command, sizeof command);
	const struct arg_flag *f = optopt ? args_flag_by_value(spec, optopt) : NULL;
	if (c == ':' && f)
		return error_set(err, ERR_USAGE, "%s: --%s needs a value: --%s %s", command, f->name, f->name, f->value);
	if (f) return error_set(err, ERR_USAGE, "%s: --%s takes no value", command, f->name);
	if (optopt) return args_unknown(spec, (char[]){'-', (char)optopt, '\0'}, err);
	return args_unknown(spec, argv[optind - 1], err);
}

static int args_check_operands(const struct arg_spec *spec, int n, char **operands, struct error *err) {
	char command[128];
	args_command(spec, command, sizeof command);
	if (n < spec->operand_min)
		return error_set(
			err, ERR_USAGE, "%s: %s is missing; %s --help shows an example", command, spec->operands, command);
	if (spec->operand_max < 0 || n <= spec->operand_max) return 0;
	return error_set(err, ERR_USAGE, "%s: \"%s\" is one word too many; %s --help shows an example", command,
		TEXT_SAFE(operands[spec->operand_max]), command);
}

int args_parse(const struct arg_spec *spec, int argc, char **argv, args_on_flag *on_flag, void *arg,
	char ***ret_operands, int *ret_n, bool *ret_help, struct error *err) {
	AUTO(args_tables_done) struct args_tables t;
	args_tables_make(spec, &t);
	char command[128];
	*ret_help = false;
	optind = 0; /* glibc: begin anew */
	opterr = 0;
	int c;
	while ((c = getopt_long(argc, argv, buf_text(&t.letters), t.longs, NULL)) != -1) {
		if (c == '?' || c == ':') return args_refused(spec, c, argv, err);
		const struct arg_flag *f = args_flag_by_value(spec, c);
		if (f == &flag_help) {
			*ret_help = true;
			return 0;
		}
		if (on_flag(arg, f->name, f->value ? optarg : NULL, err)) {
			args_command(spec, command, sizeof command);
			return error_prefix(err, "%s", command);
		}
	}
	if (args_check_operands(spec, argc - optind, argv + optind, err)) return -1;
	*ret_operands = argv + optind;
	*ret_n = argc - optind;
	return 0;
}

/* --- help --- */

static void args_flag_label(const struct arg_flag *f, char *to, size_t size) {
	char letter[8] = "    ";
	if (f->letter) snprintf(letter, sizeof letter, "-%c, ", f->letter);
	snprintf(to, size, "%s--%s%s%s", letter, f->name, f->value ? " " : "", f->value ? f->value : "");
}

static void args_help_flags(const struct arg_flag *flags, size_t n, int width, struct buf *out) {
	for (size_t i = 0; i < n; i++) {
		char label[96];
		args_flag_label(&flags[i], label, sizeof label);
		buf_fmt(out, "  %-*s  %s\n", width, label, flags[i].help);
	}
}

static int args_label_width(const struct arg_spec *spec) {
	const struct arg_flag *f;
	size_t width = 0;
	for (size_t i = 0; (f = args_flag(spec, i)); i++) {
		char label[96];
		args_flag_label(f, label, sizeof label);
		width = MAX(width, strlen(label));
	}
	return (int)width;
}

void args_help_own(const struct arg_spec *spec, struct buf *out) {
	args_help_flags(spec->flags, spec->flag_n, args_label_width(spec), out);
}

void args_help(const struct arg_spec *spec, struct buf *out) {
	char command[128];
	args_command(spec, command, sizeof command);
	buf_fmt(out, "usage: %s%s%s%s\n\n%s\n", command, spec->flag_n + spec->common_n ? " [flags]" : "",
		spec->operands ? " " : "", spec->operands ? spec->operands : "", spec->summary);
	if (spec->text) buf_fmt(out, "\n%s\n", spec->text);
	int width = args_label_width(spec);
	buf_str(out, "\nflags:\n");
	args_help_flags(spec->flags, spec->flag_n, width, out);
	args_help_flags(&flag_help, 1, width, out);
	if (!spec->common_n) return;
	buf_str(out, "\nflags of every command:\n");
	args_help_flags(spec->common, spec->common_n, width, out);
}
