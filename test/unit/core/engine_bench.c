/* engine_bench.c - an engine over the memory store for tests (engine_bench.h). */
#include "engine_bench.h"

#include "model/metrics.h"

#define DAY_MS ((int64_t)86400000)

static int64_t clock_now(void *ctx)
{
	struct engine_bench *b = ctx;

	return b->now;
}

void engine_bench_make(struct engine_bench *b, int64_t now)
{
	struct store_options o = {.message_retention_ms = 90 * DAY_MS};

	b->now = now;
	b->settings.memory = 1 << 20;
	b->settings.sms.validity_ms = b->settings.sms.receipt_wait_ms = DAY_MS;
	metrics_setup();
	assert_int_equal(store_memory_open(&b->s, &o, NULL), 0);
	b->config.store = b->s;
	b->config.settings = &b->settings;
	b->config.now = clock_now;
	b->config.now_ctx = b;
}

void engine_bench_open(struct engine_bench *b)
{
	struct err err;

	assert_int_equal(engine_open(&b->e, &b->config, &err), 0);
}

void engine_bench_turn(struct engine_bench *b)
{
	struct err err;

	assert_true(engine_turn(b->e, &err) >= 0);
}

void engine_bench_close(struct engine_bench *b)
{
	if (b->e)
		engine_close(b->e);
	b->s->ops->close(b->s);
}
