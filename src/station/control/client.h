/* SPDX-License-Identifier: MIT */
/* The control socket as a client sees it: JSON-RPC 2.0, one object a line, STATE/control.sock (0600).
 * `hello` first: {protocol:1, version, instance, schema}. Methods: status {}, subscribe {} (then notifications "status"
 * with the same params as its result, and "stations"), retry, pause, resume, release, ignore, unignore
 * {sessions:[name…], fitting?: true: those that it fits, else all or none}, rescan {}, stations {}, shutdown {}. This
 * client is blocking with time-outs, for commands; the console's own is ui/model/attach.h. */
#pragma once

#include "station/control/rpc.h"

struct control_client;
/* ERR_NOT_FOUND: no engine runs; ERR_TIMEOUT: one that does not answer in time; a protocol mismatch is ERR_CONFIG and a
 * sentence. */
MUST_USE int control_connect(struct control_client **ret, const char *state_dir, int64_t timeout_ms, struct error *err);
void control_close(struct control_client *c);
/* A connected, non-blocking socket of the engine, and no word said yet; never waits. Errors as control_connect, and
 * ERR_TIMEOUT when its backlog is full. */
MUST_USE int control_dial(const char *state_dir, int *ret_fd, struct error *err);
DEFINE_AUTO_PTR(struct control_client, control_close)
/* params is taken (may be NULL). *ret_result is the caller's. The engine's own error comes back as err with its code by
 * name. */
MUST_USE int control_call(
	struct control_client *c, const char *method, cJSON *params, cJSON **ret_result, struct error *err);
/* status result: {engine:{pid, instance, version, since}, cloud:{ok, endpoint, latency_ms, station,
 * token_expires_at, clock_offset_ms, last_answer_at, proxy, warnings:[sentences], error?:{code, message}},
 * queue:{active, queued, bytes_left, rate_bytes_per_s, eta_s, rates:[bytes a second of the last CONTROL_RATES times
 * CONTROL_RATE_MS, oldest first, null: unknown]}, folders:[{path, ok, error?, watching:"events"|"rescan", state,
 * listed_at, names:[{path, rename_to, reason}], names_n, names_cut}] (folder.h), look:{…} (safe.h), sessions:[{session,
 * state, bytes, sent_bytes, checked_bytes, files, stored_files, rate_bytes_per_s, tries, next_attempt_at, reason,
 * files_now:[{name, bytes, sent_bytes}] (at most CONTROL_FILES_NOW, absent when none is sent)}] (those in work),
 * disk:{path, free_bytes, total_bytes, full_at}, verify:{left, looked, lost}, at} stations result and notification:
 * {at, asking, stations:[…as GET /v1/stations…], error?:{code, message}}; what the cloud said last, at once; a newer
 * answer follows as a notification.
 */
#define STATION_SILENT_MS (5 * 60000) /* since its last heartbeat: five are missed */
#define CONTROL_RATES 60
#define CONTROL_FILES_NOW 16
#define CONTROL_RATE_MS 15000
