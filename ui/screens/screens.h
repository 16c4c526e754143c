/* SPDX-License-Identifier: MIT */
/* One const struct screen a file. */
#pragma once

#include "ui/app.h"

extern const struct screen screen_sessions, screen_session, screen_station, screen_handover;

/* What several screens say alike. */
enum role state_role(const struct session_row *row);
/* "uploading", "held", "paused", "ignored", "safe: data" … one word or two. */
const char *state_words(const struct session_row *row);
const char *recorded_text(char to[32], const char *session); /* "13:45:02", "?" for a day that never was */
