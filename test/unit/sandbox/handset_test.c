/* handset_test.c - the telephones' memory: parts joined, states, what changed since, what is forgotten. */
#include "esme.h"
#include "sandbox/handset.h"

static struct handset *h;
static unsigned events;
static char line[512];

static void on_event(void *ctx, const struct handset_message *m)
{
	struct buf b = BUF_INIT;

	(void)ctx;
	events++;
	telephone_print(m, &b);
	snprintf(line, sizeof(line), "%s", buf_cstr(&b));
	buf_done(&b);
}

static int start(void **state)
{
	(void)state;
	h = handset_new(100, on_event, NULL);
	events = 0;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	handset_free(h);
	return 0;
}

static uint64_t add(const char *number, const char *text, const struct sms_part *part, int64_t us)
{
	struct smpp_addr source = {.text = "27182"};
	struct handset_in in = {.system_id = "pombo",
				.number = str_of(number),
				.source = &source,
				.text = str_of(text),
				.part = part,
				.parts = 1,
				.wall_ms = 1700000000000 + us / 1000,
				.mono_us = us};

	return handset_mt(h, &in);
}

static const struct sms_part whole = {.total = 1, .seq = 1, .alphabet = SPLIT_GSM7};

static struct sms_part part_of(unsigned seq, unsigned total, uint16_t ref)
{
	return (struct sms_part){.joined = true, .ref = ref, .total = (uint8_t)total, .seq = (uint8_t)seq, .alphabet = SPLIT_GSM7};
}

static void want(const char *number, int64_t since, const char *text)
{
	struct buf b = BUF_INIT;

	handset_print(h, str_of(number), since, 100, &b);
	if (!strstr(buf_cstr(&b), text))
		fail_msg("%s not in %s", text, buf_cstr(&b));
	buf_done(&b);
}

static void want_not(const char *number, int64_t since, const char *text)
{
	struct buf b = BUF_INIT;

	handset_print(h, str_of(number), since, 100, &b);
	if (strstr(buf_cstr(&b), text))
		fail_msg("%s in %s", text, buf_cstr(&b));
	buf_done(&b);
}

static void parts_join_in_any_order(void **state)
{
	struct sms_part p1 = part_of(1, 3, 9), p2 = part_of(2, 3, 9), p3 = part_of(3, 3, 9);
	uint64_t id;

	(void)state;
	id = add("5511990000001", "three", &p3, 0);
	assert_int_equal(add("5511990000001", "one ", &p1, 1000), id);
	want("", -1, "\"text\":\"one three\"");
	want("", -1, "\"partsArrived\":2");
	assert_int_equal(add("5511990000001", "one ", &p1, 1500), id); /* again */
	assert_int_equal(add("5511990000001", "two ", &p2, 2000), id);
	want("", -1, "\"text\":\"one two three\"");
	want("", -1, "\"repeats\":1");
	handset_end(h, id, 1, HANDSET_DELIVERED, NULL, 1, 50000);
	handset_end(h, id, 1, HANDSET_DELIVERED, NULL, 1, 50000);
	handset_end(h, id, 3, HANDSET_DELIVERED, NULL, 1, 50000);
	assert_int_equal(events, 0);
	handset_end(h, id, 2, HANDSET_DELIVERED, NULL, 1, 52000);
	assert_int_equal(events, 1);
	assert_string_equal(line, "55119…0001  <- one two three  3 parts GSM  delivered 52 ms");
	assert_int_not_equal(add("5511990000001", "one ", &p1, 3000), id); /* the reference is free again */
}

static void other_messages_do_not_join(void **state)
{
	struct sms_part p1 = part_of(1, 2, 9), p2 = part_of(2, 2, 9), wide = part_of(2, 2, 9),
			other = part_of(2, 2, 10);
	uint64_t id = add("5511990000001", "a", &p1, 0);

	(void)state;
	wide.wide = true;
	assert_int_not_equal(add("5511990000002", "b", &p2, 0), id);
	assert_int_not_equal(add("5511990000001", "b", &wide, 0), id);
	assert_int_not_equal(add("5511990000001", "b", &other, 0), id);
	assert_int_not_equal(add("5511990000001", "b", &p2, 3601 * 1000000ll), id); /* an hour later */
	assert_int_equal(handset_count(h), 5);
}

static void one_failed_part_fails_the_message(void **state)
{
	struct sms_part p1 = part_of(1, 2, 9), p2 = part_of(2, 2, 9);
	uint64_t id = add("5511990000001", "a", &p1, 0);

	(void)state;
	handset_end(h, id, 1, HANDSET_FAILED, "UNDELIV", 1, 7000);
	assert_string_equal(line, "55119…0001  <- a  2 parts GSM  failed UNDELIV 7 ms");
	assert_int_equal(add("5511990000001", "b", &p2, 100), id);
	handset_end(h, id, 2, HANDSET_DELIVERED, NULL, 1, 8000);
	want("", -1, "\"status\":\"failed\",\"reason\":\"UNDELIV\"");
	want("", -1, "\"text\":\"ab\"");
	assert_int_equal(events, 1);
}

static void since_tells_what_changed(void **state)
{
	uint64_t one = add("1", "first", &whole, 0), two = add("2", "second", &whole, 0);

	(void)state;
	want("", 0, "first");
	want("", 1, "second");
	want_not("", 1, "first");
	want("", 2, "\"messages\":[],\"next\":2");
	handset_end(h, one, 1, HANDSET_DELIVERED, NULL, 1, 1);
	want("", 2, "first");
	want_not("", 2, "second");
	want("1", 2, "first");
	want("2", 2, "\"messages\":[],\"next\":3");
	want("3", 0, "\"messages\":[],\"next\":3");
	handset_end(h, two, 1, HANDSET_REFUSED, "ESME_RSUBMITFAIL", 1, 1);
	want("2", 3, "\"status\":\"refused\"");
}

static void a_limited_list_goes_on_where_it_ended(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (int i = 0; i < 10; i++)
		add("1", "x", &whole, i);
	handset_print(h, STR(""), 2, 3, &b);
	assert_non_null(strstr(buf_cstr(&b), "\"id\":3"));
	assert_non_null(strstr(buf_cstr(&b), "\"id\":5"));
	assert_null(strstr(buf_cstr(&b), "\"id\":6"));
	assert_non_null(strstr(buf_cstr(&b), "\"next\":5"));
	buf_clear(&b);
	handset_print(h, STR(""), -1, 2, &b);
	assert_null(strstr(buf_cstr(&b), "\"id\":8"));
	assert_non_null(strstr(buf_cstr(&b), "\"id\":9"));
	assert_non_null(strstr(buf_cstr(&b), "\"next\":10"));
	buf_done(&b);
}

static void the_oldest_are_forgotten(void **state)
{
	struct sms_part p = part_of(1, 2, 9);
	uint64_t first = add("1", "old", &p, 0);
	char number[16];
	struct buf b = BUF_INIT;

	(void)state;
	for (int i = 0; i < 150; i++) {
		snprintf(number, sizeof(number), "55%d", i);
		add(number, "x", &whole, i);
	}
	assert_int_equal(handset_count(h), 100);
	want_not("", -1, "old");
	handset_end(h, first, 1, HANDSET_DELIVERED, NULL, 1, 1); /* nobody there: nothing happens */
	assert_int_equal(events, 0);
	handset_print_numbers(h, 1, &b);
	assert_non_null(strstr(buf_cstr(&b), "\"number\":\"55149\""));
	assert_non_null(strstr(buf_cstr(&b), "\"total\":100"));
	assert_null(strstr(buf_cstr(&b), "\"number\":\"55148\""));
	buf_done(&b);
}

static void a_terminal_is_not_disturbed(void **state)
{
	(void)state;
	handset_end(h, add("5511990000001", "a\033[31mb\nc\xe2\x80\xae", &whole, 0), 1, HANDSET_DELIVERED, NULL, 1, 1000);
	assert_string_equal(line, "55119…0001  <- a [31mb c   1 part GSM  delivered 1 ms");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(parts_join_in_any_order, start, stop),
		cmocka_unit_test_setup_teardown(other_messages_do_not_join, start, stop),
		cmocka_unit_test_setup_teardown(one_failed_part_fails_the_message, start, stop),
		cmocka_unit_test_setup_teardown(since_tells_what_changed, start, stop),
		cmocka_unit_test_setup_teardown(a_limited_list_goes_on_where_it_ended, start, stop),
		cmocka_unit_test_setup_teardown(the_oldest_are_forgotten, start, stop),
		cmocka_unit_test_setup_teardown(a_terminal_is_not_disturbed, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
