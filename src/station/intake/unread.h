/* SPDX-License-Identifier: MIT */
/* What cannot be read now may be later: a session that met it is read again by itself. Loop thread. */
#pragma once

#include "session/check.h"
#include "station/engine/session.h"

struct check_task;
struct unread {		  /* of a session */
	int tries;		  /* in a row */
	int64_t again_ms; /* monotonic: it is read again then */
	uint64_t marks;	  /* of its files when it was last looked at: another owner or mode makes others */
};

/* A look met it. True: there is nothing else to conclude from that look. */
bool unread_look(struct session *s, const struct error *why);
void unread_marked(struct session *s, uint64_t marks);			 /* a look went well */
bool unread_wait(struct session *s, const struct check_task *t); /* a check met it, and it is tried again soon */
/* A check could not begin for want of descriptors or memory. True: it is tried again. */
bool unread_short(struct session *s, const struct error *why);
void unread_noted(struct session *s, const struct error *why);		  /* the check is over; ERR_NONE: all was read */
void unread_probed(struct session *s, const struct check_task *t);	  /* held, it was read again */
void unread_load(struct session *s, const struct check_list *checks); /* at start, of a held one */
void unread_drive(struct session *s);								  /* asks for the check when it is due */
bool unread_busy(const struct session *s);							  /* it is being read again, or is about to be */
