/* snapshot.c - one immutable picture of accounts and settings of theirs. Look-ups are by hash maps made once; publishing swaps a
 * pointer under a short lock, readers hold a reference. */
#include "core/snapshot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "core/snapshot_texts.h"
#include "model/event.h"
#include "model/mo.h"

struct snapshot {
	_Atomic int refs;
	uint64_t serial;
	struct account *accounts;
	struct sub_account *subs;
	struct user *users;
	struct webhook *webhooks;
	struct short_code *codes;
	struct keyword *keywords;
	size_t account_count, sub_count, user_count, webhook_count, code_count, keyword_count;
	/* Values are index + 1. Names are hashed; the text is compared after the look-up, so a collision only costs a miss for the
	 * second of two colliding names (probability 2^-64 each). */
	struct map *account_by_id, *account_by_name, *sub_by_id, *sub_by_name, *user_by_id, *user_by_name;
	struct map *hook_by_id, *hook_by_owner;
	struct snapshot_texts *texts;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct snapshot *current;

static uint64_t name_hash(uint32_t scope, struct str name)
{
	char fold[2 * NAME_MAX_BYTES];
	size_t n = MIN(name.n, sizeof fold);

	for (size_t i = 0; i < n; i++)
		fold[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 32) : name.p[i];
	return hash_bytes(fold, n) ^ ((uint64_t)scope * 0x9e3779b97f4a7c15u);
}

static uint64_t owner_key(const struct webhook *w)
{
	return w->user ? (uint64_t)1 << 32 | w->user : w->sub_account;
}

static void *copy(const void *p, size_t n, size_t size)
{
	void *c = xcalloc(n ? n : 1, size);

	if (n)
		memcpy(c, p, n * size);
	return c;
}

static void index_all(struct snapshot *s)
{
	for (size_t i = 0; i < s->account_count; i++) {
		map_set(s->account_by_id, s->accounts[i].id, i + 1);
		map_set(s->account_by_name, name_hash(0, str_of(s->accounts[i].name)), i + 1);
	}
	for (size_t i = 0; i < s->sub_count; i++) {
		map_set(s->sub_by_id, s->subs[i].id, i + 1);
		map_set(s->sub_by_name, name_hash(s->subs[i].account, str_of(s->subs[i].reference)), i + 1);
	}
	for (size_t i = 0; i < s->user_count; i++) {
		map_set(s->user_by_id, s->users[i].id, i + 1);
		map_set(s->user_by_name, name_hash(0, str_of(s->users[i].name)), i + 1);
		if (s->users[i].email[0])
			map_set(s->user_by_name, name_hash(0, str_of(s->users[i].email)), i + 1);
	}
	for (size_t i = 0; i < s->webhook_count; i++) {
		map_set(s->hook_by_id, s->webhooks[i].id, i + 1);
		map_set(s->hook_by_owner, owner_key(&s->webhooks[i]), i + 1);
	}
}

struct snapshot *snapshot_new(const struct snapshot_source *src)
{
	static _Atomic uint64_t made;
	struct snapshot *s = xnew(struct snapshot);

	atomic_store(&s->refs, 1);
	s->serial = atomic_fetch_add(&made, 1) + 1;
	s->accounts = copy(src->accounts, s->account_count = src->account_count, sizeof *s->accounts);
	s->subs = copy(src->sub_accounts, s->sub_count = src->sub_account_count, sizeof *s->subs);
	s->users = copy(src->users, s->user_count = src->user_count, sizeof *s->users);
	s->webhooks = copy(src->webhooks, s->webhook_count = src->webhook_count, sizeof *s->webhooks);
	s->codes = copy(src->short_codes, s->code_count = src->short_code_count, sizeof *s->codes);
	s->keywords = copy(src->keywords, s->keyword_count = src->keyword_count, sizeof *s->keywords);
	s->account_by_id = map_new();
	s->account_by_name = map_new();
	s->sub_by_id = map_new();
	s->sub_by_name = map_new();
	s->user_by_id = map_new();
	s->user_by_name = map_new();
	s->hook_by_id = map_new();
	s->hook_by_owner = map_new();
	index_all(s);
	s->texts = snapshot_texts_new(src->texts);
	return s;
}

static void release(struct snapshot *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	free(s->accounts);
	free(s->subs);
	free(s->users);
	free(s->webhooks);
	free(s->codes);
	free(s->keywords);
	map_free(s->account_by_id);
	map_free(s->account_by_name);
	map_free(s->sub_by_id);
	map_free(s->sub_by_name);
	map_free(s->user_by_id);
	map_free(s->user_by_name);
	map_free(s->hook_by_id);
	map_free(s->hook_by_owner);
	snapshot_texts_free(s->texts);
	free(s);
}

void snapshot_publish(struct snapshot *take)
{
	struct snapshot *old;

	pthread_mutex_lock(&lock);
	old = current;
	current = take;
	pthread_mutex_unlock(&lock);
	release(old);
}

const struct snapshot *snapshot_get(void)
{
	struct snapshot *s;

	pthread_mutex_lock(&lock);
	s = current;
	if (s)
		atomic_fetch_add(&s->refs, 1);
	pthread_mutex_unlock(&lock);
	return s;
}

void snapshot_put(const struct snapshot *s) { release((struct snapshot *)(uintptr_t)s); }

static size_t find(const struct map *m, uint64_t key)
{
	uint64_t v;

	return map_get(m, key, &v) ? (size_t)v : 0;
}

const struct account *snapshot_account(const struct snapshot *s, uint32_t id)
{
	size_t i = find(s->account_by_id, id);

	return i ? &s->accounts[i - 1] : NULL;
}

const struct account *snapshot_account_named(const struct snapshot *s, struct str name)
{
	size_t i = find(s->account_by_name, name_hash(0, name));

	return i && str_ieq(str_of(s->accounts[i - 1].name), name) ? &s->accounts[i - 1] : NULL;
}

const struct sub_account *snapshot_sub(const struct snapshot *s, uint32_t id)
{
	size_t i = find(s->sub_by_id, id);

	return i ? &s->subs[i - 1] : NULL;
}

const struct sub_account *snapshot_sub_named(const struct snapshot *s, uint32_t account, struct str reference)
{
	size_t i = find(s->sub_by_name, name_hash(account, reference));

	return i && s->subs[i - 1].account == account && str_ieq(str_of(s->subs[i - 1].reference), reference)
		       ? &s->subs[i - 1]
		       : NULL;
}

size_t snapshot_subs_of(const struct snapshot *s, uint32_t account, uint32_t **ids)
{
	size_t n = 0;

	*ids = xcalloc(s->sub_count + 1, sizeof **ids);
	for (size_t i = 0; i < s->sub_count; i++)
		if (s->subs[i].account == account)
			(*ids)[n++] = s->subs[i].id;
	return n;
}

int64_t snapshot_longest_per_destination(const struct snapshot *s)
{
	int64_t ms = 0;

	for (size_t i = 0; i < s->sub_count; i++)
		if (s->subs[i].per_destination)
			ms = MAX(ms, s->subs[i].per_destination_ms);
	return ms;
}

const struct sub_account *snapshot_sub_default(const struct snapshot *s, uint32_t account)
{
	const struct account *a = snapshot_account(s, account);
	const struct sub_account *chosen = a && a->default_sub ? snapshot_sub(s, a->default_sub) : NULL;

	return chosen && chosen->account == account ? chosen : snapshot_sub_named(s, account, STR("default"));
}

const struct user *snapshot_user(const struct snapshot *s, uint32_t id)
{
	size_t i = find(s->user_by_id, id);

	return i ? &s->users[i - 1] : NULL;
}

const struct user *snapshot_system_user(const struct snapshot *s, uint32_t sub_account)
{
	for (size_t i = 0; i < s->user_count; i++)
		if (s->users[i].system && s->users[i].sub_account == sub_account)
			return &s->users[i];
	return NULL;
}

const struct user *snapshot_user_named(const struct snapshot *s, struct str name)
{
	size_t i = find(s->user_by_name, name_hash(0, name));
	const struct user *u = i ? &s->users[i - 1] : NULL;

	return u && (str_ieq(str_of(u->name), name) || str_ieq(str_of(u->email), name)) ? u : NULL;
}

const struct webhook *snapshot_webhook(const struct snapshot *s, uint32_t id)
{
	size_t i = find(s->hook_by_id, id);

	return i ? &s->webhooks[i - 1] : NULL;
}

static const char *hook_url(const struct webhook *w, int kind)
{
	switch (kind) {
	case HOOK_SENT: return w->sent;
	case HOOK_DELIVERED: return w->delivered;
	case HOOK_MO: return w->mo;
	default: return "";
	}
}

struct hook_target snapshot_hook(const struct snapshot *s, uint32_t sub_account, uint32_t user, int kind)
{
	size_t i = user ? find(s->hook_by_owner, (uint64_t)1 << 32 | user) : 0;

	if (i && hook_url(&s->webhooks[i - 1], kind)[0])
		return (struct hook_target){hook_url(&s->webhooks[i - 1], kind), &s->webhooks[i - 1]};
	i = find(s->hook_by_owner, sub_account);
	if (i && hook_url(&s->webhooks[i - 1], kind)[0])
		return (struct hook_target){hook_url(&s->webhooks[i - 1], kind), &s->webhooks[i - 1]};
	return (struct hook_target){"", NULL};
}

const char *snapshot_short_code(const struct snapshot *s, uint32_t sub_account)
{
	for (size_t i = 0; sub_account && i < s->code_count; i++)
		if (s->codes[i].sub_account == sub_account)
			return s->codes[i].code;
	return NULL;
}

uint64_t snapshot_serial(const struct snapshot *s) { return s ? s->serial : 0; }

uint32_t snapshot_code_owner(const struct snapshot *s, struct str code)
{
	for (size_t i = 0; i < s->code_count; i++)
		if (str_eqz(code, s->codes[i].code))
			return s->codes[i].sub_account;
	return 0;
}

const struct keyword *snapshot_keyword(const struct snapshot *s, struct str short_code, struct str normal)
{
	const struct keyword *best = NULL;
	size_t length = 0;

	for (size_t i = 0; i < s->keyword_count; i++) {
		const struct keyword *k = &s->keywords[i];
		size_t n = strlen(k->normal);

		if (n <= length || n > normal.n || !str_eqz(short_code, k->short_code) ||
		    memcmp(k->normal, normal.p, n) != 0 || (n < normal.n && normal.p[n] != ' '))
			continue;
		best = k;
		length = n;
	}
	return best;
}

void snapshot_mo_names(const struct snapshot *s, uint32_t sub_account, uint32_t user, struct mo_names *ret)
{
	const struct sub_account *sub = s && sub_account ? snapshot_sub(s, sub_account) : NULL;
	const struct user *u = s && user ? snapshot_user(s, user) : NULL;

	*ret = (struct mo_names){.email = ""};
	if (sub)
		str_copy(ret->sub_account, sizeof ret->sub_account, str_of(sub->reference));
	if (u) {
		str_copy(ret->username, sizeof ret->username, str_of(u->name));
		str_copy(ret->email, sizeof ret->email, str_of(u->email));
	}
}

const struct snapshot_texts *snapshot_texts_of(const struct snapshot *s) { return s->texts; }
