/* cidr.c - addresses and networks (cidr.h). */
#include "base/cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static unsigned width(int family) { return family == 4 ? 32 : 128; }

bool prefix_eq(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return !rest || ((a[whole] ^ b[whole]) & (0xff00u >> rest) & 0xffu) == 0;
}

int address_parse(struct str s, unsigned char ret[16])
{
	char text[INET6_ADDRSTRLEN];
	unsigned char address[16] = {0};
	int family;

	/* the length again: a NUL inside would end the text early */
	if (!s.n || !str_copy(text, sizeof(text), s) || strlen(text) != s.n)
		return -EINVAL;
	if (inet_pton(AF_INET, text, address) == 1)
		family = 4;
	else if (inet_pton(AF_INET6, text, address) == 1)
		family = 6;
	else
		return -EINVAL;
	memcpy(ret, address, width(family) / 8);
	return family;
}

int cidr_parse(struct str s, struct cidr *ret)
{
	const char *slash = s.n ? memchr(s.p, '/', s.n) : NULL;
	struct str host = {s.p, slash ? (size_t)(slash - s.p) : s.n};
	struct cidr c = {0};
	int family = address_parse(host, c.address);
	int64_t bits;

	if (family < 0)
		return family;
	bits = width(family);
	if (slash && str_i64((struct str){slash + 1, s.n - host.n - 1}, 0, bits, &bits) < 0)
		return -EINVAL;
	c.family = (uint8_t)family;
	c.bits = (uint8_t)bits;
	for (unsigned i = c.bits; i < width(family); i++) {
		if (c.address[i / 8] & (0x80u >> (i % 8)))
			return -EINVAL;
	}
	*ret = c;
	return 0;
}

bool cidr_holds(const struct cidr *c, int family, const unsigned char *address)
{
	return c->family == family && prefix_eq(c->address, address, c->bits);
}
