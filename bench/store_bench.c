/* store_bench - life-cycles a second of the SQLite driver alone: accept, attempt, sent with carrier id, delivered, two webhooks done,
 * state merged 65,536 at a time in slices of 2048 a batch; one commit a batch, real syncs.
 *
 *   store_bench FOLDER [seconds [batch...]]      FOLDER must not exist; it is removed afterwards
 *   store_bench FOLDER queued COUNT              COUNT accepted in batches of 1000, then a restart and recovery
 *   store_bench FOLDER sent COUNT                the same with two events each that are not merged
 *
 * Receipts come 29,000 messages later, scrambled within 16,384. CPU is all threads of the process, per message. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/time.h"
#include "store/store.h"

#define RING (1u << 18)
#define SENT_LAG 2000
#define RECEIPT_LAG 29000
#define SCRAMBLE 16384
#define MERGE_BATCH 65536
#define MERGE_SLICE 2048

struct life {
	int64_t key, seqs[5];
	uint8_t n;
};
struct bench {
	struct store *s;
	const struct store_ops *o;
	struct uid_source uids;
	struct prng rng;
	int64_t seq;
	struct life ring[RING];
	uint64_t accepted, sent, delivered;
	uint32_t order[SCRAMBLE], order_at; /* receipts of one window, in their order */
	uint64_t window;
	struct life *done, *merging;
	size_t done_n, merging_n, merged;
	int64_t *waits;
	size_t wait_n, wait_cap;
};

static int64_t cpu_us(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * (int64_t)1000000 + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static void event(struct bench *b, struct life *l, int kind, uint64_t hash, const char *detail)
{
	struct event e = {.seq = ++b->seq,
			  .key = l->key,
			  .sub_account = (uint32_t)(l->key % 64 + 1),
			  .user = 7,
			  .at = uid_key_ms(l->key) + 120,
			  .hash = hash,
			  .code = 2,
			  .arg = 1,
			  .kind = (uint8_t)kind};

	if (detail) {
		e.detail_len = (uint8_t)strlen(detail);
		memcpy(e.detail, detail, e.detail_len);
	}
	b->o->event(b->s, &e);
	l->seqs[l->n++] = e.seq;
}

static struct life *life(struct bench *b, uint64_t i) { return &b->ring[i & (RING - 1)]; }

static void accept(struct bench *b, int64_t now, bool attempt)
{
	static const char text[] =
		"Your order 4711 has left our house and will be with you tomorrow between 9 and 12.";
	char number[24], correlation[40];
	struct delivery_text t = {.text = STR(text), .source = STR("28604")};
	struct delivery *d;

	t.destination.p = t.number.p = number;
	t.destination.n = t.number.n = (size_t)snprintf(number, sizeof(number), "55119%08llu",
							(unsigned long long)(prng_u64(&b->rng) % 100000000));
	t.correlation.p = correlation;
	t.correlation.n = (size_t)snprintf(correlation, sizeof(correlation), "%016llx",
					   (unsigned long long)prng_u64(&b->rng));
	d = delivery_new(&t);
	d->key = uid_take(&b->uids, now, 1);
	d->rest = prng_u64(&b->rng) >> 5;
	d->account = 1;
	d->sub_account = (uint32_t)(d->key % 64 + 1);
	d->user = 7;
	d->flags = DF_HAS_CORR;
	d->part_count = 1;
	d->expires_at = now + 86400000;
	d->updated_at = now;
	b->o->accept(b->s, d);
	*life(b, b->accepted) = (struct life){.key = d->key};
	if (attempt)
		event(b, life(b, b->accepted), EV_ATTEMPT, 0, NULL);
	b->accepted++;
	delivery_free(d);
}

static void sent(struct bench *b)
{
	char id[24];
	uint64_t hash = prng_u64(&b->rng) | 1;

	snprintf(id, sizeof(id), "%012llX", (unsigned long long)(hash >> 16));
	event(b, life(b, b->sent++), EV_SENT, hash, id);
}

static void shuffle(struct bench *b)
{
	for (uint32_t i = 0; i < SCRAMBLE; i++)
		b->order[i] = i;
	for (uint32_t i = SCRAMBLE - 1; i > 0; i--) {
		uint32_t k = (uint32_t)prng_below(&b->rng, i + 1), swap = b->order[i];

		b->order[i] = b->order[k];
		b->order[k] = swap;
	}
	b->order_at = 0;
}

static void delivered(struct bench *b)
{
	struct life *l;

	if (b->order_at == SCRAMBLE) {
		b->window += SCRAMBLE;
		shuffle(b);
	}
	l = life(b, b->window + b->order[b->order_at++]);
	event(b, l, EV_DELIVERED, 0, "000");
	event(b, l, EV_HOOK_DONE, 0, NULL);
	event(b, l, EV_HOOK_DONE, 0, NULL);
	b->done[b->done_n++] = *l;
	b->delivered++;
}

static int by_key(const void *x, const void *y)
{
	const struct life *a = x, *c = y;

	return a->key < c->key ? -1 : a->key > c->key;
}

static void merge(struct bench *b)
{
	static const struct delivery_text none;
	static struct delivery *d[MERGE_SLICE];
	static const int64_t *seqs[MERGE_SLICE];
	static size_t counts[MERGE_SLICE];
	size_t n = MIN(b->merging_n - b->merged, (size_t)MERGE_SLICE);

	if (n == 0 && b->done_n >= MERGE_BATCH) {
		struct life *swap = b->merging;

		b->merging = b->done;
		b->done = swap;
		b->merging_n = b->done_n;
		b->done_n = b->merged = 0;
		qsort(b->merging, b->merging_n, sizeof(*b->merging), by_key);
		return;
	}
	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct life *l = &b->merging[b->merged + i];

		if (!d[i])
			d[i] = delivery_new(&none);
		d[i]->key = l->key;
		d[i]->state = D_DONE;
		d[i]->attempts = 1;
		d[i]->part_count = d[i]->accepted_parts = d[i]->delivered_parts = 1;
		d[i]->sent_code = 2;
		d[i]->delivered_code = 4;
		d[i]->updated_at = uid_key_ms(l->key) + 3000;
		d[i]->begun_at = uid_key_ms(l->key) + 5;
		d[i]->sent_at = uid_key_ms(l->key) + 120;
		d[i]->delivered_at = d[i]->updated_at;
		d[i]->last_seq = l->seqs[4];
		d[i]->one = (struct part){(uint64_t)l->key * 0x9E3779B97F4A7C15u, PART_DELIVERED};
		seqs[i] = l->seqs;
		counts[i] = 5;
	}
	b->o->merge(b->s, (const struct delivery *const *)d, seqs, counts, n);
	b->merged += n;
}

static int batch(struct bench *b, size_t size)
{
	struct err e;
	int64_t now = wall_ms(), start = mono_us();
	int r;

	b->o->begin(b->s);
	for (size_t i = 0; i < size; i++)
		accept(b, now, true);
	while (b->sent + SENT_LAG < b->accepted)
		sent(b);
	while (b->window + b->order_at + RECEIPT_LAG + SCRAMBLE < b->accepted)
		delivered(b);
	merge(b);
	r = b->o->commit(b->s, &e);
	if (r < 0)
		fprintf(stderr, "%s\n", e.text);
	b->o->idle(b->s, now);
	if (b->wait_n < b->wait_cap)
		b->waits[b->wait_n++] = mono_us() - start;
	return r;
}

static int by_value(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, c = *(const int64_t *)y;

	return a < c ? -1 : a > c;
}

static int measure(struct bench *b, size_t size, int64_t seconds)
{
	int64_t start = mono_us(), cpu = cpu_us(RUSAGE_SELF), mine = cpu_us(RUSAGE_THREAD), took;
	uint64_t first = b->delivered, n;
	int r = 0;

	b->wait_n = 0;
	while (r == 0 && mono_us() - start < seconds * 1000000)
		r = batch(b, size);
	took = mono_us() - start;
	n = b->delivered - first;
	if (r < 0 || n == 0 || b->wait_n == 0)
		return r < 0 ? r : -ENODATA;
	qsort(b->waits, b->wait_n, sizeof(*b->waits), by_value);
	printf("batch %5zu  %8.0f lives/s  CPU %5.1f us (writer %5.1f)  batch p50 %.2f p99 %.2f max %.1f "
	       "ms\n",
	       size, (double)n * 1e6 / (double)took, (double)(cpu_us(RUSAGE_SELF) - cpu) / (double)n,
	       (double)(cpu_us(RUSAGE_THREAD) - mine) / (double)n, (double)b->waits[b->wait_n / 2] / 1e3,
	       (double)b->waits[b->wait_n * 99 / 100] / 1e3, (double)b->waits[b->wait_n - 1] / 1e3);
	fflush(stdout);
	return 0;
}

static void tell_size(const char *folder, uint64_t messages)
{
	DIR *dir = opendir(folder);
	struct stat st;
	int64_t bytes = 0;

	for (struct dirent *d; dir && (d = readdir(dir));)
		if (fstatat(dirfd(dir), d->d_name, &st, 0) == 0 && S_ISREG(st.st_mode)) {
			printf("%-24s %8.1f MB\n", d->d_name, (double)st.st_size / 1e6);
			bytes += st.st_size;
		}
	if (dir)
		closedir(dir);
	printf("%llu messages, %.0f bytes each\n", (unsigned long long)messages, (double)bytes / (double)messages);
}

static bool recovered(void *ctx, struct delivery *take, const struct event *ev, size_t n)
{
	uint64_t *count = ctx;

	(void)ev;
	count[0]++;
	count[1] += n;
	delivery_free(take);
	return true;
}

static long resident_mb(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (f) {
		if (fscanf(f, "%*d %ld", &pages) != 1)
			pages = 0;
		fclose(f);
	}
	return pages * (sysconf(_SC_PAGESIZE) / 1024) / 1024;
}

/* What a restart with many unfinished costs. */
static int backlog(struct bench *b, const struct store_options *o, uint64_t count, bool with_events)
{
	int64_t start = mono_us(), opened;
	uint64_t found[2] = {0};
	struct err e;
	int r = 0;

	for (uint64_t i = 0; r == 0 && i < count; i += 1000) {
		b->o->begin(b->s);
		for (int k = 0; k < 1000; k++) {
			accept(b, wall_ms(), with_events);
			if (with_events)
				sent(b);
		}
		r = b->o->commit(b->s, &e);
	}
	printf("accepted %llu: %.0f/s, resident %ld MB\n", (unsigned long long)count,
	       (double)count * 1e6 / (double)(mono_us() - start), resident_mb());
	start = mono_us();
	b->o->close(b->s);
	printf("close %.2f s\n", (double)(mono_us() - start) / 1e6);
	start = mono_us();
	r = store_sqlite_open(&b->s, o, &e);
	opened = mono_us();
	if (r == 0)
		r = b->s->ops->recover(b->s, recovered, found);
	printf("open %.2f s, recovery of %llu with %llu events %.2f s, resident %ld MB\n",
	       (double)(opened - start) / 1e6, (unsigned long long)found[0], (unsigned long long)found[1],
	       (double)(mono_us() - opened) / 1e6, resident_mb());
	return r;
}

static void remove_folder(const char *folder)
{
	DIR *dir = opendir(folder);

	for (struct dirent *d; dir && (d = readdir(dir));)
		(void)unlinkat(dirfd(dir), d->d_name, 0);
	if (dir)
		closedir(dir);
	(void)rmdir(folder);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {16, 128, 1024};
	struct store_options o = {.message_retention_ms = 90 * (int64_t)86400000,
				  .status_retention_ms = 3 * (int64_t)86400000};
	struct bench *b = xnew(struct bench);
	int64_t seconds = argc > 2 ? atoll(argv[2]) : 8; /* a word counts as 0 */
	struct err e;
	int r;

	if (argc < 2 || (seconds < 1 && argc != 4) || mkdir(argv[1], 0700) < 0) {
		fprintf(stderr, "usage: store_bench FOLDER [seconds [batch...]]\n");
		return 64;
	}
	o.data = argv[1];
	prng_seed(&b->rng, 1);
	shuffle(b);
	b->done = xcalloc(4 * MERGE_BATCH, sizeof(*b->done));
	b->merging = xcalloc(4 * MERGE_BATCH, sizeof(*b->merging));
	b->wait_cap = 1 << 20;
	b->waits = xcalloc(b->wait_cap, sizeof(*b->waits));
	r = store_sqlite_open(&b->s, &o, &e);
	if (r < 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	b->o = b->s->ops;
	b->uids.last = b->o->last_key(b->s);
	if (argc == 4 && (strcmp(argv[2], "queued") == 0 || strcmp(argv[2], "sent") == 0)) {
		r = backlog(b, &o, (uint64_t)atoll(argv[3]), argv[2][0] == 's');
		argc = -1;
	}
	while (argc > 0 && r == 0 && b->delivered < MERGE_BATCH)
		r = batch(b, 1024);
	for (int i = 0; argc > 0 && r == 0 && i < (argc > 3 ? argc - 3 : (int)COUNT_OF(sizes)); i++)
		r = measure(b, argc > 3 ? (size_t)MAX(1, atoi(argv[3 + i])) : sizes[i], seconds);
	tell_size(argv[1], b->accepted);
	b->o->close(b->s);
	remove_folder(argv[1]);
	free(b->done);
	free(b->merging);
	free(b->waits);
	free(b);
	return r < 0;
}
