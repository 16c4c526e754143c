/* SPDX-License-Identifier: MIT */
/* The upload of one session, as the files of this folder share it: what stored bytes mean, and how a try ends. What is
 * sent next is chosen in plan.h; who is sent, in sending.c. Loop thread. */
#pragma once

#include "station/engine/session.h"
#include "station/sending/plan.h"
#include "station/sending/rates.h"

struct transfer;
TAILQ_HEAD(transfer_list, transfer);

struct sending { /* of the engine */
	struct transfer_list transfers;
	size_t sending;		  /* transfers in flight */
	int64_t throttled_ms; /* monotonic: the object store asked for a pause until then */
	int64_t url_lasts_ms; /* of the last URL; 0: none was given yet */
	struct rate rate;
	struct rate_history history;
	int64_t rate_limit, rate_checked_ms;
	int64_t wall_offset_ms; /* of the wall clock to the monotonic one, when sessions were last driven */
};
struct sent_root {	/* of a root */
	size_t sending; /* transfers in flight */
};
struct sent {				/* of a session */
	struct upload *upload;	/* owned; NULL: none is open */
	bool trouble_shared;	/* the trouble at hand is the cloud's as a whole, not met by this session's own calls */
	int recoveries;			/* the cloud's at the last pause of its own */
	int64_t stored_save_ms; /* monotonic: when the counts were last written */
	struct rate rate;
	int refusals;		/* of a revision, in a row */
	bool unknown_there; /* by what the cloud itself does not know: nobody else's recording */
};
struct sending *sending_of(const struct engine *e);
struct sent_root *sent_root_of(const struct engine *e, size_t root);
struct sent *sent_of(const struct session *s);
struct upload *upload_of(const struct session *s); /* NULL: none is open */

void upload_open(struct session *s); /* its files are read from the journal */
void upload_drop(struct session *s);
void upload_done(struct session *s, size_t piece); /* stored: into upload and journal */
/* The try ends, the session waits: as long as its tries and the cloud's health say, or not at all. */
void upload_pause(struct session *s, const struct error *why, bool at_once);
/* The cloud as a whole is away, or does not do what every session needs; NULL: it is not. */
const struct health *cloud_away(const struct engine *e);
