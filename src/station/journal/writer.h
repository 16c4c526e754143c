/* SPDX-License-Identifier: MIT */
/* Writing the journal: the engine, and commands that hold the station's lock. Each of these is one operation, with
 * copies of all it was given, handed to the writer thread (thread.h); rows belong to the caller. Loop thread. */
#pragma once

#include "session/check.h"
#include "station/journal/rows.h"
#include "station/journal/settings.h"
#include "station/journal/thread.h"

/* Adds a session in state FOUND and its event. The id comes back in row->id at once (ids are given by the caller's
 * side, from the highest in the journal). */
void journal_add_session(struct journal *j, struct session_row *row, journal_on_commit *on_commit, void *arg);
/* THE gateway: the only way a state changes. Looks up the successor of row->state; when there is none, refuses
 * with ERR_INTERNAL, a bug that the caller logs (no callback). Else sets row->state and the masked fields' copies in
 * the journal, writes the explaining event in the same transaction and calls back after the commit. `message` is for
 * people ("all 12 files are stored"). */
MUST_USE int session_step(struct journal *j, struct session_row *row, enum session_event event, int mask,
	const char *level, const char *message, journal_on_commit *on_commit, void *arg, struct error *err);
/* Masked fields without a change of state; message NULL: no event. */
void journal_update(struct journal *j, const struct session_row *row, int mask, const char *message,
	journal_on_commit *on_commit, void *arg);
/* The same by a person: "paused by anna". */
void journal_decide(struct journal *j, const struct session_row *row, int mask, const char *verb, unsigned uid,
	journal_on_commit *on_commit, void *arg);
/* Replaces the file rows of the session's current revision. Rows whose name, size and mtime are those of an earlier
 * revision keep what is known of them when `files[i].hashed` is set by the caller; the journal copies what it is given.
 */
void journal_set_files(struct journal *j, int64_t session, int64_t revision, const struct file_row *files, size_t n,
	journal_on_commit *on_commit, void *arg);
/* What is known of row->revision (files, verdicts of the checks) is from now on of `revision`, in the session's row and
 * in row: the cloud has another revision under the old number, or this very content under the new one. What was known
 * of `revision` itself, if anything, is replaced. */
void journal_renumber(struct journal *j, struct session_row *row, int64_t revision, const char *message,
	journal_on_commit *on_commit, void *arg);
/* The session's folder is in this watched folder now. */
void journal_relocate(
	struct journal *j, int64_t session, const char *root, const char *message, journal_on_commit *on_commit, void *arg);
/* The row of the current revision with this name, size and digest becomes FILE_STORED, with bucket, key and stored_ms;
 * a late answer about bytes that the revision no longer has changes nothing. */
void journal_file_stored(
	struct journal *j, int64_t session, const struct file_row *file, journal_on_commit *on_commit, void *arg);
/* Its ctime and inode are others now, its bytes the same: for the row of the current revision with this name, size and
 * digest. */
void journal_file_same(struct journal *j, int64_t session, const struct file_row *file);
void journal_add_attempt(struct journal *j, int64_t session, const struct attempt_row *a);
void journal_set_checks(struct journal *j, int64_t session, int64_t revision, const char *side /* "local", "cloud" */,
	const struct check_list *checks);
/* One check more beside those of the revision that are there; of the same id it replaces. */
void journal_add_check(
	struct journal *j, int64_t session, int64_t revision, const char *side, const struct check *check);
void journal_add_event(struct journal *j, int64_t session, const char *level, const char *code, const char *message);
/* Forgets events whose ids are above `after` and at most `until`, both in SETTING_PRUNED's order of time: those of
 * accepted and ignored sessions, but the one that explains the state, and the station's own. None that is as young as a
 * report that waits in the outbox. */
void journal_prune(struct journal *j, int64_t after, int64_t until);
void journal_set(struct journal *j, const char *name, const char *value, journal_on_commit *on_commit, void *arg);
/* Failure reports not yet delivered: each with an id of its own. */
void journal_outbox_add(struct journal *j, const char *id, const char *json, journal_on_commit *on_commit, void *arg);
void journal_outbox_delete(
	struct journal *j, const char *const *ids, size_t n, journal_on_commit *on_commit, void *arg);
