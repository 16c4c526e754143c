/* SPDX-License-Identifier: MIT */
/* The table of screens: a new one is its file and its row here (and the file's line in meson.build); for data that no
 * other has, a row of ui/screens/parts.c too. */
#include "ui/screens/screens.h"

const struct screen *const screens[] = {
	&screen_sessions, /* home */
	&screen_station,
	&screen_session,
	&screen_handover,
	NULL,
};
