/* control_orders.c - campaigns that are paused or being cancelled: found by campaign, kept on disk, counted.
 *
 * An order on disk is the mark "control/N": version 1, verb 1, account 4, sub-account 4, campaign's id 4, until 8, at 8, alias; a 0 when
 * the slot is free. The mark "control" says how many slots there ever were. Integers little-endian. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/le.h"
#include "base/map.h"
#include "core/control.h"
#include "core/ring.h"

#define ORDER_VERSION 1
#define ORDER_HEAD 30

/* -- on disk -------------------------------------------------------------------------------------------------------- */

static void put(struct buf *b, uint64_t v, size_t bytes)
{
	unsigned char at[8];

	le_put(at, v, bytes);
	buf_put(b, at, bytes);
}

static void mark_name(char name[32], size_t slot) { snprintf(name, 32, "control/%zu", slot); }

static void store_slot(struct engine *e, size_t slot)
{
	const struct control_order *o = e->control.slot[slot];
	struct buf b = BUF_INIT;
	char name[32];

	if (o) {
		put(&b, ORDER_VERSION, 1);
		put(&b, o->say.verb, 1);
		put(&b, o->account, 4);
		put(&b, o->say.sub_account, 4);
		put(&b, o->say.campaign_id, 4);
		put(&b, (uint64_t)o->until, 8);
		put(&b, (uint64_t)o->say.at, 8);
		buf_puts(&b, o->say.campaign);
	} else {
		put(&b, 0, 1);
	}
	mark_name(name, slot);
	engine_batch(e);
	e->ops->mark(e->store, name, buf_view(&b));
	buf_done(&b);
}

static void store_slots(struct engine *e)
{
	struct buf b = BUF_INIT;

	put(&b, e->control.slots, 8);
	engine_batch(e);
	e->ops->mark(e->store, "control", buf_view(&b));
	buf_done(&b);
}

/* -- by campaign ---------------------------------------------------------------------------------------------------- */

/* By id, or by an alias that had none yet: letter case of ASCII does not count, as in core/snapshot_texts.c. */
static uint64_t campaign_place(uint32_t account, uint32_t id, struct str alias)
{
	uint64_t h = (uint64_t)account * 0xc2b2ae3d27d4eb4fu;

	if (id)
		return h ^ (uint64_t)id * 0x9e3779b97f4a7c15u;
	for (size_t i = 0; i < alias.n; i++)
		h = (h ^ (unsigned char)(alias.p[i] >= 'A' && alias.p[i] <= 'Z' ? alias.p[i] + 32 : alias.p[i])) * 0x100000001b3u;
	return h;
}

static uint64_t place_of(const struct control_order *o)
{
	return campaign_place(o->account, o->say.campaign_id, str_of(o->say.campaign));
}

static void link_order(struct control *c, size_t slot, struct control_order *o)
{
	c->slot[slot] = o;
	o->next = map_ptr(c->by_campaign, place_of(o));
	map_set_ptr(c->by_campaign, place_of(o), o);
	c->count++;
	c->cancels += o->say.verb == CONTROL_CANCEL;
}

static void unlink_order(struct control *c, struct control_order *o)
{
	struct control_order *at = map_ptr(c->by_campaign, place_of(o));

	if (at == o && !o->next) {
		map_del(c->by_campaign, place_of(o), NULL);
	} else if (at == o) {
		map_set_ptr(c->by_campaign, place_of(o), o->next);
	} else {
		while (at->next != o)
			at = at->next;
		at->next = o->next;
	}
	c->count--;
	c->cancels -= o->say.verb == CONTROL_CANCEL;
}

/* The order that says most about it, of those with the campaign's id or, when that is 0, of those with its alias. */
static struct control_order *find_in(struct control_order *o, const struct delivery *d, uint32_t id)
{
	struct control_order *pause = NULL;

	for (; o; o = o->next) {
		if (o->account != d->account || (o->say.sub_account && o->say.sub_account != d->sub_account))
			continue;
		if (id ? o->say.campaign_id != id : o->say.campaign_id || !str_ieq(d->t.campaign, str_of(o->say.campaign)))
			continue;
		if (o->say.verb == CONTROL_CANCEL && d->key <= o->until)
			return o;
		if (o->say.verb == CONTROL_PAUSE)
			pause = o;
	}
	return pause;
}

static struct control_order *find_order(const struct control *c, const struct delivery *d)
{
	struct control_order *by_id = NULL, *by_alias = NULL;

	if (!c->count)
		return NULL;
	if (d->campaign_id)
		by_id = find_in(map_ptr(c->by_campaign, campaign_place(d->account, d->campaign_id, (struct str){0})),
				d, d->campaign_id);
	if (d->t.campaign.n && !(by_id && by_id->say.verb == CONTROL_CANCEL))
		by_alias = find_in(map_ptr(c->by_campaign, campaign_place(d->account, 0, d->t.campaign)), d, 0);
	return by_alias && (!by_id || by_alias->say.verb == CONTROL_CANCEL) ? by_alias : by_id;
}

enum order_says control_says(const struct engine *e, const struct delivery *d)
{
	const struct control_order *o = find_order(&e->control, d);

	if (!o)
		return ORDER_NOTHING;
	return o->say.verb == CONTROL_CANCEL ? ORDER_CANCEL : ORDER_PAUSE;
}

void control_count(struct engine *e, const struct delivery *d, bool left)
{
	struct control_order *o = find_order(&e->control, d);

	if (o && left)
		o->say.left++;
	else if (o)
		o->say.cancelled++;
}

/* -- come and go ---------------------------------------------------------------------------------------------------- */

struct control_order *control_add(struct engine *e, const struct control_order *as)
{
	struct control *c = &e->control;
	struct control_order *o;
	size_t slot = c->slots, of_account = 0;

	for (size_t i = c->slots; i-- > 0;) {
		if (!c->slot[i])
			slot = i;
		else
			of_account += c->slot[i]->account == as->account;
	}
	if (slot == CONTROL_ORDERS_MAX || of_account >= CONTROL_ORDERS_OF_ACCOUNT)
		return NULL;
	o = xnew(struct control_order);
	*o = *as;
	link_order(c, slot, o);
	if (slot == c->slots) {
		c->slots++;
		store_slots(e);
	}
	store_slot(e, slot);
	return o;
}

void control_store(struct engine *e, const struct control_order *o)
{
	for (size_t i = 0; i < e->control.slots; i++)
		if (e->control.slot[i] == o)
			store_slot(e, i);
}

void control_remove(struct engine *e, size_t slot)
{
	struct control *c = &e->control;
	struct control_order *o = c->slot[slot];

	unlink_order(c, o);
	c->slot[slot] = NULL;
	store_slot(e, slot);
	if (o->say.verb == CONTROL_CANCEL) {
		o->say.over_at = e->now;
		o->next = NULL;
		c->over[c->over_n++ % CONTROL_OVER_MAX] = *o;
		log_info("campaign_cancelled", "account=%u sub_account=%u campaign_id=%u cancelled=%llu left=%llu",
			 o->account, o->say.sub_account, o->say.campaign_id,
			 (unsigned long long)o->say.cancelled, (unsigned long long)o->say.left);
	}
	free(o);
}

void control_init(struct engine *e) { e->control.by_campaign = map_new(); }

void control_done(struct engine *e)
{
	for (size_t i = 0; i < e->control.slots; i++)
		free(e->control.slot[i]);
	map_free(e->control.by_campaign);
	free(e->control.aside);
	free(e->control.lost);
}

static void read_order(struct engine *e, size_t slot, struct str s)
{
	struct control_order *o;

	if (s.n < ORDER_HEAD || s.p[0] != ORDER_VERSION || s.n - ORDER_HEAD > CONTROL_ALIAS_MAX)
		return; /* free */
	o = xnew(struct control_order);
	o->say.verb = (enum control_verb)s.p[1];
	o->account = (uint32_t)le_get(s.p + 2, 4);
	o->say.sub_account = (uint32_t)le_get(s.p + 6, 4);
	o->say.campaign_id = (uint32_t)le_get(s.p + 10, 4);
	o->until = (int64_t)le_get(s.p + 14, 8);
	o->say.at = (int64_t)le_get(s.p + 22, 8);
	memcpy(o->say.campaign, s.p + ORDER_HEAD, s.n - ORDER_HEAD);
	link_order(&e->control, slot, o);
}

void control_recover(struct engine *e)
{
	struct buf b = BUF_INIT;
	char name[32];

	e->control.slots = (size_t)MIN((uint64_t)store_mark_i64(e->store, "control"), (uint64_t)CONTROL_ORDERS_MAX);
	for (size_t i = 0; i < e->control.slots; i++) {
		buf_clear(&b);
		mark_name(name, i);
		if (e->ops->mark_get(e->store, name, &b))
			read_order(e, i, buf_view(&b));
	}
	buf_done(&b);
}
