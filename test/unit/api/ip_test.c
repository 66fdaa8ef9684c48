/* ip_test.c - addresses, networks and the client behind proxies. */
#include "api_test.h"
#include "api/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct ip ip(const char *z)
{
	struct ip r;

	assert_int_equal(ip_read(str_of(z), &r), 0);
	return r;
}

static const char *printed(const char *z)
{
	static char out[48];
	struct ip r = ip(z);

	return ip_print(out, &r);
}

TEST(addresses_are_read_with_and_without_port)
{
	static const char *const bad[] = {"",     " ",   "1.2.3",     "1.2.3.4.5", "host",
					  "[::1", "::g", "1.2.3.256", "unknown"};
	struct ip r;

	assert_string_equal(printed("192.0.2.1"), "192.0.2.1");
	assert_string_equal(printed(" 192.0.2.1:8080 "), "192.0.2.1");
	assert_string_equal(printed("2001:DB8::1"), "2001:db8::1");
	assert_string_equal(printed("[2001:db8::1]:443"), "2001:db8::1");
	assert_string_equal(printed("::ffff:192.0.2.1"), "192.0.2.1");
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_not_equal(ip_read(str_of(bad[i]), &r), 0);
}

TEST(socket_addresses_are_the_same_addresses)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr un = {.sa_family = AF_UNIX};
	struct ip a, b, c = ip("192.0.2.7");

	inet_pton(AF_INET, "192.0.2.7", &in.sin_addr);
	inet_pton(AF_INET6, "::ffff:192.0.2.7", &in6.sin6_addr);
	assert_true(ip_of((struct sockaddr *)&in, &a));
	assert_true(ip_of((struct sockaddr *)&in6, &b));
	assert_memory_equal(&a, &b, sizeof(a));
	assert_memory_equal(&a, &c, sizeof(a));
	assert_false(ip_of(&un, &a));
}

TEST(proxies_are_those_in_their_networks)
{
	static const struct {
		const char *net, *in, *out;
	} cases[] = {
		{"10.0.0.0/8", "10.255.1.2", "11.0.0.0"},
		{"192.0.2.128/25", "192.0.2.200", "192.0.2.127"},
		{"192.0.2.5", "192.0.2.5", "192.0.2.4"},
		{"10.0.0.0/8", "10.0.0.1", "::1"},
		{"::/0", "::1", "10.0.0.1"},
		{"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
		{"::1", "::1", "::2"},
	};
	struct cidr c;
	struct ip a, b;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(cidr_parse(str_of(cases[i].net), &c), 0);
		a = ip(cases[i].in);
		b = ip(cases[i].out);
		assert_true(ip_trusted(&a, &c, 1));
		assert_false(ip_trusted(&b, &c, 1));
	}
	assert_int_equal(cidr_parse(STR("0.0.0.0/0"), &c), 0);
	a = ip("203.0.113.9");
	b = ip("2001:db8::1");
	assert_true(ip_trusted(&a, &c, 1));
	assert_false(ip_trusted(&b, &c, 1));
}

TEST(ipv6_counts_by_its_64)
{
	struct ip a = ip("2001:db8:1:2::1"), b = ip("2001:db8:1:2:ffff::9"), c = ip("2001:db8:1:3::1");
	struct ip d = ip("192.0.2.1"), e = ip("192.0.2.2"), f = ip("::1");

	assert_int_equal(ip_key(&a), ip_key(&b));
	assert_int_not_equal(ip_key(&a), ip_key(&c));
	assert_int_not_equal(ip_key(&d), ip_key(&e));
	assert_int_not_equal(ip_key(&f), 0);
}

static const char *client(const char *peer, const char *forwarded)
{
	static const char *const nets[] = {"10.0.0.0/8", "fd00::/8"};
	static char out[48];
	struct cidr proxies[COUNT_OF(nets)];
	struct ip c = ip(peer);

	for (size_t i = 0; i < COUNT_OF(nets); i++)
		assert_int_equal(cidr_parse(str_of(nets[i]), &proxies[i]), 0);
	ip_forwarded(&c, str_of(forwarded), proxies, COUNT_OF(nets));
	return ip_print(out, &c);
}

TEST(the_client_is_the_rightmost_untrusted_hop)
{
	assert_string_equal(client("192.0.2.1", "198.51.100.1"), "192.0.2.1"); /* not a proxy: not believed */
	assert_string_equal(client("10.0.0.1", "198.51.100.1"), "198.51.100.1");
	assert_string_equal(client("10.0.0.1", "203.0.113.9, 198.51.100.1"), "198.51.100.1");
	assert_string_equal(client("10.0.0.1", "203.0.113.9, 198.51.100.1, 10.9.9.9"), "198.51.100.1");
	assert_string_equal(client("10.0.0.1", "198.51.100.1,10.2.3.4 , fd00::5"), "198.51.100.1");
	assert_string_equal(client("10.0.0.1", "10.2.3.4"), "10.2.3.4");
	assert_string_equal(client("10.0.0.1", "evil, 10.2.3.4"), "10.2.3.4");
	assert_string_equal(client("10.0.0.1", ""), "10.0.0.1");
	assert_string_equal(client("10.0.0.1", ",,"), "10.0.0.1");
	assert_string_equal(client("10.0.0.1", "[2001:db8::7]:4711"), "2001:db8::7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(addresses_are_read_with_and_without_port),  RUN(socket_addresses_are_the_same_addresses),
		RUN(proxies_are_those_in_their_networks),       RUN(ipv6_counts_by_its_64),
		RUN(the_client_is_the_rightmost_untrusted_hop),
	};

	return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}
