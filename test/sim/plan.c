/* plan.c - what a seed is like: who sends how much, which faults come how often, the settings before and after a reload, and who is who. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/codes.h"
#include "sim/mo.h"
#include "sim/world.h"

/* Mostly absent, else up to most: faults in every combination, and seeds in which just one kind happens. */
static int some(struct sim *s, int most) { return chance(s, 50) ? 0 : (int)between(s, 1, most); }

static void draw_troubles(struct sim *s)
{
	struct plan *p = &s->plan;

	p->messages = (int)between(s, 30, 400);
	p->bulk_max = (int)between(s, 1, 40);
	p->length_ms = chance(s, 70) ? between(s, 20, 600) * 1000 : between(s, 1, 6) * HOUR;
	p->gap_ms = MAX(p->length_ms / p->messages, 1);
	p->lag = some(s, 80);
	p->connections = (int)between(s, 1, CONNECTIONS_MAX);
	p->links = (int)between(s, 1, LINKS_MAX);
	p->window = (int)(chance(s, 50) ? between(s, 1, 5) : between(s, 6, 60));
	p->rtt_ms = chance(s, 80) ? between(s, 1, 200) : between(s, 1000, 20000);
	p->refused = some(s, 10);
	p->bad_number = some(s, 5);
	p->nack = some(s, 5);
	p->temporary = some(s, 30);
	p->text = some(s, 5);
	p->silent = some(s, 10);
	p->throttled = some(s, 20);
	p->late_answer = some(s, 100);
	p->other_part_count = some(s, 20);
	p->drop_every_ms = chance(s, 40) ? 0 : between(s, p->length_ms / 40 + 1, p->length_ms);
	p->down_ms = chance(s, 70) ? between(s, 100, 20000) : between(s, 1, 20) * MINUTE;
	p->receipt_never = some(s, 30);
	p->receipt_failed = some(s, 30);
	p->receipt_early = some(s, 40);
	p->receipt_twice = some(s, 30);
	p->receipt_enroute = some(s, 30);
	p->receipt_two_forms = some(s, 60);
	p->strangers = some(s, 10);
	p->mos = some(s, 40);
	p->mo_long = some(s, 100);
	p->receipt_ms = chance(s, 70) ? between(s, 1, 5000) : between(s, 1, 5 * HOUR);
	p->long_text = some(s, 50);
	p->same_number = some(s, 40);
	p->short_validity = some(s, 40);
	p->invalid = some(s, 5);
	p->unrouted = some(s, 5);
	p->no_reports = some(s, 30);
	p->resend_doubt = some(s, 100);
	p->marketing = some(s, 60);
	p->idempotent = some(s, 60);
	p->hook_failing = some(s, 80);
	p->hook_ms = between(s, 1, 1000);
	p->crash_every_ms = chance(s, 40) ? 0 : between(s, p->length_ms / 20 + 1, p->length_ms);
	p->commit_fails = some(s, 60);
	p->mid_effects = some(s, 80);
	p->graceful = some(s, 40);
	p->reload = chance(s, 20);
	p->clock_steps = some(s, 40);
	p->memory = chance(s, 60) ? 64 << 20 : between(s, 4096, 200000);
}

/* From a source of its own and not for every seed, so that the seeds that once found something still draw what they drew. */
static void draw_extras(struct sim *s)
{
	struct prng r;

	prng_seed(&r, s->seed ^ 0x63726564);
	if (s->seed >= 1000 && prng_below(&r, 10) < 4)
		s->plan.control_ms = (int)MAX(s->plan.length_ms / (int64_t)(10 + prng_below(&r, 60)), (int64_t)2);
	s->plan.conditions = s->seed >= 1000 && prng_below(&r, 10) < 4;
	if (s->seed >= 1000 && prng_below(&r, 10) < 6)
		s->plan.breaker = (struct breaker_setting){.errors = (int64_t)prng_below(&r, 60),
							   .least = 1 + (int64_t)prng_below(&r, 20),
							   .window_ms = 100 + (int64_t)prng_below(&r, 60000),
							   .timeouts = (int64_t)prng_below(&r, 5),
							   .pause_ms = 100 + (int64_t)prng_below(&r, 30000),
							   .pause_max_ms = 30000 + (int64_t)prng_below(&r, 270000),
							   .probes = 1 + (int64_t)prng_below(&r, 3)};
	if (s->seed < 1000 || s->seed % 2)
		return;
	s->plan.credit = 10 + (int)prng_below(&r, 140);
	s->plan.sub_credit = prng_below(&r, 2) == 0;
	s->plan.redact = prng_below(&r, 2) == 0;
	if (prng_below(&r, 2))
		return;
	s->plan.per_destination = 1 + (uint32_t)prng_below(&r, 3);
	s->plan.per_destination_ms = 1000 + (int64_t)prng_below(&r, (uint64_t)s->plan.length_ms);
	s->plan.marketing = 30 + (int)prng_below(&r, 70);
	s->plan.same_number = 30 + (int)prng_below(&r, 70);
}

static const char *const names[CONNECTIONS_MAX] = {"main", "second", "third"};

static struct route_connection *route_to(const char *a, const char *b, size_t *n)
{
	struct route_connection *r = xcalloc(2, sizeof(*r));

	r[0] = (struct route_connection){xstrdup(a), 1};
	*n = b ? 2 : 1;
	if (b)
		r[1] = (struct route_connection){xstrdup(b), 0};
	return r;
}

/* Routes for some of the messages only, on connections that the others share. */
static void draw_conditions(struct sim *s, struct settings *t, struct route_setting *r, bool other)
{
	const char *last = names[s->plan.connections - 1];

	r[0].prefix = xstrdup("55");
	r[0].class = CLASS_MARKETING;
	r[0].connections = route_to(last, NULL, &r[0].connection_count);
	r[1].prefix = xstrdup("55");
	r[1].sub_account = xstrdup(other ? "c" : "b");
	r[1].connections = route_to("main", NULL, &r[1].connection_count);
	r[2].prefix = xstrdup("55");
	r[2].operator_id = 2;
	r[2].class = CLASS_TRANSACTIONAL;
	r[2].connections = route_to(last, s->plan.connections > 1 ? "main" : NULL, &r[2].connection_count);
	t->sms.route_count += 3;
}

/* The other routes: one is gone, one has its connections the other way round. */
static void draw_routes(struct sim *s, struct settings *t, bool other)
{
	const char *last = names[s->plan.connections - 1];
	struct route_setting *r = t->sms.routes = xcalloc(5, sizeof(*t->sms.routes));

	ASSERT(s->plan.connections >= 1 && s->plan.connections <= CONNECTIONS_MAX);
	t->sms.connection_count = (size_t)s->plan.connections;
	t->sms.connections = xcalloc(t->sms.connection_count, sizeof(*t->sms.connections));
	for (size_t i = 0; i < t->sms.connection_count; i++) {
		t->sms.connections[i].name = xstrdup(names[i]);
		t->sms.connections[i].number = (uint16_t)(i + 1);
		t->sms.connections[i].binds = s->plan.links;
		t->sms.connections[i].window = s->plan.window;
	}
	for (size_t i = 0; i < t->sms.connection_count; i++)
		t->sms.connections[i].breaker = s->plan.breaker;
	t->sms.route_count = other ? 1 : 2;
	r[0].prefix = xstrdup("55");
	r[0].connections = other ? route_to(last, s->plan.connections > 1 ? "main" : NULL, &r[0].connection_count)
				 : route_to("main", s->plan.connections > 1 ? "second" : NULL, &r[0].connection_count);
	if (r[0].connection_count > 1)
		r[0].connections[1].weight = between(s, 0, 2);
	if (!other) {
		r[1].prefix = xstrdup("351");
		r[1].connections = route_to(last, s->plan.connections > 1 ? "main" : NULL, &r[1].connection_count);
	}
	if (s->plan.conditions)
		draw_conditions(s, t, r + t->sms.route_count, other);
}

/* The second one's receipts may take longer than is usual, or are given up sooner. */
static void set_operators(struct settings *t, int64_t second_wait_ms)
{
	t->operator_count = 2;
	t->operators = xcalloc(t->operator_count, sizeof(*t->operators));
	t->operators[0].id = 1;
	t->operators[0].name = xstrdup("one");
	t->operators[1].id = 2;
	t->operators[1].name = xstrdup("two");
	t->operators[1].receipt_wait_ms = second_wait_ms;
}

static struct settings *first_settings(struct sim *s)
{
	struct settings *t = xnew(struct settings);
	bool patient = chance(s, 30);

	draw_routes(s, t, false);
	t->sms.doubt_wait_ms = patient ? 5 * MINUTE : between(s, 1, 60) * 1000;
	t->sms.receipt_wait_ms = patient ? 48 * HOUR : between(s, 1, 120) * MINUTE;
	set_operators(t, between(s, 1, 120) * MINUTE);
	t->sms.no_receipt_fails = chance(s, 30);
	t->sms.validity_ms = chance(s, 50) ? DAY : between(s, 5, 120) * MINUTE;
	t->sms.retry_delay_ms = between(s, 100, 30000);
	t->sms.retry_delay_max_ms = t->sms.retry_delay_ms * between(s, 1, 20);
	t->sms.retry_tries = between(s, 1, 5);
	t->webhooks.timeout_ms = 10000;
	t->webhooks.retry_first_ms = 5000;
	t->webhooks.retry_max_ms = chance(s, 50) ? 6 * HOUR : 2 * MINUTE;
	t->webhooks.give_up_ms = chance(s, 50) ? 3 * DAY : 10 * MINUTE;
	t->webhooks.give_up_client_ms = t->webhooks.give_up_ms / 3;
	t->webhooks.per_endpoint = between(s, 1, 16);
	t->webhooks.total = t->webhooks.per_endpoint * 2;
	t->credit.price_count = 2;
	t->credit.prices = xcalloc(t->credit.price_count, sizeof(*t->credit.prices));
	t->credit.prices[0] = (struct price_setting){xstrdup("351"), (int64_t)(s->seed % 3)};
	t->credit.prices[1] = (struct price_setting){xstrdup("3511"), (int64_t)(s->seed % 7)};
	t->retention.status_ms = 3 * DAY;
	t->retention.message_ms = 90 * DAY;
	t->retention.mo_ms = 5 * DAY;
	t->sms.mo.part_wait_ms = chance(s, 70) ? PATIENT_MS : between(s, 1, 60) * 1000;
	t->sms.mo.duplicate_window_ms = PATIENT_MS;
	t->memory = s->plan.memory;
	return t;
}

/* The same, but for the routes. */
static struct settings *other_settings(struct sim *s, const struct settings *as)
{
	struct settings *t = xnew(struct settings);

	*t = *as;
	t->credit.prices = xcalloc(t->credit.price_count, sizeof(*t->credit.prices));
	for (size_t i = 0; i < t->credit.price_count; i++)
		t->credit.prices[i] = (struct price_setting){xstrdup(as->credit.prices[i].prefix),
							     as->credit.prices[i].units + 1};
	set_operators(t, as->operators[1].receipt_wait_ms);
	draw_routes(s, t, true);
	return t;
}

/* -- who is who: user 1 has its own webhooks, 2 its sub-account's, 3 those for sent alone, 4 none ------------------- */

uint32_t sim_sub_of(uint32_t user) { return MIN(user, SUBS); }

uint32_t sim_webhook_of(uint32_t sub_account, uint32_t user, int kind)
{
	if (user == 1)
		return 1;
	if (user == 2)
		return 2;
	(void)sub_account;
	return user == 3 && kind == HOOK_SENT ? 3 : 0;
}

static void publish(const struct sim *s)
{
	struct account account = {.id = 1, .name = "default", .country = "BR"};
	struct sub_account subs[SUBS] = {{.id = 1, .account = 1, .reference = "a"},
					 {.id = 2, .account = 1, .reference = "b"},
					 {.id = 3, .account = 1, .reference = "c"}};
	const struct plan *plan = &s->plan;

	subs[1].redact = plan->redact;
	subs[2].per_destination = plan->per_destination;
	subs[2].per_destination_ms = plan->per_destination_ms;
	struct user users[USERS];
	struct webhook hooks[WEBHOOKS] = {
		{.id = 1, .user = 1, .sent = "http://one/sent", .delivered = "http://one/delivered", .mo = "http://one/mo"},
		{.id = 2, .sub_account = 2, .sent = "http://two/sent", .delivered = "http://two/delivered", .mo = "http://two/mo"},
		{.id = 3, .user = 3, .sent = "http://three/sent"},
	};
	struct short_code code = {.code = "27182", .sub_account = 3};
	struct keyword words[] = {
		{.id = 1, .account = 1, .action = KEYWORD_OPT_OUT, .short_code = "27182", .word = "SAIR", .normal = "sair"},
		{.id = 2, .account = 1, .action = KEYWORD_OPT_IN, .short_code = "27182", .word = "VOLTAR", .normal = "voltar"}};
	struct snapshot_source src = {.accounts = &account,
				      .account_count = 1,
				      .sub_accounts = subs,
				      .sub_account_count = SUBS,
				      .users = users,
				      .user_count = USERS,
				      .webhooks = hooks,
				      .webhook_count = WEBHOOKS,
				      .short_codes = &code,
				      .short_code_count = 1,
				      .keywords = words,
				      .keyword_count = COUNT_OF(words)};

	timing_sub_accounts(s, subs);
	memset(users, 0, sizeof(users));
	for (uint32_t i = 0; i < USERS; i++) {
		users[i].id = i + 1;
		users[i].account = 1;
		users[i].sub_account = sim_sub_of(i + 1);
		snprintf(users[i].name, sizeof(users[i].name), "user%u", i + 1);
	}
	snapshot_publish(snapshot_new(&src));
}

void plan_draw(struct sim *s)
{
	draw_troubles(s);
	draw_extras(s);
	timing_draw(s);
	s->troubled_until = s->now + s->plan.length_ms;
	s->settings = first_settings(s);
	s->other = other_settings(s, s->settings);
	publish(s);
}
