/* SPDX-License-Identifier: MIT */
/* The engine: one libuv loop that finds, settles, checks, uploads and confirms sessions, and serves the control socket.
 */
#pragma once

#include "base/json.h"
#include "station/config.h"

struct verify_count {
	int64_t looked, lost; /* sessions */
};
struct engine_options {
	const struct config *config; /* borrowed */
	bool once;					 /* ship all that is ready, wait until decided, end */
	int64_t wait_ms;			 /* --once: how long at most; 0: no limit */
	bool verify_all;			 /* with once: is what the cloud accepted still there? */
	const char *const *verify;
	size_t verify_n;
	struct verify_count *verify_count; /* filled at the end; or NULL */
	bool linger;					   /* ends by itself once no console is attached and no work is left */
	/* Called on the loop about four times a second with the same JSON as the socket's `status`; NULL: none. */
	void (*on_progress)(void *arg, const char *status_json);
	void *arg;
	/* On SIGHUP: the station's own metadata rules, read anew into *ret (owned by the caller); NULL: they stay. */
	int (*on_rules)(void *rules_arg, struct schema *ret, struct error *err);
	void *rules_arg;
};
/* Runs until done (once), SIGTERM, SIGINT or `shutdown`; a signal ends it within a second and loses nothing. Returns 0,
 * or -1 with the first of product.md's exit reasons that holds (ERR_DISK, ERR_BUSY, ERR_KEY, ERR_UNREACHABLE,
 * ERR_UNFINISHED, ERR_ATTENTION, ERR_CANCELLED on SIGINT, and of `once` on SIGTERM and `shutdown` too). */
MUST_USE int engine_run(const struct engine_options *o, struct error *err);
/* --dry-run: what would be sent, no cloud, no journal: one JSON object a session, {session, root, would, reason, files,
 * bytes}. */
MUST_USE int engine_dry_run(
	const struct config *c, void (*on_session)(void *arg, const cJSON *session), void *arg, struct error *err);
/* Commands without a running engine take the lock and go through the same gateway. method: retry (puts failed, rejected
 * and held sessions back to settling), pause, resume, release, ignore, unignore. */
MUST_USE int engine_offline_act(
	const struct config *c, const char *method, const char *const *names, size_t n, struct error *err);
/* The recordings of one watched folder are in another one now: every session that the journal knows under `from` is
 * under `to` from now on, but those of whose name it knows one there already. While no engine runs (ERR_BUSY). */
struct relocated {
	int64_t moved, stayed;
};
MUST_USE int engine_relocate(
	const struct config *c, const char *from, const char *to, struct relocated *ret, struct error *err);
