/* Names of the roles. */
#include "model/account.h"

static const char *const names[] = {
	[ROLE_REGULAR] = "regular",
	[ROLE_ADMINISTRATOR] = "administrator",
	[ROLE_PLATFORM] = "platform",
};

const char *role_name(int role) { return role >= 0 && role < (int)COUNT_OF(names) ? names[role] : "unknown"; }

int role_parse(struct str s)
{
	for (int i = 0; i < (int)COUNT_OF(names); i++)
		if (str_eqz(s, names[i]))
			return i;
	return -1;
}
