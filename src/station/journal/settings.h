/* SPDX-License-Identifier: MIT */
/* Names of the journal's settings: what the station keeps of itself, a text each; and what it is. Unset: there is no
 * such row, and journal_get gives NULL. */
#pragma once

#define SETTING_NAMES "folder.names"   /* [{root, path, rename_to, reason}]: what looks like a recording; none: unset */
#define SETTING_LOOKED "folder.looked" /* wall clock in ms: when every watched folder was last seen to be well */
#define SETTING_FOUND "engine.found"   /* what the last run learned: a look (safe.h) and its message; none: unset */
#define SETTING_UNREADABLE "audit.unreadable:" /* + the folder: {n, why, sessions}: accepted ones; none: unset */
#define SETTING_RECALL "cloud.recall"		   /* set while all accepted sessions are looked for in the cloud */
#define SETTING_CLOUD_SCHEMA "cloud.schema"	   /* the last answer of GET /v1/schema */
#define SETTING_PRUNED "journal.pruned"		   /* the last `until` */
