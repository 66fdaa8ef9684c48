/* mo_match.c - whose an MO is, and what follows from its words.
 *
 *   the last MT sent to that handset from that number within five days  -> its sub-account, user, campaign
 *   else a keyword of that short code that says so                       -> its sub-account
 *   else who owns the short code                                         -> that sub-account
 *   else the default account's default sub-account
 *
 * It is kept in any case. Row, event, webhook call, opt-out and reply are one batch. */
#include "core/mo.h"

#include <string.h>

#include "base/log.h"
#include "core/intake.h"
#include "core/optout.h"
#include "model/codes.h"

#define CANDIDATES 64

uint64_t mo_handset(const struct engine *e, struct str number, struct str sender)
{
	char both[64];
	size_t n = MIN(number.n, (size_t)24), k = MIN(sender.n, (size_t)24);
	uint64_t h;

	memcpy(both, number.p, n);
	both[n] = '\0';
	memcpy(both + n + 1, sender.p, k);
	h = hash_keyed(&e->hash_key, both, n + 1 + k);
	return h ? h : 1;
}

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

/* What can be answered: a sender of words cannot, and costs no look-up. */
uint64_t mo_attempt_hash(const struct engine *e, const struct delivery *d, uint16_t connection)
{
	struct str sender = d->t.source;

	for (size_t i = 0; !sender.n && i < e->settings->sms.connection_count; i++)
		if (e->settings->sms.connections[i].number == connection)
			sender = str_of(e->settings->sms.connections[i].source);
	if (sender.n && *sender.p == '+')
		sender = (struct str){sender.p + 1, sender.n - 1};
	return d->t.number.n && all_digits(sender) ? mo_handset(e, d->t.number, sender) : 0;
}

static bool has_left(const struct delivery *d)
{
	return d->state == D_SENDING || d->state == D_DOUBT || d->sent_code == SENT_SENT_SUCCESS;
}

static struct live *answered(struct engine *e, const struct mo_arrival *a)
{
	int64_t keys[CANDIDATES];
	size_t n = e->ops->by_handset(e->store, mo_handset(e, str_of(a->source), str_of(a->short_code)),
				      MO_MATCH_DAYS, keys, COUNT_OF(keys));
	struct live *best = NULL;

	for (size_t i = 0; i < n; i++) {
		struct live *lv = live_get(&e->lives, keys[i]);

		if (!lv || !has_left(lv->d) || lv->d->begun_at < e->now - MO_MATCH_MS)
			continue;
		if (!best || lv->d->begun_at > best->d->begun_at ||
		    (lv->d->begun_at == best->d->begun_at && lv->d->key > best->d->key))
			best = lv;
	}
	return best;
}

static void owner_without_mt(struct engine *e, struct mo *m, const struct keyword *k)
{
	const struct snapshot *s = e->snap;
	const struct account *account;
	const struct sub_account *sub = NULL;

	m->operator_id = intake_number(e->settings, str_of(m->source)).operator_id;
	if (!s)
		return;
	if (k && k->action == KEYWORD_ROUTE) {
		sub = snapshot_sub(s, k->sub_account);
		m->owner = MO_KEYWORD;
	}
	if (!sub) {
		sub = snapshot_sub(s, snapshot_code_owner(s, str_of(m->short_code)));
		m->owner = MO_SHORT_CODE;
	}
	if (!sub) {
		account = snapshot_account_named(s, STR("default"));
		sub = account ? snapshot_sub_default(s, account->id) : NULL;
		m->owner = MO_DEFAULT;
	}
	if (sub) {
		m->account = sub->account;
		m->sub_account = sub->id;
	}
}

static void owner_by_mt(struct mo *m, const struct delivery *d)
{
	m->owner = MO_MT;
	m->account = d->account;
	m->sub_account = d->sub_account;
	m->user = d->user;
	m->operator_id = d->operator_id;
	m->mt = d->key;
	m->mt_rest = d->rest;
	m->correlation = d->t.correlation;
	m->campaign = d->t.campaign;
}

/* -- what follows ------------------------------------------------------------------------------------------------------ */

/* Two machines must not talk for ever: one keyword's replies to one handset are some seconds apart, and all replies from one short code
 * to it are limited by the hour. The hour has so many places, each taken for that long. */
static bool may_reply(struct engine *e, const struct mo *m, const struct keyword *k)
{
	uint64_t handset = mo_handset(e, str_of(m->source), str_of(m->short_code));
	const char *name = k->normal;

	if (!mo_first(e, hash_keyed(&e->hash_key, name, strlen(name)) ^ handset, MO_REPLY_MS))
		return false;
	for (int64_t i = 1; i <= e->settings->sms.mo.replies_per_hour; i++)
		if (mo_first(e, handset ^ (uint64_t)i * 0x9e3779b97f4a7c15, MO_REPLIES_MS))
			return true;
	return false;
}

/* At most one to an MO, and only to what may be a telephone: short codes and senders of words are services. */
static void reply(struct engine *e, const struct mo *m, const struct keyword *k)
{
	uint32_t sub = k->sub_account ? k->sub_account : m->sub_account;
	const struct sub_account *s = e->snap ? snapshot_sub(e->snap, sub) : NULL;

	if (!s || !all_digits(str_of(m->source)) || strlen(m->source) < MO_REPLY_DIGITS)
		return;
	if (!may_reply(e, m, k)) {
		metric_add(M_MO_REPLIES_LIMITED, 1);
		return;
	}
	intake_reply(e, s, str_of(m->source), str_of(m->short_code), str_of(k->text), m->wish == MO_WISH_OUT);
	metric_add(M_MO_REPLIES, 1);
}

/* A keyword that opts out or in goes before the words that count everywhere, which must be all that the message says. A keyword that
 * replies or routes does not take their meaning from them: who writes SAIR is off the list, whatever else follows. */
static void read_wish(const struct engine *e, struct mo *m, const struct keyword *k)
{
	if (k && (k->action == KEYWORD_OPT_OUT || k->action == KEYWORD_OPT_IN)) {
		m->wish = k->action == KEYWORD_OPT_OUT ? MO_WISH_OUT : MO_WISH_IN;
		m->wish_sub = k->sub_account;
	} else if (words_whole(e->mos.opt_out, m->text) >= 0) {
		m->wish = MO_WISH_OUT;
	} else if (words_whole(e->mos.opt_in, m->text) >= 0) {
		m->wish = MO_WISH_IN;
	}
	if (!m->wish_sub)
		m->wish_sub = m->sub_account;
	if (!m->wish_sub || !all_digits(str_of(m->source)))
		m->wish = MO_WISH_NONE;
}

void mo_wish(struct engine *e, const struct mo *m, bool again)
{
	struct buf proof = BUF_INIT;
	char id[UUID_TEXT];
	struct optout o = {.sub_account = m->wish_sub,
			   .digits = str_of(m->source),
			   .out = m->wish == MO_WISH_OUT,
			   .at = m->at,
			   .key = m->key};

	if (m->wish == MO_WISH_NONE || !o.digits.n) /* erased meanwhile */
		return;
	uid_print(id, (struct uid){m->key, m->rest});
	buf_fmt(&proof, "MO %s to %s: ", id, m->short_code);
	buf_str(&proof, m->text);
	o.proof = buf_view(&proof);
	if (again) {
		optout_again(e, &o);
	} else {
		optout_early(&o);
		optout_change(e, &o);
		metric_add(o.out ? M_MO_OPT_OUT : M_MO_OPT_IN, 1);
	}
	buf_done(&proof);
}

static void obey(struct engine *e, const struct mo *m, const struct keyword *k)
{
	mo_wish(e, m, false);
	if (k && k->action == KEYWORD_REPLY)
		reply(e, m, k);
}

void mo_record(struct engine *e, int64_t key, uint32_t sub_account, uint32_t user, struct event *ev)
{
	engine_batch(e);
	ev->seq = ++e->seq;
	ev->key = key;
	ev->sub_account = sub_account;
	ev->user = user;
	e->ops->event(e->store, ev);
}

static void tell_mt(struct engine *e, struct live *lv, const struct mo *m)
{
	struct event ev = {.kind = EV_MO, .at = e->now, .hash = (uint64_t)m->key};
	char id[UUID_TEXT];

	uid_print(id, (struct uid){m->key, m->rest});
	event_detail(&ev, "%s", id);
	engine_record(e, lv, &ev);
}

void mo_accept(struct engine *e, const struct mo_arrival *a)
{
	struct mo m = {.rest = uid_rest(),
		       .at = e->now,
		       .connection = a->connection,
		       .total = a->total,
		       .came = a->came,
		       .hash = a->hash,
		       .text = a->text,
		       .parts = a->parts};
	struct event ev = {.kind = EV_RECEIVED, .at = e->now};
	struct live *mt = answered(e, a);
	const struct keyword *k;
	struct buf normal = BUF_INIT;

	engine_batch(e);
	m.key = e->mos.last = uid_take(&e->ids, e->now, 1);
	str_copy(m.source, sizeof m.source, str_of(a->source));
	str_copy(m.short_code, sizeof m.short_code, str_of(a->short_code));
	words_normal(&normal, a->text);
	k = e->snap && normal.n ? snapshot_keyword(e->snap, str_of(m.short_code), buf_view(&normal)) : NULL;
	buf_done(&normal);
	if (mt)
		owner_by_mt(&m, mt->d);
	else
		owner_without_mt(e, &m, k);
	read_wish(e, &m, k);
	ev.code = m.owner;
	ev.hash = (uint64_t)m.mt;
	m.seq = e->seq + 1;
	mo_record(e, m.key, m.sub_account, m.user, &ev);
	e->ops->mo(e->store, &m);
	hooks_mo(e, &m);
	metric_add(M_MO, 1);
	if (!mt)
		metric_add(M_MO_UNMATCHED, 1);
	obey(e, &m, k);
	if (mt)
		tell_mt(e, mt, &m);
}
