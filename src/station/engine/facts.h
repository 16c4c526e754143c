/* SPDX-License-Identifier: MIT */
/* What the engine has seen, as facts for the verdict (told/safe.h): from memory alone. Loop thread. */
#pragma once

#include "station/engine/engine.h"
#include "station/engine/root.h"
#include "station/told/safe.h"

void look_gather(const struct engine *e, struct safe_look *ret);
void summary_gather(const struct engine *e, struct journal_summary *ret);
void engine_facts(const struct engine *e, const struct journal_summary *summary, struct safe_facts *ret);
/* Counts a watched folder that is not well. */
void folder_count(struct safe_look *l, enum folder_state s);
