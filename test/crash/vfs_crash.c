/* Power cuts below the SQLite driver: hundreds of them, at any write or sync, over day edges, merges into older files and retention.
 * After each: every acknowledged batch is there whole, at most one that was not acknowledged is there too, and then whole; recovery
 * tells just what is unfinished; the files are sound.
 *
 * Batch b (from 1) accepts two messages, first(b) and second(b), and has events 4b-3 .. 4b: both sent, then first(b-3) and second(b-9)
 * delivered and merged. The mark "batch" says how many batches there are. POMBO_CRASHES=n for more than the usual number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "store/store.h"
#include "vfs_lossy.h"

#define DAY ((int64_t)86400000)
#define START (20000 * DAY)
#define STEP (DAY / 5)
#define KEEP_DAYS 3
#define FIRST_LAG 3
#define SECOND_LAG 9

struct world {
	char path[64];
	struct store *s;
	int64_t now;
	int64_t acknowledged; /* batches */
	struct prng rng;
	long lost, unsound; /* found wrong */
	char why[256];
};

static int64_t clock_of(void *ctx) { return ((struct world *)ctx)->now; }
static int64_t time_of(int64_t b) { return START + b * STEP; }
static int64_t first(int64_t b) { return uid_key_at(time_of(b)); }
static int64_t second(int64_t b) { return first(b) + 1; }
static uint64_t hash_of(int64_t seq) { return (uint64_t)seq * 0x9E3779B97F4A7C15u | 1; }

static int open_store(struct world *w)
{
	struct store_options o = {.data = w->path,
				  .status_retention_ms = DAY,
				  .message_retention_ms = KEEP_DAYS * DAY,
				  .now = clock_of,
				  .now_ctx = w};
	struct err e = {""};
	int r = store_sqlite_open(&w->s, &o, &e);

	if (r < 0)
		snprintf(w->why, sizeof(w->why), "open: %s", e.text);
	return r;
}

/* -- a batch -------------------------------------------------------------------------------------------------------------- */

static void accept(struct world *w, int64_t key)
{
	char correlation[32];
	struct delivery_text t = {.text = STR("hello"), .correlation = {correlation, 0}};
	struct delivery *d;

	t.correlation.n = (size_t)snprintf(correlation, sizeof(correlation), "c%lld", (long long)key);
	d = delivery_new(&t);
	d->key = key;
	d->account = 1;
	d->part_count = 1;
	w->s->ops->accept(w->s, d);
	delivery_free(d);
}

static void event(struct world *w, int64_t seq, int64_t key, int kind)
{
	w->s->ops->event(w->s, &(struct event){.seq = seq,
					       .key = key,
					       .kind = (uint8_t)kind,
					       .sub_account = 1,
					       .hash = kind == EV_SENT ? hash_of(seq) : 0});
}

static void deliver(struct world *w, int64_t b, int64_t key, int64_t sent_seq, int64_t seq)
{
	const int64_t seqs[] = {sent_seq, seq}, *list = seqs;
	size_t n = 2;
	struct delivery *d = NULL;
	const struct delivery *one;

	if (b < 1) {
		event(w, seq, first(1), EV_ATTEMPT);
		return;
	}
	event(w, seq, key, EV_DELIVERED);
	if (w->s->ops->load(w->s, key, &d) < 0)
		return; /* no power */
	d->state = D_DONE;
	d->last_seq = seq;
	one = d;
	w->s->ops->merge(w->s, &one, &list, &n, 1);
	delivery_free(d);
}

static int batch(struct world *w, int64_t b)
{
	const struct store_ops *o = w->s->ops;
	int64_t merged = MAX(1, 4 * (b - SECOND_LAG) + 1);
	struct err e;

	w->now = time_of(b);
	o->begin(w->s);
	accept(w, first(b));
	accept(w, second(b));
	event(w, 4 * b - 3, first(b), EV_SENT);
	event(w, 4 * b - 2, second(b), EV_SENT);
	deliver(w, b - FIRST_LAG, first(b - FIRST_LAG), 4 * (b - FIRST_LAG) - 3, 4 * b - 1);
	deliver(w, b - SECOND_LAG, second(b - SECOND_LAG), 4 * (b - SECOND_LAG) - 2, 4 * b);
	o->due_set(w->s, &(struct due){.at = b, .key = b});
	o->due_del(w->s, &(struct due){.at = b - 2, .key = b - 2});
	o->mark(w->s, "batch", (struct str){(const char *)&b, sizeof(b)});
	o->mark(w->s, "merged", (struct str){(const char *)&merged, sizeof(merged)});
	return o->commit(w->s, &e);
}

/* Batches until the power is cut; acknowledged ones are counted. */
static void live(struct world *w, int64_t most)
{
	for (int64_t i = 0; i < most && !lossy_is_cut(); i++) {
		if (batch(w, w->acknowledged + 1) == 0)
			w->acknowledged++;
		if (prng_below(&w->rng, 3) == 0)
			w->s->ops->idle(w->s, w->now);
	}
}

/* -- what must be there ------------------------------------------------------------------------------------------------------ */

static void wrong(struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void wrong(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->lost++ > 0)
		return;
	va_start(ap, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, ap);
	va_end(ap);
}

static int64_t batches_there(struct world *w)
{
	struct buf b = BUF_INIT;
	int64_t n = 0;

	if (w->s->ops->mark_get(w->s, "batch", &b) && b.n == sizeof(n))
		memcpy(&n, b.p, sizeof(n));
	buf_done(&b);
	return n;
}

/* Its day has been over for long enough. */
static bool may_be_gone(const struct world *w, int64_t b)
{
	return time_of(b) / DAY * DAY + DAY < w->now - KEEP_DAYS * DAY;
}

static void expect_state(struct world *w, int64_t b, int64_t key, int state)
{
	struct delivery *d = NULL;
	int r = w->s->ops->load(w->s, key, &d);

	if (r == 0 && d->state != state)
		wrong(w, "batch %lld: state %d, not %d", (long long)b, d->state, state);
	else if (r < 0 && !(r == -ENOENT && may_be_gone(w, b) && state == D_DONE))
		wrong(w, "batch %lld: a message is missing", (long long)b);
	delivery_free(d);
}

static void expect_batch(struct world *w, int64_t b, int64_t there)
{
	struct event e;
	int64_t key = 0;

	expect_state(w, b, first(b), b + FIRST_LAG <= there ? D_DONE : D_QUEUED);
	expect_state(w, b, second(b), b + SECOND_LAG <= there ? D_DONE : D_QUEUED);
	if (may_be_gone(w, b))
		return;
	for (int64_t seq = 4 * b - 3; seq <= 4 * b; seq++)
		if (w->s->ops->load_event(w->s, seq, &e) < 0 || e.seq != seq)
			wrong(w, "batch %lld: event %lld is missing", (long long)b, (long long)seq);
	if (w->s->ops->by_carrier(w->s, hash_of(4 * b - 3), &key, 1) != 1 || key != first(b))
		wrong(w, "batch %lld: carrier id is not found", (long long)b);
}

struct recovered {
	struct world *w;
	int64_t there, n, last;
};

static bool on_recover(void *ctx, struct delivery *take, const struct event *ev, size_t n)
{
	struct recovered *r = ctx;

	(void)ev;
	if (take->key <= r->last)
		wrong(r->w, "recovery is not in order");
	if (take->state != D_DONE && n != 1 && !(take->key == first(1) && n > 1))
		wrong(r->w, "recovery tells %zu events of %lld", n, (long long)take->key);
	r->n += take->state != D_DONE;
	r->last = take->key;
	delivery_free(take);
	return true;
}

static void verify(struct world *w)
{
	const struct store_ops *o = w->s->ops;
	int64_t there = batches_there(w);
	struct recovered r = {.w = w, .there = there};
	struct buf report = BUF_INIT;
	struct delivery *d = NULL;
	struct err e = {""};

	if (there < w->acknowledged || there > w->acknowledged + 1)
		wrong(w, "%lld batches are there, %lld were acknowledged", (long long)there, (long long)w->acknowledged);
	for (int64_t b = 1; b <= there; b++)
		expect_batch(w, b, there);
	if (o->load(w->s, first(there + 1), &d) != -ENOENT)
		wrong(w, "part of a batch is there");
	delivery_free(d);
	if (o->last_seq(w->s) != 4 * there)
		wrong(w, "last event %lld of %lld batches", (long long)o->last_seq(w->s), (long long)there);
	if (o->recover(w->s, on_recover, &r) < 0 || r.n != MIN(there, FIRST_LAG) + MIN(there, SECOND_LAG))
		wrong(w, "recovery tells %lld unfinished after %lld batches", (long long)r.n, (long long)there);
	if (o->check(w->s, &report, &e) != 0) {
		w->unsound++;
		wrong(w, "%s: %s", e.text, buf_cstr(&report));
	}
	buf_done(&report);
	w->acknowledged = there;
}

/* -- lives ------------------------------------------------------------------------------------------------------------------- */

static void remove_folder(const char *path)
{
	DIR *dir = opendir(path);

	for (struct dirent *d; dir && (d = readdir(dir));)
		(void)unlinkat(dirfd(dir), d->d_name, 0);
	if (dir)
		closedir(dir);
	(void)rmdir(path);
}

static void quiet(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

/* One folder, several lives, each ended by a cut. Returns false when something was wrong. */
static bool lives(struct world *w, uint64_t seed, int cuts)
{
	prng_seed(&w->rng, seed);
	snprintf(w->path, sizeof(w->path), "/tmp/pombo-crash-XXXXXX");
	assert_non_null(mkdtemp(w->path));
	w->now = START;
	w->acknowledged = 0;
	for (int i = 0; i < cuts && w->lost == 0; i++) {
		int r;

		lossy_cut_at(1 + (long)prng_below(&w->rng, i % 3 == 0 ? 60 : 500));
		r = open_store(w);
		if (r == 0) {
			live(w, 200);
			w->s->ops->close(w->s);
		}
		lossy_power_on(&w->rng);
		r = open_store(w);
		if (r < 0) {
			w->lost++;
			break;
		}
		verify(w);
		w->s->ops->close(w->s);
		lossy_power_on(&w->rng);
	}
	lossy_forget();
	remove_folder(w->path);
	return w->lost == 0;
}

static void no_power_cut_loses_what_was_acknowledged(void **state)
{
	const char *more = getenv("POMBO_CRASHES");
	long folders = more ? atol(more) / 6 + 1 : 34;

	(void)state;
	for (long i = 0; i < folders; i++) {
		struct world w = {0};

		if (!lives(&w, (uint64_t)i + 1, 6))
			fail_msg("seed %ld: %s", i + 1, w.why);
	}
}

static void disk_that_lies_is_noticed(void **state)
{
	long noticed = 0;

	(void)state;
	lossy_lie(true);
	for (uint64_t i = 0; i < 10; i++) {
		struct world w = {0};

		noticed += !lives(&w, i + 1, 3);
	}
	lossy_lie(false);
	assert_true(noticed >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_power_cut_loses_what_was_acknowledged),
		cmocka_unit_test(disk_that_lies_is_noticed),
	};

	log_capture(quiet, NULL);
	lossy_register();
	return cmocka_run_group_tests_name("crash-vfs", tests, NULL, NULL);
}
