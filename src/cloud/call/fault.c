/* SPDX-License-Identifier: MIT */
/* Error codes of the API and what a failure inside means to a caller. Constant. */
#include "cloud/call/fault.h"

const struct fault_class fault_classes[FAULT_N] = {[FAULT_NONE] = {"none", 200},
#define X(id, word, status) [FAULT_##id] = {word, status},
	FAULTS(X)
#undef X
};

enum fault fault_of(const struct error *err) {
	switch (err->code) {
	case ERR_INPUT: return FAULT_BAD_REQUEST;
	case ERR_NOT_FOUND: return FAULT_NOT_FOUND;
	case ERR_THROTTLED: return FAULT_RATE_LIMITED;
	case ERR_DISK:
	case ERR_BUSY:
	case ERR_CANCELLED: return FAULT_UNAVAILABLE;
	default: return FAULT_INTERNAL;
	}
}
