/* SPDX-License-Identifier: MIT */
/* Keeps a full disk below a write-ahead log's index from ending the process with a signal. */
#pragma once

#include <sqlite3.h>

void db_shm_guard(sqlite3 *handle); /* a database that was just opened */
