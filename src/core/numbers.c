/* numbers.c - a set of integers for each owner of a list, behind one lock that readers hold for a look-up and writers for one insertion:
 * a set that must grow is copied beside it first. Writers are one at a time. */
#include "core/numbers.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "base/ranges.h"
#include "base/set.h"
#include "model/codes.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t writers = PTHREAD_MUTEX_INITIALIZER;
static struct map *owners; /* owner_key() -> struct set */
static _Atomic size_t listed;
static struct ranges *ported;
static _Atomic bool porting;

static uint64_t owner_key(int list, uint32_t owner) { return (uint64_t)list << 32 | owner; }

static bool has(int list, uint32_t owner, uint64_t number)
{
	const struct set *s = owners ? map_ptr(owners, owner_key(list, owner)) : NULL;

	return s && set_has(s, number);
}

bool numbers_listed(enum number_list list, uint32_t owner, uint64_t number)
{
	bool r;

	pthread_rwlock_rdlock(&lock);
	r = has(list, owner, number);
	pthread_rwlock_unlock(&lock);
	return r;
}

int numbers_refusal(uint32_t account, uint32_t sub_account, struct str digits)
{
	uint64_t number;
	int code = 0;

	if (!atomic_load_explicit(&listed, memory_order_acquire) || !(number = number_read(digits)))
		return 0;
	pthread_rwlock_rdlock(&lock);
	if (has(LIST_BLOCK_ACCOUNT, account, number) || has(LIST_BLOCK_SUB, sub_account, number))
		code = SENT_BLACKLISTED;
	else if (has(LIST_OPT_OUT, sub_account, number))
		code = SENT_DESTINATION_BLOCKED_BY_OPTOUT;
	pthread_rwlock_unlock(&lock);
	return code;
}

/* -- changes -------------------------------------------------------------------------------------------------------- */

/* The owner's set with room for more; readers see the old one until the new one is whole. */
static struct set *with_room(uint64_t key, size_t more)
{
	struct set *old = owners ? map_ptr(owners, key) : NULL, *s;

	if (old && set_room(old) >= more)
		return old;
	s = set_copy(old, (old ? set_count(old) : 0) + more);
	pthread_rwlock_wrlock(&lock);
	if (!owners)
		owners = map_new();
	map_set_ptr(owners, key, s);
	pthread_rwlock_unlock(&lock);
	set_free(old);
	return s;
}

static void change_one(const struct number_change *c, size_t ahead)
{
	struct set *s = owners ? map_ptr(owners, owner_key(c->list, c->owner)) : NULL;
	bool changed;

	if (c->on)
		s = with_room(owner_key(c->list, c->owner), ahead);
	if (!s)
		return;
	pthread_rwlock_wrlock(&lock);
	changed = c->on ? set_add(s, c->number) : set_del(s, c->number);
	pthread_rwlock_unlock(&lock);
	if (changed)
		atomic_store_explicit(&listed, c->on ? listed + 1 : listed - 1, memory_order_release);
}

/* Changes of one owner often come in thousands: room for the rest of the run is made once. */
static size_t run_length(const struct number_change *c, size_t n)
{
	size_t i = 1;

	while (i < n && c[i].on && c[i].list == c->list && c[i].owner == c->owner)
		i++;
	return i;
}

void numbers_change(const struct number_change *c, size_t n)
{
	size_t ahead = 0;

	pthread_mutex_lock(&writers);
	for (size_t i = 0; i < n; i++) {
		ahead = ahead ? ahead : run_length(c + i, n - i);
		if (c[i].number)
			change_one(&c[i], ahead);
		ahead--;
	}
	pthread_mutex_unlock(&writers);
}

size_t numbers_count(void) { return atomic_load(&listed); }

static bool free_set(void *ctx, uint64_t key, uint64_t value)
{
	(void)ctx;
	(void)key;
	set_free((struct set *)(uintptr_t)value);
	return true;
}

void numbers_clear(void)
{
	struct map *old;

	pthread_mutex_lock(&writers);
	pthread_rwlock_wrlock(&lock);
	old = owners;
	owners = NULL;
	atomic_store(&listed, 0);
	pthread_rwlock_unlock(&lock);
	pthread_mutex_unlock(&writers);
	if (old)
		map_each(old, free_set, NULL);
	map_free(old);
	numbers_ported_set(NULL);
}

/* -- ported numbers ------------------------------------------------------------------------------------------------- */

bool numbers_ported(struct str digits, int32_t *operator_id)
{
	uint64_t number;
	uint32_t value = 0;
	bool found;

	if (!atomic_load_explicit(&porting, memory_order_acquire) || !(number = number_read(digits)))
		return false;
	pthread_rwlock_rdlock(&lock);
	found = ported && ranges_find(ported, number, &value);
	pthread_rwlock_unlock(&lock);
	*operator_id = (int32_t)value;
	return found;
}

void numbers_ported_set(struct ranges *take)
{
	struct ranges *old;

	pthread_rwlock_wrlock(&lock);
	old = ported;
	ported = take;
	atomic_store_explicit(&porting, take != NULL, memory_order_release);
	pthread_rwlock_unlock(&lock);
	ranges_close(old);
}

size_t numbers_ported_count(void)
{
	size_t n;

	pthread_rwlock_rdlock(&lock);
	n = ported ? ranges_count(ported) : 0;
	pthread_rwlock_unlock(&lock);
	return n;
}
