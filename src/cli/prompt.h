/* SPDX-License-Identifier: MIT */
/* Questions on a terminal: asked on standard error, answered on standard input. Never asked when either is no terminal.
 */
#pragma once

#include "base/secret.h"

bool prompt_possible(void);
/* An empty answer gives `fallback` (NULL: asked again). The caller frees. ERR_CANCELLED on Ctrl-C or the end of input.
 */
MUST_USE int prompt_text(const char *question, const char *fallback, char **ret, struct error *err);
MUST_USE int prompt_secret(const char *question, struct secret *ret, struct error *err); /* not echoed */
MUST_USE int prompt_yes(const char *question, bool *ret, struct error *err);			 /* no is the default */
