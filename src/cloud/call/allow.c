/* SPDX-License-Identifier: MIT */
/* CIDR lists over 128-bit addresses. */
#include "cloud/call/allow.h"

#include "base/text.h"

struct allow_net {
	struct address address;
	int bits; /* 0..128 */
};

static int allow_net_parse(const char *cidr, struct allow_net *ret, struct error *err) {
	char host[ADDRESS_TEXT] = "";
	const char *slash = strchr(cidr, '/');
	size_t n = slash ? (size_t)(slash - cidr) : strlen(cidr);
	if (n >= sizeof host) return error_set(err, ERR_CONFIG, "allow: \"%s\" is too long for an address", cidr);
	memcpy(host, cidr, n);
	if (address_parse(host, &ret->address))
		return error_set(err, ERR_CONFIG, "allow: \"%s\" is not an address; write 10.0.0.0/8 or 2001:db8::/32", cidr);
	bool v4 = strchr(host, ':') == NULL;
	int64_t most = v4 ? 32 : 128, bits = most;
	if (slash && text_to_i64(slash + 1, 0, most, &bits))
		return error_set(err, ERR_CONFIG, "allow: \"%s\" needs a prefix length from 0 to %d", cidr, (int)most);
	ret->bits = (int)bits + (v4 ? 96 : 0);
	return 0;
}

int allow_parse(const struct option_list *cidrs, struct allow_list *ret, struct error *err) {
	struct allow_list l = {.nets = xcalloc(cidrs->n, sizeof *l.nets)};
	for (; l.n < cidrs->n; l.n++) {
		if (allow_net_parse(cidrs->items[l.n], &l.nets[l.n], err)) {
			allow_done(&l);
			return -1;
		}
	}
	*ret = l;
	return 0;
}

static bool net_has(const struct allow_net *net, const struct address *a) {
	size_t whole = (size_t)net->bits / 8;
	int rest = net->bits % 8;
	if (memcmp(net->address.bytes, a->bytes, whole) != 0) return false;
	return rest == 0 || ((net->address.bytes[whole] ^ a->bytes[whole]) >> (8 - rest)) == 0;
}

bool allow_has(const struct allow_list *l, const struct address *a) {
	for (size_t i = 0; i < l->n; i++)
		if (net_has(&l->nets[i], a)) return true;
	return l->n == 0;
}

void allow_done(struct allow_list *l) {
	xfree(l->nets);
	*l = (struct allow_list){0};
}
