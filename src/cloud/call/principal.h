/* SPDX-License-Identifier: MIT */
/* Who calls, as a surface found out by what the call carries. */
#pragma once

struct principal {
	char station[80];
	char key_id[24];
	int scopes; /* of enum scope; 0: nobody */
};
