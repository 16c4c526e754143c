/* SPDX-License-Identifier: MIT */
/* The journal: state.db (SQLite, WAL) in the state folder, the truth about every session of this station. For those who
 * read and write it; who only reads it includes view.h.
 *
 *   state.h     the states of a session, their classes and steps   rows.h       rows as values
 *   view.h      reading                                    writer.h     the gateway of states, all writing
 *   settings.h  names of settings                          thread.h     opening, and the writer thread
 *
 * Tables: session, file, part, attempt, verdict, event, outbox, setting, and summary (kept by triggers). */
#pragma once

#include "station/journal/view.h"
#include "station/journal/writer.h"
