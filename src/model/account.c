/* Names of the roles and of what keywords do. */
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

static const char *const actions[] = {
	[KEYWORD_OPT_OUT] = "opt-out",
	[KEYWORD_OPT_IN] = "opt-in",
	[KEYWORD_ROUTE] = "route",
	[KEYWORD_REPLY] = "reply",
};

const char *keyword_action_name(int action)
{
	return action >= 0 && action < KEYWORD_ACTIONS ? actions[action] : "unknown";
}

int keyword_action_parse(struct str s)
{
	for (int i = 0; i < KEYWORD_ACTIONS; i++)
		if (str_eqz(s, actions[i]))
			return i;
	return -1;
}
