/* Header lines: signature, credentials, and what of the customer's own lines is let through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "model/event.h"
#include "base/uuid.h"
#include "webhook/head.h"
#include "wire/signature.h"

#define NOW 1700000000123

static const char *line(const struct hook_head *h, const char *name)
{
	for (size_t i = 0; i < h->count; i++)
		if (strncasecmp(h->text.p + h->at[i], name, strlen(name)) == 0)
			return h->text.p + h->at[i] + strlen(name);
	return NULL;
}

static void the_id_is_the_same_for_every_try(void **state)
{
	struct uid u = {uid_key_at(NOW), 7};
	char a[HOOK_ID_MAX], b[HOOK_ID_MAX], uuid[UUID_TEXT];

	(void)state;
	hook_id(a, u.key, u.rest, HOOK_SENT);
	hook_id(b, u.key, u.rest, HOOK_SENT);
	assert_string_equal(a, b);
	assert_memory_equal(a, uid_print(uuid, u), 36);
	assert_string_equal(a + 36, "-sent");
	hook_id(b, u.key, u.rest, HOOK_DELIVERED);
	assert_string_equal(b + 36, "-delivered");
	assert_null(strchr(b, '.'));
}

static void both_secrets_sign_until_the_old_one_ends(void **state)
{
	struct webhook w = {0};
	struct signature_key fresh, old;
	struct hook_head h = {0};

	(void)state;
	signature_secret_make(w.secret);
	signature_secret_make(w.old_secret);
	assert_int_equal(signature_key_parse(str_of(w.secret), &fresh, NULL), 0);
	assert_int_equal(signature_key_parse(str_of(w.old_secret), &old, NULL), 0);
	w.old_secret_until = NOW + 1;
	hook_head(&h, &w, STR("id-sent"), NOW, STR("{}"));
	assert_string_equal(line(&h, "content-type: "), "application/json");
	assert_string_equal(line(&h, "webhook-id: "), "id-sent");
	assert_string_equal(line(&h, "webhook-timestamp: "), "1700000000");
	assert_true(signature_verify(str_of(line(&h, "webhook-signature: ")), &fresh, STR("id-sent"),
				     NOW / 1000, STR("{}")));
	assert_true(signature_verify(str_of(line(&h, "webhook-signature: ")), &old, STR("id-sent"), NOW / 1000, STR("{}")));
	hook_head(&h, &w, STR("id-sent"), NOW + 1, STR("{}"));
	assert_true(signature_verify(str_of(line(&h, "webhook-signature: ")), &fresh, STR("id-sent"),
				     NOW / 1000, STR("{}")));
	assert_false(signature_verify(str_of(line(&h, "webhook-signature: ")), &old, STR("id-sent"),
				      NOW / 1000, STR("{}")));
	assert_int_equal(h.count, 4);
	hook_head_done(&h);
}

static void basic_credentials(void **state)
{
	struct webhook w = {.basic_user = "Aladdin", .basic_password = "open sesame", .headers = "authorization: Bearer x\n"};
	struct hook_head h = {0};

	(void)state;
	hook_head(&h, &w, STR("i"), NOW, STR("{}"));
	assert_string_equal(line(&h, "authorization: "), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	assert_int_equal(h.count, 4); /* no second one, no signature without a secret */
	w.basic_user[0] = '\0';
	hook_head(&h, &w, STR("i"), NOW, STR("{}"));
	assert_string_equal(line(&h, "authorization: "), "Bearer x");
	hook_head_done(&h);
}

static void extra_lines_cannot_break_the_request(void **state)
{
	struct webhook w = {.headers = "X-One: 1\r\nno colon\n: no name\nX Two: 2\nX-Empty:\nX-Blank:   "
				       "\nContent-Length: 5\n"
				       "Transfer-Encoding: chunked\nWEBHOOK-ID: mine\nContent-Type: "
				       "text/plain\nX-Ctl: a\001b\nX-Cr: a\rb\n\n"
				       "X-Tab:\tx\nHost: other.example\nX-Last: z"};
	struct hook_head h = {0};

	(void)state;
	hook_head(&h, &w, STR("i"), NOW, STR("{}"));
	assert_string_equal(line(&h, "X-One: "), "1");
	assert_string_equal(line(&h, "X-Tab:"), "\tx");
	assert_string_equal(line(&h, "Host: "), "other.example");
	assert_string_equal(line(&h, "X-Last: "), "z");
	assert_int_equal(h.count, 3 + 4);
	hook_head_done(&h);
}

static void lines_are_limited_in_number(void **state)
{
	struct webhook w = {0};
	struct hook_head h = {0};

	(void)state;
	for (size_t i = 0; i + 5 < sizeof(w.headers); i += 5)
		memcpy(w.headers + i, "A: b\n", 5);
	hook_head(&h, &w, STR("i"), NOW, STR("{}"));
	assert_int_equal(h.count, HEAD_LINES);
	hook_head_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_id_is_the_same_for_every_try),
		cmocka_unit_test(both_secrets_sign_until_the_old_one_ends),
		cmocka_unit_test(basic_credentials),
		cmocka_unit_test(extra_lines_cannot_break_the_request),
		cmocka_unit_test(lines_are_limited_in_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
