/* SPDX-License-Identifier: MIT */
/* The source's parts among themselves: ui/model/source.c (what to keep fresh), ui/model/source_engine.c (an engine of
 * its own), ui/model/source_read.c (the journal and session folders, in the thread pool), ui/model/source_status.c
 * (what the engine says). */
#pragma once

#include "base/json.h"
#include "ui/model/attach.h"
#include "ui/model/source.h"

#define FILES_MOST 10001
#define ATTEMPTS_MOST 200
#define EVENTS_MOST 500
#define LIMIT_MOST 1000
#define METADATA_MOST (64 << 10)

struct wish { /* what a read is to bring */
	unsigned parts;
	bool if_moved; /* only when the journal has changed since the last read */
	struct page_query page;
	char session[16];
	int64_t events;
};
struct reader { /* the view, used by one job at a time */
	char *state_dir;
	struct journal_view *view;
	int64_t version; /* of the last read; -1: none */
};
struct read_job {
	uv_work_t work;
	struct source *source;
	struct reader *reader;
	struct wish wish;
	bool over; /* under the source's mutex: the thread is through */
	bool taken;
	/* found */
	unsigned got;
	struct error err;
	struct journal_summary summary;
	struct session_page page;
	struct session_detail detail;
	struct event_row *events;
	size_t event_n;
	char *handover;
	int64_t handover_since_ms;
};
struct folder_job { /* apart from the journal's: a folder may be on a disk that hangs */
	uv_work_t work;
	struct source *source;
	char session[16], *path;
	char *text;
};

struct source {
	uv_loop_t *loop;
	struct source_options o;
	struct model *model;
	char *metadata_name;
	struct attach *attach;
	struct reader reader;
	uv_mutex_t mutex;
	uv_cond_t read_over;

	struct wish kept;	  /* what is kept fresh */
	unsigned wanted;	  /* asked for, not yet read */
	bool moved;			  /* the journal may have */
	size_t looks_left;	  /* after inotify's last word, without an engine */
	struct read_job *job; /* in flight */
	struct folder_job *folder_job;
	bool folder_again;
	int64_t read_ms, failed_pause_ms;

	uv_fs_event_t watch;
	/* a read that waits its turn; what inotify told looked at again; the watch or a failed read once more */
	uv_timer_t wake, later, again, midnight;
	uv_timer_t fleet;	/* runs while it is shown */
	uv_timer_t silence; /* of an engine that runs */
	uv_process_t engine;
	bool engine_open;
	int64_t engine_ms, engine_pause_ms; /* its start (monotonic); before the next */
	uv_timer_t engine_again;
	bool watching, closing;
	int handles;
	void (*on_closed)(void *arg);
	void *on_closed_arg;
};

/* --- source.c --- */
void source_changed(struct source *s, unsigned parts);
void source_link(struct source *s, enum link link, const struct error *err);
void source_released(struct source *s); /* a handle is closed */

/* --- source_engine.c --- */
void engine_start(struct source *s); /* none of ours runs */

/* --- source_read.c --- */
void read_job_run(struct read_job *job); /* thread pool */
void read_job_take(struct read_job *job, struct model *m);
void read_job_free(struct read_job *job);
void folder_job_run(struct folder_job *job); /* thread pool */
void folder_job_free(struct folder_job *job);
void model_free(struct model *m); /* what the source put there */

/* --- source_status.c --- */
void status_take(struct status *to, const cJSON *params);
void fleet_take(struct model *m, const cJSON *params);
