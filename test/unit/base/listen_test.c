#include "base/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void the_address_is_told_as_bound(void **state)
{
	struct listening at;
	struct err e;
	char want[80];
	int fd = listen_tcp(&at, "http: listen", "127.0.0.1:0", 16, &e);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(at.family, AF_INET);
	assert_in_range(at.port, 1, 65535);
	snprintf(want, sizeof(want), "127.0.0.1:%u", at.port);
	assert_string_equal(at.address, want);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);

	assert_int_equal(listen_tcp(&at, "http: listen", want, 16, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, "http: listen 127.0.0.1:"));
	close(fd);
	fd = listen_tcp(&at, "http: listen", want, 16, &e); /* at once, whatever TIME_WAIT there is */
	assert_true(fd >= 0);
	close(fd);
}

static void names_and_all_interfaces_will_do(void **state)
{
	static const char *const list[] = {"localhost:0", ":0"};
	struct listening at;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(list); i++) {
		int fd = listen_tcp(&at, "x", list[i], 16, &e);

		assert_true(fd >= 0);
		assert_true(at.port > 0);
		close(fd);
	}
}

static void ipv6_is_written_in_brackets(void **state)
{
	struct listening at;
	struct err e;
	char want[80];
	int fd = listen_tcp(&at, "x", "[::1]:0", 16, &e);

	(void)state;
	if (fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT) /* a host without IPv6 */
		skip();
	assert_true(fd >= 0);
	assert_int_equal(at.family, AF_INET6);
	snprintf(want, sizeof(want), "[::1]:%u", at.port);
	assert_string_equal(at.address, want);
	close(fd);
}

static void faults_are_named(void **state)
{
	static const struct {
		const char *address;
		int r;
	} list[] = {
		{"", -EINVAL},
		{"nonsense", -EINVAL},
		{"127.0.0.1", -EINVAL},
		{"127.0.0.1:", -EINVAL},
		{"127.0.0.1:x", -EINVAL},
		{"127.0.0.1:65536", -EINVAL},
		{"::1:80", -EINVAL},
		{"[::1]", -EINVAL},
		{"[::g]:0", -EINVAL},
		{"192.0.2.1:0", -EADDRNOTAVAIL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(list); i++) {
		struct listening at;
		struct err e = {""};

		assert_int_equal(listen_tcp(&at, "smpp:", list[i].address, 16, &e), list[i].r);
		assert_non_null(strstr(e.text, "smpp: "));
		assert_non_null(strstr(e.text, list[i].address));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_address_is_told_as_bound),
		cmocka_unit_test(names_and_all_interfaces_will_do),
		cmocka_unit_test(ipv6_is_written_in_brackets),
		cmocka_unit_test(faults_are_named),
	};

	return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
