/* SPDX-License-Identifier: MIT */
/* The table of what is known (ui/model/part.h): what a screen alone knows is a const struct part in its file, and its
 * row here. They are read in this order. */
#include "ui/screens/screens.h"

const struct part *const parts[] = {
	&part_link,
	&part_status,
	&part_summary,
	&part_page,
	&part_detail,
	&part_events,
	&part_handover,
	&part_fleet,
	NULL,
};
