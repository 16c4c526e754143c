/* SPDX-License-Identifier: MIT */
/* The PUTs that are on their way. Loop thread. */
#pragma once

#include "station/sending/upload.h"

void transfer_start(struct session *s, size_t piece);
void transfer_cancel(struct session *s);		  /* those of this session */
void transfers_hang(struct engine *e);			  /* those of roots that do not answer end */
size_t transfers_count(const struct engine *e);	  /* in flight, of roots that answer */
cJSON *transfers_status(const struct session *s); /* files_now of control/client.h */
void transfer_rates(struct engine *e);			  /* spreads the bandwidth limit */
