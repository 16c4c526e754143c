/* SPDX-License-Identifier: MIT */
/* The revision that a session is sent as: agreed with the cloud at the first answer of each upload. Loop thread. */
#pragma once

#include "station/sending/upload.h"

enum revising {
	REVISING_ON,	/* take the answer */
	REVISING_AGAIN, /* ask again, as upload.revision */
	REVISING_OVER	/* the upload has ended, or will: held, in trouble */
};
/* An answer while the upload has not agreed: `refused`, it has a file for which there can be no URL; `kin`, one of the
 * data files is there, byte for byte. */
enum revising revising_take(struct session *s, const struct answer_presign *answer, bool refused, bool kin);
void revising_refused(struct session *s, const struct error *why); /* in mid-send: other bytes are stored there */
