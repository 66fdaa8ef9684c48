/* forecast_bench.c - an engine with two connections that is asked what would become of messages (forecast_bench.h). */
#include "forecast_bench.h"

#include <string.h>

#include "model/metrics.h"

static char one[] = "one", two[] = "two", br[] = "55", pt[] = "351", far[] = "5599", dear[] = "5521", reference[] = "s";
static struct connection_setting connections[] = {{.name = one, .number = 1}, {.name = two, .number = 2}};
static struct route_connection both[] = {{one, 3}, {two, 1}}, spare[] = {{one, 1}, {two, 0}};
static struct route_setting routes[ROUTES] = {
	{.prefix = br, .connections = both, .connection_count = 2},
	{.prefix = pt, .connections = spare, .connection_count = 2},
	{.prefix = far, .connections = spare, .connection_count = 2, .class = CLASS_MARKETING},
};
static struct price_setting prices[] = {{.prefix = dear, .units = 4}};

struct fixture f;

static void channel_send(struct channel *ch, struct attempt *chain)
{
	(void)ch;
	while (chain) {
		struct attempt *a = chain;

		chain = (struct attempt *)a->mail.next;
		f.sent[a->connection]++;
		attempt_free(a);
	}
}

void publish(void)
{
	struct snapshot_source src = {
		.accounts = &f.account, .account_count = 1, .sub_accounts = &f.sub, .sub_account_count = 1};

	snapshot_publish(snapshot_new(&src));
}

static void capacity(uint16_t connection, bool up, int32_t grant)
{
	struct capacity *c = xnew(struct capacity);

	*c = (struct capacity){
		.in.kind = INPUT_CAPACITY, .connection = connection, .reset = true, .up = up, .grant = grant, .window = 10};
	engine_post(f.b.e, &c->in, true);
}

int forecast_setup(void **state)
{
	static const struct channel_ops ops = {.kind = "sms", .send = channel_send};

	(void)state;
	memset(&f, 0, sizeof f);
	engine_bench_make(&f.b, NOON);
	f.account = (struct account){.id = 1, .name = "a"};
	f.sub = (struct sub_account){.id = SUB, .account = 1};
	str_copy(f.sub.reference, sizeof f.sub.reference, str_of(reference));
	publish();
	f.b.settings.sms.connections = connections;
	f.b.settings.sms.connection_count = COUNT_OF(connections);
	f.b.settings.sms.routes = routes;
	f.b.settings.sms.route_count = COUNT_OF(routes);
	f.b.settings.credit.prices = prices;
	f.b.settings.credit.price_count = COUNT_OF(prices);
	f.b.config.seed = 1;
	engine_bench_open(&f.b);
	f.channel.ops = &ops;
	engine_attach_channel(f.b.e, &f.channel);
	capacity(1, true, 100);
	capacity(2, true, 100);
	engine_bench_turn(&f.b);
	return 0;
}

int forecast_teardown(void **state)
{
	(void)state;
	engine_bench_close(&f.b);
	snapshot_publish(NULL);
	return 0;
}

void done(struct submission *s)
{
	(void)s;
	f.answered = true;
}

struct draft *draft(const char *number)
{
	struct draft *d = &f.drafts[f.ask.count++];

	*d = (struct draft){.t = {.destination = str_of(number), .number = str_of(number), .text = STR("x")},
			    .validity_ms = DAY_MS,
			    .parts = 1};
	return d;
}

enum submit_status post(bool dry)
{
	uint32_t n = f.ask.count;

	memset(f.told, 0xff, sizeof f.told);
	memset(f.ids, 0, sizeof f.ids);
	f.ask = (struct submission){.in.kind = INPUT_SUBMIT,
				    .account = 1,
				    .sub_account = SUB,
				    .user = 1,
				    .bulk = n > 1,
				    .count = n,
				    .drafts = f.drafts,
				    .ids = f.ids,
				    .forecasts = dry ? f.told : NULL,
				    .done = done};
	f.answered = false;
	assert_true(intake_post(f.b.e, &f.ask));
	engine_bench_turn(&f.b);
	assert_true(f.answered);
	return f.ask.status;
}

void foretell(void) { assert_int_equal(post(true), SUBMIT_OK); }

void fresh(void) { f.ask.count = 0; }

void refused(int i, int code, int reason)
{
	assert_int_equal(f.told[i].code, code);
	assert_int_equal(f.told[i].reason, reason);
	assert_int_equal(f.told[i].connection, 0);
}

void goes_by(int i, int connection)
{
	assert_int_equal(f.told[i].code, 0);
	assert_int_equal(f.told[i].connection, connection);
	assert_int_equal(f.told[i].coded_for, connection);
}

struct traces traces(void)
{
	struct engine *e = f.b.e;
	struct traces t;

	memset(&t, 0, sizeof t);
	t.key = e->ids.last;
	t.seq = e->seq;
	t.store_key = e->ops->last_key(e->store);
	t.store_seq = e->ops->last_seq(e->store);
	t.live = map_count(e->lives.map);
	t.queued = e->queues.all.count;
	t.reach = map_count(e->reach.subs);
	t.owners = map_count(e->credit.owners);
	t.unfinished = map_count(e->unfinished);
	t.ledger = e->credit.last_id;
	for (size_t i = 0; i < e->routes.n; i++)
		for (int k = 0; k < 2; k++)
			t.currents[i][k] = e->routes.a[i].to[k].current;
	for (uint16_t i = 0; i < 2; i++) {
		t.breakers[i] = routes_connection(&e->routes, (uint16_t)(i + 1))->breaker;
		t.credits[i] = routes_connection(&e->routes, (uint16_t)(i + 1))->credits;
	}
	t.accepted = metric_get(M_ACCEPTED);
	t.commits = metric_get(M_COMMITS);
	t.attempts = metric_get(M_ATTEMPTS);
	return t;
}

void no_trace(const struct traces *before)
{
	const struct traces now = traces();

	assert_memory_equal(before, &now, sizeof now);
	assert_int_equal(f.ids[0].key, 0);
}

void credit(int64_t units)
{
	const struct credit_change c = {BALANCE_SUB, SUB, LEDGER_SET, units};

	engine_credit(f.b.e, &c, NULL, NULL);
	engine_bench_turn(&f.b);
}
