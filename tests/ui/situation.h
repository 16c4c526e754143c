/* SPDX-License-Identifier: MIT */
/* Fixed models: what a station may look like at NOW_MS (console.h). */
#pragma once

#include "ui/model/model.h"

enum situation {
	SITUATION_EMPTY,		/* an engine, and not one session yet */
	SITUATION_LIVE,			/* the afternoon of product.md: two go up, one is held */
	SITUATION_ALL_SAFE,		/* everything of today was accepted */
	SITUATION_ENGINE_GONE,	/* as live, and the engine has been gone for four minutes */
	SITUATION_CLOUD_LOST,	/* as live, and the cloud has not answered for seven minutes */
	SITUATION_JOURNAL_BAD,	/* nothing could be read */
	SITUATION_HOSTILE,		/* names, metadata and reasons with escape sequences, wide, combining, invalid UTF-8 */
	SITUATION_DISK_FILLING, /* full within the hour, the clock is off */
	SITUATION_JOURNAL_LOST, /* as live, and the journal could not be read for five minutes */
	SITUATION_N
};
void situation_make(enum situation s, struct model *m); /* m is zeroed */
/* What an engine and journal know of one session more: model.detail of `name`, one of the page's. */
void situation_detail(struct model *m, const char *name);
void situation_free(struct model *m);
