/* SPDX-License-Identifier: MIT */
/* The one table of the engine's parts. Constant. */
#include "station/run/run.h"

#include "station/intake/admission.h"
#include "station/intake/audit.h"
#include "station/intake/checking.h"
#include "station/intake/moved.h"
#include "station/intake/rescan.h"
#include "station/intake/settle.h"
#include "station/run/ending.h"
#include "station/run/found.h"
#include "station/run/guard.h"
#include "station/run/methods.h"
#include "station/run/pruning.h"
#include "station/run/status.h"
#include "station/sending/sending.h"
#include "station/talk/confirm.h"
#include "station/talk/fleet.h"
#include "station/talk/heartbeat.h"
#include "station/talk/outbox.h"
#include "station/talk/recall.h"
#include "station/talk/rules.h"

const struct part *const engine_parts[PART_N] = {
#define X(id, name) [PART_##id] = &name##_part,
	PARTS(X)
#undef X
};

int engine_run(const struct engine_options *o, struct error *err) { return engine_run_parts(o, engine_parts, err); }
