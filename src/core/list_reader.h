/* list_reader.h - what one user has read of one list, the inside of lists.c: a mark, consumed stretches beyond it, and what is leased. */
#pragma once
#include "core/lists.h"

struct lease_live { /* a call that is being answered */
	struct lease_live *next;
	uint64_t id;
	int64_t until;
	uint32_t sub_account; /* 0 = all */
};
struct leased {
	struct stretch s;
	uint64_t id; /* of its lease */
	uint32_t sub_account;
};
struct list_reader {
	uint32_t user;
	enum list_kind kind;
	int64_t mark;
	struct stretches read; /* beyond the mark */
	struct sub_read *subs; /* the same of one sub-account; ascending */
	size_t sub_n;
	struct lease_live *leases;
	struct leased *leased; /* of all leases, ascending; those of two sub-accounts may overlap */
	size_t leased_n, leased_cap;
};

struct list_reader *list_reader_of(struct engine *e, uint32_t user, enum list_kind kind); /* read from the store at first */
void list_reader_save(struct engine *e, const struct list_reader *r);                     /* with the batch */
bool list_reader_free(void *ctx, uint64_t key, uint64_t value);                           /* for map_each() */
/* Where what is read by a lease of that sub-account (0 = all) belongs; until the next call. */
struct stretches *list_reader_track(struct list_reader *r, uint32_t sub_account);
/* The mark moves up to the edge at least, and over what touches it; what is below takes no room. */
void list_reader_raise(struct list_reader *r, int64_t edge);
size_t list_reader_stretches(const struct list_reader *r); /* all of them */
const struct stretches *sub_reads_of(const struct sub_read *s, size_t n, uint32_t sub_account); /* NULL: none */
