/* SPDX-License-Identifier: MIT */
/* What is decided for one file of a presign call. */
#pragma once

#include "cloud/api/fault.h"
#include "cloud/store/catalog.h"
#include "session/name.h"

struct presign_ask {
	const char *station, *session, *name;
	int64_t revision, size;
	struct sha256 sha256;
};
enum presign_kind { PRESIGN_PUT, PRESIGN_EXISTS, PRESIGN_ERROR };
struct presign_verdict {
	enum presign_kind kind;
	char key[KEY_MAX + 1]; /* of a PUT */
	enum fault fault;	   /* of an ERROR */
	char message[512];
};
/* `there`: what is stored under the name in the newest revision up to the one asked for, or NULL. */
void presign_decide(const struct presign_ask *ask, const struct object_row *there, struct presign_verdict *ret);
