/* SPDX-License-Identifier: MIT */
/* One sentence. Any thread. */
#include "station/journal/access.h"

int station_denied(struct error *err, const char *state_dir) {
	return error_set(err, ERR_DISK,
		"the station's state in %s is closed to you: be the user that runs its engine, or of the group that [station] "
		"group names",
		state_dir);
}
