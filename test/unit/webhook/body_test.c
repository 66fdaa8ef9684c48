/* The two bodies, octet by octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "base/buf.h"
#include "model/codes.h"
#include "model/event.h"
#include "webhook/body.h"
#include "wire/json.h"

static struct delivery *sample(const struct delivery_text *t)
{
	struct delivery *d = delivery_new(t);
	struct uid id;

	assert_int_equal(uid_parse(STR("018f5af6-8097-7ce0-8d43-4ee58e9a13a6"), &id), 0);
	d->key = id.key;
	d->rest = id.rest;
	d->operator_id = 5;
	d->sent_code = SENT_SENT_SUCCESS;
	d->delivered_code = DELIVERED_DELIVERED_SUCCESS;
	d->sent_at = 1420732929252;
	d->delivered_at = 1420732954000;
	return d;
}

static void check(const struct delivery *d, int kind, const char *want)
{
	struct buf b = BUF_INIT;
	struct json_doc *doc;

	hook_body(&b, d, kind, d->operator_id ? &(struct carrier_told){5, "TIM"} : &(struct carrier_told){0, "UNKNOWN"});
	assert_string_equal(buf_cstr(&b), want);
	doc = json_read(b.p, b.n, NULL);
	assert_non_null(doc);
	json_free(doc);
	buf_done(&b);
}

static void sent_holds_the_documented_fields(void **state)
{
	struct delivery *d = sample(&(struct delivery_text){.destination = STR("5519900001111"),
							    .number = STR("5519900001111"),
							    .correlation = STR("myId"),
							    .extra = STR("a \"quoted\" one"),
							    .campaign = STR("natal")});

	(void)state;
	d->campaign_id = 64;
	check(d, HOOK_SENT,
	      "{\"id\":\"018f5af6-8097-7ce0-8d43-4ee58e9a13a6\",\"correlationId\":\"myId\",\"carrierId\":5,"
	      "\"carrierName\":\"TIM\",\"destination\":\"5519900001111\",\"sentStatusCode\":2,\"sentStatus\":"
	      "\"SENT_SUCCESS\","
	      "\"sentAt\":1420732929252,\"sentDate\":\"2015-01-08T16:02:09Z\",\"campaignId\":64,"
	      "\"extraInfo\":\"a \\\"quoted\\\" one\"}");
	delivery_free(d);
}

static void a_report_repeats_the_sent_fields_in_both_spellings(void **state)
{
	struct delivery *d =
		sample(&(struct delivery_text){.destination = STR("5519900001111"), .correlation = STR("myId")});

	(void)state;
	check(d, HOOK_DELIVERED,
	      "{\"id\":\"018f5af6-8097-7ce0-8d43-4ee58e9a13a6\",\"correlationId\":\"myId\",\"carrierId\":5,"
	      "\"carrierName\":\"TIM\",\"destination\":\"5519900001111\",\"sentStatusCode\":2,\"sentStatus\":"
	      "\"SENT_SUCCESS\","
	      "\"sentAt\":1420732929252,\"sentDate\":\"2015-01-08T16:02:09Z\","
	      "\"sentStatusAt\":1420732929252,\"sentStatusDate\":\"2015-01-08T16:02:09Z\","
	      "\"deliveredStatusCode\":4,"
	      "\"deliveredStatus\":\"DELIVERED_SUCCESS\",\"deliveredAt\":1420732954000,"
	      "\"deliveredDate\":\"2015-01-08T16:02:34Z\",\"extraInfo\":\"\"}");
	delivery_free(d);
}

static void without_a_correlation_the_id_stands_for_it(void **state)
{
	struct delivery *d = sample(&(struct delivery_text){.destination = STR("+55 (19) 90000-1111")});

	(void)state;
	d->sent_code = SENT_EXPIRED;
	d->sent_at = 0;
	d->updated_at = 1420732929000;
	d->operator_id = 0;
	check(d, HOOK_SENT,
	      "{\"id\":\"018f5af6-8097-7ce0-8d43-4ee58e9a13a6\","
	      "\"correlationId\":\"018f5af6-8097-7ce0-8d43-4ee58e9a13a6\",\"carrierId\":0,\"carrierName\":"
	      "\"UNKNOWN\","
	      "\"destination\":\"+55 (19) 90000-1111\",\"sentStatusCode\":101,\"sentStatus\":\"EXPIRED\","
	      "\"sentAt\":1420732929000,\"sentDate\":\"2015-01-08T16:02:09Z\",\"extraInfo\":\"\"}");
	delivery_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sent_holds_the_documented_fields),
		cmocka_unit_test(a_report_repeats_the_sent_fields_in_both_spellings),
		cmocka_unit_test(without_a_correlation_the_id_stands_for_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
