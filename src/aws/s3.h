/* SPDX-License-Identifier: MIT */
/* S3 as a peer (base/retry.h): its error form, <Error><Code/><Message/></Error>, and what its words ask for (AWS "Error
 * responses", botocore's standard retry mode, MinIO). A 200 may hold an error: its slow operations begin to answer
 * before they know. */
#pragma once

#include "base/retry.h"

extern const struct answer_form s3_words;
