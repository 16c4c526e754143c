/* SPDX-License-Identifier: MIT */
/* Calls of the ingest API, each through api_call, which keeps the API's health and tells a refused key from a cloud
 * that is away; and what stands between the station's sessions and the cloud. Loop thread. */
#pragma once

#include "base/retry.h"
#include "ingest/client.h"
#include "station/engine/retrying.h"

struct engine;
struct session;

/* Of the cloud, as its answers show it. */
struct cloud {
	struct health api, objects;		  /* the API, the object store */
	struct health pace[ANSWER_N + 1]; /* of each call of the API: what is refused, or brings nothing, is asked seldom */
	bool key_refused;
	int key_refusals; /* in a row */
	bool heard;		  /* the first call of this run has ended: the key is proved, or refused, or the cloud is away */
	int recoveries;	  /* how often a call was answered as it should again */
	struct retry_budget budget;
	/* calls.c */
	bool refusal_said[ANSWER_N + 1];
	bool unmet; /* the answer at hand brought nothing (api_unmet) */
	bool name_said, clock_said;
};

typedef void api_on_done(struct engine *e, struct session *s, void *arg, const struct ingest_result *r);
/* s may be NULL. on_done is called with s NULL when the session moved on meanwhile; with r NULL when the engine stops
 * before an answer: then only arg is to be freed. */
void api_call(struct engine *e, struct session *s, const char *method, const char *path, cJSON *body, int64_t hold_ms,
	api_on_done *on_done, void *arg);
void api_calls_free(struct engine *e); /* after ingest_close */
bool api_may(struct engine *e);
bool api_may_ask(struct engine *e, enum answer_id id); /* and this call, which may have a pause of its own */
/* From an on_done: the answer has its shape, and is of no use (its error), or brought nothing (code ERR_NONE, and a
 * text). The next such call waits, longer each time in a row. */
void api_unmet(struct engine *e, enum answer_id id, const struct error *why);
/* What keeps sessions from the cloud now, as a sentence with its mend; NULL: nothing. It is never the sessions' own. */
const struct error *cloud_trouble(const struct engine *e);
enum error_code cloud_trouble_code(const struct error *why); /* with which a command ends for its sake: CONFIG, KEY … */
void cloud_doubt(struct engine *e, const struct health *h); /* it is bad: look again when that may be over */
cJSON *cloud_warnings(const struct engine *e);				/* sentences: what works, and should be mended */
bool cloud_ok(const struct engine *e);						/* it answered, and nothing of it is down */
struct backoff cloud_pause(const struct engine *e);			/* between probes of what does not work */
void cloud_key_is_new(struct engine *e);					/* another key is in force: what was refused says nothing */
void cloud_probe_now(struct engine *e);						/* a person asks: no pause is waited for */
/* Its history is another than it was (a catalog restored, another cloud under the address): everything that it accepted
 * is looked for again. In the journal before what is journalled next, so that a restart does not forget it. */
void cloud_history_lost(struct engine *e);
