/* ip.c - client addresses (ip.h). */
#include "api/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool is_v4(const struct ip *ip) { return !memcmp(ip->a, mapped, sizeof(mapped)); }

static void from_v4(struct ip *ret, const void *four)
{
	memcpy(ret->a, mapped, sizeof(mapped));
	memcpy(ret->a + 12, four, 4);
}

bool ip_of(const struct sockaddr *sa, struct ip *ret)
{
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		from_v4(ret, &in.sin_addr);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		memcpy(ret->a, &in6.sin6_addr, sizeof(ret->a));
		return true;
	}
	return false;
}

static struct str trimmed(struct str s)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t'))
		s.p++, s.n--;
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* The address alone: brackets and port taken off. A bare IPv6 address has more than one colon and no port. */
static struct str without_port(struct str s)
{
	const char *end;

	if (s.n && s.p[0] == '[') {
		end = memchr(s.p, ']', s.n);
		return end ? (struct str){s.p + 1, (size_t)(end - s.p) - 1} : (struct str){NULL, 0};
	}
	end = s.n ? memchr(s.p, ':', s.n) : NULL;
	if (end && !memchr(end + 1, ':', s.n - (size_t)(end + 1 - s.p)))
		s.n = (size_t)(end - s.p);
	return s;
}

int ip_read(struct str s, struct ip *ret)
{
	unsigned char bytes[16];
	int family = address_parse(without_port(trimmed(s)), bytes);

	if (family < 0)
		return family;
	if (family == 4)
		from_v4(ret, bytes);
	else
		memcpy(ret->a, bytes, sizeof(ret->a));
	return 0;
}

uint64_t ip_key(const struct ip *ip)
{
	uint64_t key = 0;

	if (is_v4(ip)) {
		/* ff00::/16 is multicast, so no IPv6 client has such a prefix. */
		for (int i = 12; i < 16; i++)
			key = key << 8 | ip->a[i];
		return key | 0xff00ull << 48;
	}
	for (int i = 0; i < 8; i++)
		key = key << 8 | ip->a[i];
	return key ? key : 1;
}

char *ip_print(char out[48], const struct ip *ip)
{
	if (!inet_ntop(is_v4(ip) ? AF_INET : AF_INET6, is_v4(ip) ? ip->a + 12 : ip->a, out, 48))
		out[0] = '\0';
	return out;
}

bool ip_trusted(const struct ip *ip, const struct cidr *proxies, size_t n)
{
	bool v4 = is_v4(ip);

	for (size_t i = 0; i < n; i++)
		if (cidr_holds(&proxies[i], v4 ? 4 : 6, v4 ? ip->a + 12 : ip->a))
			return true;
	return false;
}

void ip_forwarded(struct ip *client, struct str forwarded, const struct cidr *proxies, size_t n)
{
	while (forwarded.n && ip_trusted(client, proxies, n)) {
		const char *comma = memrchr(forwarded.p, ',', forwarded.n);
		size_t at = comma ? (size_t)(comma - forwarded.p) + 1 : 0;
		struct ip hop;

		if (ip_read((struct str){forwarded.p + at, forwarded.n - at}, &hop))
			return;
		*client = hop;
		forwarded.n = comma ? at - 1 : 0;
	}
}
