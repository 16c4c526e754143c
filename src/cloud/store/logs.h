/* SPDX-License-Identifier: MIT */
/* Log groups: structured JSON events by group, in a database of their own (logs.db). Any thread. logs_add only queues:
 * a thread writes in batches. logs_add_known is durable when it returns and knows repeats by id. */
#pragma once

#include "base/json.h"

#define LOG_GROUP_API "/headgate/api"
#define LOG_GROUP_VALIDATE "/headgate/validate"
#define LOG_GROUP_STATIONS "/headgate/stations"
#define LOG_GROUP_AUDIT "/headgate/audit"
struct logs;
struct logs_bounds {   /* 0: none */
	int64_t bytes;	   /* of the file and its write-ahead log; of the largest stream the oldest go */
	int64_t age_ms;	   /* since an event was stored */
	int64_t keep_free; /* of the disk: room.h */
};
MUST_USE int logs_open(struct logs **ret, const char *data_dir, struct error *err);
void logs_close(struct logs *l); /* writes what is queued; no other call may be under way */
DEFINE_AUTO_PTR(struct logs, logs_close)
void logs_bound(struct logs *l, const struct logs_bounds *bounds); /* before anything is added */
/* event is taken; gets "at" when it has none. stream: station, "api" … */
void logs_add(struct logs *l, const char *group, const char *stream, cJSON *event);
/* The same for what anybody can bring about again and again: the first ten of a kind are rows, what follows within a
 * minute is a number in one more (repeated, until). group and stream: constant texts. */
void logs_count(struct logs *l, const char *group, const char *stream, const char *kind, cJSON *event);
struct log_known { /* id: of the sender's choice, known within its stream */
	const char *id, *stream;
	int64_t at_ms;
	const char *json;
};
MUST_USE int logs_add_known(struct logs *l, const char *group, const struct log_known *events, size_t n,
	int64_t *ret_stored, struct error *err);
/* In order of id. A callback that does not return 0 ends the reading. */
typedef int logs_on_event(
	void *arg, int64_t id, const char *group, const char *stream, int64_t at_ms, const char *json);
MUST_USE int logs_read(struct logs *l, const char *group_or_null, int64_t since_ms, int64_t after_id, int64_t limit,
	logs_on_event *on_event, void *arg, struct error *err);
