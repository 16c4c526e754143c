/* SPDX-License-Identifier: MIT */
/* Statements about the station itself: settings, outbox, counters. Joined in sql.h; a row is W_ID or R_ID there. */
#pragma once

/* A setting that is unset has no row, so that "unset" and "empty" are told apart. */
#define STATION_WRITES(X)                                                                                              \
	X(SETTING_SET,                                                                                                     \
		"INSERT INTO setting (name, value) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")      \
	X(SETTING_DELETE, "DELETE FROM setting WHERE name = ?")                                                            \
	X(OUTBOX_ADD, "INSERT OR IGNORE INTO outbox (id, at_ms, json) VALUES (?,?,?)")                                     \
	X(OUTBOX_DELETE, "DELETE FROM outbox WHERE id = ?")

#define STATION_READS(X)                                                                                               \
	X(SETTING, "SELECT value FROM setting WHERE name = ?")                                                             \
	X(OUTBOX, "SELECT id, json FROM outbox ORDER BY seq LIMIT ?")                                                      \
	X(SUMMARY, "SELECT value FROM summary WHERE name = ?")                                                             \
	X(OLDEST_UNSAFE, "SELECT min(found_ms) FROM session WHERE state <> 'accepted' AND ignored = 0")
