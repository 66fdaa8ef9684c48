/* carrier_lookup.c - any body of a look-up of numbers: faults with their fields, or an answer of as many entries as were asked, in JSON. */
#include <stdint.h>
#include <string.h>

#include "api/answer.h"
#include "api/carrier.h"
#include "core/intake.h"

/* In core's place. */
struct number_facts intake_number(const struct settings *s, struct str digits)
{
	(void)s;
	ASSERT(digits.n && digits.n <= 15);
	return (struct number_facts){.operator_id = (int32_t)(digits.n % 2)};
}

struct refusal intake_refusal(uint32_t account, uint32_t sub_account, struct str digits)
{
	(void)account;
	(void)sub_account;
	(void)digits;
	return (struct refusal){0, 0};
}

static void check_answer(const struct buf *out, const struct carrier_ask *ask)
{
	struct err e;
	struct json_doc *d = json_read(out->p, out->n, &e);
	struct json *list;

	ASSERT(d && !out->failed && !memmem(out->p, out->n, "errorCode", 9));
	list = json_get(json_root(d), "destinations");
	ASSERT(json_count(list) == ask->count);
	for (size_t i = 0; i < ask->count; i++)
		ASSERT(str_eq(json_str(json_get(json_at(list, i), "destination")), ask->destinations[i]));
	json_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char vivo[] = "VIVO";
	static struct operator_setting operators[] = {{.id = 1, .name = vivo}};
	static const struct settings settings = {.operators = operators, .operator_count = 1};
	static struct faults f;
	struct arena a = {0};
	struct carrier_ask ask;
	struct buf out = BUF_INIT;
	struct err e;
	struct json_doc *d = json_read((const char *)data, size, &e);

	f.count = 0;
	if (!d)
		return 0;
	carrier_read(json_root(d), &a, &ask, &f);
	if (f.count) {
		answer_faults(&out, 400, &f);
	} else {
		ASSERT(ask.count >= 1 && ask.count <= CARRIER_DESTINATIONS_MAX);
		carrier_answer(&out, (struct uid){1, 2}, &ask, &settings);
		check_answer(&out, &ask);
	}
	buf_done(&out);
	json_free(d);
	arena_done(&a);
	return 0;
}
