/* SPDX-License-Identifier: MIT */
/* JSON: what is taken can be written and read again as the same. */
#include "fuzz.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
	AUTO(json_free) cJSON *json = NULL, *again = NULL;
	struct error err = ERROR_INIT;
	if (json_parse((const char *)data, n, &json, &err) < 0) {
		FUZZ_CHECK(err.code == ERR_INPUT && *err.text && !json);
		return 0;
	}
	fuzz_taken++;
	FUZZ_CHECK(text_is_utf8((const char *)data, n, NULL));
	AUTO(xfree) char *text = json_text(json);
	FUZZ_CHECK(json_parse(text, strlen(text), &again, &err) == 0);
	FUZZ_CHECK(cJSON_Compare(json, again, true));
	return 0;
}
