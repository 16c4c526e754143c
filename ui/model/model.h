/* SPDX-License-Identifier: MIT */
/* What the console knows, each part (part.h) with the time it was true. Filled by ui/model/source.c (the journal's read
 * side in the thread pool, the engine's socket on the loop), read by screens; drawing changes nothing in it. Tests fill
 * one by hand. A part that could not be read keeps its last value and its age; never an invented zero. */
#pragma once

#include "base/error.h"
#include "session/check.h"
#include "station/control/client.h"
#include "station/journal/view.h"
#include "station/told/safe.h"
#include "ui/model/part.h"

enum link {
	LINK_NONE /* no engine runs */,
	LINK_CONNECTING,
	LINK_UP,
	LINK_LOST,
	LINK_SILENT, /* it runs, and does not answer */
	LINK_REFUSED /* another protocol, or not for this user; see link_err */
};

struct work { /* one session that the engine is working on (status.sessions) */
	char session[16];
	int64_t sent_bytes, bytes, stored_files, files, tries;
	double rate; /* bytes a second */
};
struct file_now { /* one that is being sent (status.sessions[].files_now) */
	char session[16], name[256];
	int64_t bytes, sent_bytes;
};
struct status {	   /* the engine's `status`, parsed */
	int64_t at_ms; /* 0: never */
	int64_t pid, since_ms;
	char instance[32], version[32], station[80], endpoint[256];
	bool cloud_ok, key_refused;
	int64_t latency_ms, token_expires_ms, clock_offset_ms, cloud_answer_ms; /* latency -1: unknown */
	char cloud_error[256];
	int64_t active, queued, bytes_left, eta_ms; /* eta -1: unknown */
	double rate;
	double rates[CONTROL_RATES];				 /* of CONTROL_RATE_MS each; oldest first, NAN where not known */
	int64_t disk_free, disk_total, disk_full_ms; /* full_ms: wall clock, 0: not by these rates */
	char disk_path[256];
	struct {
		char path[256];
		bool ok;
		char watching[8], error[128];
	} folders[8];
	size_t folder_n;
	struct safe_look look;
	struct {
		char root[256], path[256], reason[160];
	} names[16]; /* folders that look like recordings; all of them are look.names */
	size_t name_n;
	struct work work[64];
	size_t work_n;
	struct file_now files_now[32];
	size_t files_now_n;
};
struct page_query { /* a window of the sessions table */
	enum journal_order order;
	bool reverse;
	char filter[128]; /* words: part of the name, or a state's name, or of the reason; all must fit */
	int64_t first, limit;
};
#define SESSION_WISH 16 /* a char[SESSION_WISH]: the name of the session that is asked for */
struct session_page {
	int64_t at_ms;
	struct page_query query;
	int64_t total;
	struct session_row *rows;
	size_t n;
};
struct session_detail {
	int64_t at_ms;
	char name[16];
	bool found;
	struct session_row row;
	struct file_row *files; /* at most 10,001 */
	size_t file_n;
	struct check_list local, cloud;
	struct attempt_row *attempts; /* newest first, at most 200 */
	size_t attempt_n;
	struct event_row *events; /* newest first, at most 500 */
	size_t event_n;
	char *metadata; /* text of the metadata file, at most 64 KiB, or NULL */
	char *metadata_path, *folder;
	char last_key[64];
};
struct summary {
	int64_t at_ms;
	struct journal_summary journal;
};
struct station_events {
	int64_t at_ms;
	struct event_row *rows; /* newest first */
	size_t n;
};
struct handover {
	int64_t at_ms, since_ms;
	char *text;			 /* lines */
	struct error unkept; /* why this look could not be kept: the next one begins where this one did */
};
struct fleet_station {
	char station[80], version[32];
	int64_t beat_ms, queue, bytes_left, held, oldest_unsafe_ms, disk_free;
};
struct fleet {
	int64_t at_ms;
	struct fleet_station *stations; /* silent ones first */
	size_t n;
};
struct model {
	int64_t now_ms; /* wall clock of the frame; injected by tests */
	bool read_only;
	const struct part *const *parts; /* the table, NULL-terminated; they are read in this order */
	enum link link;
	int64_t link_since_ms;
	struct error link_err, journal_err;
	struct status status;
	struct summary summary;
	struct session_page page;
	struct session_detail detail;
	struct station_events events;
	struct fleet fleet;
	struct handover handover;
	struct {
		void *own;		  /* data that have no place above */
		struct error err; /* of what is asked for: why the last answer did not come */
	} rows[PARTS_MAX];	  /* of the table */
	struct config_line {
		char *section, *name, *value, *source;
	} * config;
	size_t config_n;
};
#define CLOCK_OFF_MS 120000 /* a clock that is off by so much: signatures and tokens begin to fail */
/* The one verdict (safe.h): from summary and status alone. text: "safe to leave: all 10 of today are in the cloud,
 * verified", or what is missing and until when it will take. */
enum safe model_safe(const struct model *m, char *text, size_t size);
/* How long: "4 min", "a moment". Fits after "for", before "ago". */
const char *span_text(char *to, int64_t ms);
/* The newest attempt that failed: one of another file may have gone well since. d, and what is returned, may be NULL.
 */
const struct attempt_row *detail_failure(const struct session_detail *d);
/* "why is it not uploading?": the answer and the way out, in one to three lines. */
void model_why(const struct model *m, const struct session_row *row, const struct check_list *checks,
	const struct attempt_row *last, char *to, size_t size);
/* NULL: that file is not being sent, or the engine does not say. */
const struct file_now *model_file_now(const struct model *m, const char *session, const char *file);
const struct work *model_work(const struct model *m, const char *session);
/* The console's own parts. */
extern const struct part part_link, part_status, part_summary, part_page, part_detail, part_events, part_fleet,
	part_handover;
