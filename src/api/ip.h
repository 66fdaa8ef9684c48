/* ip.h - addresses of clients: reading, proxies, and the key they are counted by. IPv4 is held as ::ffff:a.b.c.d. */
#pragma once
#include "base/cidr.h"

struct sockaddr;
struct ip {
	unsigned char a[16];
};
bool ip_of(const struct sockaddr *sa, struct ip *ret); /* false: neither IPv4 nor IPv6 */
/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]", each with an optional port, blanks around allowed (RFC 7239 section 6 spelling
 * without quotes). -EINVAL */
int ip_read(struct str s, struct ip *ret) MUST;
/* What limits count by: the whole IPv4 address, the /64 of an IPv6 address. Never 0. */
uint64_t ip_key(const struct ip *ip);
char *ip_print(char out[48], const struct ip *ip);
/* The client behind trusted proxies: walks one X-Forwarded-For value (comma-separated) from the right as long as *client is a
 * trusted proxy, and moves *client along. Stops at what is not an address. Several header lines: call for the last first. */
void ip_forwarded(struct ip *client, struct str forwarded, const struct cidr *proxies, size_t n);
bool ip_trusted(const struct ip *ip, const struct cidr *proxies, size_t n);
