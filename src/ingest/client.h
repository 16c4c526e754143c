/* SPDX-License-Identifier: MIT */
/* The ingest API as a client sees it (api.md), asynchronous on the loop. The client holds the token in memory only,
 * gets one when there is none, renews it when a call answers 401, follows per-request retries (base/retry) and keeps
 * the clock offset to the server. Every answer is held against its shape (answer.h) before anything of it is used: what
 * does not fit is ERR_ANSWER. Every call ends in exactly one call of its on_done, from the loop, unless the client
 * is closed first (then none). err->code is ERR_NONE on success. The answer belongs to the client and lives during
 * on_done. */
#pragma once

#include "base/http.h"
#include "base/json.h"
#include "base/secret.h"
#include "ingest/answer.h"

struct ingest;
struct ingest_options {
	const char *endpoint;		  /* "https://ingest.example.org", no trailing slash needed */
	const struct secret *api_key; /* copied */
	struct http *http;			  /* borrowed */
	uv_loop_t *loop;
	const char *instance; /* x-headgate-instance */
};
struct ingest_result {
	struct error err;
	const cJSON *json;		/* the parsed answer, NULL on failure; it fits its shape */
	enum answer_id id;		/* by method and path */
	const void *read;		/* the struct of that answer (answer.h), NULL on failure and for ANSWER_UNKNOWN */
	char request_id[64];	/* the server's x-request-id, or "" */
	int64_t elapsed_ms;		/* of the last attempt */
	int64_t retry_after_ms; /* what the server asked for, 0 when nothing */
	int attempts;
};
/* The answer of a call that ended well, as what its path says that it is; NULL for another. */
#define INGEST_READ(name, ANSWER)                                                                                      \
	static inline const struct answer_##name *ingest_##name(const struct ingest_result *r) {                           \
		return r->id == ANSWER ? r->read : NULL;                                                                       \
	}
INGEST_READ(authenticate, ANSWER_AUTHENTICATE)
INGEST_READ(presign, ANSWER_PRESIGN)
INGEST_READ(stat, ANSWER_STAT)
INGEST_READ(session, ANSWER_SESSION)
INGEST_READ(sessions, ANSWER_SESSIONS)
INGEST_READ(changes, ANSWER_CHANGES)
INGEST_READ(heartbeat, ANSWER_HEARTBEAT)
#undef INGEST_READ
typedef void ingest_on_done(void *arg, const struct ingest_result *r);
MUST_USE int ingest_new(struct ingest **ret, const struct ingest_options *o, struct error *err);
/* No callback after this; pending requests are cancelled. Before http_close of its client; the memory goes once the
 * loop has run their ends. */
void ingest_close(struct ingest *c);

/* path begins with '/'; body NULL for GET, else taken (freed by the client). hold_ms: how long the server may hold the
 * answer (long poll), added to the deadline. Returns its id, never 0. */
uint64_t ingest_call(struct ingest *c, const char *method, const char *path, cJSON *body, int64_t hold_ms,
	ingest_on_done *on_done, void *arg);
/* Calls from now on authenticate with this key (copied). False: it is the one that is used already. */
bool ingest_use_key(struct ingest *c, const struct secret *api_key);

struct ingest_state {
	bool has_token;
	char station[80];		  /* from authenticate, "" before */
	int64_t token_expires_ms; /* wall clock */
	int64_t clock_offset_ms;  /* server minus us, from the Date of the last answer */
	int64_t latency_ms;		  /* of the last answered call that was not held, -1 before */
	int64_t last_answer_ms;	  /* wall clock of the last answer, 0 before */
};
void ingest_state(const struct ingest *c, struct ingest_state *ret);
/* "the clock of this machine is 7 min ahead of the cloud's; …" of a clock_offset_ms; NULL: near enough. */
const char *ingest_clock_sentence(int64_t offset_ms, char *to, size_t size);
