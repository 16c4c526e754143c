/* SPDX-License-Identifier: MIT */
/* Child processes of a command, by fork and exec, never through a shell. A child has a process group of its own, so
 * that Ctrl-C reaches the parent alone, and is sent SIGTERM by the kernel when the parent dies. Main thread. */
#pragma once

#include <sys/types.h>

#include "base/buf.h"

struct child {
	pid_t pid; /* 0: none */
	int out;   /* its standard output, or -1 */
};
#define CHILD_NONE ((struct child){.out = -1})
/* argv[0] is the path. env: the whole environment. Standard error is appended to err_path, standard output comes back
 * through child->out when want_out, else goes there too. */
MUST_USE int child_start(struct child *ret, const char *const *argv, char *const *env, const char *err_path,
	bool want_out, struct error *err);
/* On our own terminal and in our own process group, as if it had taken our place. */
MUST_USE int child_start_here(struct child *ret, const char *const *argv, char *const *env, struct error *err);
bool child_runs(struct child *c, int *ret_status); /* reaps it when it has ended; status as waitpid gives it */
/* SIGTERM, and SIGKILL when it has not ended in wait_ms. Nothing when there is none. */
void child_stop(struct child *c, int64_t wait_ms);
/* One line of its output without the end, waiting at most wait_ms. ERR_TIMEOUT; ERR_INTERNAL when it ended first. */
MUST_USE int child_line(struct child *c, char *to, size_t size, int64_t wait_ms, struct error *err);
/* Runs a child to its end and gives its output; a status other than 0 is ERR_INTERNAL. */
MUST_USE int child_output(
	const char *const *argv, char *const *env, const char *err_path, struct buf *out, struct error *err);
