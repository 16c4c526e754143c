/* SPDX-License-Identifier: MIT */
/* Is all well, and is it safe to leave? The one calculation: facts in, the causes that keep all from being well out,
 * and from these the verdict's words, its JSON and the exit status. `run --once`, `status`, the console, --plain and
 * the heartbeat all ask here, so that they cannot disagree. Pure. */
#pragma once

#include "base/json.h"
#include "station/journal/view.h"

#define SAFE_VERDICTS(X) X(UNKNOWN, unknown) X(YES, yes) X(SOON, soon) X(NO, no)
enum safe {
#define X(id, word) SAFE_##id,
	SAFE_VERDICTS(X)
#undef X
};
#define SAFE_TEXT 128
const char *safe_name(enum safe s); /* for JSON: its word */

/* In the order in which the verdict tells them: id, name in JSON, the error whose exit status it has, what it means for
 * the verdict. */
#define SAFE_CAUSES(X)                                                                                                 \
	X(UNREAD, "journal_unread", UNFINISHED, UNKNOWN) /* the journal was not read yet */                                \
	X(JOURNAL, "journal", DISK, NO)					 /* it cannot be read */                                           \
	X(WRONG, "folder_wrong", CONFIG, NO)			 /* a watched folder never was one */                              \
	X(LOST, "folder_lost", DISK, NO)				 /* gone, unreadable, or it does not answer */                     \
	X(EMPTY, "folder_empty", DISK, NO)				 /* empty where sessions were */                                   \
	X(UNREADABLE, "unreadable", DISK, NO)			 /* accepted sessions that cannot be compared any more */          \
	X(CONFLICT, "metadata_conflict", CONFIG, NO)	 /* station and cloud name different metadata files */             \
	X(ENDPOINT, "endpoint", CONFIG, NO)				 /* what answers there is not the cloud's API */                   \
	X(PERSON, "person", ATTENTION, NO)				 /* held, rejected, failed, gone */                                \
	X(NAMES, "names", ATTENTION, NO)				 /* folders that look like recordings and are not sent */          \
	X(KEY, "key_refused", KEY, NO)					 /* */                                                             \
	X(NO_ENGINE, "no_engine", UNFINISHED, NO)		 /* something is to be carried, and nobody does */                 \
	X(SILENT, "engine_silent", TIMEOUT, NO)			 /* it runs, and does not answer */                                \
	X(CLOUD_WAITED, "cloud", UNREACHABLE, NO)		 /* it is not reached, and something waits for it */               \
	X(STRANGE, "not_looked_at", UNFINISHED, NO)		 /* recordings of which the journal knows nothing */               \
	X(CHANGED, "changed", UNFINISHED, NO)			 /* accepted sessions that changed since, and no engine saw it */  \
	X(UNDER_WAY, "under_way", UNFINISHED, SOON)		 /* */                                                             \
	X(METADATA, "metadata_awaited", UNFINISHED, NO)	 /* within its time */                                             \
	X(PAUSED, "paused", UNFINISHED, NO)				 /* by a person */                                                 \
	X(UNLISTED, "folders_unlisted", UNFINISHED, UNKNOWN) /* the engine has not read the folders yet */                 \
	X(CLOUD, "cloud_away", UNREACHABLE, UNKNOWN)		 /* nothing waits for it */                                    \
	X(UNWATCHED, "unwatched", UNFINISHED, UNKNOWN)		 /* no engine, and the last look is long ago */
enum safe_cause {
#define X(id, name, code, safe) CAUSE_##id,
	SAFE_CAUSES(X)
#undef X
		CAUSE_N
};
#define CAUSE_BIT(cause) (1U << (cause))
const char *safe_cause_name(enum safe_cause c);
enum error_code safe_cause_code(enum safe_cause c);

#define SAFE_LATELY_MS (3600LL * 1000) /* without an engine: a look that is older is too old */

/* What looking at the folders gave: the engine's member "look" of its status, or what a command saw itself. */
struct safe_look {
	int64_t at_ms;				/* wall clock: every watched folder was listed whole since then; 0: not yet */
	int64_t oldest_ms;			/* each accepted session was compared with its folder since then; 0: not known */
	int64_t wrong, lost, empty; /* watched folders that are not well (folder.h) */
	int64_t unreadable;			/* accepted sessions that are there and cannot be compared with what was accepted */
	int64_t names;				/* folders that look like recordings and are not sent */
	int64_t strange;			/* recordings in the folders that the journal does not know */
	int64_t changed;			/* accepted sessions whose files are others now; seen by a command, not by an engine */
	int64_t metadata;			/* settling sessions that wait for their metadata file, within its time */
	int64_t delayed;			/* sessions that wait for their next attempt */
	bool key, endpoint;			/* the cloud refuses the key, or is not what the endpoint names */
	bool conflict;				/* the cloud's rules name another metadata file than the station's */
};
cJSON *safe_look_json(const struct safe_look *l);
void safe_look_take(struct safe_look *l, const cJSON *json); /* what is missing or no number counts as 0 */

struct safe_facts {
	const struct journal_summary *summary; /* NULL: never read */
	bool journal_broken;				   /* it cannot be read now */
	bool engine, cloud_ok;				   /* one runs and answers; what it says of the cloud */
	bool silent;						   /* an engine that runs and does not answer */
	bool listed;						   /* without an engine: the folders were listed just now */
	int64_t now_ms, age_ms;				   /* wall clock; age of what is known without an engine; -1: not known */
	int64_t eta_ms;						   /* -1: unknown */
	struct safe_look look;
};
int64_t safe_person(const struct journal_summary *s); /* sessions that need a person */
int64_t safe_unsafe(const struct journal_summary *s); /* sessions that are not accepted, nor ignored */
uint32_t safe_causes(const struct safe_facts *f);	  /* CAUSE_BITs; 0: all is well */
/* text: "safe to leave: all 10 of today", or what is missing and until when it will take. YES exactly when there is no
 * cause. */
enum safe safe_verdict(const struct safe_facts *f, char *text, size_t size);
/* Of several the first of 2, 74, 75, 77, 69, 4, 1 (README "exit status"); ERR_NONE of none. */
enum error_code safe_code(uint32_t causes);
/* The error a command ends with, by safe_code; detail (may be empty): what is known of its cause, said instead of, or
 * behind, the general sentence. Returns -1, or 0 and ERR_NONE when all is well. */
int safe_explain(const struct safe_facts *f, const char *detail, struct error *err);
cJSON *safe_json(const struct safe_facts *f); /* {verdict, text, causes:[name…]} */
