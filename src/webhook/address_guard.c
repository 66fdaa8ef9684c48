/* address_guard.c - the table of ranges no webhook may reach, and the IPv4 addresses hidden in IPv6 ones. */
#include "webhook/address_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct range {
	unsigned char net[16];
	uint8_t bits;
	const char *kind; /* NULL: just private */
};

/* IANA IPv4 Special-Purpose Address Registry, plus class D. Globally reachable entries of it (192.31.196.0/24 and the like) are
 * ordinary addresses. */
static const struct range v4_table[] = {
	{{0}, 8, "this network"},
	{{10}, 8, NULL},
	{{100, 64}, 10, "carrier NAT"}, /* 100.100.100.200: Alibaba's metadata */
	{{127}, 8, "loopback"},
	{{168, 63, 129, 16}, 32, "metadata"}, /* Azure's; a public address otherwise */
	{{169, 254}, 16, "link-local"},       /* 169.254.169.254: metadata of most clouds */
	{{172, 16}, 12, NULL},
	{{192, 0, 0}, 24, "reserved"}, /* 192.0.0.192: Oracle's metadata */
	{{192, 0, 2}, 24, "documentation"},
	{{192, 88, 99}, 24, "6to4 relay"},
	{{192, 168}, 16, NULL},
	{{198, 18}, 15, "benchmarking"},
	{{198, 51, 100}, 24, "documentation"},
	{{203, 0, 113}, 24, "documentation"},
	{{224}, 4, "multicast"},
	{{240}, 4, "reserved"}, /* with the broadcast address */
};

/* IPv6: what lies outside 2000::/3 is refused whole, so only the inside and the ranges with a name of their own are listed. */
static const struct range v6_table[] = {
	{{0x00}, 128, "unspecified"},
	{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, "loopback"},
	{{0x20, 0x01}, 23, "reserved"}, /* protocol assignments: Teredo, ORCHID, benchmarking */
	{{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation"},
	{{0x3f, 0xff}, 20, "documentation"},
	{{0xfc}, 7, NULL}, /* unique local; fd00:ec2::254: Amazon's metadata */
	{{0xfe, 0x80}, 10, "link-local"},
	{{0xfe, 0xc0}, 10, "site-local"},
	{{0xff}, 8, "multicast"},
};

void guard_init(struct address_guard *g, char *const *allow, size_t count)
{
	g->allow = count ? xcalloc(count, sizeof(*g->allow)) : NULL;
	g->count = 0;
	for (size_t i = 0; i < count; i++)
		if (cidr_parse(str_of(allow[i]), &g->allow[g->count]) == 0)
			g->count++;
}

void guard_done(struct address_guard *g)
{
	free(g->allow);
	*g = (struct address_guard){0};
}

static bool allowed(const struct address_guard *g, int family, const unsigned char *address)
{
	for (size_t i = 0; i < g->count; i++)
		if (cidr_holds(&g->allow[i], family, address))
			return true;
	return false;
}

static const struct range *find_range(const struct range *table, size_t n, const unsigned char *address)
{
	for (size_t i = 0; i < n; i++)
		if (prefix_eq(table[i].net, address, table[i].bits))
			return &table[i];
	return NULL;
}

/* The IPv4 address inside an IPv6 one, NULL when it is of no such form. stands: packets go to that IPv4 address and nowhere
 * else, so it alone decides. */
static const unsigned char *embedded(const unsigned char *a, bool *stands)
{
	static const unsigned char mapped[12] = {0, 0, 0, 0, 0,    0,
						 0, 0, 0, 0, 0xff, 0xff}; /* ::ffff:a.b.c.d */
	static const unsigned char translated[12] = {0, 0, 0,    0,    0, 0,
						     0, 0, 0xff, 0xff, 0, 0}; /* ::ffff:0:a.b.c.d */
	static const unsigned char nat64[12] = {0, 0x64, 0xff, 0x9b};         /* 64:ff9b::a.b.c.d */
	static const unsigned char isatap[3] = {0, 0x5e, 0xfe};

	*stands = memcmp(a, mapped, 12) == 0 || memcmp(a, translated, 12) == 0 || memcmp(a, nat64, 12) == 0;
	if (*stands)
		return a + 12;
	if (a[0] == 0x20 && a[1] == 0x02) /* 6to4 */
		return a + 2;
	/* The universal bit of the interface identifier (0x02) may be set or not. */
	if ((a[8] & ~2) == 0 && memcmp(a + 9, isatap, 3) == 0)
		return a + 12;
	return NULL;
}

static bool refuse(int family, const unsigned char *address, const char *kind, char why[GUARD_WHY])
{
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, sizeof(text)))
		text[0] = '\0';
	snprintf(why, GUARD_WHY, "private address %s%s%s%s is not allowed", text, kind ? " (" : "",
		 kind ? kind : "", kind ? ")" : "");
	return false;
}

static bool permits_v4(const struct address_guard *g, const unsigned char *a, char why[GUARD_WHY])
{
	const struct range *r = find_range(v4_table, COUNT_OF(v4_table), a);

	return !r || allowed(g, 4, a) || refuse(4, a, r->kind, why);
}

static bool permits_v6(const struct address_guard *g, const unsigned char *a, char why[GUARD_WHY])
{
	const struct range *r = find_range(v6_table, COUNT_OF(v6_table), a);
	const struct range *inner;
	const unsigned char *v4;
	bool stands;

	if (allowed(g, 6, a))
		return true;
	if (r)
		return refuse(6, a, r->kind, why);
	v4 = embedded(a, &stands);
	inner = v4 ? find_range(v4_table, COUNT_OF(v4_table), v4) : NULL;
	if (inner && !allowed(g, 4, v4))
		return refuse(6, a, inner->kind ? inner->kind : "IPv4 inside", why);
	return stands || (a[0] & 0xe0) == 0x20 || refuse(6, a, "reserved", why);
}

bool guard_permits(const struct address_guard *g, const struct sockaddr *sa, size_t len, char why[GUARD_WHY])
{
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} u;

	if (sa->sa_family == AF_INET && len >= sizeof(u.v4)) {
		memcpy(&u.v4, sa, sizeof(u.v4));
		return permits_v4(g, (const unsigned char *)&u.v4.sin_addr, why);
	}
	if (sa->sa_family == AF_INET6 && len >= sizeof(u.v6)) {
		memcpy(&u.v6, sa, sizeof(u.v6));
		return permits_v6(g, u.v6.sin6_addr.s6_addr, why);
	}
	snprintf(why, GUARD_WHY, "address family %d is not allowed", sa->sa_family);
	return false;
}
