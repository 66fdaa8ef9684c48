/* commands_number_data.c - all that is kept of one telephone number: told, or erased. */
#include <inttypes.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app/commands.h"
#include "app/commands_find.h"
#include "app/commands_timeline.h"
#include "base/log.h"
#include "base/time.h"
#include "core/erase.h"
#include "wire/phone.h"

struct ids {
	struct uid *a; /* owned */
	size_t n, cap;
	struct buf received; /* JSON of replies, commas between */
};

static bool note_item(void *ctx, const struct number_item *i)
{
	struct ids *l = ctx;
	char id[UUID_TEXT], at[ISO_MAX];

	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->a = xrealloc(l->a, l->cap, sizeof(*l->a));
	}
	/* A reply is told by what was found; a message is looked up whole. Both are erased by key. */
	l->a[l->n++] = i->id;
	if (!i->mo)
		return true;
	buf_fmt(&l->received, "%s{\"id\":\"%s\",\"receivedAt\":\"%s\"", l->received.n ? "," : "",
		uid_print(id, i->id), iso_utc(at, i->at, true));
	timeline_member(&l->received, "source", i->source);
	timeline_member(&l->received, "shortCode", i->destination);
	timeline_member(&l->received, "text", i->text);
	buf_putc(&l->received, '}');
	return true;
}

static void ids_done(struct ids *l)
{
	free(l->a);
	buf_done(&l->received);
}

/* What there is of the number that the first argument names. 0 or an exit code, told. */
static int find_number(struct context *c, const struct args *a, struct phone *p, struct ids *l)
{
	struct phone raw;
	int code;
	struct query *q = context_query(c, &code);

	if (!q)
		return code;
	if (phone_read(str_of(a->argument[0]), &raw) < 0)
		return complain(c, EX_DATAERR, "not a telephone number; write it with its country code");
	phone_canonical(&raw, p);
	if (query_number(q, (struct str){p->digits, p->n}, note_item, l) < 0)
		return complain(c, EX_IOERR, "the store cannot be read");
	return 0;
}

/* The audit log is kept for long and must not name whom it is to forget. */
static int audit(struct context *c, const char *action, const struct phone *p, size_t n)
{
	return context_audit(c, action, "number=%s items=%zu", log_number((struct str){p->digits, p->n}).s, n);
}

/* -- export ------------------------------------------------------------------------------------------------------------ */

int number_export(struct context *c, const struct args *a)
{
	static const struct scope everything = {.everything = true};
	struct ids l = {.received = {.max = (size_t)1 << 32}};
	struct admin_all all = {0};
	struct timeline_names names = {&all, c->settings};
	struct phone p = {.n = 0};
	struct err e;
	const char *comma = "";
	int code = find_number(c, a, &p, &l), r = code ? 0 : admin_load(c->admin, &all, &e);

	if (r < 0)
		code = complain_errno(c, r, &e);
	if (code) {
		ids_done(&l);
		return code;
	}
	say(c, "{\"number\":\"%s\",\"messages\":[", p.digits);
	for (size_t i = 0; i < l.n && !context_gone(c); i++) {
		struct delivery *d = NULL;
		struct event *events = NULL;
		struct buf b = BUF_INIT;
		size_t n = 0;

		if (query_history(c->query, &everything, l.a[i], &d, &events, &n) < 0)
			continue; /* a reply */
		timeline_json(&b, d, events, n, &names, true);
		say(c, "%s%s", comma, buf_cstr(&b));
		comma = ",";
		buf_done(&b);
		delivery_free(d);
		free(events);
	}
	say(c, "],\"received\":[%s]}\n", buf_cstr(&l.received));
	code = audit(c, "number.export", &p, l.n);
	ids_done(&l);
	admin_all_done(&all);
	return code;
}

/* -- erase ------------------------------------------------------------------------------------------------------------- */

struct wait {
	sem_t done;
	struct erase_result r;
	bool ok;
};

static void erased(void *ctx, const struct erase_result *r)
{
	struct wait *w = ctx;

	w->ok = r != NULL;
	if (r)
		w->r = *r;
	sem_post(&w->done);
}

static int erase_some(struct context *c, struct str number, const int64_t *keys, size_t n, struct erase_result *r)
{
	struct wait w = {.ok = false};
	struct err e;
	int code;

	if (!c->g) {
		code = store_erase(c->store, number, keys, n, r, &e);
		return code < 0 ? complain_errno(c, code, &e) : 0;
	}
	sem_init(&w.done, 0, 0);
	engine_erase(c->g->engine, number, keys, n, erased, &w);
	while (sem_wait(&w.done) < 0)
		;
	sem_destroy(&w.done);
	*r = w.r;
	return w.ok ? 0 : complain(c, EX_UNAVAILABLE, "the server is stopping");
}

int number_erase(struct context *c, const struct args *a)
{
	struct ids l = {.received = {.max = (size_t)1 << 32}};
	struct erase_result all = {0}, one = {0};
	int64_t keys[ERASE_MAX];
	struct phone p = {.n = 0};
	size_t i = 0;
	int code = find_number(c, a, &p, &l);

	do {
		size_t n = 0;

		while (code == 0 && i < l.n && n < ERASE_MAX)
			keys[n++] = l.a[i++].key;
		if (code == 0)
			code = erase_some(c, (struct str){p.digits, p.n}, keys, n, &one);
		all.erased += one.erased;
		all.open += one.open;
	} while (code == 0 && i < l.n);
	ids_done(&l);
	if (code)
		return code;
	say(c, c->json ? "{\"erased\":%zu,\"open\":%zu}\n" : "%zu erased, %zu still on their way\n", all.erased, all.open);
	code = audit(c, "number.erase", &p, all.erased);
	if (code == 0 && all.open)
		code = complain(c, EX_TEMPFAIL, "what is on its way keeps its number; say it again when it has ended");
	return code;
}
