/* SPDX-License-Identifier: MIT */
/* One PUT on its way, and the file that it sends: opened, read and compared without keeping the loop waiting. */
#pragma once

#include "station/engine/lanes.h"
#include "station/sending/upload.h"

enum transfer_step { TRANSFER_OPENS, TRANSFER_READS, TRANSFER_COMPARES };

struct transfer {
	struct job job; /* of its file, in its root's threads; one at a time */
	enum transfer_step step;
	bool busy;							 /* the job is under way */
	void (*stepped)(struct transfer *t); /* on the loop, when it has ended */
	TAILQ_ENTRY(transfer) link;
	struct engine *engine;
	struct ticket ticket;
	uint64_t id;		   /* of the request; 0: none yet */
	size_t piece;		   /* of the upload */
	int64_t offset, bytes; /* of the file that are sent */
	bool whole;			   /* all of it */
	struct sha256 sha256;  /* of what is sent */
	char *root;
	int fd;				  /* -1: the manifest, whose text is `body`, or a file that is not open yet */
	char *body;			  /* owned while it is sent */
	struct file_row file; /* what is sent: name, size, identity, digest */
	struct error err;	  /* what the job met */
	bool root_gone;
	int64_t began_wall_ms, sent;
	/* bytes that were not in memory when they were wanted */
	char *ahead;
	int64_t ahead_at, ahead_n;
	bool no_nowait; /* the file system cannot say that it would wait */
	/* the answer */
	bool answered;
	int result; /* 0 stored, 1 the store does not say, -1 as `why` says */
	struct error why;
	int64_t retry_after_ms;
	int64_t deadline_ms;		/* of its request */
	struct attempt_row attempt; /* without name and reason */
};
void transfer_free(struct transfer *t);
/* Ends in t->stepped. */
void transfer_file_start(struct transfer *t, enum transfer_step step);
/* http_source.read: what is in memory at once, the rest by a job and http_resume. */
ssize_t transfer_read(void *arg, char *to, size_t n, int64_t offset, struct error *err);
