/* Deliveries: one memory, copies that stand alone, and the blob that the store keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "base/buf.h"
#include "base/rng.h"
#include "model/delivery.h"

static const struct delivery_text texts = {
	.destination = {"+55 (11) 99999-0001", 19},
	.number = {"5511999990001", 13},
	.source = {"27182", 5},
	.text = {"Ol\xc3\xa1!", 5},
	.correlation = {"c-1", 3},
	.extra = {"x", 1},
	.campaign = {"natal", 5},
	.invalid = {"\"a\"", 3},
};

static void assert_text(struct str got, struct str want)
{
	assert_true(str_eq(got, want));
	if (want.n > 0)
		assert_ptr_not_equal(got.p, want.p);
}

static void new_copies_every_text(void **state)
{
	struct delivery *d = delivery_new(&texts);

	(void)state;
	assert_text(d->t.destination, texts.destination);
	assert_text(d->t.number, texts.number);
	assert_text(d->t.source, texts.source);
	assert_text(d->t.text, texts.text);
	assert_text(d->t.correlation, texts.correlation);
	assert_text(d->t.extra, texts.extra);
	assert_text(d->t.campaign, texts.campaign);
	assert_text(d->t.invalid, texts.invalid);
	assert_int_equal(d->state, D_QUEUED);
	assert_true(delivery_bytes(d) >= sizeof(*d) + 51);
	delivery_free(d);
	d = delivery_new(&(struct delivery_text){0});
	assert_int_equal(d->t.text.n, 0);
	delivery_free(d);
	delivery_free(NULL);
}

static void copy_outlives_the_original(void **state)
{
	struct delivery *d = delivery_new(&texts), *c;

	(void)state;
	d->key = 77;
	delivery_set_parts(d, 3);
	delivery_part(d, 2)->id_hash = 9;
	c = delivery_copy(d);
	delivery_free(d);
	assert_int_equal(c->key, 77);
	assert_text(c->t.campaign, texts.campaign);
	assert_text(c->t.invalid, texts.invalid);
	assert_int_equal(delivery_part(c, 2)->id_hash, 9);
	delivery_free(c);
}

static void redacted_text_is_gone_from_memory(void **state)
{
	struct delivery *d = delivery_new(&texts);
	struct buf blob = BUF_INIT;
	const char *at = d->t.text.p;
	size_t n = d->t.text.n;

	(void)state;
	d->flags = DF_REDACT;
	assert_false(delivery_redacts(d));
	delivery_state_write(d, &blob);
	assert_false(delivery_blob_redacts(buf_view(&blob)));
	d->state = D_DONE;
	buf_clear(&blob);
	delivery_state_write(d, &blob);
	assert_true(delivery_blob_redacts(buf_view(&blob)));
	assert_false(delivery_blob_redacts((struct str){blob.p, 2}));
	d->flags = DF_LATE;
	assert_false(delivery_redacts(d));
	d->flags = DF_REDACT;
	assert_true(delivery_redacts(d));
	delivery_redact(d);
	delivery_redact(d);
	assert_int_equal(d->t.text.n, 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(at[i], 0);
	assert_text(d->t.extra, texts.extra);
	buf_done(&blob);
	delivery_free(d);
}

static void parts_start_anew_with_each_attempt(void **state)
{
	struct delivery *d = delivery_new(&texts);
	size_t bytes = delivery_bytes(d);

	(void)state;
	delivery_set_parts(d, 1);
	assert_null(d->parts);
	delivery_part(d, 0)->state = PART_ACCEPTED;
	assert_int_equal(d->one.state, PART_ACCEPTED);
	delivery_set_parts(d, PARTS_MAX);
	assert_int_equal(d->part_count, PARTS_MAX);
	assert_int_equal(delivery_part(d, PARTS_MAX - 1)->state, PART_NONE);
	assert_true(delivery_bytes(d) >= bytes + PARTS_MAX * sizeof(struct part));
	delivery_set_parts(d, 1);
	assert_int_equal(d->one.state, PART_NONE);
	assert_int_equal(delivery_bytes(d), bytes);
	delivery_free(d);
}

static int64_t any_time(struct prng *r)
{
	switch (prng_below(r, 4)) {
	case 0: return 0;
	case 1: return (int64_t)prng_u64(r);
	default: return 1790000000000 + (int64_t)prng_below(r, 1000000);
	}
}

static struct part any_part(struct prng *r)
{
	return (struct part){prng_below(r, 2) ? prng_u64(r) : 0, (uint8_t)prng_below(r, PART_FAILED + 1)};
}

static void any_moving_half(struct delivery *d, struct prng *r)
{
	unsigned count = (unsigned)prng_below(r, 4) ? 1 : 1 + (unsigned)prng_below(r, PARTS_MAX);

	delivery_set_parts(d, count);
	for (unsigned i = 0; i < count; i++)
		*delivery_part(d, i) = any_part(r);
	d->state = (uint8_t)prng_below(r, D_DONE + 1);
	d->flags = (uint16_t)(prng_below(r, 2) ? prng_u64(r) : prng_below(r, 256));
	d->attempts = (uint8_t)prng_u64(r);
	d->tries = (uint8_t)prng_u64(r);
	d->connection = (uint16_t)prng_u64(r);
	d->accepted_parts = (uint16_t)prng_u64(r);
	d->delivered_parts = (uint16_t)prng_u64(r);
	d->sent_code = (int16_t)prng_u64(r);
	d->delivered_code = (int16_t)prng_u64(r);
	d->reason = (uint16_t)prng_u64(r);
	d->detail = (int32_t)prng_u64(r);
	d->due_at = any_time(r);
	d->begun_at = any_time(r);
	d->sent_at = any_time(r);
	d->delivered_at = any_time(r);
	d->updated_at = any_time(r);
	d->last_seq = prng_below(r, 2) ? (int64_t)(prng_u64(r) >> 1) : 0;
	d->held_from = (uint8_t)prng_below(r, 4);
	d->held = d->held_from ? (uint32_t)prng_u64(r) : 0;
	d->unit_price = d->held_from ? (uint32_t)prng_u64(r) : 0;
}

static void assert_same_moving_half(struct delivery *a, struct delivery *b)
{
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->attempts, b->attempts);
	assert_int_equal(a->tries, b->tries);
	assert_int_equal(a->connection, b->connection);
	assert_int_equal(a->part_count, b->part_count);
	assert_int_equal(a->accepted_parts, b->accepted_parts);
	assert_int_equal(a->delivered_parts, b->delivered_parts);
	assert_int_equal(a->sent_code, b->sent_code);
	assert_int_equal(a->delivered_code, b->delivered_code);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->detail, b->detail);
	assert_true(a->due_at == b->due_at && a->begun_at == b->begun_at && a->sent_at == b->sent_at);
	assert_true(a->delivered_at == b->delivered_at && a->updated_at == b->updated_at);
	assert_true(a->last_seq == b->last_seq);
	assert_int_equal(a->held, b->held);
	assert_int_equal(a->unit_price, b->unit_price);
	assert_int_equal(a->held_from, b->held_from);
	assert_int_equal(!a->parts, !b->parts);
	for (unsigned i = 0; i < a->part_count && (a->parts || a->part_count == 1); i++) {
		assert_int_equal(delivery_part(a, i)->state, delivery_part(b, i)->state);
		assert_true(delivery_part(a, i)->id_hash == delivery_part(b, i)->id_hash);
	}
}

static void blob_brings_every_field_back(void **state)
{
	struct prng r;

	(void)state;
	prng_seed(&r, 1);
	for (int i = 0; i < 3000; i++) {
		struct delivery *a = delivery_new(&texts), *b = delivery_new(&texts);
		struct buf blob = BUF_INIT;

		any_moving_half(a, &r);
		any_moving_half(b, &r); /* nothing of what was there may shine through */
		b->key = 5;
		delivery_state_write(a, &blob);
		assert_int_equal(delivery_state_read(b, buf_view(&blob)), 0);
		assert_same_moving_half(a, b);
		assert_int_equal(b->key, 5);
		assert_text(b->t.text, texts.text);
		buf_done(&blob);
		delivery_free(a);
		delivery_free(b);
	}
}

static void estimate_without_parts_survives(void **state)
{
	struct delivery *a = delivery_new(&texts), *b = delivery_new(&texts);
	struct buf blob = BUF_INIT;

	(void)state;
	a->part_count = 300; /* an estimate is a number, no array */
	delivery_state_write(a, &blob);
	assert_true(blob.n < 40);
	assert_int_equal(delivery_state_read(b, buf_view(&blob)), 0);
	assert_int_equal(b->part_count, 300);
	assert_null(b->parts);
	buf_done(&blob);
	delivery_free(a);
	delivery_free(b);
}

static void bad_blobs_change_nothing(void **state)
{
	struct delivery *a = delivery_new(&texts), *b = delivery_new(&texts);
	struct buf blob = BUF_INIT;
	struct prng r;

	(void)state;
	prng_seed(&r, 2);
	any_moving_half(a, &r);
	delivery_set_parts(a, 7);
	for (unsigned i = 0; i < 7; i++)
		*delivery_part(a, i) = any_part(&r);
	a->last_seq = INT64_MAX;
	delivery_state_write(a, &blob);
	b->attempts = 42;
	assert_int_equal(delivery_state_read(b, (struct str){0}), -EPROTO);
	for (size_t n = 0; n < blob.n; n++)
		assert_int_equal(delivery_state_read(b, (struct str){blob.p, n}), -EPROTO);
	buf_putc(&blob, 0);
	assert_int_equal(delivery_state_read(b, buf_view(&blob)), -EPROTO);
	blob.n--;
	blob.p[0] = 2; /* a version of tomorrow */
	assert_int_equal(delivery_state_read(b, buf_view(&blob)), -EPROTO);
	blob.p[0] = 1;
	blob.p[1] = D_DONE + 1;
	assert_int_equal(delivery_state_read(b, buf_view(&blob)), -EPROTO);
	assert_int_equal(b->attempts, 42);
	buf_done(&blob);
	delivery_free(a);
	delivery_free(b);
}

static void noise_is_refused_or_read_soundly(void **state)
{
	struct delivery *a = delivery_new(&texts), *b = delivery_new(&texts);
	struct prng r;

	(void)state;
	prng_seed(&r, 3);
	for (int i = 0; i < 20000; i++) {
		struct buf blob = BUF_INIT, again = BUF_INIT;

		any_moving_half(a, &r);
		delivery_state_write(a, &blob);
		for (int k = (int)prng_below(&r, 4); k >= 0; k--)
			blob.p[prng_below(&r, blob.n)] = (char)prng_u64(&r);
		if (delivery_state_read(b, (struct str){blob.p, blob.n - prng_below(&r, 2)}) == 0) {
			assert_true(b->state <= D_DONE);
			assert_true(!b->parts || (b->part_count >= 2 && b->part_count <= PARTS_MAX));
			delivery_state_write(b, &again);
		}
		buf_done(&blob);
		buf_done(&again);
	}
	delivery_free(a);
	delivery_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_copies_every_text),
		cmocka_unit_test(copy_outlives_the_original),
		cmocka_unit_test(redacted_text_is_gone_from_memory),
		cmocka_unit_test(parts_start_anew_with_each_attempt),
		cmocka_unit_test(blob_brings_every_field_back),
		cmocka_unit_test(estimate_without_parts_survives),
		cmocka_unit_test(bad_blobs_change_nothing),
		cmocka_unit_test(noise_is_refused_or_read_soundly),
	};

	return cmocka_run_group_tests_name("model-delivery", tests, NULL, NULL);
}
