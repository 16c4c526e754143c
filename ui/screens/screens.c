/* SPDX-License-Identifier: MIT */
/* The table of screens: a new one is its file and its row here (and the file's line in meson.build). */
#include "ui/screens/screens.h"

#include <string.h>

const struct screen *const screens[] = {
	&screen_sessions, /* home */
	&screen_station,
	&screen_session,
	&screen_handover,
	NULL,
};

const struct screen *screen_by_name(const char *name) {
	for (size_t i = 0; name && screens[i]; i++)
		if (strcmp(screens[i]->name, name) == 0) return screens[i];
	return NULL;
}
