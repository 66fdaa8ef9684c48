/* commands_webhook_dead.c - webhook calls that were given up: which there are, and making them again. */
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app/commands.h"
#include "app/commands_find.h"
#include "base/time.h"

static const char *kind_word(int kind)
{
	return kind == HOOK_SENT ? "sent" : kind == HOOK_MO ? "mo" : "delivered";
}

/* 0 for none of them. */
static int kind_of(const char *word)
{
	for (int k = HOOK_SENT; k <= HOOK_MO; k++)
		if (strcmp(word, kind_word(k)) == 0)
			return k;
	return 0;
}

static bool dead_one(void *ctx, const struct dead_hook *h)
{
	struct row_listing *l = ctx;
	struct context *c = l->c;
	char id[UUID_TEXT], since[ISO_MAX], last[ISO_MAX];
	struct buf b = BUF_INIT;

	uid_print(id, (struct uid){h->key, h->rest});
	iso_utc(since, h->since, false);
	iso_utc(last, h->last, false);
	if (c->json) {
		buf_json(&b, str_of(h->why));
		say(c, "%s{\"id\":\"%s\",\"kind\":\"%s\",\"webhook\":%u,\"status\":%d,\"tries\":%u,\"since\":\"%s\",\"last\":\"%s\",\"why\":%s}",
		    l->count ? "," : "", id, kind_word(h->kind), h->webhook, h->status, h->tries, since, last,
		    buf_cstr(&b));
	} else {
		say(c, "%s  %-9s  %u tries, %s to %s: %s\n", id, kind_word(h->kind), h->tries, since, last, h->why);
	}
	buf_done(&b);
	l->count++;
	return !context_gone(c);
}

static int each_dead(struct query *q, size_t limit, struct row_listing *l)
{
	return query_dead_hooks(q, limit, dead_one, l);
}

int webhook_dead(struct context *c, const struct args *a) { return list_rows(c, a, each_dead); }

struct replay_wait {
	sem_t done;
	int result;
};

static void replayed(void *ctx, int result)
{
	struct replay_wait *w = ctx;

	w->result = result;
	sem_post(&w->done);
}

/* 0, or -ENOENT: there is no such dead call. */
static int replay_one(struct context *c, int64_t key, int kind)
{
	struct replay_wait w = {.result = 0};

	sem_init(&w.done, 0, 0);
	engine_hook_replay(c->g->engine, key, (uint8_t)kind, replayed, &w);
	while (sem_wait(&w.done) < 0)
		;
	sem_destroy(&w.done);
	return w.result;
}

struct dead_keys {
	struct dead_hook *a;
	size_t n;
	int kind;
};
#define REPLAY_ROUND 1000

static bool note_dead(void *ctx, const struct dead_hook *h)
{
	struct dead_keys *k = ctx;

	if (!k->kind || k->kind == h->kind)
		k->a[k->n++] = *h;
	return k->n < REPLAY_ROUND;
}

static int replay_all(struct context *c, struct query *q, int kind)
{
	struct dead_keys k = {.a = xcalloc(REPLAY_ROUND, sizeof *k.a), .kind = kind};
	size_t total = 0, done;
	int code = EX_OK;

	do {
		k.n = done = 0;
		if (query_dead_hooks(q, SIZE_MAX / 2, note_dead, &k) < 0)
			code = complain(c, EX_IOERR, "the store cannot be read");
		for (size_t i = 0; i < k.n && !context_gone(c); i++)
			done += replay_one(c, k.a[i].key, k.a[i].kind) == 0;
		total += done;
	} while (done && code == EX_OK);
	free(k.a);
	if (code == EX_OK)
		say(c, c->json ? "{\"replayed\":%zu}\n" : "%zu calls will be made again\n", total);
	return code;
}

int webhook_replay(struct context *c, const struct args *a)
{
	const char *word = a->value[OPT_KIND];
	struct uid id;
	size_t done = 0;
	int kind = 0, code;
	struct query *q = context_query(c, &code);

	if (!q)
		return code;
	if (word)
		kind = kind_of(word);
	if (word && !kind)
		return complain(c, EX_USAGE, "--kind: sent, delivered or mo");
	if (args_has(a, OPT_ALL) == (a->count == 1))
		return complain(c, EX_USAGE, "either a message's id or --all");
	if (args_has(a, OPT_ALL))
		return replay_all(c, q, kind);
	if (uid_parse(str_of(a->argument[0]), &id) < 0)
		return complain(c, EX_DATAERR, "%s: not an id", a->argument[0]);
	for (int k = HOOK_SENT; k <= HOOK_MO; k++)
		if (!kind || kind == k)
			done += replay_one(c, id.key, k) == 0;
	if (!done)
		return complain(c, EX_NOINPUT, "%s has no call that was given up", a->argument[0]);
	say(c, c->json ? "{\"replayed\":%zu}\n" : "%zu calls will be made again\n", done);
	return context_audit(c, "webhook.replay", "id=%s", a->argument[0]);
}
