/* From a name to a socket, with a name server of the test's own on the loopback. */
#include "world.h"

#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/event.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct outcome {
	int calls, fd;
	char why[120];
};

struct net {
	struct world w;
	struct dial_dns dns;
	struct evdns_server_port *server;
	int udp;
	unsigned asked;
	bool silent;
	struct dial dial;
	struct outcome out;
	struct evdns_server_request *held;
};

static void dialled(void *ctx, int fd, const char *why)
{
	struct outcome *o = ctx;

	o->calls++;
	o->fd = fd;
	if (fd < 0)
		str_copy(o->why, sizeof(o->why), str_of(why));
}

/* two.test has an address that refuses and one that answers; anything else does not exist. */
static void on_question(struct evdns_server_request *r, void *ctx)
{
	struct net *n = ctx;
	uint8_t addresses[] = {127, 0, 0, 3, 127, 0, 0, 1};
	bool known = false;

	n->asked++;
	if (n->silent) {
		evdns_server_request_drop(r);
		return;
	}
	for (int i = 0; i < r->nquestions; i++) {
		const struct evdns_server_question *q = r->questions[i];

		if (strcasecmp(q->name, "two.test") != 0) /* questions come in mixed case */
			continue;
		known = true;
		if (q->type == EVDNS_TYPE_A)
			evdns_server_request_add_a_reply(r, q->name, 2, addresses, 60);
	}
	evdns_server_request_respond(r, known ? 0 : 3 /* NXDOMAIN */);
}

static struct net *start(void)
{
	struct net *n = xnew(struct net);
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	char where[40];

	world_setup(&n->w);
	n->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(n->udp, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(n->udp, (struct sockaddr *)&sin, &len), 0);
	n->server = evdns_add_server_port_with_base(loop_base(n->w.loop), n->udp, 0, on_question, n);
	n->dns.base = evdns_base_new(loop_base(n->w.loop), 0);
	n->dns.resolv_conf = "/dev/null";
	snprintf(where, sizeof(where), "127.0.0.1:%d", ntohs(sin.sin_port));
	assert_int_equal(evdns_base_nameserver_ip_add(n->dns.base, where), 0);
	evdns_base_set_option(n->dns.base, "timeout:", "1");
	evdns_base_set_option(n->dns.base, "attempts:", "1");
	n->dial = (struct dial){.base = loop_base(n->w.loop), .dns = &n->dns, .fn = dialled, .ctx = &n->out, .fd = -1};
	return n;
}

static void finish(struct net *n)
{
	dial_off(&n->dial);
	world_run(&n->w, 5); /* cancelled look-ups call back once more */
	assert_int_equal(n->dns.under_way, 0);
	dial_dns_done(&n->dns);
	evdns_close_server_port(n->server);
	world_run(&n->w, 5);
	close(n->udp);
	world_end(&n->w);
	free(n);
}

static struct sms_host host(const char *name, bool numeric, int port)
{
	return (struct sms_host){.name = (char *)(uintptr_t)name, .numeric = numeric, .port = (uint16_t)port};
}

static void an_address_connects_directly(void **state)
{
	struct net *n = start();
	struct sms_host h = host("127.0.0.1", true, n->w.smsc.port);

	(void)state;
	dial_start(&n->dial, &h, 0);
	WAIT_FOR(&n->w, n->out.calls);
	assert_true(n->out.fd >= 0);
	close(n->out.fd);
	assert_int_equal(n->asked, 0);
	finish(n);
}

static void a_refusal_is_said(void **state)
{
	struct net *n = start();
	struct sms_host h = host("127.0.0.3", true, n->w.smsc.port);

	(void)state;
	dial_start(&n->dial, &h, 0);
	WAIT_FOR(&n->w, n->out.calls);
	assert_string_equal(n->out.why, "connect: Connection refused");
	finish(n);
}

static void addresses_of_a_name_are_tried_in_turn(void **state)
{
	struct net *n = start();
	struct sms_host h = host("two.test", false, n->w.smsc.port);
	int good = 0;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		n->out = (struct outcome){0};
		dial_start(&n->dial, &h, i);
		WAIT_FOR(&n->w, n->out.calls);
		good += n->out.fd >= 0;
		if (n->out.fd >= 0)
			close(n->out.fd);
	}
	assert_int_equal(good, 2);
	finish(n);
}

static void an_unknown_name_is_said_and_the_settings_are_read_again(void **state)
{
	struct net *n = start();
	struct sms_host h = host("none.test", false, n->w.smsc.port);

	(void)state;
	dial_start(&n->dial, &h, 0);
	WAIT_FOR(&n->w, n->out.calls);
	assert_true(n->out.fd < 0);
	assert_memory_equal(n->out.why, "look-up: ", 9);
	assert_true(n->dns.doubtful);
	dial_start(&n->dial, &h, 0); /* now by the name server that resolv_conf says: none of the test's */
	assert_false(n->dns.doubtful);
	finish(n);
}

static void giving_up_calls_nobody(void **state)
{
	struct net *n = start();
	struct sms_host name = host("two.test", false, n->w.smsc.port);
	struct sms_host addr = host("127.0.0.1", true, n->w.smsc.port);

	(void)state;
	n->silent = true;
	dial_start(&n->dial, &name, 0);
	WAIT_FOR(&n->w, n->asked);
	dial_off(&n->dial);
	dial_start(&n->dial, &addr, 0);
	dial_off(&n->dial);
	world_run(&n->w, 20);
	assert_int_equal(n->out.calls, 0);
	finish(n);
}

static void a_silent_name_server_is_not_waited_for_for_ever(void **state)
{
	struct net *n = start();
	struct sms_host h = host("two.test", false, n->w.smsc.port);

	(void)state;
	n->silent = true;
	dial_start(&n->dial, &h, 0);
	WAIT_FOR(&n->w, n->out.calls);
	assert_true(n->out.fd < 0);
	finish(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_connects_directly),
		cmocka_unit_test(a_refusal_is_said),
		cmocka_unit_test(addresses_of_a_name_are_tried_in_turn),
		cmocka_unit_test(an_unknown_name_is_said_and_the_settings_are_read_again),
		cmocka_unit_test(giving_up_calls_nobody),
		cmocka_unit_test(a_silent_name_server_is_not_waited_for_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
