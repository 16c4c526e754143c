/* SPDX-License-Identifier: MIT */
/* URLs for a session's files, asked for just before use, and the comparison after a 412. Loop thread. */
#pragma once

#include "station/sending/upload.h"

void presign_pump(struct session *s);
/* 412 (the store holds it: held), or an answer without a checksum. */
void stat_ask(struct session *s, size_t piece, bool held);
