/* carrier_test.c - the look-up of numbers: what may be asked, what is answered. */
#include "api_test.h"
#include "api/carrier.h"
#include "core/intake.h"

static struct arena arena;
static struct json_doc *doc;
static struct carrier_ask asked;
static struct faults faults;
static struct buf out;
static struct operator_setting operators[] = {{.id = 1, .name = (char[]){"VIVO"}},
					      {.id = 5, .name = (char[]){"errorCode"}}};
static struct settings settings = {.operators = operators, .operator_count = 2};

/* In core's place: operator 1 has what begins with 5511, 5 the rest of Brazil, 9 (not configured any more) what begins with 3519. */
struct number_facts intake_number(const struct settings *s, struct str digits)
{
	(void)s;
	if (digits.n > 4 && !memcmp(digits.p, "5511", 4))
		return (struct number_facts){.operator_id = 1};
	if (digits.n > 4 && !memcmp(digits.p, "3519", 4))
		return (struct number_facts){.operator_id = 9};
	return (struct number_facts){.operator_id = memcmp(digits.p, "55", 2) ? 0 : 5};
}

struct refusal intake_refusal(uint32_t account, uint32_t sub_account, struct str digits)
{
	(void)account;
	(void)sub_account;
	(void)digits;
	fail_msg("a look-up asks no list");
	return (struct refusal){0, 0};
}

static void read_body(const char *body)
{
	struct err e;

	json_free(doc);
	arena_done(&arena);
	faults.count = 0;
	doc = json_read(body, strlen(body), &e);
	if (!doc)
		print_error("%s: %s", e.text, body);
	assert_non_null(doc);
	carrier_read(json_root(doc), &arena, &asked, &faults);
}

static void refused(const char *body, const char *field, const char *rule)
{
	read_body(body);
	assert_int_equal(faults.count, 1);
	assert_string_equal(faults.f[0].field, field);
	assert_string_equal(faults.f[0].rule, rule);
}

/* What the answer says of one number. */
static const char *said_of(const char *json)
{
	char body[512];
	const char *head = "{\"id\":\"01890a5d-ac96-7000-8000-000000000000\",\"destinations\":[", *text;
	size_t n = strlen(head);

	snprintf(body, sizeof(body), "{\"destinations\":[%s]}", json);
	read_body(body);
	assert_int_equal(faults.count, 0);
	assert_int_equal(asked.count, 1);
	buf_clear(&out);
	carrier_answer(&out, (struct uid){uid_key_at(0x01890a5dac96), 0}, &asked, &settings);
	text = buf_cstr(&out);
	assert_memory_equal(text, head, n);
	assert_string_equal(text + strlen(text) - 3, "]}\n");
	out.p[out.n - 3] = '\0';
	return text + n;
}

TEST(a_body_is_an_array_of_numbers)
{
	refused("[]", "", "the request must be an object");
	refused("{}", "destinations", "missing");
	refused("{\"destinations\":null}", "destinations", "missing");
	refused("{\"destinations\":\"5511900000001\"}", "destinations", "must be an array");
	refused("{\"destinations\":[]}", "destinations", "empty");
	refused("{\"destinations\":[1,[\"5511900000001\"]]}", "destinations[1]", "must be a string or a whole number");
	refused("{\"destinations\":[\"1\",\"2\",null]}", "destinations[2]", "must be a string or a whole number");
	refused("{\"destinations\":[1.5]}", "destinations[0]", "must be a string or a whole number");
	refused("{\"destinations\":[\"00000000000000000000000000000000000000000000000000000000000000000\"]}",
		"destinations[0]", "longer than 64 characters");
	read_body("{\"destinations\":[true,{}],\"x\":1}");
	assert_int_equal(faults.count, 2);
	read_body("{\"destinations\":[\"5511900000001\",5511900000002],\"callback\":\"x\"}");
	assert_int_equal(faults.count, 0);
	assert_int_equal(asked.count, 2);
	assert_true(str_eqz(asked.destinations[0], "5511900000001"));
	assert_true(str_eqz(asked.destinations[1], "5511900000002"));
}

TEST(a_thousand_and_no_more)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, "{\"destinations\":[1");
	for (int i = 1; i < CARRIER_DESTINATIONS_MAX; i++)
		buf_puts(&b, ",1");
	buf_puts(&b, "]}");
	read_body(buf_cstr(&b));
	assert_int_equal(faults.count, 0);
	assert_int_equal(asked.count, CARRIER_DESTINATIONS_MAX);
	b.n -= 2;
	buf_puts(&b, ",1]}");
	refused(buf_cstr(&b), "destinations", "more than 1000 entries");
	buf_done(&b);
}

TEST(a_mobile_has_operator_and_country)
{
	assert_string_equal(said_of("5511900000001"),
			    "{\"destination\":\"5511900000001\",\"active\":true,\"carrier\":"
			    "{\"name\":\"VIVO\",\"countryCode\":\"BR\"}}");
	/* as it was written; the ninth digit counts for the look-up */
	assert_string_equal(said_of("\"+55(11) 8765-4321\""),
			    "{\"destination\":\"+55(11) 8765-4321\",\"active\":true,\"carrier\":"
			    "{\"name\":\"VIVO\",\"countryCode\":\"BR\"}}");
	assert_string_equal(said_of("\"5521987654321\""),
			    "{\"destination\":\"5521987654321\",\"active\":true,\"carrier\":"
			    "{\"name\":\"error\\u0043ode\",\"countryCode\":\"BR\"}}");
	/* no operator, or one that is not in the configuration any more */
	assert_string_equal(said_of("\"447400123456\""),
			    "{\"destination\":\"447400123456\",\"active\":true,\"carrier\":"
			    "{\"name\":\"UNKNOWN\",\"countryCode\":\"GB\"}}");
	assert_string_equal(said_of("\"351912345678\""),
			    "{\"destination\":\"351912345678\",\"active\":true,\"carrier\":"
			    "{\"name\":\"UNKNOWN\",\"countryCode\":\"PT\"}}");
}

TEST(what_is_no_mobile_is_not_active)
{
	static const char *const not [] = {"\"2312312\"", "\"551130001234\"",   "\"\"", "\"SAIR\"", "-1",
					   "\"27182\"",   "\"+44 7700 900123\""};
	static char prefix[] = "551130", *prefixes[] = {prefix};

	for (size_t i = 0; i < COUNT_OF(not ); i++)
		assert_non_null(
			strstr(said_of(not [i]), "\",\"active\":false,\"carrier\":{\"name\":\"UNKNOWN\"}}"));
	/* the operator knows better than the plan, which then tells no country */
	settings.sms.mobile_prefixes = prefixes;
	settings.sms.mobile_prefix_count = 1;
	assert_string_equal(
		said_of("551130001234"),
		"{\"destination\":\"551130001234\",\"active\":true,\"carrier\":{\"name\":\"VIVO\"}}");
	settings.sms.mobile_prefix_count = 0;
}

static int done(void **state)
{
	(void)state;
	json_free(doc);
	arena_done(&arena);
	buf_done(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_body_is_an_array_of_numbers),
		RUN(a_thousand_and_no_more),
		RUN(a_mobile_has_operator_and_country),
		RUN(what_is_no_mobile_is_not_active),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
