/* SPDX-License-Identifier: MIT */
/* Members that several calls have in common. */
#include "cloud/api/member.h"

#include "base/clock.h"
#include "base/text.h"
#include "session/manifest.h"
#include "session/name.h"

int member_time(const char *text, int64_t *ret_ms) {
	static const char form[] = "0000-00-00T00:00:00.000Z";
	int64_t ms;
	bool whole = strlen(text) == 20 && text[19] == 'Z'; /* without the milliseconds */
	for (size_t i = 0; i < (whole ? 19 : sizeof form); i++)
		if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return -1;
	if (time_parse_rfc3339(text, &ms) || ms < 0) return -1;
	*ret_ms = ms;
	return 0;
}

bool member_short(const char *text, size_t most, bool must) {
	size_t n = 0;
	for (; *text; text++) n += ((uint8_t)*text & 0xC0) != 0x80;
	return n <= most && (n || !must);
}

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
