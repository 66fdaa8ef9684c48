/* Names of the status codes and reasons. The numbers come from requests' answers and from disk, so a number that is not in the
 * table is no error: it has no name. */
#include "model/codes.h"

struct code {
	int number;
	const char *name;
};
#define SENT_CODE(num, id, help) {num, #id},
#define DELIVERED_CODE(num, id, help)
#define REASON(id, text, help)
static const struct code sent_codes[] = {
#include "model/codes.def"
};
#undef SENT_CODE
#undef DELIVERED_CODE
#define SENT_CODE(num, id, help)
#define DELIVERED_CODE(num, id, help) {num, #id},
static const struct code delivered_codes[] = {
#include "model/codes.def"
};
#undef SENT_CODE
#undef DELIVERED_CODE
#undef REASON

static const char *name_of(const struct code *table, size_t n, int number)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].number == number)
			return table[i].name;
	return "UNKNOWN";
}

const char *sent_code_name(int code) { return name_of(sent_codes, COUNT_OF(sent_codes), code); }

const char *delivered_code_name(int code)
{
	return name_of(delivered_codes, COUNT_OF(delivered_codes), code);
}

#define SENT_CODE(num, id, help)
#define DELIVERED_CODE(num, id, help)
#define REASON(id, text, help) {text, help},
static const struct {
	const char *text, *help;
} reasons[] = {
#include "model/codes.def"
};
#undef SENT_CODE
#undef DELIVERED_CODE
#undef REASON
_Static_assert(COUNT_OF(reasons) == REASON_COUNT, "one text a reason");

const char *reason_text(int reason)
{
	return reason >= 0 && reason < REASON_COUNT ? reasons[reason].text : "unknown";
}

const char *reason_help(int reason)
{
	return reason >= 0 && reason < REASON_COUNT ? reasons[reason].help : "";
}

int sent_code_rank(int code)
{
	static const int order[] = {SENT_INVALID_DESTINATION_NUMBER,        SENT_BLACKLISTED,
				    SENT_DESTINATION_BLOCKED_BY_OPTOUT,     SENT_INVALID_MESSAGE_TEXT,
				    SENT_DESTINATION_MESSAGE_LIMIT_REACHED, SENT_NO_CREDIT};
	size_t i = 0;

	while (i < COUNT_OF(order) && order[i] != code)
		i++;
	return (int)i;
}
