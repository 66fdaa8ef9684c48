/* ledger.h - credit: a balance for each account and sub-account that has one, and a ledger row for each change of it. Amounts are
 * units; what a unit is worth is the operator's business. */
#pragma once
#include "base/util.h"

enum balance_kind { BALANCE_ACCOUNT = 1, BALANCE_SUB = 2 };
struct balance_row {
	uint8_t kind; /* enum balance_kind */
	uint32_t owner;
	bool limited;      /* false: none counts any more; what is reserved is still to be settled */
	int64_t balance;   /* bought and not used up; what is reserved is still in it */
	int64_t reserved;  /* held by attempts that are under way or in doubt */
	int64_t overdraft; /* how far below 0 it may go */
	int64_t ledger;    /* its latest ledger row */
};
/* What may still be reserved. */
static inline int64_t balance_usable(const struct balance_row *b)
{
	return b->balance + b->overdraft - b->reserved;
}

/* The numbers are the rows' kinds on disk. */
enum ledger_kind {
	LEDGER_ADD = 1, /* by the operator */
	LEDGER_SET = 2,
	LEDGER_LIMIT = 3,     /* another overdraft */
	LEDGER_UNLIMITED = 4, /* the balance is taken away */
	LEDGER_RESERVE = 5,   /* an attempt began */
	LEDGER_SETTLE = 6,    /* the carrier took the message: used up */
	LEDGER_REFUND = 7,    /* it did not */
};
const char *ledger_kind_name(int kind);
struct ledger_row {
	int64_t id;   /* ascending */
	int64_t at;   /* wall ms */
	uint8_t kind; /* enum ledger_kind */
	uint8_t balance_kind;
	uint32_t owner;
	int64_t key;                     /* the message; 0 none */
	int64_t balance_by, reserved_by; /* the changes */
	int64_t balance, reserved;       /* afterwards */
};
