/* lifecycle_test.c - the rules of a delivery's life, one table row a fact: what happens, which events follow, in which state it ends. Every
 * row is applied through delivery_apply(), so that the table covers both halves of lifecycle.c. */
#include "lifecycle_life.h"

#include <string.h>

#include "base/rng.h"
#include "model/codes.h"

/* clang-format off: a table is read by its columns */
static const struct life lives[] = {
	{"sent and delivered",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 0, 1, .after = 10, .events = {EV_SENT}, .state = D_SENT, .code = 2},
		 {RECEIPT, 0, RECEIPT_STATE_DELIVERED, .after = 10, .events = {EV_DELIVERED}, .state = D_DONE, .code = 4},
		 {RECEIPT, 0, UNDELIVERED, .after = 10, .events = {EV_LATE}, .state = D_DONE, .code = 4},
	 }},
	{"not delivered",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 0, 1, .after = 10, .events = {EV_SENT}, .state = D_SENT, .code = 2},
		 {RECEIPT, 0, ENROUTE, .events = {EV_RECEIPT}, .state = D_SENT, .code = 2},
		 {RECEIPT, 0, UNDELIVERED, .events = {EV_DELIVERED}, .state = D_DONE, .code = 104, .reason = REASON_RECEIPT},
		 {RECEIPT, 0, RECEIPT_STATE_DELIVERED, .events = {EV_LATE}, .state = D_DONE, .code = 104, .reason = REASON_RECEIPT},
	 }},
	{"every final answer of a carrier",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_REFUSED, 0, 1, .events = {EV_SENT}, .state = D_DONE, .code = 103, .reason = REASON_CARRIER_STATUS},
		 {RESULT, V_ACCEPTED, 0, 1, .events = {EV_LATE}, .state = D_DONE, .code = 103, .reason = REASON_CARRIER_STATUS},
	 }},
	{"bad number",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_BAD_NUMBER, 0, 1, .events = {EV_SENT}, .state = D_DONE, .code = 202, .reason = REASON_CARRIER_STATUS},
	 }},
	{"generic_nack",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_NACK, 0, 1, .events = {EV_SENT}, .state = D_DONE, .code = 102, .reason = REASON_NACK},
	 }},
	{"text that no alphabet takes",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_TEXT, 0, 1, .events = {EV_SENT}, .state = D_DONE, .code = 301, .reason = REASON_TEXT},
	 }},
	{"throttled until the end",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_EXPIRED, 0, 1, .events = {EV_SENT}, .state = D_DONE, .code = 101, .reason = REASON_THROTTLED_OUT},
	 }},
	{"refused at acceptance",
	 1,
	 0,
	 false,
	 {
		 {REFUSE, 202, REASON_BAD_NUMBER, .events = {EV_SENT}, .state = D_DONE, .code = 202, .reason = REASON_BAD_NUMBER},
		 {REFUSE, 102, REASON_NO_ROUTE, .state = D_DONE, .code = 202, .reason = REASON_BAD_NUMBER},
		 {DISPATCH, .state = D_DONE, .code = 202, .reason = REASON_BAD_NUMBER},
	 }},
	{"expires in the queue",
	 1,
	 0,
	 false,
	 {
		 {TIMER, .after = VALIDITY - 1, .state = D_QUEUED},
		 {TIMER, .after = 1, .events = {EV_SENT}, .state = D_DONE, .code = 101, .reason = REASON_LINK_DOWN},
	 }},
	{"may not leave after its expiry",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .after = VALIDITY, .events = {EV_SENT}, .state = D_DONE, .code = 101, .reason = REASON_EXPIRED},
	 }},
	{"temporary until the tries are spent",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_TEMPORARY, 0, 1, .events = {EV_REQUEUED}, .state = D_QUEUED, .reason = REASON_CARRIER_STATUS},
		 {DISPATCH, .after = 1000, .events = {EV_ATTEMPT}, .state = D_SENDING, .reason = REASON_CARRIER_STATUS},
		 {RESULT, V_TEMPORARY, 0, 1, .events = {EV_REQUEUED}, .state = D_QUEUED, .reason = REASON_CARRIER_STATUS},
		 {DISPATCH, .after = 1000, .events = {EV_ATTEMPT}, .state = D_SENDING, .reason = REASON_CARRIER_STATUS},
		 {RESULT, V_TEMPORARY, 0, 1, .events = {EV_SENT}, .state = D_DONE, .code = 102, .reason = REASON_FAILOVER_SPENT},
	 }},
	{"temporary after the expiry",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_TEMPORARY, 0, 1, .after = VALIDITY, .events = {EV_SENT}, .state = D_DONE,
		  .code = 101, .reason = REASON_EXPIRED},
	 }},
	{"not sent is no try",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_NOT_SENT, 0, 1, .events = {EV_REQUEUED}, .state = D_QUEUED, .reason = REASON_LINK_DOWN},
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING, .reason = REASON_LINK_DOWN},
		 {RESULT, V_NOT_SENT, 0, 1, .events = {EV_REQUEUED}, .state = D_QUEUED, .reason = REASON_LINK_DOWN},
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING, .reason = REASON_LINK_DOWN},
		 {RESULT, V_NOT_SENT, 0, 1, .events = {EV_REQUEUED}, .state = D_QUEUED, .reason = REASON_LINK_DOWN},
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING, .reason = REASON_LINK_DOWN},
		 {RESULT, V_TEMPORARY, 0, 1, .events = {EV_REQUEUED}, .state = D_QUEUED, .reason = REASON_CARRIER_STATUS},
	 }},
	{"doubt ends",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_DOUBT, 0, 1, .events = {EV_DOUBT}, .state = D_DOUBT, .reason = REASON_IN_DOUBT},
		 {TIMER, .after = 59999, .state = D_DOUBT, .reason = REASON_IN_DOUBT},
		 {TIMER, .after = 1, .events = {EV_SENT}, .state = D_DONE, .code = 102, .reason = REASON_IN_DOUBT},
		 {RECEIPT, 0, RECEIPT_STATE_DELIVERED, .events = {EV_LATE}, .state = D_DONE, .code = 102, .reason = REASON_IN_DOUBT},
	 }},
	{"doubt is sent again",
	 1,
	 DF_RESEND_DOUBT,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESTART, .events = {EV_DOUBT}, .state = D_DOUBT, .reason = REASON_IN_DOUBT},
		 {RESTART, .state = D_DOUBT, .reason = REASON_IN_DOUBT},
		 {TIMER, .after = 60000, .events = {EV_REQUEUED}, .state = D_QUEUED, .reason = REASON_IN_DOUBT},
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING, .reason = REASON_IN_DOUBT},
		 {RESULT, V_ACCEPTED, 0, 1, .events = {EV_SENT}, .state = D_SENT, .code = 2},
	 }},
	{"doubt, but no longer valid",
	 1,
	 DF_RESEND_DOUBT,
	 false,
	 {
		 {DISPATCH, .after = VALIDITY - 1, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_DOUBT, 0, 1, .events = {EV_DOUBT}, .state = D_DOUBT, .reason = REASON_IN_DOUBT},
		 {TIMER, .after = 60000, .events = {EV_SENT}, .state = D_DONE, .code = 101, .reason = REASON_IN_DOUBT},
	 }},
	{"doubt cleared by a receipt",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_DOUBT, 0, 1, .events = {EV_DOUBT}, .state = D_DOUBT, .reason = REASON_IN_DOUBT},
		 {RECEIPT, -1, ENROUTE, .events = {EV_RECEIPT}, .state = D_DOUBT, .reason = REASON_IN_DOUBT},
		 {RECEIPT, -1, RECEIPT_STATE_DELIVERED, .events = {EV_SENT, EV_DELIVERED}, .state = D_DONE, .code = 4},
	 }},
	{"doubt cleared by a failed receipt",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_DOUBT, 0, 1, .events = {EV_DOUBT}, .state = D_DOUBT, .reason = REASON_IN_DOUBT},
		 {RECEIPT, -1, UNDELIVERED, .events = {EV_SENT, EV_DELIVERED}, .state = D_DONE, .code = 104, .reason = REASON_RECEIPT},
	 }},
	{"doubt cleared by a late answer",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_DOUBT, 0, 1, .events = {EV_DOUBT}, .state = D_DOUBT, .reason = REASON_IN_DOUBT},
		 {RESULT, V_ACCEPTED, 0, 1, .events = {EV_SENT}, .state = D_SENT, .code = 2},
	 }},
	{"doubt of a text in more parts than estimated",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_DOUBT, 0, 2, .events = {EV_DOUBT}, .state = D_DOUBT, .reason = REASON_IN_DOUBT},
		 {RECEIPT, -1, RECEIPT_STATE_DELIVERED, .events = {EV_PART, EV_RECEIPT}, .state = D_DOUBT, .reason = REASON_IN_DOUBT},
		 {RECEIPT, -1, RECEIPT_STATE_DELIVERED, .events = {EV_SENT, EV_DELIVERED}, .state = D_DONE, .code = 4},
	 }},
	{"several parts",
	 3,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 1, 3, .events = {EV_PART}, .state = D_SENDING},
		 {RECEIPT, 1, RECEIPT_STATE_DELIVERED, .events = {EV_RECEIPT}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 0, 3, .events = {EV_PART}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 2, 3, .events = {EV_SENT}, .state = D_SENT, .code = 2},
		 {RECEIPT, 0, RECEIPT_STATE_DELIVERED, .events = {EV_RECEIPT}, .state = D_SENT, .code = 2},
		 {RECEIPT, 0, RECEIPT_STATE_DELIVERED, .events = {EV_RECEIPT}, .state = D_SENT, .code = 2},
		 {RECEIPT, 2, RECEIPT_STATE_DELIVERED, .events = {EV_DELIVERED}, .state = D_DONE, .code = 4},
	 }},
	{"one failed part fails the message",
	 2,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 0, 2, .events = {EV_PART}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 1, 2, .events = {EV_SENT}, .state = D_SENT, .code = 2},
		 {RECEIPT, 1, UNDELIVERED, .events = {EV_DELIVERED}, .state = D_DONE, .code = 104, .reason = REASON_RECEIPT},
		 {RECEIPT, 0, RECEIPT_STATE_DELIVERED, .events = {EV_LATE}, .state = D_DONE, .code = 104, .reason = REASON_RECEIPT},
	 }},
	{"a part failed before the last was accepted",
	 2,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 0, 2, .events = {EV_PART}, .state = D_SENDING},
		 {RECEIPT, 0, UNDELIVERED, .events = {EV_RECEIPT}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 1, 2, .events = {EV_SENT, EV_DELIVERED}, .state = D_DONE, .code = 104, .reason = REASON_RECEIPT},
	 }},
	{"a refused part ends it",
	 3,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 0, 3, .events = {EV_PART}, .state = D_SENDING},
		 {RESULT, V_REFUSED, 0, 3, .events = {EV_SENT}, .state = D_DONE, .code = 103, .reason = REASON_CARRIER_STATUS},
		 {RESULT, V_ACCEPTED, 2, 3, .events = {EV_LATE}, .state = D_DONE, .code = 103, .reason = REASON_CARRIER_STATUS},
	 }},
	{"more parts than estimated",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 0, 2, .events = {EV_PART}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 1, 2, .events = {EV_SENT}, .state = D_SENT, .code = 2},
		 {RECEIPT, 0, RECEIPT_STATE_DELIVERED, .events = {EV_RECEIPT}, .state = D_SENT, .code = 2},
		 {RECEIPT, 1, RECEIPT_STATE_DELIVERED, .events = {EV_DELIVERED}, .state = D_DONE, .code = 4},
	 }},
	{"fewer parts than estimated",
	 2,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 0, 1, .events = {EV_SENT}, .state = D_SENT, .code = 2},
		 {RECEIPT, 0, RECEIPT_STATE_DELIVERED, .events = {EV_DELIVERED}, .state = D_DONE, .code = 4},
	 }},
	{"answers that make no sense",
	 2,
	 0,
	 false,
	 {
		 {RESULT, V_ACCEPTED, 0, 2, .events = {EV_LATE}, .state = D_QUEUED},
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 5, 2, .events = {EV_LATE}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 0, 2, .events = {EV_PART}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 0, 2, .events = {EV_LATE}, .state = D_SENDING},
	 }},
	{"no receipt, then one after all",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 0, 1, .events = {EV_SENT}, .state = D_SENT, .code = 2},
		 {TIMER, .after = 299999, .state = D_SENT, .code = 2},
		 {TIMER, .after = 1, .events = {EV_NO_RECEIPT}, .state = D_DONE, .code = 2, .reason = REASON_NO_RECEIPT},
		 {RECEIPT, 0, RECEIPT_STATE_DELIVERED, .events = {EV_DELIVERED}, .state = D_DONE, .code = 4},
		 {RECEIPT, 0, UNDELIVERED, .events = {EV_LATE}, .state = D_DONE, .code = 4},
	 }},
	{"no receipt fails",
	 1,
	 0,
	 true,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 0, 1, .events = {EV_SENT}, .state = D_SENT, .code = 2},
		 {TIMER, .after = 300000, .events = {EV_NO_RECEIPT}, .state = D_DONE, .code = 104, .reason = REASON_NO_RECEIPT},
		 {RECEIPT, 0, RECEIPT_STATE_DELIVERED, .events = {EV_DELIVERED}, .state = D_DONE, .code = 4},
	 }},
	{"operator without reports",
	 1,
	 DF_NO_REPORTS,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 0, 1, .events = {EV_SENT}, .state = D_DONE, .code = 2, .reason = REASON_NO_REPORTS},
		 {RECEIPT, 0, RECEIPT_STATE_DELIVERED, .events = {EV_DELIVERED}, .state = D_DONE, .code = 4},
	 }},
	{"a receipt while it waits for its next try",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_TEMPORARY, 0, 1, .events = {EV_REQUEUED}, .state = D_QUEUED, .reason = REASON_CARRIER_STATUS},
		 {RECEIPT, 0, RECEIPT_STATE_DELIVERED, .events = {EV_LATE}, .state = D_QUEUED, .reason = REASON_CARRIER_STATUS},
	 }},
	{"cancelled before it left",
	 1,
	 0,
	 false,
	 {
		 {CANCEL, .events = {EV_SENT}, .state = D_DONE, .code = 101, .reason = REASON_CANCELLED},
		 {CANCEL, .state = D_DONE, .code = 101, .reason = REASON_CANCELLED},
		 {PAUSE, .state = D_DONE, .code = 101, .reason = REASON_CANCELLED},
		 {DISPATCH, .state = D_DONE, .code = 101, .reason = REASON_CANCELLED},
		 {RECEIPT, 0, RECEIPT_STATE_DELIVERED, .events = {EV_LATE}, .state = D_DONE, .code = 101, .reason = REASON_CANCELLED},
	 }},
	{"cancelled under way, and the carrier takes it",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {CANCEL, .events = {EV_CANCELLED}, .state = D_SENDING},
		 {CANCEL, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 0, 1, .events = {EV_SENT}, .state = D_SENT, .code = 2},
		 {CANCEL, .state = D_SENT, .code = 2},
	 }},
	{"cancelled under way, and the carrier would have it again",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {CANCEL, .events = {EV_CANCELLED}, .state = D_SENDING},
		 {RESULT, V_TEMPORARY, 0, 1, .events = {EV_SENT}, .state = D_DONE, .code = 101, .reason = REASON_CANCELLED},
	 }},
	{"cancelled under way, and it comes back unsent",
	 1,
	 0,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {PAUSE, .state = D_SENDING},
		 {CANCEL, .events = {EV_CANCELLED}, .state = D_SENDING},
		 {RESULT, V_NOT_SENT, 0, 1, .events = {EV_SENT}, .state = D_DONE, .code = 101, .reason = REASON_CANCELLED},
	 }},
	{"cancelled in doubt: not sent again",
	 1,
	 DF_RESEND_DOUBT,
	 false,
	 {
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_DOUBT, 0, 1, .events = {EV_DOUBT}, .state = D_DOUBT, .reason = REASON_IN_DOUBT},
		 {CANCEL, .events = {EV_CANCELLED}, .state = D_DOUBT, .reason = REASON_IN_DOUBT},
		 {TIMER, .after = 60000, .events = {EV_SENT}, .state = D_DONE, .code = 101, .reason = REASON_CANCELLED},
	 }},
	{"paused, resumed, sent",
	 1,
	 0,
	 false,
	 {
		 {RESUME, .state = D_QUEUED},
		 {PAUSE, .events = {EV_PAUSED}, .state = D_QUEUED, .reason = REASON_PAUSED},
		 {PAUSE, .state = D_QUEUED, .reason = REASON_PAUSED},
		 {DISPATCH, .state = D_QUEUED, .reason = REASON_PAUSED},
		 {TIMER, .after = 1000, .state = D_QUEUED, .reason = REASON_PAUSED},
		 {RESUME, .events = {EV_RESUMED}, .state = D_QUEUED},
		 {DISPATCH, .events = {EV_ATTEMPT}, .state = D_SENDING},
		 {RESULT, V_ACCEPTED, 0, 1, .events = {EV_SENT}, .state = D_SENT, .code = 2},
	 }},
	{"paused until its time is over",
	 1,
	 0,
	 false,
	 {
		 {PAUSE, .events = {EV_PAUSED}, .state = D_QUEUED, .reason = REASON_PAUSED},
		 {TIMER, .after = VALIDITY, .events = {EV_SENT}, .state = D_DONE, .code = 101, .reason = REASON_PAUSED},
		 {RESUME, .state = D_DONE, .code = 101, .reason = REASON_PAUSED},
	 }},
};
/* clang-format on */

#define WANT(got, want, what) \
	if ((got) != (want))  \
	fail_msg("%s, row %d: %s is %d, not %d", l->name, (int)i, what, (int)(got), (int)(want))

static void live_through(const struct life *l)
{
	struct delivery *d = fresh(l), *again = fresh(l);
	struct policy p = policy;
	struct decision out;
	int64_t now = T0, seq = 0;

	p.no_receipt_fails = l->no_receipt_fails;
	for (size_t i = 0; i < COUNT_OF(l->rows) && l->rows[i].op != END; i++) {
		const struct row *row = &l->rows[i];

		now += row->after;
		decide(d, row, &p, now, &out);
		for (int k = 0; k < (int)COUNT_OF(row->events); k++)
			WANT(k < out.n ? out.ev[k].kind : EV_NONE, row->events[k], "event");
		WANT(out.send, row->op == DISPATCH && row->events[0] == EV_ATTEMPT, "send");
		for (int k = 0; k < out.n; k++) {
			out.ev[k].seq = ++seq;
			delivery_apply(d, &out.ev[k]);
			delivery_apply(d, &out.ev[k]); /* twice is once */
			delivery_apply(again, &out.ev[k]);
		}
		WANT(d->state, row->state, "state");
		WANT(d->delivered_code ? d->delivered_code : d->sent_code, row->code, "code");
		WANT(d->reason, row->reason, "reason");
		WANT(again->state, d->state, "replayed state");
		WANT(again->accepted_parts, d->accepted_parts, "replayed parts");
	}
	delivery_free(d);
	delivery_free(again);
}

static void lives_run_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(lives); i++)
		live_through(&lives[i]);
}

/* Facts in any order at any time: the step never breaks, final stays final, and a replay of the events gives the same state. */
static void any_order_of_facts_is_survived(void **state)
{
	struct prng r;

	(void)state;
	prng_seed(&r, 11);
	for (int life = 0; life < 4000; life++) {
		const struct life *l = &lives[prng_below(&r, COUNT_OF(lives))];
		struct delivery *d = fresh(l), *again = fresh(l);
		int64_t now = T0, seq = 0;
		struct buf x = BUF_INIT, y = BUF_INIT;

		for (int i = 0; i < 30; i++) {
			struct row row = {.op = (enum op)(DISPATCH + (int)prng_below(&r, OPS - DISPATCH))};
			bool final = d->state == D_DONE;
			int sent = d->sent_code, delivered = d->delivered_code;
			struct decision out;

			row.a = row.op == RECEIPT ? (int)prng_below(&r, d->part_count + 1u) - 1
						  : (int)prng_below(&r, V_TEXT + 1);
			row.b = row.op == RECEIPT ? (int)prng_below(&r, 9) : (int)prng_below(&r, 4);
			row.c = 1 + (int)prng_below(&r, 4);
			if (row.op == REFUSE)
				row.a = 202;
			now += (int64_t)prng_below(&r, 100000);
			decide(d, &row, &policy, now, &out);
			for (int k = 0; k < out.n; k++) {
				out.ev[k].seq = ++seq;
				delivery_apply(d, &out.ev[k]);
				delivery_apply(again, &out.ev[k]);
			}
			if (!final)
				continue;
			assert_int_equal(d->state, D_DONE);
			assert_int_equal(d->sent_code, sent);
			assert_true(d->delivered_code == delivered || sent == SENT_SENT_SUCCESS);
			assert_true(delivered != DELIVERED_DELIVERED_SUCCESS || d->delivered_code == delivered);
		}
		delivery_state_write(d, &x);
		delivery_state_write(again, &y);
		assert_true(str_eq(buf_view(&x), buf_view(&y)));
		buf_done(&x);
		buf_done(&y);
		delivery_free(d);
		delivery_free(again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lives_run_as_the_table_says),
		cmocka_unit_test(any_order_of_facts_is_survived),
	};

	return cmocka_run_group_tests_name("core-lifecycle", tests, NULL, NULL);
}
