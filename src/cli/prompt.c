/* SPDX-License-Identifier: MIT */
/* Questions on a terminal. SIGINT is caught while one stands, so that a terminal never stays without echo; echo is off
 * before the question shows, so that nothing typed early appears. Main thread. */
#include "cli/prompt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/text.h"

#define ANSWER_MAX 4096

bool prompt_possible(void) { return isatty(STDIN_FILENO) && isatty(STDERR_FILENO); }

static volatile sig_atomic_t interrupted;
static void on_interrupt(int number) { interrupted = number; }

static int cancelled(struct error *err) {
	fputc('\n', stderr);
	return error_set(err, ERR_CANCELLED, "interrupted: nothing was written");
}

/* While a question stands: SIGINT is caught, and blocked but in ppoll, so that none is lost between looking and
 * waiting. Begun before the question is shown. */
struct asking {
	struct sigaction old_action;
	sigset_t old_mask;
};

static void asking_begin(struct asking *a) {
	struct sigaction catch = {.sa_handler = on_interrupt};
	sigset_t block;
	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	interrupted = 0;
	sigprocmask(SIG_BLOCK, &block, &a->old_mask);
	sigaction(SIGINT, &catch, &a->old_action);
}

static void asking_end(const struct asking *a) {
	sigprocmask(SIG_SETMASK, &a->old_mask, NULL);
	sigaction(SIGINT, &a->old_action, NULL);
}

/* One byte, or -1 when there is none: interrupted, or the end of the input. */
static int answer_byte(const struct asking *a) {
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	unsigned char c;
	while (ppoll(&p, 1, NULL, &a->old_mask) < 0)
		if (errno != EINTR || interrupted) return -1;
	return read(STDIN_FILENO, &c, 1) == 1 ? c : -1;
}

/* One line without its end. */
static int answer_read(const struct asking *a, char *to, size_t size, struct error *err) {
	size_t n = 0;
	int c;
	while ((c = answer_byte(a)) >= 0 && c != '\n')
		if (n + 1 < size) to[n++] = (char)c;
	to[n] = '\0';
	return c == '\n' ? 0 : cancelled(err);
}

int prompt_text(const char *question, const char *fallback, char **ret, struct error *err) {
	char answer[ANSWER_MAX];
	for (;;) {
		struct asking a;
		asking_begin(&a);
		if (fallback) fprintf(stderr, "%s [%s]: ", question, TEXT_SAFE(fallback));
		else fprintf(stderr, "%s: ", question);
		int failed = answer_read(&a, answer, sizeof answer, err);
		asking_end(&a);
		if (failed) return -1;
		const char *text = text_trim(answer);
		if (!*text && !fallback) continue;
		*ret = xstrdup(*text ? text : fallback);
		return 0;
	}
}

int prompt_secret(const char *question, struct secret *ret, struct error *err) {
	char answer[ANSWER_MAX];
	struct termios old = {0}, quiet;
	struct asking a;
	asking_begin(&a);
	bool changed = tcgetattr(STDIN_FILENO, &old) == 0;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (changed) tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	fprintf(stderr, "%s (not shown): ", question);
	int failed = answer_read(&a, answer, sizeof answer, err);
	if (changed) tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	asking_end(&a);
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
