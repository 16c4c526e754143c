/* SPDX-License-Identifier: MIT */
/* All SQL of the journal, named; by table in the sql_*.h, the tables themselves in sql.c. */
#pragma once

#include "base/db.h"
#include "station/journal/sql_checks.h"
#include "station/journal/sql_events.h"
#include "station/journal/sql_files.h"
#include "station/journal/sql_sessions.h"
#include "station/journal/sql_station.h"

#define JOURNAL_WRITES(X) SESSIONS_WRITES(X) FILES_WRITES(X) EVENTS_WRITES(X) CHECKS_WRITES(X) STATION_WRITES(X)
#define JOURNAL_READS(X) SESSIONS_READS(X) FILES_READS(X) EVENTS_READS(X) CHECKS_READS(X) STATION_READS(X)

enum journal_write_statement {
#define X(id, sql) W_##id,
	JOURNAL_WRITES(X)
#undef X
		W_N
};
enum journal_read_statement {
#define X(id, sql) R_##id,
	JOURNAL_READS(X)
#undef X
		R_N
};
extern const struct db_schema journal_write_schema, journal_read_schema;
