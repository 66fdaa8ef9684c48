/* request_reader.c - requests read without a server (request_reader.h). */
#include "request_reader.h"

#include "api/send_request.h"
#include "core/intake.h"
#include "model/codes.h"

struct arena arena;
struct json_doc *doc;
struct send_request request;
struct faults faults;
const struct profile_setting *likely;
static char query_text[32768];
static struct query_string query;

/* In core's place: numbers beginning with 5511 are routed. */
struct number_facts intake_number(const struct settings *s, struct str digits)
{
	bool known = digits.n > 4 && !memcmp(digits.p, "5511", 4);

	(void)s;
	return (struct number_facts){.operator_id = known ? 1 : 0, .reports = known, .routed = known, .profile = likely};
}

/* In core's place: account 4 blocks numbers ending with 3, sub-account 6 has opt-outs of those ending with 4 and 3. */
struct refusal intake_refusal(uint32_t account, uint32_t sub_account, struct str digits)
{
	if (account == 4 && digits.p[digits.n - 1] == '3')
		return (struct refusal){SENT_BLACKLISTED, REASON_BLOCKED};
	if (sub_account == 6 && strchr("34", digits.p[digits.n - 1]))
		return (struct refusal){SENT_DESTINATION_BLOCKED_BY_OPTOUT, REASON_OPTED_OUT};
	return (struct refusal){0, 0};
}

void forget(void)
{
	json_free(doc);
	doc = NULL;
	arena_done(&arena);
	faults.count = 0;
}

void read_body(bool bulk, const char *body)
{
	struct err e;

	forget();
	doc = json_read(body, strlen(body), &e);
	if (!doc)
		print_error("%s: %s", e.text, body);
	assert_non_null(doc);
	send_read_json(json_root(doc), bulk, &arena, &request, &faults);
}

void read_get(const char *text)
{
	forget();
	assert_true(str_copy(query_text, sizeof(query_text), str_of(text)));
	assert_int_equal(query_read(query_text, strlen(query_text), &query), 0);
	send_read_query(&query, &arena, &request, &faults);
}

void good(void)
{
	if (faults.count)
		print_error("%s: %s", faults.f[0].field, faults.f[0].rule);
	assert_int_equal(faults.count, 0);
}

void bad(const char *field, const char *rule)
{
	assert_int_not_equal(faults.count, 0);
	assert_string_equal(faults.f[0].field, field);
	assert_string_equal(faults.f[0].rule, rule);
}

void read_with(const char *more)
{
	char body[4096];

	snprintf(body, sizeof(body), "{\"destination\":\"5511900000000\",\"messageText\":\"x\"%s}", more);
	read_body(false, body);
}
