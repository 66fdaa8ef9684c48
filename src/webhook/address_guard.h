/* address_guard.h - which addresses a webhook may connect to. A customer names the URL, so without this the gateway would fetch
 * from the operator's own network whatever the customer asks for (server-side request forgery). Asked with the very sockaddr that
 * is about to be connected, so no answer of a name server can change in between.
 *
 * Refused: every range of the IANA special-purpose registries (RFC 6890 and its updates) that is not globally reachable, multicast,
 * what is not yet given out of IPv6, addresses cloud providers answer metadata on, and IPv6 forms that carry such an IPv4 address:
 * mapped and compatible (RFC 4291), translated (RFC 7915), NAT64 (RFC 6052), 6to4 (RFC 3056), ISATAP (RFC 5214). */
#pragma once
#include "base/cidr.h"

struct sockaddr;
struct address_guard {
	struct cidr *allow; /* permitted in spite of the table; an IPv4 range also permits the IPv6 forms that carry it */
	size_t count;
};
/* Texts that are no CIDR are left out: the configuration refused them already. */
void guard_init(struct address_guard *g, char *const *allow, size_t count);
void guard_done(struct address_guard *g);
#define GUARD_WHY 96
/* True when it may be connected. Otherwise why says "private address 10.0.0.1 is not allowed". */
bool guard_permits(const struct address_guard *g, const struct sockaddr *sa, size_t len, char why[GUARD_WHY]);
