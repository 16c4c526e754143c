/* SPDX-License-Identifier: MIT */
/* Statements about their files and parts. Joined in sql.h; a row is W_ID or R_ID there. */
#pragma once

/* What is stored, or the same, is said of a name with its size and digest in the current revision: a late answer about
 * bytes that are no longer those finds no row. */
#define FILES_WRITES(X)                                                                                                \
	X(FILES_RENUMBER, "UPDATE file SET revision = ?3 WHERE session = ?1 AND revision = ?2")                            \
	X(FILE_DELETE, "DELETE FROM file WHERE session = ? AND revision = ?")                                              \
	X(FILE_ADD,                                                                                                        \
		"INSERT INTO file (session, revision, name, size, mtime_ns, ctime_ns, inode, sha256, state, bucket, key, "     \
		"stored_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)")                                                                 \
	X(PART_ADD, "INSERT INTO part (file, number, sha256) VALUES (?,?,?)")                                              \
	X(FILE_STORED,                                                                                                     \
		"UPDATE file SET state = 1, bucket = ?, key = ?, stored_ms = ? WHERE session = ?4"                             \
		" AND revision = (SELECT revision FROM session WHERE id = ?4) AND name = ? AND size = ? AND sha256 IS ?")      \
	X(FILE_SAME,                                                                                                       \
		"UPDATE file SET ctime_ns = ?, inode = ? WHERE session = ?3"                                                   \
		" AND revision = (SELECT revision FROM session WHERE id = ?3) AND name = ? AND size = ? AND sha256 IS ?")

#define FILES_READS(X)                                                                                                 \
	X(FILES,                                                                                                           \
		"SELECT id, name, size, mtime_ns, ctime_ns, inode, sha256, state, bucket, key, stored_ms FROM file"            \
		" WHERE session = ?1 AND revision = iif(?2, ?2, (SELECT revision FROM session WHERE id = ?1)) ORDER BY name")  \
	X(FILES_KNOWN, "SELECT name, size, mtime_ns, ctime_ns, inode FROM file WHERE session = ?1"                         \
				   " AND revision = (SELECT revision FROM session WHERE id = ?1) ORDER BY name")                       \
	X(PARTS, "SELECT sha256 FROM part WHERE file = ? ORDER BY number")
