/* SPDX-License-Identifier: MIT */
/* Members that several calls have in common. */
#include "cloud/api/member.h"

#include "base/text.h"
#include "session/name.h"

int member_session(const cJSON *body, struct session_ref *ret, struct error *err) {
	struct session_ref ref;
	if (json_want_text(body, "session", NULL, &ref.session, err) ||
		json_want_i64(body, "revision", NULL, 1, REVISION_MAX, &ref.revision, err))
		return -1;
	if (!session_name_is(ref.session))
		return error_set(
			err, ERR_INPUT, "session: \"%s\" is not a session's name; it is YYYYMMDD_HHMMSS", TEXT_SAFE(ref.session));
	*ret = ref;
	return 0;
}
