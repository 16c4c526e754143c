/* SPDX-License-Identifier: MIT */
/* The states of a session at the station, as one table: state x event -> successor. Anything not in it is a bug that is
 * logged and refused.
 *
 *   found > settling > checking > queued > uploading > uploaded > accepted
 *                        |                    |           |
 *                       held                failed     rejected          gone (before upload)
 *
 * Waiting for the next try is `queued` with a time. paused, ignored, present, data_safe, next attempt and processing
 * are columns beside the state. Safe means accepted. */
#pragma once

#include "base/util.h"

#define SESSION_STATES(X)                                                                                              \
	X(FOUND, "found")		  /* a folder of that name was seen */                                                     \
	X(SETTLING, "settling")	  /* it changes, or may: its metadata is not there, a writer has a file open */            \
	X(CHECKING, "checking")	  /* digests and named checks run */                                                       \
	X(HELD, "held")			  /* a person decides; its data go up all the same when only the metadata is at fault */   \
	X(QUEUED, "queued")		  /* waits for a connection, or for its next attempt's time */                             \
	X(UPLOADING, "uploading") /* files, manifest, metadata, in that order */                                           \
	X(UPLOADED, "uploaded")	  /* every object is stored; the cloud's verdict is awaited */                             \
	X(ACCEPTED, "accepted")	  /* the cloud has it whole and verified */                                                \
	X(REJECTED, "rejected")	  /* the cloud refused it, with reasons */                                                 \
	X(FAILED, "failed")		  /* a fatal error; a person must act */                                                   \
	X(GONE, "gone")			  /* the folder vanished before it was safe */
enum session_state {
#define X(id, name) STATE_##id,
	SESSION_STATES(X)
#undef X
		STATE_N
};

#define SESSION_EVENTS(X)                                                                                              \
	X(SCANNED, "scanned") /* found -> settling: its first snapshot was taken */                                        \
	X(SETTLED, "settled") /* settling -> checking */                                                                   \
	X(CHANGED,                                                                                                         \
		"changed") /* a file appeared or differs: back to settling (of a next revision once anything was stored) */    \
	X(PASSED, "passed")			  /* checking -> queued */                                                             \
	X(HELD_BACK, "held_back")	  /* checking, queued, uploading -> held: a check, or what the cloud has */            \
	X(STARTED, "started")		  /* queued -> uploading */                                                            \
	X(INTERRUPTED, "interrupted") /* uploading, uploaded -> queued: transient error, restart, budget; with a time */   \
	X(STORED, "stored")			  /* uploading -> uploaded: every object is there */                                   \
	X(CLOUD_ACCEPTED, "cloud_accepted")                                                                                \
	X(CLOUD_REJECTED, "cloud_rejected")                                                                                \
	X(FATAL, "fatal")		/* -> failed */                                                                            \
	X(RETRIED, "retried")	/* an operator's retry: failed, rejected, held -> settling */                              \
	X(VANISHED, "vanished") /* -> gone; from uploaded and accepted the state stays, present becomes false */           \
	X(RETURNED, "returned") /* gone -> settling; uploaded and accepted stay */                                         \
	X(LOST, "lost")			/* accepted -> settling: the cloud does not have it any more */
enum session_event {
#define X(id, name) EVENT_##id,
	SESSION_EVENTS(X)
#undef X
		EVENT_N
};

const char *state_name(enum session_state s);
MUST_USE int state_parse(const char *name, enum session_state *ret);
const char *session_event_name(enum session_event e);
/* The successor, or -1 when the table has none. */
int state_next(enum session_state s, enum session_event e);
bool state_is_settled(
	enum session_state s); /* nothing is left for the engine to do: accepted, rejected, failed, held, gone */
/* Its files were hashed and passed the checks, in this revision: from queued on, whatever became of it. */
bool state_is_past_checks(enum session_state s);
bool state_needs_person(enum session_state s); /* held, rejected, failed, gone: exit status 1 until ignored */
