/* SPDX-License-Identifier: MIT */
/* Is it safe to leave? One verdict in the same words everywhere: console, `status`, plain lines. Pure. */
#pragma once

#include "station/journal.h"

enum safe { SAFE_UNKNOWN, SAFE_YES, SAFE_SOON, SAFE_NO };
#define SAFE_TEXT 128

struct safe_facts {
	const struct journal_summary *summary; /* NULL: never read */
	int64_t age_ms;						   /* of the summary */
	bool engine, cloud_ok;				   /* one runs and answers; what it says of the cloud */
	int64_t eta_ms;						   /* -1: unknown */
};
/* text: "safe to leave: all 10 of today", or what is missing and until when it will take. */
enum safe safe_verdict(const struct safe_facts *f, char *text, size_t size);
const char *safe_name(enum safe s); /* for JSON: unknown, yes, soon, no */
