/* sms_test.c - the channel as a whole: several links and connections, credits, stop, status, and a core on a thread of its own. */
#include "world.h"

#include <jansson.h>
#include <pthread.h>

static void down_is_not_sent_at_once(void **state)
{
	struct world *w = world_start();
	struct attempt *a;

	(void)state;
	w->smsc.bind_status = -1;
	world_open(w);
	world_text(w, 1, "5511999990001", "x", 1);
	a = attempt_make(2, "5511999990001", "x", 1);
	a->connection = 77; /* nobody's */
	world_send(w, a);
	WAIT_FOR(w, w->result_count == 2);
	assert_int_equal(result_of(w, 1, 0)->verdict, V_NOT_SENT);
	assert_int_equal(result_of(w, 2, 0)->verdict, V_NOT_SENT);
	assert_int_equal(result_of(w, 2, 0)->connection, 77);
	world_finish(w);
}

static void attempts_go_to_the_link_with_most_room(void **state)
{
	struct world *w = world_start();
	unsigned on[3] = {0};

	(void)state;
	w->conn.binds = 3;
	w->conn.window = 4;
	w->smsc.mute_submits = true;
	world_bound(w);
	assert_int_equal(w->credits, 12);
	for (int i = 1; i <= 12; i++)
		world_text(w, i, "5511999990001", "x", 1);
	WAIT_FOR(w, w->smsc.pdu_count == 12);
	for (unsigned i = 0; i < 12; i++)
		on[w->smsc.pdus[i].link]++;
	assert_int_equal(on[0], 4);
	assert_int_equal(on[1], 4);
	assert_int_equal(on[2], 4);
	world_finish(w);
}

static void one_link_of_two_lost_leaves_the_other_ones_room(void **state)
{
	struct world *w = world_start();
	unsigned lost, kept = 0;

	(void)state;
	w->conn.binds = 2;
	w->conn.window = 5;
	w->conn.timers.reconnect_ms = w->conn.timers.reconnect_max_ms = 3600000;
	w->smsc.mute_submits = true;
	world_bound(w);
	for (int i = 1; i <= 4; i++)
		world_text(w, i, "5511999990001", "x", 1);
	WAIT_FOR(w, w->smsc.pdu_count == 4);
	lost = w->smsc.pdus[0].link;
	smsc_drop(&w->smsc, lost);
	WAIT_FOR(w, w->result_count == 2 && w->credits == 3);
	assert_int_equal(results_with(w, V_DOUBT), 2);
	assert_true(w->up);
	for (unsigned i = 0; i < w->cap_count; i++)
		kept += w->caps[i].reset && w->caps[i].up;
	assert_int_equal(kept, 1);
	assert_int_equal(w->caps[w->cap_count - 1].window, 5);
	for (unsigned i = 0; i < 4; i++) {
		if (w->smsc.pdus[i].link != lost)
			smsc_answer(&w->smsc, i, 0, "z");
	}
	WAIT_FOR(w, w->credits == 5);
	world_finish(w);
}

static void grants_are_batched(void **state)
{
	struct world *w = world_start();
	unsigned before;

	(void)state;
	w->conn.window = 1000;
	world_bound(w);
	before = w->cap_count;
	for (int i = 1; i <= 1000; i++)
		world_text(w, i, "5511999990001", "x", 1);
	WAIT_FOR(w, w->result_count == 1000 && w->credits == 1000);
	assert_in_range(w->cap_count - before, 1, 200);
	world_finish(w);
}

static void store_mo(struct world *w)
{
	struct mo_in *m = w->mos[0];

	w->mos[0] = NULL;
	m->stored(m);
}

static void stop_lets_what_is_out_finish(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu mo = {.id = SMPP_DELIVER_SM, .seq = 3};

	(void)state;
	w->conn.window = 2;
	w->conn.timers.response_ms = 5000;
	w->smsc.mute_submits = true;
	world_bound(w);
	for (int i = 1; i <= 4; i++)
		world_text(w, i, "5511999990001", "x", 1);
	WAIT_FOR(w, w->smsc.pdu_count == 2);
	smsc_send(&w->smsc, 0, &mo);
	WAIT_FOR(w, w->mo_count == 1);
	w->ch->ops->stop(w->ch, NULL, NULL);
	WAIT_FOR(w, w->result_count == 2); /* what never began */
	assert_int_equal(results_with(w, V_NOT_SENT), 2);
	assert_false(w->up);
	world_text(w, 9, "5511999990001", "x", 1);
	WAIT_FOR(w, w->result_count == 3);
	world_run(w, 30);
	assert_int_equal(smsc_count(&w->smsc, SMPP_UNBIND), 0);
	smsc_answer(&w->smsc, 0, 0, "a");
	smsc_answer(&w->smsc, 1, 0, "b");
	WAIT_FOR(w, results_with(w, V_ACCEPTED) == 2);
	world_run(w, 30);
	assert_int_equal(smsc_count(&w->smsc, SMPP_UNBIND), 0); /* the MO is not answered yet */
	store_mo(w);
	WAIT_FOR(w, smsc_count(&w->smsc, SMPP_UNBIND) == 1);
	assert_int_equal(smsc_count(&w->smsc, SMPP_DELIVER_SM_RESP), 1);
	WAIT_FOR(w, w->smsc.links[0].closed);
	world_finish(w);
}

static void stop_calls_back_once_and_is_bounded(void **state)
{
	struct world *w = world_start();

	(void)state;
	w->conn.timers.response_ms = 200;
	w->conn.timers.bind_ms = 100;
	w->smsc.mute_submits = true;
	w->smsc.mute_unbind = true;
	world_bound(w);
	world_text(w, 1, "5511999990001", "x", 1);
	WAIT_FOR(w, w->smsc.pdu_count == 1);
	world_stop(w);
	assert_int_equal(w->result_count, 1);
	assert_int_equal(w->results[0]->verdict, V_DOUBT);
	world_finish(w);
}

static void stop_while_dialling_and_while_waiting(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct world *w = world_start();

		w->smsc.bind_status = i ? SMPP_RBINDFAIL : -1;
		world_open(w);
		WAIT_FOR(w, w->smsc.binds == 1 && (!i || world_link(w, 0)->state == SESSION_BACKOFF));
		world_stop(w);
		world_finish(w);
	}
}

static void status_is_json(void **state)
{
	struct world *w = world_start();
	struct buf b = BUF_INIT;
	json_t *root, *c, *bind;

	(void)state;
	w->conn.rate = 50;
	world_open(w);
	WAIT_FOR(w, w->up);
	w->ch->ops->status(w->ch, &b);
	root = json_loads(buf_cstr(&b), 0, NULL);
	assert_non_null(root);
	c = json_array_get(root, 0);
	assert_string_equal(json_string_value(json_object_get(c, "name")), "main");
	assert_true(json_is_true(json_object_get(c, "up")));
	assert_int_equal(json_integer_value(json_object_get(c, "window")), 10);
	assert_int_equal(json_integer_value(json_object_get(c, "rate")), 50);
	bind = json_array_get(json_object_get(c, "binds"), 0);
	assert_string_equal(json_string_value(json_object_get(bind, "state")), "bound");
	assert_string_equal(json_string_value(json_object_get(bind, "role")), "transceiver");
	assert_string_equal(json_string_value(json_object_get(bind, "host")), w->urls[0]);
	json_decref(root);
	buf_done(&b);
	world_finish(w);
}

static void cells_show_links_and_window(void **state)
{
	struct world *w = world_start();
	struct metric_cell *binds, *used;

	(void)state;
	w->conn.binds = 2;
	w->conn.name = words("cells");
	w->smsc.mute_submits = true;
	world_bound(w);
	binds = metric_cell("pombo_binds_up", "", METRIC_GAUGE, "connection", "cells");
	used = metric_cell("pombo_window_used", "", METRIC_GAUGE, "connection", "cells");
	WAIT_FOR(w, metric_cell_get(binds) == 2);
	world_text(w, 1, "5511999990001", "x", 1);
	WAIT_FOR(w, metric_cell_get(used) == 1);
	smsc_drop(&w->smsc, 0);
	smsc_drop(&w->smsc, 1);
	WAIT_FOR(w, metric_cell_get(used) == 0);
	world_finish(w);
}

#define MESSAGES 20000
#define TEXT_OF_RECEIPT \
	"id:1000 sub:001 dlvrd:001 submit date:2611222100 done date:2611222101 stat:DELIVRD err:000 text:oi"

struct core {
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct channel *ch;
	struct loop *loop;
	int64_t credits;
	unsigned accepted, receipts;
	struct input *to_store; /* linked by mail.next */
	bool stopped;
};

static bool core_post(void *ctx, struct input *in, bool must)
{
	struct core *c = ctx;

	(void)must;
	pthread_mutex_lock(&c->lock);
	if (in->kind == INPUT_CAPACITY) {
		struct capacity *cap = OWNER(struct capacity, in, in);

		c->credits = (cap->reset ? 0 : c->credits) + cap->grant;
		free(cap);
	} else if (in->kind == INPUT_RESULT) {
		c->accepted += OWNER(struct result, in, in)->verdict == V_ACCEPTED;
		free(in);
	} else {
		in->mail.next = c->to_store ? &c->to_store->mail : NULL;
		c->to_store = in;
		c->receipts++;
	}
	pthread_cond_signal(&c->news);
	pthread_mutex_unlock(&c->lock);
	return true;
}

static uint64_t core_hash(void *ctx, uint16_t connection, const char *id)
{
	(void)ctx, (void)connection, (void)id;
	return 1;
}

static void *run_loop(void *loop)
{
	loop_run(loop);
	return NULL;
}

static void core_stopped(void *ctx)
{
	struct core *c = ctx;

	pthread_mutex_lock(&c->lock);
	c->stopped = true;
	pthread_cond_signal(&c->news);
	pthread_mutex_unlock(&c->lock);
}

/* Accepts, and sends a receipt behind each 16th. */
static uint32_t accept_with_receipts(struct smsc *s, const struct smpp_pdu *m)
{
	static const char text[] = TEXT_OF_RECEIPT;
	struct smpp_pdu r = {.id = SMPP_DELIVER_SM,
			     .esm_class = SMPP_ESM_RECEIPT,
			     .seq = s->count + 1,
			     .short_message = {(const uint8_t *)text, sizeof(text) - 1}};

	(void)m;
	if (s->count % 16 == 0)
		smsc_send(s, 0, &r);
	return 0;
}

static void store_some(struct core *c)
{
	while (c->to_store) {
		struct input *in = c->to_store;
		struct receipt_in *r = OWNER(struct receipt_in, in, in);

		c->to_store = in->mail.next ? OWNER(struct input, mail, in->mail.next) : NULL;
		pthread_mutex_unlock(&c->lock);
		r->stored(r);
		pthread_mutex_lock(&c->lock);
	}
}

static void a_core_on_its_own_thread(void **state)
{
	struct world *w = world_start();
	struct core c = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER, .loop = w->loop};
	struct channel_env env = {.ctx = &c, .post = core_post, .id_hash = core_hash};
	struct buf b = BUF_INIT;
	pthread_t thread;
	int64_t from;
	int sent = 0;

	(void)state;
	log_setup(LOG_ERROR, LOG_TEXT);
	w->conn.window = 500;
	w->smsc.judge = accept_with_receipts;
	w->smsc.forget = true;
	assert_int_equal(sms_open(&c.ch, w->loop, &w->settings, &env, NULL), 0);
	from = mono_us();
	assert_int_equal(pthread_create(&thread, NULL, run_loop, w->loop), 0);
	pthread_mutex_lock(&c.lock);
	while (c.accepted < MESSAGES) {
		struct attempt *first = NULL;

		while (sent < MESSAGES && c.credits > 0) {
			struct attempt *a = attempt_make(++sent, "5511999990001", "Ola! Seu codigo e 123456", 1);

			c.credits--;
			a->mail.next = first ? &first->mail : NULL;
			first = a;
		}
		pthread_mutex_unlock(&c.lock);
		if (first)
			c.ch->ops->send(c.ch, first);
		if (sent % 1000 < 100) {
			buf_clear(&b);
			c.ch->ops->status(c.ch, &b);
		}
		pthread_mutex_lock(&c.lock);
		store_some(&c);
		if (c.accepted < MESSAGES && (sent == MESSAGES || c.credits <= 0) && !c.to_store)
			pthread_cond_wait(&c.news, &c.lock);
	}
	print_message("%d messages in %lld ms, the SMSC included\n", MESSAGES, (long long)(mono_us() - from) / 1000);
	pthread_mutex_unlock(&c.lock);
	c.ch->ops->stop(c.ch, core_stopped, &c);
	pthread_mutex_lock(&c.lock);
	while (!c.stopped) {
		store_some(&c);
		if (!c.stopped)
			pthread_cond_wait(&c.news, &c.lock);
	}
	assert_int_equal(c.receipts, MESSAGES / 16);
	pthread_mutex_unlock(&c.lock);
	loop_stop(w->loop);
	pthread_join(thread, NULL);
	assert_int_equal(w->smsc.answers, MESSAGES / 16);
	c.ch->ops->free(c.ch);
	buf_done(&b);
	world_finish(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(down_is_not_sent_at_once),
		cmocka_unit_test(attempts_go_to_the_link_with_most_room),
		cmocka_unit_test(one_link_of_two_lost_leaves_the_other_ones_room),
		cmocka_unit_test(grants_are_batched),
		cmocka_unit_test(stop_lets_what_is_out_finish),
		cmocka_unit_test(stop_calls_back_once_and_is_bounded),
		cmocka_unit_test(stop_while_dialling_and_while_waiting),
		cmocka_unit_test(status_is_json),
		cmocka_unit_test(cells_show_links_and_window),
		cmocka_unit_test(a_core_on_its_own_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
