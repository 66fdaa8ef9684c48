/* The contract of store.h, on every driver. */
#include "contract.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/memory.h"
#include "unit/folder.h"

/* -- drivers ---------------------------------------------------------------------------------------------------------- */

static char *folder_new(void)
{
	char *path = xcalloc(1, FOLDER_MAX);

	test_folder(path, "contract");
	return path;
}

static void folder_free(char *take)
{
	test_folder_remove(take);
	free(take);
}

static struct store *sqlite_again(struct store *s, const struct store_options *o)
{
	struct store *again = NULL;
	struct err e;

	s->ops->close(s);
	if (store_sqlite_open(&again, o, &e) < 0)
		fail_msg("%s", e.text);
	return again;
}

static char *nowhere(void) { return NULL; }
static void nothing(char *take) { free(take); }

static struct store *memory_again(struct store *s, const struct store_options *o)
{
	struct store *again = store_memory_crash(s);

	(void)o;
	s->ops->close(s);
	return again;
}

static const struct driver drivers[] = {
	{"sqlite", true, folder_new, folder_free, store_sqlite_open, sqlite_again},
	{"memory", false, nowhere, nothing, store_memory_open, memory_again},
};

/* -- fixture ---------------------------------------------------------------------------------------------------------- */

static int64_t clock_of(void *ctx) { return ((struct fixture *)ctx)->now; }

void fixture_open(struct fixture *f)
{
	struct err e = {""};

	f->options.data = f->place;
	f->options.now = clock_of;
	f->options.now_ctx = f;
	if (f->driver->open(&f->s, &f->options, &e) < 0)
		fail_msg("%s", e.text);
	f->o = f->s->ops;
}

void check_reopen(struct fixture *f)
{
	f->s = f->driver->crash(f->s, &f->options);
	f->o = f->s->ops;
}

void commit(struct fixture *f)
{
	struct err e = {""};

	if (f->o->commit(f->s, &e) < 0)
		fail_msg("%s", e.text);
}

struct delivery *sample(int64_t key)
{
	struct delivery_text t = {.destination = STR("+55 11 91234-0001"),
				  .number = STR("5511912340001"),
				  .source = STR("28604"),
				  .text = STR("Ol\xc3\xa1, tudo bem?"),
				  .correlation = STR("order-1"),
				  .extra = STR("extra"),
				  .campaign = STR("spring"),
				  .invalid = STR("\"a\",\"b\""),
				  .zone = STR("America/Sao_Paulo")};
	struct delivery *d = delivery_new(&t);

	d->key = key;
	d->rest = 0x123456789abcdefu;
	d->batch = key + 1000;
	d->account = 3;
	d->sub_account = 4;
	d->user = 5;
	d->campaign_id = 6;
	d->operator_id = -7;
	d->expires_at = 1700000000000;
	d->not_before = 1690000000000;
	d->window = 0xc00003;
	d->state = D_QUEUED;
	d->flags = DF_HAS_CORR | DF_FLASH;
	d->part_count = 2;
	d->due_at = 12;
	d->updated_at = 1600000000000;
	return d;
}

void accept_one(struct fixture *f, int64_t key) { accept_with(f, key, "", D_QUEUED); }

void accept_with(struct fixture *f, int64_t key, const char *correlation, int state)
{
	struct delivery_text t = {.text = STR("hello"), .correlation = str_of(correlation)};
	struct delivery *d = delivery_new(&t);

	d->key = key;
	d->account = 3;
	d->sub_account = 4;
	d->part_count = 1;
	d->state = (uint8_t)state;
	f->o->accept(f->s, d);
	delivery_free(d);
}

void event_full(struct fixture *f, const struct event *e) { f->o->event(f->s, e); }

void event_one(struct fixture *f, int64_t seq, int64_t key, int kind)
{
	event_full(f, &(struct event){.seq = seq, .key = key, .kind = (uint8_t)kind, .sub_account = 4, .at = f->now});
}

void merge_one(struct fixture *f, int64_t key, int state, const int64_t *seqs, size_t n)
{
	struct delivery *d = NULL;
	const struct delivery *one;

	assert_int_equal(f->o->load(f->s, key, &d), 0);
	d->state = (uint8_t)state;
	if (n)
		d->last_seq = seqs[n - 1];
	one = d;
	f->o->merge(f->s, &one, &seqs, &n, 1);
	delivery_free(d);
}

bool same_delivery(const struct delivery *a, const struct delivery *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool same;

	delivery_state_write(a, &x);
	delivery_state_write(b, &y);
	same = str_eq(buf_view(&x), buf_view(&y));
	buf_done(&x);
	buf_done(&y);
	return same && a->key == b->key && a->rest == b->rest && a->batch == b->batch && a->account == b->account &&
	       a->sub_account == b->sub_account && a->user == b->user && a->campaign_id == b->campaign_id &&
	       a->operator_id == b->operator_id && a->expires_at == b->expires_at &&
	       str_eq(a->t.destination, b->t.destination) && str_eq(a->t.number, b->t.number) &&
	       str_eq(a->t.source, b->t.source) && str_eq(a->t.text, b->t.text) &&
	       str_eq(a->t.correlation, b->t.correlation) && str_eq(a->t.extra, b->t.extra) &&
	       str_eq(a->t.campaign, b->t.campaign) && str_eq(a->t.invalid, b->t.invalid) &&
	       str_eq(a->t.zone, b->t.zone) && a->not_before == b->not_before && a->window == b->window;
}

int state_of(struct fixture *f, int64_t key)
{
	struct delivery *d = NULL;
	int state = -1;

	if (f->o->load(f->s, key, &d) == 0)
		state = d->state;
	delivery_free(d);
	return state;
}

bool has(struct fixture *f, int64_t key) { return state_of(f, key) >= 0; }

struct str bytes_of(const int64_t *v) { return (struct str){(const char *)v, sizeof(*v)}; }
void set_mark(struct fixture *f, const char *key, int64_t v) { f->o->mark(f->s, key, bytes_of(&v)); }

/* -- collecting ------------------------------------------------------------------------------------------------------- */

static bool push(struct list *l, int64_t v)
{
	assert_true(l->n < COUNT_OF(l->a));
	l->a[l->n++] = v;
	return l->stop == 0 || l->n < l->stop;
}

bool list_delivery(void *ctx, struct delivery *take)
{
	int64_t key = take->key;

	delivery_free(take);
	return push(ctx, key);
}

bool list_recovered(void *ctx, struct delivery *take, const struct event *ev, size_t n)
{
	struct list *l = ctx;
	size_t at = l->n;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(ev[i].key, take->key);
		assert_true(i == 0 || ev[i].seq > ev[i - 1].seq);
	}
	if (at < COUNT_OF(l->each)) {
		l->each[at].events = n;
		l->each[at].first = n ? ev[0].seq : 0;
		l->each[at].last = n ? ev[n - 1].seq : 0;
	}
	return list_delivery(ctx, take);
}

bool list_event(void *ctx, const struct event *e) { return push(ctx, e->seq); }
bool list_due(void *ctx, const struct due *d) { return push(ctx, d->key); }
bool list_hook(void *ctx, const struct hook_row *h) { return push(ctx, h->key); }
bool list_parked(void *ctx, const struct parked_row *p) { return push(ctx, p->id); }
bool list_scanned(void *ctx, const struct delivery *d) { return push(ctx, d->key); }

/* -- running ---------------------------------------------------------------------------------------------------------- */

struct run {
	const struct driver *driver;
	const struct check *check;
};

static void run_check(void **state)
{
	const struct run *r = *state;
	struct fixture f = {.driver = r->driver, .now = START};

	f.options.status_retention_ms = 3 * DAY;
	f.options.message_retention_ms = 5 * DAY;
	f.place = r->driver->place_new();
	fixture_open(&f);
	r->check->fn(&f);
	f.o->close(f.s);
	r->driver->place_free(f.place);
}

static size_t add(struct CMUnitTest *tests, struct run *runs, const struct driver *d, const struct check *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *name = NULL;

		assert_true(asprintf(&name, "%s: %s", d->name, c[i].name) > 0);
		runs[i] = (struct run){d, &c[i]};
		tests[i] = (struct CMUnitTest){.name = name, .test_func = run_check, .initial_state = &runs[i]};
	}
	return n;
}

int main(int argc, char **argv)
{
	size_t all = COUNT_OF(drivers) * (batch_check_count + due_check_count + live_check_count +
					  credit_check_count + number_check_count + merge_check_count +
					  reader_check_count + day_check_count + mo_check_count);
	struct CMUnitTest *tests = xcalloc(all, sizeof(*tests));
	struct run *runs = xcalloc(all, sizeof(*runs));
	size_t n = 0;
	int failures;

	for (size_t i = 0; i < COUNT_OF(drivers); i++) {
		if (argc > 1 && strcmp(argv[1], drivers[i].name) != 0)
			continue;
		n += add(tests + n, runs + n, &drivers[i], batch_checks, batch_check_count);
		n += add(tests + n, runs + n, &drivers[i], due_checks, due_check_count);
		n += add(tests + n, runs + n, &drivers[i], live_checks, live_check_count);
		n += add(tests + n, runs + n, &drivers[i], credit_checks, credit_check_count);
		n += add(tests + n, runs + n, &drivers[i], number_checks, number_check_count);
		n += add(tests + n, runs + n, &drivers[i], merge_checks, merge_check_count);
		n += add(tests + n, runs + n, &drivers[i], reader_checks, reader_check_count);
		n += add(tests + n, runs + n, &drivers[i], day_checks, day_check_count);
		n += add(tests + n, runs + n, &drivers[i], mo_checks, mo_check_count);
	}
	failures = _cmocka_run_group_tests("store-contract", tests, n, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		free((void *)(uintptr_t)tests[i].name);
	free(tests);
	free(runs);
	return failures;
}
