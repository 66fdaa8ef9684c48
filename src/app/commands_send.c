/* commands_send.c - pombo send: the same checks and the same way in as a request to /v1/send-sms. */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/protect.h"
#include "api/send_request.h"
#include "app/commands.h"
#include "app/commands_find.h"
#include "app/commands_timeline.h"
#include "base/time.h"
#include "core/intake.h"

#define WATCH_POLL_US 50000
#define SOURCE_MAX 20 /* octets of source_addr, SMPP 3.4 section 5.2.8 */

static void request_json(const struct args *a, struct buf *out)
{
	buf_puts(out, "{\"destination\":");
	buf_json(out, str_of(a->value[OPT_TO]));
	buf_puts(out, ",\"messageText\":");
	buf_json(out, str_of(a->value[OPT_TEXT]));
	if (args_has(a, OPT_CORRELATION_ID)) {
		buf_puts(out, ",\"correlationId\":");
		buf_json(out, str_of(a->value[OPT_CORRELATION_ID]));
	}
	buf_fmt(out, ",\"flashSMS\":%s}", args_has(a, OPT_FLASH) ? "true" : "false");
}

static int sender_of(struct context *c, const struct args *a, struct user *u, struct sub_account *sub)
{
	const struct snapshot *s;
	const struct sub_account *found;
	struct user *named = user_named(str_of(a->value[OPT_USERNAME]));

	if (!named)
		return complain(c, EX_NOUSER, "there is no user %s", a->value[OPT_USERNAME]);
	*u = *named;
	if (u->disabled || u->role == ROLE_PLATFORM)
		return complain(c, EX_NOPERM, "user %s %s", u->name,
				u->disabled ? "is disabled" : "is a platform user, which sends nothing");
	s = snapshot_get();
	found = u->sub_account ? snapshot_sub(s, u->sub_account) : snapshot_sub_default(s, u->account);
	if (found)
		*sub = *found;
	snapshot_put(s);
	return found ? 0 : complain(c, EX_CONFIG, "user %s belongs to no sub-account", u->name);
}

static bool source_usable(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return n >= 1 && n <= SOURCE_MAX;
}

static int check_faults(struct context *c, const struct faults *f)
{
	for (unsigned i = 0; i < MIN(f->count, (unsigned)FAULTS_MAX); i++)
		complain(c, EX_DATAERR, "%s: %s", f->f[i].field, f->f[i].rule);
	return f->count ? EX_DATAERR : 0;
}

/* Header, footer, lengths and forbidden words count here too. */
static int read_texts(struct context *c, struct send_request *request, const struct sub_account *sub, struct arena *arena)
{
	const struct text_scope sc = {snapshot_get(), sub, sub->id};
	struct faults faults = {.count = 0};

	send_texts(request, &sc, arena, &faults);
	/* Its text is in the arena or the request; only templates and flows, which the command cannot name, are in the snapshot. */
	snapshot_put(sc.snap);
	return check_faults(c, &faults);
}

struct sending {
	struct submission submission; /* first member */
	sem_t done;
};

static void on_done(struct submission *s) { sem_post(&((struct sending *)s)->done); }

/* 0 and the id, or an exit code. */
static int submit(struct context *c, const struct user *u, const struct sub_account *sub, struct draft *d, struct uid *id)
{
	struct sending s = {.submission = {.in.kind = INPUT_SUBMIT,
					   .account = u->account,
					   .sub_account = sub->id,
					   .user = u->id,
					   .count = 1,
					   .drafts = d,
					   .ids = id,
					   .received_us = mono_us(),
					   .done = on_done}};

	sem_init(&s.done, 0, 0);
	if (!intake_post(c->g->engine, &s.submission))
		return complain(c, EX_TEMPFAIL, "the gateway has no room for more at the moment");
	while (sem_wait(&s.done) < 0)
		;
	sem_destroy(&s.done);
	if (s.submission.status == SUBMIT_TOO_MANY)
		return complain(c, EX_TEMPFAIL, "the sub-account may not send so many messages in so short a time");
	if (s.submission.status != SUBMIT_OK)
		return complain(c, EX_TEMPFAIL, "the gateway is stopping");
	return 0;
}

static void print_events(struct context *c, const struct delivery *d, const struct event *ev, size_t from, size_t n)
{
	struct buf b = BUF_INIT;

	for (size_t i = from; i < n; i++) {
		if (c->json) {
			timeline_event_json(&b, &ev[i]);
			buf_putc(&b, '\n');
		} else {
			timeline_event(&b, &ev[i], uid_key_ms(d->key));
		}
	}
	say(c, "%s", buf_cstr(&b));
	say_flush(c);
	buf_done(&b);
}

/* Until it is final. Asking a few times a second is cheap: what is under way is in the engine's memory. */
static int watch(struct context *c, struct uid id)
{
	const struct scope everything = {.everything = true};
	size_t shown = 0;
	bool final = false;
	int code, r;
	struct query *q = context_query(c, &code);

	while (q && !final && !context_gone(c)) {
		struct event *events = NULL;
		struct delivery *d = NULL;
		size_t n = 0;

		r = query_history(q, &everything, id, &d, &events, &n);
		if (r < 0)
			return complain(c, EX_IOERR, "the store cannot be read: %s", strerrordesc_np(-r));
		print_events(c, d, events, shown, n);
		shown = MAX(shown, n);
		final = d->state == D_DONE;
		delivery_free(d);
		free(events);
		if (!final)
			usleep(WATCH_POLL_US);
	}
	return code;
}

static int send_one(struct context *c, const struct args *a, struct json *root, struct arena *arena)
{
	struct send_request request = {0};
	struct faults faults = {.count = 0};
	struct sub_account sub = {0};
	struct send_who who;
	struct draft *draft;
	struct uid id;
	struct user u = {0};
	char text[UUID_TEXT];
	const struct snapshot *snap;
	const struct account *account;
	bool disabled;
	int r = sender_of(c, a, &u, &sub);

	if (r)
		return r;
	if (args_has(a, OPT_SOURCE) && !source_usable(a->value[OPT_SOURCE]))
		return complain(c, EX_DATAERR, "--source: 1 to %d characters of ASCII", SOURCE_MAX);
	send_read_json(root, false, arena, &request, &faults);
	r = check_faults(c, &faults);
	if (r)
		return r;
	r = read_texts(c, &request, &sub, arena);
	if (r)
		return r;
	who = (struct send_who){.user = &u, .sub = &sub, .settings = c->settings, .now = wall_ms()};
	send_times(&request, &who, arena, &faults);
	r = check_faults(c, &faults);
	if (r)
		return r;
	draft = send_drafts(&request, c->settings, &sub, arena);
	snap = snapshot_get();
	account = snapshot_account(snap, u.account);
	protect_drafts(draft, 1, account, &sub);
	disabled = !account || account->disabled;
	snapshot_put(snap);
	if (disabled)
		return complain(c, EX_NOPERM, "the account of user %s is disabled", u.name);
	if (args_has(a, OPT_SOURCE))
		draft->t.source = str_of(a->value[OPT_SOURCE]);
	r = submit(c, &u, &sub, draft, &id);
	if (r)
		return r;
	say(c, c->json ? "{\"id\":\"%s\"}\n" : "%s\n", uid_print(text, id));
	say_flush(c);
	return args_has(a, OPT_WATCH) ? watch(c, id) : 0;
}

int send_command(struct context *c, const struct args *a)
{
	struct arena arena = {0};
	struct buf b = BUF_INIT;
	struct json_doc *doc;
	struct err e;
	int code;

	request_json(a, &b);
	doc = json_read(b.p, b.n, &e);
	code = doc ? send_one(c, a, json_root(doc), &arena) : complain(c, EX_DATAERR, "%s", e.text);
	json_free(doc);
	arena_done(&arena);
	buf_done(&b);
	return code;
}
