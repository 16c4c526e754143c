/* SPDX-License-Identifier: MIT */
/* Under which revision a session goes into the cloud, decided from what the cloud says of its name. Journals are lost
 * and restored, disks are cloned, two machines share a key, a name is used again: so what the cloud has is looked at
 * first, and compared by content, never by name or number (reliability.md, "safe" 1 and 2). Pure; any thread. */
#pragma once

#include "base/digest.h"

#define REVISION_STATES(X) X(UPLOADING, uploading) X(ACCEPTED, accepted) X(REJECTED, rejected)
enum revision_state {
#define X(id, word) REVISION_##id,
	REVISION_STATES(X)
#undef X
		REVISION_STATE_N
};
MUST_USE int revision_state_parse(const char *word, enum revision_state *ret);

struct cloud_revision { /* one that the cloud knows of the session's name */
	int64_t revision;
	enum revision_state state;
	bool has_content;
	struct sha256 content;
	bool foreign; /* another instance of this station began it */
};
struct revision_facts {
	const struct cloud_revision *known;
	size_t n;
	int64_t asked;				  /* the revision that the cloud was asked about */
	const struct sha256 *content; /* what the session is now; NULL: its metadata wait for a person, only data go up */
	bool refused;				  /* a file of it cannot be stored under that revision: other bytes are there */
	bool next;					  /* `asked` is a free number, taken because the session's own was not free */
	bool kin;					  /* one of its data files is in the cloud under this name, byte for byte */
	bool released;				  /* a person said: send it */
};
enum revision_step {
	REVISION_SEND,	/* as `revision` */
	REVISION_ADOPT, /* the cloud has this very content as `revision`, decided: nothing of it is sent */
	REVISION_NEXT,	/* ask again, as `revision` */
	REVISION_PERSON /* it may be another recording under the same name */
};
struct revision_decision {
	enum revision_step step;
	int64_t revision;
};
struct revision_decision revision_decide(const struct revision_facts *f);
