/* SPDX-License-Identifier: MIT */
/* Child processes. Main thread; the process has no other when it forks. */
#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define POLL_MS 20

/* In the child: only what is safe between fork and exec. */
static void child_exec(const char *const *argv, char *const *env, int err_fd, int out_fd, pid_t parent) {
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) _exit(127); /* it died before we asked to be told */
	int nothing = open("/dev/null", O_RDONLY);
	if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(out_fd, 1) < 0 || dup2(err_fd, 2) < 0) _exit(127);
	execve(argv[0], (char *const *)argv, env);
	_exit(127);
}

int child_start(struct child *ret, const char *const *argv, char *const *env, const char *err_path, bool want_out,
	struct error *err) {
	int ends[2] = {-1, -1};
	AUTO(fd_close) int err_fd = open(err_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (err_fd < 0) return error_errno(err, ERR_DISK, errno, "open %s", err_path);
	if (want_out && pipe2(ends, O_CLOEXEC)) return error_errno(err, ERR_INTERNAL, errno, "make a pipe");
	AUTO(fd_close) int read_end = ends[0];
	AUTO(fd_close) int write_end = ends[1];
	pid_t parent = getpid(), pid = fork();
	if (pid < 0) return error_errno(err, ERR_INTERNAL, errno, "start %s", argv[0]);
	if (pid == 0) child_exec(argv, env, err_fd, want_out ? write_end : err_fd, parent);
	setpgid(pid, pid); /* whoever is first */
	*ret = (struct child){.pid = pid, .out = TAKE_FD(read_end)};
	return 0;
}

int child_start_here(struct child *ret, const char *const *argv, char *const *env, struct error *err) {
	pid_t parent = getpid(), pid = fork();
	if (pid < 0) return error_errno(err, ERR_INTERNAL, errno, "start %s", argv[0]);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() == parent) execve(argv[0], (char *const *)(uintptr_t)argv, env);
		_exit(127);
	}
	*ret = (struct child){.pid = pid, .out = -1};
	return 0;
}

bool child_runs(struct child *c, int *ret_status) {
	int status = 0;
	if (!c->pid) return false;
	pid_t got = waitpid(c->pid, &status, WNOHANG);
	if (got == 0 || (got < 0 && errno == EINTR)) return true;
	c->pid = 0;
	if (ret_status) *ret_status = status;
	return false;
}

static void child_close(struct child *c) {
	if (c->out >= 0) fd_close(TAKE_FD(c->out));
}

void child_stop(struct child *c, int64_t wait_ms) {
	int64_t end_ms = clock_mono_ms() + wait_ms;
	if (c->pid) kill(c->pid, SIGTERM);
	while (child_runs(c, NULL)) {
		if (clock_mono_ms() >= end_ms) kill(c->pid, SIGKILL);
		poll(NULL, 0, POLL_MS);
	}
	child_close(c);
}

int child_line(struct child *c, char *to, size_t size, int64_t wait_ms, struct error *err) {
	int64_t end_ms = clock_mono_ms() + wait_ms;
	size_t n = 0;
	while (n + 1 < size) {
		int64_t left_ms = end_ms - clock_mono_ms();
		struct pollfd p = {.fd = c->out, .events = POLLIN};
		int ready = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;
		if (ready < 0 && errno == EINTR) return error_set(err, ERR_CANCELLED, "interrupted");
		if (ready <= 0) return error_set(err, ERR_TIMEOUT, "it said nothing for %lld s", (long long)wait_ms / 1000);
		char byte;
		if (read(c->out, &byte, 1) != 1) return error_set(err, ERR_INTERNAL, "it ended at once");
		if (byte == '\n') break;
		to[n++] = byte;
	}
	to[n] = '\0';
	return 0;
}

static int child_drain(struct child *c, struct buf *out, struct error *err) {
	char piece[65536];
	ssize_t n;
	while ((n = read(c->out, piece, sizeof piece)) != 0) {
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return error_errno(err, ERR_INTERNAL, errno, "read from a child process");
		buf_add(out, piece, (size_t)n);
	}
	return buf_check(out, "the output of a child process", err);
}

int child_output(const char *const *argv, char *const *env, const char *err_path, struct buf *out, struct error *err) {
	struct child c = CHILD_NONE;
	int status = 0;
	if (child_start(&c, argv, env, err_path, true, err)) return -1;
	int failed = child_drain(&c, out, err);
	while (!failed && child_runs(&c, &status)) poll(NULL, 0, POLL_MS);
	child_stop(&c, 1000);
	if (failed || status == 0) return failed;
	return error_set(err, ERR_INTERNAL, "%s %s ended with status %d", argv[0], argv[1],
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
