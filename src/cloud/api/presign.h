/* SPDX-License-Identifier: MIT */
/* What is decided for one file of a presign call. */
#pragma once

#include "cloud/call/fault.h"
#include "cloud/store/catalog.h"
#include "session/name.h"

struct presign_ask {
	const char *station, *session, *name;
	int64_t revision, size;
	struct sha256 sha256;
};
enum presign_kind {
	PRESIGN_PUT,
	PRESIGN_AGAIN, /* a PUT of what was stored and is lost, under the key that it had: in whatever revision */
	PRESIGN_EXISTS,
	PRESIGN_ERROR
};
struct presign_verdict {
	enum presign_kind kind;
	char key[KEY_MAX + 1]; /* of a PUT; AGAIN: that of `there` */
	enum fault fault;	   /* of an ERROR */
	char message[512];
};
/* `there`: what is stored under the name in the newest revision up to the one asked for, or NULL; stored_ms 0: it was,
 * and is lost. */
void presign_decide(const struct presign_ask *ask, const struct object_row *there, struct presign_verdict *ret);
/* The same in a revision to which nothing can be added: what would need it becomes an error. */
void presign_refuse(const struct presign_ask *ask, enum standing standing, struct presign_verdict *v);
