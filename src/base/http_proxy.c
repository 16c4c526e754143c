/* SPDX-License-Identifier: MIT */
/* Which proxy curl takes for a URL, to be said where something goes wrong: curl itself tells only since 8.7. The
 * variables and their order are curl(1)'s: http_proxy in small letters alone, since CGI sets the other one. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "base/http_parts.h"
#include "base/text.h"

static const char *first_of(const char *const *names, size_t n, const char **ret_name) {
	for (size_t i = 0; i < n; i++) {
		const char *value = getenv(names[i]);
		if (!value || !*value) continue;
		*ret_name = names[i];
		return value;
	}
	return NULL;
}

static void host_of(const char *url, char *to, size_t size) {
	char safe[512];
	http_url_safe(safe, sizeof safe, url);
	const char *colon = strstr(safe, "://"), *host = colon ? colon + 3 : safe;
	size_t n = *host == '[' ? strcspn(host, "]") : strcspn(host, ":/");
	host += *host == '[';
	snprintf(to, size, "%.*s", (int)MIN(n, size - 1), host);
	to[strcspn(to, "]")] = '\0';
}

/* "10.0.0.0/8" holds 10.1.2.3. */
static bool network_holds(const char *network, size_t n, const char *host) {
	char text[64];
	struct in_addr a, b;
	int64_t bits = 32;
	snprintf(text, sizeof text, "%.*s", (int)MIN(n, sizeof text - 1), network);
	char *slash = strchr(text, '/');
	if (!slash) return false;
	*slash = '\0';
	if (text_to_i64(slash + 1, 0, 32, &bits) || inet_pton(AF_INET, text, &a) != 1 || inet_pton(AF_INET, host, &b) != 1)
		return false;
	uint32_t mask = bits ? UINT32_MAX << (32 - bits) : 0;
	return (ntohl(a.s_addr) & mask) == (ntohl(b.s_addr) & mask);
}

/* One name of the list is that of the host, or ends it: "example.org" and ".example.org" hold a.example.org. */
static bool name_holds(const char *name, size_t n, const char *host) {
	while (n && *name == '.') name++, n--;
	size_t length = strlen(host);
	if (!n || n > length || strncasecmp(host + length - n, name, n) != 0) return false;
	return n == length || host[length - n - 1] == '.';
}

static bool is_excepted(const char *host) {
	static const char *const names[] = {"no_proxy", "NO_PROXY"};
	const char *name, *list = first_of(names, ARRAY_LEN(names), &name);
	if (list && strcmp(list, "*") == 0) return true;
	while (list && *list) {
		list += strspn(list, ", ");
		size_t n = strcspn(list, ", ");
		if (name_holds(list, n, host) || network_holds(list, n, host)) return true;
		list += n;
	}
	return false;
}

const char *http_proxy(char *to, size_t size, const char *url) {
	static const char *const https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	static const char *const http[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
	char host[256], safe[300];
	const char *name = NULL;
	bool secure = text_starts(url, "https://");
	const char *proxy = secure ? first_of(https, ARRAY_LEN(https), &name) : first_of(http, ARRAY_LEN(http), &name);
	host_of(url, host, sizeof host);
	if (!proxy || is_excepted(host)) return NULL;
	snprintf(to, size, "%s of %s", http_url_safe(safe, sizeof safe, proxy), name);
	return to;
}
