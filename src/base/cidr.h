/* cidr.h - IP addresses and networks as texts: RFC 4632 section 3.1 and RFC 4291 sections 2.2 and 2.3, without zone. */
#pragma once
#include "base/util.h"

struct cidr {
	uint8_t family; /* 4 or 6 */
	uint8_t bits;
	unsigned char address[16]; /* network order; the first 4 for IPv4 */
};
/* "192.0.2.1" or "2001:db8::1", nothing around it. Its family, 4 or 6, the first 4 or all octets of ret being set; -EINVAL. */
int address_parse(struct str s, unsigned char ret[16]) MUST;
/* "10.0.0.0/8", "fd00::/8", or a bare address for just that one. 0; -EINVAL: neither, or bits set behind the prefix. */
int cidr_parse(struct str s, struct cidr *ret) MUST;
bool cidr_holds(const struct cidr *c, int family, const unsigned char *address);
/* Whether the first bits of both are the same. */
bool prefix_eq(const unsigned char *a, const unsigned char *b, unsigned bits);
