/* SPDX-License-Identifier: MIT */
/* Inside the reading side: the view's connection, and how rows of session are read. Included by view*.c only, beside
 * view.h. */
#pragma once

#include "base/db.h"
#include "station/journal/sql.h"
#include "station/journal/rows.h"

struct journal_view {
	struct db *db;
	int64_t data_version, version;
};

/* The row that stands under the statement, in the order of SESSION_COLUMNS; its texts are SQLite's. ERR_DISK: it holds
 * what no version of this program wrote. */
MUST_USE int session_read(struct db *db, int s, struct session_row *r, struct error *err);
/* All rows of the statement that was queried, then resets it. */
MUST_USE int session_rows_give(
	struct db *db, int s, int (*on_row)(void *arg, const struct session_row *row), void *arg, struct error *err);
/* False: NULL, or no digest. */
bool sha256_read(struct db *db, int s, int column, struct sha256 *ret);
