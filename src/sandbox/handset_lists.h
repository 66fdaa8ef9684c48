/* handset_lists.h - the handset's lists, for its printer alone. */
#pragma once
#include "sandbox/handset.h"

struct list *handset_changes(struct handset *h); /* of struct handset_message.by_change */
struct list *handset_numbers(struct handset *h);
struct handset_number *handset_find_number(struct handset *h, struct str number); /* NULL when unknown */
uint64_t handset_last_change(const struct handset *h);
