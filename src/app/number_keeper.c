/* number_keeper.c - see number_keeper.h. */
#include "app/number_keeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/list.h"
#include "base/map.h"
#include "base/log.h"
#include "base/ranges.h"
#include "core/numbers.h"

#define WAITING_MAX 65536
#define BATCH 512

struct waiting {
	struct node node;
	struct number_change change;
	int64_t key;
	uint64_t commands; /* so many had been when it was put in force */
	char why[NUMBER_WHY_MAX + 1];
};
struct number_keeper {
	struct numbers_db *db;
	_Atomic int64_t mark;
	bool filled;
	pthread_mutex_t order; /* disk, then memory */
	pthread_mutex_t lock;  /* what follows */
	pthread_cond_t wake, room;
	struct list waiting; /* struct waiting */
	struct map *last;    /* entry of a list -> struct waiting, the newest that is not on the disk */
	uint64_t commands;   /* changes by command */
	bool running, ending;
	pthread_t thread;
};

/* -- opening -------------------------------------------------------------------------------------------------------- */

struct filling {
	struct number_change c[4096];
	size_t n, total;
};

static bool fill_one(void *ctx, const struct number_change *entry)
{
	struct filling *f = ctx;

	f->c[f->n] = *entry;
	f->c[f->n++].why = (struct str){NULL, 0};
	if (f->n == COUNT_OF(f->c)) {
		numbers_change(f->c, f->n);
		f->total += f->n;
		f->n = 0;
	}
	return true;
}

static int fill(struct number_keeper *k, const char *data_folder, struct err *e)
{
	struct filling *f = xnew(struct filling);
	int r = numbers_db_each(k->db, fill_one, f, e);

	numbers_change(f->c, f->n);
	f->total += f->n;
	if (r == 0)
		r = keeper_ported_load(data_folder, e);
	if (r == 0 && (f->total || numbers_ported_count()))
		log_info("numbers", "listed=%zu ported=%zu", f->total, numbers_ported_count());
	free(f);
	return r;
}

int keeper_open(struct number_keeper **ret, const char *data_folder, bool filled, struct err *e)
{
	struct number_keeper *k = xnew(struct number_keeper);
	int64_t mark = 0;
	int r;

	pthread_mutex_init(&k->order, NULL);
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->wake, NULL);
	pthread_cond_init(&k->room, NULL);
	list_init(&k->waiting);
	k->last = map_new();
	k->filled = filled;
	r = numbers_db_open(&k->db, data_folder, e);
	if (r == 0)
		r = numbers_db_mark(k->db, &mark, e);
	k->mark = mark;
	if (r == 0 && filled)
		r = fill(k, data_folder, e);
	if (r < 0)
		keeper_close(k);
	else
		*ret = k;
	return r;
}

struct numbers_db *keeper_db(struct number_keeper *k) { return k->db; }

int64_t keeper_mark(const struct number_keeper *k) { return k->mark; }

int64_t keeper_written(void *ctx) { return keeper_mark(ctx); }

int keeper_change(struct number_keeper *k, const struct number_change *c, size_t n, size_t *changed, struct err *e)
{
	int r;

	pthread_mutex_lock(&k->order);
	r = numbers_db_change(k->db, c, n, 0, changed, e);
	if (r == 0 && k->filled)
		numbers_change(c, n);
	pthread_mutex_lock(&k->lock);
	k->commands++; /* after it is in memory: see settle() */
	pthread_mutex_unlock(&k->lock);
	pthread_mutex_unlock(&k->order);
	return r;
}

/* -- what MOs asked for --------------------------------------------------------------------------------------------- */

static uint64_t entry_of(const struct number_change *c)
{
	const uint64_t name[] = {c->list, c->owner, c->number};

	return hash_bytes(name, sizeof name);
}

/* On the disk now. A command that ended after the wish was put in force was before it on the disk, so it must be in memory too: the wish
 * is put in force again, but not over a newer one. */
static void settle(struct number_keeper *k, struct waiting *w)
{
	uint64_t name = entry_of(&w->change);

	if (map_ptr(k->last, name) == w) {
		map_del(k->last, name, NULL);
		if (w->commands != k->commands)
			numbers_change(&w->change, 1);
	}
	free(w);
}

static int write_down(struct number_keeper *k, struct list *batch, struct err *e)
{
	struct number_change c[BATCH];
	int64_t mark = 0;
	size_t n = 0;
	int r;

	for (struct node *at = list_first(batch); at; at = list_next(batch, at)) {
		struct waiting *w = OWNER(struct waiting, node, at);

		c[n++] = w->change;
		mark = MAX(mark, w->key);
	}
	pthread_mutex_lock(&k->order);
	r = numbers_db_change(k->db, c, n, mark, NULL, e);
	if (r == 0)
		k->mark = MAX(mark, (int64_t)k->mark);
	pthread_mutex_lock(&k->lock);
	for (struct node *at; (at = list_pop(batch));)
		settle(k, OWNER(struct waiting, node, at));
	pthread_mutex_unlock(&k->lock);
	pthread_mutex_unlock(&k->order);
	return r;
}

static void *keeper_main(void *arg)
{
	struct number_keeper *k = arg;
	struct list batch;
	struct err e;

	pthread_setname_np(pthread_self(), "numbers");
	list_init(&batch);
	pthread_mutex_lock(&k->lock);
	for (;;) {
		while (!k->waiting.count && !k->ending)
			pthread_cond_wait(&k->wake, &k->lock);
		if (!k->waiting.count)
			break;
		for (struct node *at; batch.count < BATCH && (at = list_pop(&k->waiting));)
			list_push(&batch, at);
		pthread_cond_signal(&k->room);
		pthread_mutex_unlock(&k->lock);
		/* As with every other failure of the store: nothing more is promised, the next start makes it good from the MOs. */
		if (write_down(k, &batch, &e) < 0) {
			log_error("store_failed", "why=%s", log_quote(str_of(e.text)).s);
			_exit(EX_IOERR);
		}
		pthread_mutex_lock(&k->lock);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

void keeper_optout(void *ctx, const struct number_change *c, int64_t key)
{
	struct number_keeper *k = ctx;
	struct waiting *w = xnew(struct waiting);

	w->change = *c;
	w->key = key;
	if (c->why.n)
		memcpy(w->why, c->why.p, MIN(c->why.n, (size_t)NUMBER_WHY_MAX));
	w->change.why = (struct str){w->why, MIN(c->why.n, (size_t)NUMBER_WHY_MAX)};
	pthread_mutex_lock(&k->lock);
	while (k->running && k->waiting.count >= WAITING_MAX)
		pthread_cond_wait(&k->room, &k->lock);
	w->commands = k->commands;
	numbers_change(&w->change, 1);
	map_set_ptr(k->last, entry_of(&w->change), w);
	list_push(&k->waiting, &w->node);
	pthread_cond_signal(&k->wake);
	pthread_mutex_unlock(&k->lock);
}

int keeper_start(struct number_keeper *k, struct err *e)
{
	int r = -pthread_create(&k->thread, NULL, keeper_main, k);

	k->running = r == 0;
	return r < 0 ? err_set(e, r, "no thread for the lists of numbers: %s", strerrordesc_np(-r)) : 0;
}

void keeper_close(struct number_keeper *k)
{
	if (!k)
		return;
	if (k->running) {
		pthread_mutex_lock(&k->lock);
		k->ending = true;
		pthread_cond_signal(&k->wake);
		pthread_mutex_unlock(&k->lock);
		pthread_join(k->thread, NULL);
	}
	for (struct node *at; (at = list_pop(&k->waiting));)
		free(OWNER(struct waiting, node, at));
	map_free(k->last);
	numbers_db_close(k->db);
	if (k->filled)
		numbers_clear();
	pthread_mutex_destroy(&k->order);
	pthread_mutex_destroy(&k->lock);
	pthread_cond_destroy(&k->wake);
	pthread_cond_destroy(&k->room);
	free(k);
}

/* -- ported numbers ------------------------------------------------------------------------------------------------- */

char *keeper_ported_path(const char *data_folder)
{
	char *path = NULL;

	if (asprintf(&path, "%s/portability", data_folder) < 0)
		abort();
	return path;
}

int keeper_ported_load(const char *data_folder, struct err *e)
{
	char *path = keeper_ported_path(data_folder);
	struct ranges *table = NULL;
	int r = ranges_open(&table, path, e);

	free(path);
	if (r < 0 && r != -ENOENT)
		return r;
	numbers_ported_set(table);
	return 0;
}
