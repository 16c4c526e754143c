/* SPDX-License-Identifier: MIT */
/* Statements about what checks said (the table verdict). Joined in sql.h; a row is W_ID or R_ID there. */
#pragma once

#define CHECKS_WRITES(X)                                                                                               \
	X(VERDICTS_FORGET, "DELETE FROM verdict WHERE session = ?1 AND revision = ?2")                                     \
	X(VERDICTS_RENUMBER, "UPDATE verdict SET revision = ?3 WHERE session = ?1 AND revision = ?2")                      \
	X(VERDICT_DELETE, "DELETE FROM verdict WHERE session = ? AND revision = ? AND side = ?")                           \
	X(VERDICT_ADD, "INSERT OR REPLACE INTO verdict (session, revision, side, name, verdict, found, rule, mend) "       \
				   "VALUES (?,?,?,?,?,?,?,?)")

#define CHECKS_READS(X)                                                                                                \
	X(VERDICTS, "SELECT name, verdict, found, rule, mend FROM verdict"                                                 \
				" WHERE session = ? AND revision = ? AND side = ?")
