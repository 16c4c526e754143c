/* SPDX-License-Identifier: MIT */
/* INI files through inih. inih 55 cuts a line longer than its buffer silently and counts its rest as a line of its own
 * (measured.md), cuts a section's name at 49 bytes, and takes an indented line for the continuation of the one before;
 * hence a reader of our own: it counts lines, refuses what inih would cut, and drops indentation. Any thread. */
#include "base/ini.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

#define SECTION_MAX 49 /* inih's MAX_SECTION less the NUL */

struct ini_reader {
	const char *path;
	FILE *file;
	ini_on_value *on_value;
	void *arg;
	struct error *err;
	int line;		 /* of the line inih has in hand */
	int failed_line; /* 0: none */
};

static void ini_fail(struct ini_reader *r, int line, const char *why) {
	r->failed_line = line;
	error_set(r->err, ERR_CONFIG, "%s:%d: %s", r->path, line, why);
}

/* One line without its end into line (INI_LINE_MAX + 2 bytes): one byte more than allowed shows that it is too long.
 * Returns its whole length, or -1 at the end of the file. */
static long ini_next_line(FILE *file, char *line) {
	long n = 0;
	int c;
	while ((c = getc_unlocked(file)) != EOF && c != '\n') {
		if (n <= INI_LINE_MAX) line[n] = (char)c;
		n++;
	}
	line[MIN(n, INI_LINE_MAX + 1)] = '\0';
	return c == EOF && n == 0 ? -1 : n;
}

/* Why inih must not see this line, or NULL. */
static const char *ini_line_fault(const char *line, const char *start, long n, char *why, size_t size) {
	if (n > INI_LINE_MAX) {
		snprintf(why, size, "the line has %ld characters, more than the %d allowed: shorten it", n, INI_LINE_MAX);
		return why;
	}
	if (!text_is_utf8(line, (size_t)n, NULL)) return "the line is not UTF-8 text: save the file as UTF-8";
	const char *end = *start == '[' ? strchr(start, ']') : NULL;
	if (end && end - start - 1 > SECTION_MAX) return "the section's name is longer than 49 characters: shorten it";
	return NULL;
}

static bool ini_is_comment(const char *start) { return *start == ';' || *start == '#'; }

static char *ini_read_line(char *to, int size, void *arg) {
	struct ini_reader *r = arg;
	char line[INI_LINE_MAX + 2], why[128];
	if (r->failed_line) return NULL;
	long n = ini_next_line(r->file, line);
	if (n < 0) return NULL;
	r->line++;
	char *start = line + (r->line == 1 && text_starts(line, "\xEF\xBB\xBF") ? 3 : 0);
	start += strspn(start, " \t\r");
	if (ini_is_comment(start)) *start = '\0';
	const char *fault = *start ? ini_line_fault(line, start, n, why, sizeof why) : NULL;
	if (fault) {
		ini_fail(r, r->line, fault);
		return NULL;
	}
	snprintf(to, (size_t)size, "%s\n", start);
	return to;
}

static int ini_on_pair(void *arg, const char *section, const char *name, const char *value) {
	struct ini_reader *r = arg;
	if (r->failed_line) return 1;
	if (r->on_value(r->arg, section, name, value, r->line, r->err) == 0) return 1;
	error_prefix(r->err, "%s:%d", r->path, r->line);
	r->failed_line = r->line;
	return 1;
}

static int ini_open_failed(const char *path, struct error *err) {
	if (errno == ENOENT || errno == ENOTDIR)
		return error_set(err, ERR_NOT_FOUND, "there is no configuration file %s", path);
	return error_errno(err, ERR_CONFIG, errno, "open the configuration file %s", path);
}

/* A pipe would be waited for without end, and could not be read again. */
static int ini_open(struct ini_reader *r, struct error *err) {
	AUTO(fd_close) int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	if (fd < 0 || fstat(fd, &st)) return ini_open_failed(r->path, err);
	if (S_ISFIFO(st.st_mode))
		return error_set(err, ERR_CONFIG, "the configuration file %s is a pipe: name a file", r->path);
	r->file = fdopen(fd, "r");
	if (!r->file) return ini_open_failed(r->path, err);
	(void)TAKE_FD(fd);
	return 0;
}

int ini_read(const char *path, ini_on_value *on_value, void *arg, struct error *err) {
	struct ini_reader r = {.path = path, .on_value = on_value, .arg = arg, .err = err};
	if (ini_open(&r, err)) return -1;
	int bad_line = ini_parse_stream(ini_read_line, &r, ini_on_pair, &r);
	int read_errno = ferror(r.file) ? errno : 0;
	fclose(r.file);
	if (read_errno) return error_errno(err, ERR_CONFIG, read_errno, "read the configuration file %s", path);
	/* inih goes on after a line it does not understand: the first mistake is the one to name. */
	if (bad_line > 0 && (!r.failed_line || bad_line < r.failed_line))
		ini_fail(&r, bad_line, "the line is neither \"name = value\" nor \"[section]\": correct it or begin it with #");
	return r.failed_line ? -1 : 0;
}
