/* Names of what a ledger tells. */
#include "model/ledger.h"

const char *ledger_kind_name(int kind)
{
	static const char *const names[] = {NULL,        "add",     "set",    "limit",
					    "unlimited", "reserve", "settle", "refund"};

	return kind > 0 && kind < (int)COUNT_OF(names) ? names[kind] : "unknown";
}
