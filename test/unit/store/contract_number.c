/* contract_number.c - the data of one number: found and erased. */
#include "contract.h"

#include <endian.h>

struct number_seen {
	int64_t keys[16];
	size_t n, mos;
	char text[32];
};

static bool see_number(void *ctx, const struct number_row *r)
{
	struct number_seen *s = ctx;

	s->keys[s->n++] = r->key;
	s->mos += r->mo;
	if (r->mo)
		str_copy(s->text, sizeof(s->text), r->text);
	return s->n < 16;
}

static struct number_seen of_number(struct fixture *f, const char *number)
{
	struct number_seen s = {.n = 0};
	struct store_reader *r = NULL;
	struct err e;

	assert_int_equal(f->o->reader_open(f->s, &r, &e), 0);
	assert_int_equal(f->o->r_number(r, str_of(number), see_number, &s), 0);
	f->o->reader_close(r);
	return s;
}

static void accept_to(struct fixture *f, int64_t key, const char *destination, const char *number)
{
	struct delivery *from = sample(key), *d;
	struct delivery_text t = from->t;

	t.destination = str_of(destination);
	t.number = str_of(number);
	d = delivery_new(&t);
	d->key = key;
	d->state = D_DONE;
	d->sent_code = 2;
	f->o->accept(f->s, d);
	delivery_free(d);
	delivery_free(from);
}

/* Joined from two parts with the two keys before its own. */
static void mo_in_parts(struct fixture *f, int64_t key)
{
	uint64_t keys[2];

	for (int i = 0; i < 2; i++) {
		struct mo_part p = {.key = key - 2 + i,
				    .total = 2,
				    .part = (uint8_t)(i + 1),
				    .source = "+5511900000001",
				    .short_code = "27182",
				    .text = i ? STR("ply") : STR("a re")};

		keys[i] = htole64((uint64_t)p.key);
		f->o->mo_part(f->s, &p);
	}
	f->o->mo(f->s, &(struct mo){.key = key,
				    .source = "5511900000001",
				    .short_code = "27182",
				    .text = STR("a reply"),
				    .correlation = STR("mine"),
				    .total = 2,
				    .came = 2,
				    .parts = {(const char *)keys, sizeof(keys)}});
}

static bool count_text(void *ctx, const struct mo_part *p)
{
	*(size_t *)ctx += p->text.n && p->source[0];
	return true;
}

static size_t texts_of_parts(struct fixture *f, int64_t from)
{
	size_t n = 0;

	assert_int_equal(f->o->mo_parts_from(f->s, from, count_text, &n), 0);
	return n;
}

static void number_is_found_and_erased_over_days(struct fixture *f)
{
	int64_t a = key_at(f, 1), b, mo, seq = f->o->last_seq(f->s);
	const int64_t *seqs = &(const int64_t){seq + 1};
	struct number_seen s;
	struct delivery *d = NULL;
	struct mo *m = NULL;
	struct event e = {.seq = seq + 1, .key = a, .kind = EV_RECEIPT, .sub_account = 1, .at = f->now}, got;
	struct parked_row parked = {
		.id = 1, .source = "5511900000001", .destination = "27182", .carrier_id = "x", .hashes = 1, .id_hash = {7}};

	event_detail(&e, "said by a carrier");
	begin(f);
	accept_to(f, a, "5511900000001", "5511900000001");
	accept_to(f, a + 1, "5511900000002", "5511900000002");
	f->o->event(f->s, &e);
	f->o->park(f->s, &parked);
	merge_one(f, a, D_DONE, seqs, 1);
	commit(f);
	f->now += DAY;
	f->o->idle(f->s, f->now);
	b = key_at(f, 5);
	mo = b + 3;
	begin(f);
	accept_to(f, b, "+55 11 90000-0001", "5511900000001");
	mo_in_parts(f, mo);
	commit(f);
	s = of_number(f, "5511900000001");
	assert_int_equal(s.n, 3);
	assert_int_equal(s.mos, 1);
	assert_int_equal(texts_of_parts(f, mo - 2), 2);
	assert_string_equal(s.text, "a reply");
	assert_int_equal(s.keys[0], a);
	assert_int_equal(of_number(f, "5511900000002").n, 1);
	assert_int_equal(of_number(f, "55119").n, 0);
	begin(f);
	f->o->erase(f->s, a, NULL, 0);
	f->o->erase(f->s, b, NULL, 0);
	f->o->erase(f->s, mo, NULL, 0);
	f->o->erase(f->s, 12345, NULL, 0); /* nobody's */
	f->o->erase_parked(f->s, STR("5511900000001"));
	commit(f);
	f->o->idle(f->s, f->now);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(of_number(f, "5511900000001").n, 0);
		assert_int_equal(of_number(f, "").n >= 2, true);
		assert_int_equal(of_number(f, "5511900000002").n, 1);
		assert_int_equal(f->o->load(f->s, a, &d), 0);
		assert_int_equal(
			d->t.destination.n + d->t.number.n + d->t.text.n + d->t.correlation.n + d->t.extra.n, 0);
		assert_int_equal(d->state, D_DONE);
		assert_int_equal(d->account, 0);
		delivery_free(d);
		assert_int_equal(f->o->load_event(f->s, seq + 1, &got), 0);
		assert_int_equal(got.detail_len, 0);
		assert_int_equal(got.kind, EV_RECEIPT);
		assert_int_equal(f->o->parked_count(f->s), 1);
		assert_int_equal(f->o->mo_load(f->s, mo, &m), 0);
		assert_int_equal(m->text.n + m->correlation.n + strlen(m->source), 0);
		assert_string_equal(m->short_code, "27182");
		free(m);
		assert_int_equal(texts_of_parts(f, mo - 2), 0);
		check_reopen(f);
	}
}

const struct check number_checks[] = {
	CHECK(number_is_found_and_erased_over_days),
};
const size_t number_check_count = COUNT_OF(number_checks);
