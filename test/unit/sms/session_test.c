/* Links: binding and its failures, silence, garbage, unbinding, coming back. */
#include "world.h"

#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void binds_as_transceiver_and_grants_its_window(void **state)
{
	struct world *w = world_start();

	(void)state;
	w->conn.profile.system_type = (char *)(uintptr_t) "VMA";
	w->conn.binds = 2;
	world_bound(w);
	assert_int_equal(w->smsc.binds, 2);
	assert_int_equal(w->smsc.last_bind.id, SMPP_BIND_TRANSCEIVER);
	assert_string_equal(w->smsc.last_bind.system_id, "pombo");
	assert_string_equal(w->smsc.last_bind.password, "secret");
	assert_string_equal(w->smsc.last_bind.system_type, "VMA");
	assert_int_equal(w->smsc.last_bind.interface_version, 0x34);
	assert_int_equal(w->smsc.last_bind.seq, 1);
	assert_true(w->up);
	assert_int_equal(w->caps[w->cap_count - 1].window, 20);
	world_finish(w);
}

static void pairs_of_transmitter_and_receiver(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu mo = {.id = SMPP_DELIVER_SM, .seq = 5};

	(void)state;
	w->conn.mode = BIND_TRANSMITTER_RECEIVER;
	world_bound(w);
	WAIT_FOR(w, w->smsc.links[0].bound_as && w->smsc.links[1].bound_as);
	assert_true(w->smsc.links[0].bound_as == SMPP_BIND_TRANSMITTER);
	assert_true(w->smsc.links[1].bound_as == SMPP_BIND_RECEIVER);
	WAIT_FOR(w, world_link(w, 1)->state == SESSION_BOUND);
	world_text(w, 1, "5511999990001", "oi", 1);
	WAIT_FOR(w, w->result_count == 1);
	assert_int_equal(w->smsc.pdus[0].link, 0);
	smsc_send(&w->smsc, 1, &mo);
	WAIT_FOR(w, w->mo_count == 1);
	world_finish(w);
}

static void a_wrong_account_waits_long_and_is_an_error(void **state)
{
	static const uint32_t statuses[] = {SMPP_RBINDFAIL, SMPP_RINVPASWD, SMPP_RINVSYSID};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(statuses); i++) {
		struct world *w = world_start();

		w->conn.timers.reconnect_max_ms = 60000;
		w->smsc.bind_status = statuses[i];
		world_open(w);
		WAIT_FOR(w, w->smsc.binds == 1 && world_link(w, 0)->state == SESSION_BACKOFF);
		assert_int_equal(world_link(w, 0)->shown_retry_ms, 60000);
		assert_true(world_logged(w, "smpp_account"));
		assert_false(w->up);
		world_finish(w);
	}
}

static void already_bound_waits_half_a_minute(void **state)
{
	struct world *w = world_start();

	(void)state;
	w->smsc.bind_status = SMPP_RALYBND;
	world_open(w);
	WAIT_FOR(w, world_link(w, 0)->state == SESSION_BACKOFF);
	assert_int_equal(world_link(w, 0)->shown_retry_ms, 30000);
	world_finish(w);
}

static void other_bind_errors_come_back_soon(void **state)
{
	struct world *w = world_start();

	(void)state;
	w->smsc.bind_status = SMPP_RSYSERR;
	world_open(w);
	WAIT_FOR(w, w->smsc.binds == 3);
	w->smsc.bind_status = 0;
	WAIT_FOR(w, w->up);
	world_finish(w);
}

static void no_answer_to_the_bind_is_a_failure(void **state)
{
	struct world *w = world_start();

	(void)state;
	w->conn.timers.bind_ms = 50;
	w->smsc.bind_status = -1;
	world_open(w);
	WAIT_FOR(w, w->smsc.binds == 2);
	assert_true(world_logged(w, "no answer to the bind"));
	w->smsc.bind_status = 0;
	WAIT_FOR(w, w->up);
	world_finish(w);
}

static void a_peer_that_reads_nothing_is_left(void **state)
{
	struct world *w = world_start();

	(void)state;
	w->conn.timers.bind_ms = 50;
	w->smsc.deaf = true;
	world_open(w);
	WAIT_FOR(w, w->smsc.link_count >= 2);
	world_finish(w);
}

static void nack_to_the_bind_is_a_failure(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu nack = {.id = SMPP_GENERIC_NACK, .status = 3, .seq = 1};

	(void)state;
	w->smsc.bind_status = -1;
	world_open(w);
	WAIT_FOR(w, w->smsc.binds == 1);
	smsc_send(&w->smsc, 0, &nack);
	WAIT_FOR(w, world_logged(w, "generic_nack"));
	WAIT_FOR(w, w->smsc.binds == 2);
	world_finish(w);
}

static int refusing_port(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &n), 0);
	close(fd);
	return ntohs(sin.sin_port);
}

static void the_next_host_after_a_failed_connect(void **state)
{
	struct world *w = world_start();
	struct smsc nobody = {.port = refusing_port()};

	(void)state;
	w->urls[1] = w->urls[0];
	w->urls[0] = smsc_url(&nobody, "smpp", "127.0.0.1");
	w->conn.smpp_count = 2;
	world_bound(w);
	assert_true(world_logged(w, "Connection refused"));
	world_finish(w);
}

static void the_next_host_after_a_failed_bind_and_back_in_turn(void **state)
{
	struct world *w = world_start();

	(void)state;
	smsc_open(&w->second, loop_base(w->loop), NULL);
	w->urls[1] = smsc_url(&w->second, "smpp", "127.0.0.1");
	w->conn.smpp_count = 2;
	w->smsc.bind_status = w->second.bind_status = SMPP_RSYSERR;
	world_open(w);
	WAIT_FOR(w, w->smsc.binds >= 2 && w->second.binds >= 2);
	assert_in_range(w->smsc.binds - w->second.binds + 1, 0, 2);
	w->second.bind_status = 0;
	WAIT_FOR(w, w->up);
	world_finish(w);
}

static void names_are_looked_up(void **state)
{
	struct world *w = world_start();

	(void)state;
	free(w->urls[0]);
	w->urls[0] = smsc_url(&w->smsc, "smpp", "localhost"); /* may be ::1 as well: then the next address */
	world_bound(w);
	world_finish(w);
}

static void delays_grow_and_level_off(void **state)
{
	struct world *w = world_start();
	int64_t last = 0;

	(void)state;
	w->conn.timers.reconnect_ms = 4;
	w->conn.timers.reconnect_max_ms = 40;
	w->smsc.bind_status = SMPP_RSYSERR;
	world_open(w);
	for (unsigned i = 1; i <= 6; i++) {
		WAIT_FOR(w, w->smsc.binds >= i && world_link(w, 0)->state == SESSION_BACKOFF);
		last = world_link(w, 0)->shown_retry_ms;
		assert_in_range(last, 1, 40);
	}
	assert_in_range(last, 30, 40); /* at the ceiling only the jitter is left */
	world_finish(w);
}

static void silence_is_asked_about_and_answered_life_goes_on(void **state)
{
	struct world *w = world_start();

	(void)state;
	w->conn.timers.enquire_link_ms = 30;
	world_bound(w);
	WAIT_FOR(w, w->smsc.enquires >= 3);
	assert_int_equal(w->smsc.link_count, 1);
	w->smsc.mute_enquire = true;
	WAIT_FOR(w, w->smsc.link_count == 2);
	assert_true(world_logged(w, "no answer to enquire_link"));
	world_finish(w);
}

static void any_octet_counts_as_life(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu ask = {.id = SMPP_ENQUIRE_LINK};
	int64_t end;

	(void)state;
	w->conn.timers.enquire_link_ms = 200;
	w->smsc.mute_enquire = true;
	world_bound(w);
	end = mono_us() + 900000;
	while (mono_us() < end) {
		ask.seq++;
		smsc_send(&w->smsc, 0, &ask);
		world_run(w, 20);
	}
	assert_int_equal(w->smsc.link_count, 1);
	assert_int_equal(w->smsc.enquires, 0);
	assert_in_range(smsc_count(&w->smsc, SMPP_ENQUIRE_LINK_RESP), ask.seq - 2, ask.seq);
	world_finish(w);
}

static uint32_t always_throttled(struct smsc *s, const struct smpp_pdu *m)
{
	(void)s, (void)m;
	return SMPP_RTHROTTLED;
}

static void enquiries_are_answered_even_while_throttled_or_full(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu ask = {.id = SMPP_ENQUIRE_LINK, .seq = 77};

	(void)state;
	w->conn.timers.throttle_ms = 3600000;
	w->smsc.judge = always_throttled;
	world_bound(w);
	for (int i = 0; i < 10; i++)
		world_text(w, i + 1, "5511999990001", "oi", 1);
	WAIT_FOR(w, smsc_count(&w->smsc, SMPP_SUBMIT_SM) == 10);
	smsc_send(&w->smsc, 0, &ask);
	WAIT_FOR(w, smsc_count(&w->smsc, SMPP_ENQUIRE_LINK_RESP) == 1);
	assert_int_equal(smsc_nth(&w->smsc, SMPP_ENQUIRE_LINK_RESP, 0)->seq, 77);
	world_finish(w);
}

static void their_unbind_is_answered_and_the_link_comes_back(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu unbind = {.id = SMPP_UNBIND, .seq = 9};

	(void)state;
	w->smsc.mute_submits = true;
	world_bound(w);
	world_text(w, 1, "5511999990001", "oi", 1);
	WAIT_FOR(w, smsc_count(&w->smsc, SMPP_SUBMIT_SM) == 1);
	smsc_send(&w->smsc, 0, &unbind);
	WAIT_FOR(w, smsc_count(&w->smsc, SMPP_UNBIND_RESP) == 1);
	WAIT_FOR(w, w->result_count == 1);
	assert_int_equal(w->results[0]->verdict, V_DOUBT);
	WAIT_FOR(w, w->smsc.link_count == 2 && w->up);
	assert_true(w->smsc.links[0].closed);
	world_finish(w);
}

static void garbage_drops_the_link(void **state)
{
	static const uint8_t http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	static const uint8_t tiny[16] = {0, 0, 0, 8};
	static const uint8_t huge[16] = {0x7f};
	const struct {
		const void *p;
		size_t n;
	} cases[] = {{http, sizeof(http) - 1}, {tiny, 16}, {huge, 16}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct world *w = world_start();

		world_bound(w);
		smsc_raw(&w->smsc, 0, cases[i].p, cases[i].n);
		WAIT_FOR(w, w->smsc.link_count == 2);
		assert_true(world_logged(w, "garbage instead of a PDU"));
		WAIT_FOR(w, w->up);
		world_finish(w);
	}
}

static void drips_of_one_octet_are_put_together(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu ask = {.id = SMPP_ENQUIRE_LINK, .seq = 1};
	struct smpp_pdu mo = {.id = SMPP_DELIVER_SM, .seq = 2, .short_message = {(const uint8_t *)"drip", 4}};
	struct buf b = BUF_INIT;

	(void)state;
	world_bound(w);
	assert_int_equal(smpp_encode(&ask, &b), 0);
	assert_int_equal(smpp_encode(&mo, &b), 0);
	for (size_t i = 0; i < b.n; i++) {
		smsc_raw(&w->smsc, 0, b.p + i, 1);
		world_turn(w);
	}
	WAIT_FOR(w, w->mo_count == 1 && smsc_count(&w->smsc, SMPP_ENQUIRE_LINK_RESP) == 1);
	assert_string_equal(w->mos[0]->text, "drip");
	buf_done(&b);
	world_finish(w);
}

static void unknown_and_unfit_requests_are_answered(void **state)
{
	static const uint8_t unknown[16] = {0, 0, 0, 16, 0, 0, 0x0a, 0xbc, 0, 0, 0, 0, 0, 0, 0, 42};
	static const uint8_t unknown_resp[16] = {0, 0, 0, 16, 0x80, 0, 0x0a, 0xbc, 0, 0, 0, 0, 0, 0, 0, 43};
	/* deliver_sm whose body ends at once; replace_sm likewise */
	static const uint8_t cut[17] = {0, 0, 0, 17, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 44, 0};
	static const uint8_t cut_replace[17] = {0, 0, 0, 17, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 45, 0};
	struct smpp_pdu query = {.id = SMPP_QUERY_SM, .seq = 46};
	struct smpp_pdu alert = {.id = SMPP_ALERT_NOTIFICATION, .seq = 47};
	struct smpp_pdu outbind = {.id = SMPP_OUTBIND, .seq = 48};
	struct world *w = world_start();

	(void)state;
	world_bound(w);
	smsc_raw(&w->smsc, 0, unknown, sizeof(unknown));
	smsc_raw(&w->smsc, 0, unknown_resp, sizeof(unknown_resp));
	smsc_raw(&w->smsc, 0, cut, sizeof(cut));
	smsc_raw(&w->smsc, 0, cut_replace, sizeof(cut_replace));
	smsc_send(&w->smsc, 0, &query);
	smsc_send(&w->smsc, 0, &alert);
	smsc_send(&w->smsc, 0, &outbind);
	WAIT_FOR(w, smsc_count(&w->smsc, SMPP_QUERY_SM_RESP) == 1);
	assert_int_equal(w->smsc.pdu_count, 4);
	assert_true(w->smsc.pdus[0].m.id == SMPP_GENERIC_NACK);
	assert_int_equal(w->smsc.pdus[0].m.status, SMPP_RINVCMDID);
	assert_int_equal(w->smsc.pdus[0].m.seq, 42);
	assert_true(w->smsc.pdus[1].m.id == SMPP_DELIVER_SM_RESP);
	assert_int_equal(w->smsc.pdus[1].m.status, SMPP_RX_T_APPN);
	assert_int_equal(w->smsc.pdus[1].m.seq, 44);
	assert_true(w->smsc.pdus[2].m.id == SMPP_REPLACE_SM_RESP);
	assert_int_equal(w->smsc.pdus[2].m.status, SMPP_RINVCMDLEN);
	assert_int_equal(w->smsc.pdus[3].m.status, SMPP_RINVCMDID);
	assert_int_equal(w->smsc.link_count, 1);
	assert_true(w->up);
	world_finish(w);
}

static void a_flood_of_requests_whose_answers_are_not_read_is_bounded(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu ask = {.id = SMPP_ENQUIRE_LINK, .seq = 1};
	struct buf b = BUF_INIT;
	struct session *s;

	(void)state;
	w->conn.timers.enquire_link_ms = 100;
	world_bound(w);
	s = world_link(w, 0);
	w->smsc.mute_enquire = true;
	bufferevent_disable(w->smsc.links[0].bev, EV_READ);
	for (int i = 0; i < 4096; i++)
		assert_int_equal(smpp_encode(&ask, &b), 0);
	for (int i = 0; i < 400; i++) /* 26 MB */
		smsc_raw(&w->smsc, 0, b.p, b.n);
	WAIT_FOR(w, s->stuck || w->smsc.link_count == 2);
	/* Neither reads: our enquire_link goes unanswered, and the link is given up. */
	WAIT_FOR(w, w->smsc.link_count == 2);
	buf_done(&b);
	world_finish(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binds_as_transceiver_and_grants_its_window),
		cmocka_unit_test(pairs_of_transmitter_and_receiver),
		cmocka_unit_test(a_wrong_account_waits_long_and_is_an_error),
		cmocka_unit_test(already_bound_waits_half_a_minute),
		cmocka_unit_test(other_bind_errors_come_back_soon),
		cmocka_unit_test(no_answer_to_the_bind_is_a_failure),
		cmocka_unit_test(a_peer_that_reads_nothing_is_left),
		cmocka_unit_test(nack_to_the_bind_is_a_failure),
		cmocka_unit_test(the_next_host_after_a_failed_connect),
		cmocka_unit_test(the_next_host_after_a_failed_bind_and_back_in_turn),
		cmocka_unit_test(names_are_looked_up),
		cmocka_unit_test(delays_grow_and_level_off),
		cmocka_unit_test(silence_is_asked_about_and_answered_life_goes_on),
		cmocka_unit_test(any_octet_counts_as_life),
		cmocka_unit_test(enquiries_are_answered_even_while_throttled_or_full),
		cmocka_unit_test(their_unbind_is_answered_and_the_link_comes_back),
		cmocka_unit_test(garbage_drops_the_link),
		cmocka_unit_test(drips_of_one_octet_are_put_together),
		cmocka_unit_test(unknown_and_unfit_requests_are_answered),
		cmocka_unit_test(a_flood_of_requests_whose_answers_are_not_read_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
