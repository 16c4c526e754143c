/* SPDX-License-Identifier: MIT */
/* Questions on a terminal. SIGINT is caught while one stands, so that a terminal never stays without echo. Main thread.
 */
#include "cli/prompt.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/text.h"

#define ANSWER_MAX 4096

bool prompt_possible(void) { return isatty(STDIN_FILENO) && isatty(STDERR_FILENO); }

static void on_interrupt(int number) { (void)number; } /* read(2) then ends with EINTR */

static int cancelled(struct error *err) {
	fputc('\n', stderr);
	return error_set(err, ERR_CANCELLED, "interrupted: nothing was written");
}

/* One line without its end. */
static int answer_read(char *to, size_t size, struct error *err) {
	struct sigaction catch = {.sa_handler = on_interrupt}, old;
	size_t n = 0;
	ssize_t got;
	char c;
	sigaction(SIGINT, &catch, &old);
	while ((got = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
		if (n + 1 < size) to[n++] = c;
	sigaction(SIGINT, &old, NULL);
	to[n] = '\0';
	return got == 1 ? 0 : cancelled(err);
}

int prompt_text(const char *question, const char *fallback, char **ret, struct error *err) {
	char answer[ANSWER_MAX];
	for (;;) {
		if (fallback) fprintf(stderr, "%s [%s]: ", question, TEXT_SAFE(fallback));
		else fprintf(stderr, "%s: ", question);
		if (answer_read(answer, sizeof answer, err)) return -1;
		const char *text = text_trim(answer);
		if (!*text && !fallback) continue;
		*ret = xstrdup(*text ? text : fallback);
		return 0;
	}
}

int prompt_secret(const char *question, struct secret *ret, struct error *err) {
	char answer[ANSWER_MAX];
	struct termios old = {0}, quiet;
	fprintf(stderr, "%s (not shown): ", question);
	bool changed = tcgetattr(STDIN_FILENO, &old) == 0;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (changed) tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	int failed = answer_read(answer, sizeof answer, err);
	if (changed) tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	if (!failed) {
		const char *text = text_trim(answer);
		fputc('\n', stderr);
		secret_set(ret, text, strlen(text));
	}
	secret_wipe(answer, sizeof answer);
	return failed;
}

int prompt_yes(const char *question, bool *ret, struct error *err) {
	AUTO(xfree) char *answer = NULL;
	if (prompt_text(question, "no", &answer, err)) return -1;
	*ret = text_equal_nocase(answer, "yes") || text_equal_nocase(answer, "y");
	return 0;
}
