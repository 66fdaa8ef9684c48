/* Addresses a webhook may reach, in every way they can be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include "webhook/address_guard.h"

static bool permits(const struct address_guard *g, const char *text, char why[GUARD_WHY])
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	why[0] = '\0';
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return guard_permits(g, (const struct sockaddr *)&v4, sizeof(v4), why);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return guard_permits(g, (const struct sockaddr *)&v6, sizeof(v6), why);
}

static void private_ranges_are_refused(void **state)
{
	static const char *const list[] = {
		"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.1", "100.127.255.255",
		"100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.0.1",
		"169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.5",
		"192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255",
		"198.51.100.1", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		/* IPv6 */
		"::", "::1", "::2", "fc00::1", "fd00:ec2::254", "fdff:ffff::1", "fe80::1", "febf::1",
		"fec0::1", "ff02::1", "ff0e::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:2::1",
		"2001:10::1", "2001:20::1", "2001:1ff::1", "2001:db8::1", "3fff:fff::1", "5f00::1", "4000::1",
		"8000::1", "1fff::1", "64:ff9b:1::808:808",
		/* IPv4 inside */
		"::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
		"::ffff:7f00:1", "::ffff:0:127.0.0.1", "::ffff:0:192.168.1.1", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1",
		"64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::5", "2002:a9fe:a9fe::1",
		"2a00:1450::5efe:10.0.0.1", "2a00:1450::200:5efe:127.0.0.1", "4000::5efe:8.8.8.8", "1::5efe:8.8.8.8"};
	struct address_guard g = {0};
	char why[GUARD_WHY];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(list); i++) {
		if (permits(&g, list[i], why))
			fail_msg("%s is permitted", list[i]);
		assert_non_null(strstr(why, "private address "));
		assert_non_null(strstr(why, " is not allowed"));
	}
}

static void public_addresses_are_permitted(void **state)
{
	static const char *const list[] = {
		"1.1.1.1",          "9.255.255.255",        "11.0.0.0",        "100.63.255.255",
		"100.128.0.0",      "126.255.255.255",      "128.0.0.1",       "168.63.129.15",
		"169.253.255.255",  "169.255.0.0",          "172.15.255.255",  "172.32.0.0",
		"192.0.1.1",        "192.167.255.255",      "192.169.0.0",     "198.17.255.255",
		"198.20.0.0",       "223.255.255.255",      "2606:4700::1111", "2a00:1450:4001::5",
		"2001:200::1",      "2001:4860:4860::8888", "3ffe::1",         "::ffff:8.8.8.8",
		"::ffff:0:8.8.8.8", "64:ff9b::808:808",     "2002:808:808::1", "2a00:1450::5efe:8.8.8.8"};
	struct address_guard g = {0};
	char why[GUARD_WHY];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(list); i++)
		if (!permits(&g, list[i], why))
			fail_msg("%s is refused: %s", list[i], why);
}

static void the_reason_names_the_address(void **state)
{
	struct address_guard g = {0};
	char why[GUARD_WHY];

	(void)state;
	assert_false(permits(&g, "10.0.0.1", why));
	assert_string_equal(why, "private address 10.0.0.1 is not allowed");
	assert_false(permits(&g, "127.0.0.1", why));
	assert_string_equal(why, "private address 127.0.0.1 (loopback) is not allowed");
	assert_false(permits(&g, "fd00::1", why));
	assert_string_equal(why, "private address fd00::1 is not allowed");
	assert_false(permits(&g, "::ffff:10.0.0.1", why));
	assert_string_equal(why, "private address ::ffff:10.0.0.1 (IPv4 inside) is not allowed");
}

static void the_allow_list_opens_just_what_it_names(void **state)
{
	char *const allow[] = {(char[]){"127.0.0.0/8"}, (char[]){"10.1.2.3"}, (char[]){"fd00:1::/32"},
			       (char[]){"nonsense"}};
	struct address_guard g;
	char why[GUARD_WHY];

	(void)state;
	guard_init(&g, allow, COUNT_OF(allow));
	assert_int_equal(g.count, 3);
	assert_true(permits(&g, "127.0.0.1", why));
	assert_true(permits(&g, "127.9.9.9", why));
	assert_true(permits(&g, "::ffff:127.0.0.1", why));
	assert_true(permits(&g, "64:ff9b::127.0.0.1", why));
	assert_true(permits(&g, "10.1.2.3", why));
	assert_true(permits(&g, "fd00:1::7", why));
	assert_false(permits(&g, "10.1.2.4", why));
	assert_false(permits(&g, "::1", why));
	assert_false(permits(&g, "fd00:2::7", why));
	assert_false(permits(&g, "::127.0.0.1", why));
	guard_done(&g);
	guard_init(&g, NULL, 0);
	assert_false(permits(&g, "127.0.0.1", why));
	guard_done(&g);
}

static void other_families_are_refused(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(0x08080808)}};
	struct address_guard g = {0};
	char why[GUARD_WHY];

	(void)state;
	assert_false(guard_permits(&g, (const struct sockaddr *)&un, sizeof(un), why));
	assert_false(guard_permits(&g, (const struct sockaddr *)&v4, 4, why)); /* cut short */
	assert_true(guard_permits(&g, (const struct sockaddr *)&v4, sizeof(v4), why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(private_ranges_are_refused),
		cmocka_unit_test(public_addresses_are_permitted),
		cmocka_unit_test(the_reason_names_the_address),
		cmocka_unit_test(the_allow_list_opens_just_what_it_names),
		cmocka_unit_test(other_families_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
