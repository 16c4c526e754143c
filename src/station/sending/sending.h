/* SPDX-License-Identifier: MIT */
/* Which session is sent now, and what follows when one is sent or cannot be. A connection budget is shared over
 * sessions; the oldest unfinished one takes what it can use, so that one is safe before two are half done. Loop thread.
 *
 * Invariants: no PUT leaves before the journal knows that one may (`cleared`); an upload lives in memory only while
 * its session is at it; a session's `transfers` may outlive its upload, and no new upload begins before they end. */
#pragma once

#include "station/sending/upload.h"

extern const struct part upload_part;
