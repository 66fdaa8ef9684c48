/* signature_test.c - the published vector of Standard Webhooks, several secrets, refused secrets, tokens. */
#include "wire_test.h"
#include <errno.h>
#include "wire/signature.h"

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define AT 1614265330
#define BODY "{\"test\": 2432232314}"
#define WANT "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

TEST(the_published_vector_is_met)
{
	struct signature_key k;
	struct buf b = BUF_INIT;
	struct err e;

	assert_int_equal(signature_key_parse(STR(SECRET), &k, &e), 0);
	assert_int_equal(k.n, 24);
	signature_sign(&b, &k, 1, STR(ID), AT, STR(BODY));
	assert_buf_text(&b, WANT);
	buf_done(&b);
}

TEST(after_a_change_both_secrets_sign)
{
	char made[SIGNATURE_SECRET];
	struct signature_key k[2], other;
	struct buf b = BUF_INIT;
	struct err e;

	signature_secret_make(made);
	assert_int_equal(strlen(made), SIGNATURE_SECRET - 1);
	assert_int_equal(signature_key_parse(str_of(made), &k[0], &e), 0);
	assert_int_equal(k[0].n, 32);
	assert_int_equal(signature_key_parse(STR(SECRET), &k[1], &e), 0);
	signature_secret_make(made);
	assert_int_equal(signature_key_parse(str_of(made), &other, &e), 0);
	assert_memory_not_equal(other.k, k[0].k, 32);

	signature_sign(&b, k, 2, STR(ID), AT, STR(BODY));
	assert_int_equal(b.n, 2 * 47 + 1);
	assert_memory_equal(b.p + 48, WANT, 47);
	assert_true(signature_verify(buf_view(&b), &k[0], STR(ID), AT, STR(BODY)));
	assert_true(signature_verify(buf_view(&b), &k[1], STR(ID), AT, STR(BODY)));
	assert_false(signature_verify(buf_view(&b), &other, STR(ID), AT, STR(BODY)));
	assert_false(signature_verify(buf_view(&b), &k[0], STR(ID), AT + 1, STR(BODY)));
	assert_false(signature_verify(buf_view(&b), &k[0], STR("msg_x"), AT, STR(BODY)));
	assert_false(signature_verify(buf_view(&b), &k[0], STR(ID), AT, STR(BODY " ")));
	buf_done(&b);
}

TEST(strange_signatures_do_not_verify)
{
	static const char *const c[] = {"",
					" ",
					"v1",
					"v1,",
					"v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
					"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE",
					"v1,h0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
					"g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="};
	struct signature_key k;
	struct err e;

	assert_int_equal(signature_key_parse(STR(SECRET), &k, &e), 0);
	for (size_t i = 0; i < COUNT_OF(c); i++)
		assert_false(signature_verify(str_of(c[i]), &k, STR(ID), AT, STR(BODY)));
	assert_true(signature_verify(STR("v1a,x  " WANT " v1,"), &k, STR(ID), AT, STR(BODY)));
}

TEST(wrong_secrets_are_refused_with_a_reason)
{
	static const struct {
		const char *secret, *want;
	} c[] = {
		{"", "starts with"},
		{"whsec_", "starts with"},
		{"WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "starts with"},
		{"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "starts with"},
		{"whsec_AAAA", "at least 24"},
		{"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "at least 24"}, /* 23 octets */
		{"whsec_!fKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "not base64"},
		{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", "not base64"},
		{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "not base64"},
		{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw MfKQ", "not base64"},
		{"whsec_"
		 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		 "not base64"},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct signature_key k = {.n = 7};
		struct err e = {""};

		assert_int_equal(signature_key_parse(str_of(c[i].secret), &k, &e), -EINVAL);
		if (!strstr(e.text, c[i].want))
			fail_msg("%s: %s", c[i].secret, e.text);
		assert_int_equal(k.n, 7);
		assert_null(strstr(e.text, "fKQ9")); /* never quoted */
	}
}

TEST(tokens_are_random_and_hashed)
{
	char a[TOKEN_TEXT], b[TOKEN_TEXT];
	struct token_hash x, y;

	token_make(a);
	token_make(b);
	assert_int_equal(strlen(a), TOKEN_TEXT - 1);
	assert_string_not_equal(a, b);
	assert_int_equal(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), TOKEN_TEXT - 1);
	token_hash(str_of(a), &x);
	token_hash(str_of(a), &y);
	assert_true(token_hash_eq(&x, &y));
	token_hash(str_of(b), &y);
	assert_false(token_hash_eq(&x, &y));
	token_hash(STR("abc"), &x);
	assert_hex(x.h, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	token_hash((struct str){0}, &x);
	assert_hex(x.h, 4, "e3b0c442");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(the_published_vector_is_met),      RUN(after_a_change_both_secrets_sign),
		RUN(strange_signatures_do_not_verify), RUN(wrong_secrets_are_refused_with_a_reason),
		RUN(tokens_are_random_and_hashed),
	};

	return cmocka_run_group_tests_name("signature", tests, NULL, NULL);
}
