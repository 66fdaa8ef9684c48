/* codes.h - status codes and reasons; numbers from outside or from disk stay numbers, the names come from codes.def. */
#pragma once
#include "base/util.h"

#define SENT_CODE(num, id, help) SENT_##id = num,
#define DELIVERED_CODE(num, id, help)
#define REASON(id, text, help)
enum sent_code { /* 0: not known yet */
#include "model/codes.def"
};
#undef SENT_CODE
#undef DELIVERED_CODE
#undef REASON
#define SENT_CODE(num, id, help)
#define DELIVERED_CODE(num, id, help) DELIVERED_##id = num,
#define REASON(id, text, help)
enum delivered_code { /* 0: not known yet */
#include "model/codes.def"
};
#undef SENT_CODE
#undef DELIVERED_CODE
#undef REASON
#define SENT_CODE(num, id, help)
#define DELIVERED_CODE(num, id, help)
#define REASON(id, text, help) id,
enum reason {
#include "model/codes.def"
	REASON_COUNT
};
#undef SENT_CODE
#undef DELIVERED_CODE
#undef REASON

const char *sent_code_name(int code);      /* "SENT_SUCCESS"; "UNKNOWN" for a number not in the table */
const char *delivered_code_name(int code); /* "DELIVERED_SUCCESS" */
/* Of several codes that would end a message before a send, the one with the lowest rank counts: 202, 203, 204, 207, 205, 201, then
 * the others [spec section 5]. */
int sent_code_rank(int code);
const char *reason_text(int reason); /* "no_route"; "" for none */
const char *reason_help(int reason);
