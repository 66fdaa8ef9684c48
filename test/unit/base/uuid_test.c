#include "base/uuid.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

#define NOW ((int64_t)1795355101123)

static void layout_is_version_7(void **state)
{
	char out[UUID_TEXT];
	/* RFC 9562 appendix A.6: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F */
	struct uid u = {.key = (int64_t)0x017F22E279B0 << 15 | 0xCC3 << 3 | 3, .rest = 0x00C4DC0C0C07398Fu};
	struct uid back;

	(void)state;
	assert_int_equal(uid_parse(STR("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), &back), 0);
	assert_true(uid_key_ms(back.key) == 0x017F22E279B0);
	assert_true(back.key == u.key && back.rest == u.rest);
	assert_string_equal(uid_print(out, back), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

static void random_ids_go_there_and_back(void **state)
{
	struct prng r;

	(void)state;
	prng_seed(&r, 3);
	for (int i = 0; i < 100000; i++) {
		struct uid u = {.key = (int64_t)(prng_u64(&r) >> 1), .rest = prng_u64(&r) >> 5}, back;
		char out[UUID_TEXT];

		uid_print(out, u);
		assert_int_equal(strlen(out), 36);
		if (out[14] != '7' || !strchr("89ab", out[19]))
			fail_msg("%s", out);
		if (i % 2)
			for (char *p = out; *p; p++)
				*p = (char)toupper(*p);
		if (uid_parse(str_of(out), &back) || back.key != u.key || back.rest != u.rest)
			fail_msg("%s", out);
	}
}

static void text_order_is_key_order(void **state)
{
	struct uid_source s = {0};
	char last[UUID_TEXT] = "", out[UUID_TEXT];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uid_print(out, (struct uid){uid_take(&s, NOW + i / 1000, 1), uid_rest()});
		if (strcmp(last, out) >= 0)
			fail_msg("%s after %s", out, last);
		memcpy(last, out, sizeof(out));
	}
}

static void keys_never_go_back(void **state)
{
	struct uid_source s = {0};
	int64_t first = uid_take(&s, NOW, 1);
	int64_t next;

	(void)state;
	assert_true(first == uid_key_at(NOW));
	next = uid_take(&s, NOW - 3600000, 1); /* the clock was put back by an hour */
	assert_true(next == first + 1);
	next = uid_take(&s, NOW - 3600000, 10);
	assert_true(next == first + 2);
	assert_true(s.last == first + 11);
	next = uid_take(&s, NOW + 1, 1);
	assert_true(next == uid_key_at(NOW + 1));
}

static void a_full_millisecond_rolls_into_the_next(void **state)
{
	struct uid_source s = {0};
	int64_t last = 0;

	(void)state;
	for (int i = 0; i < 40000; i++) {
		int64_t key = uid_take(&s, NOW, 1);

		assert_true(!last || key == last + 1);
		last = key;
	}
	assert_true(uid_key_ms(last) == NOW + 1);
	/* The next millisecond goes on after what was borrowed from it. */
	assert_true(uid_take(&s, NOW + 1, 1) == last + 1);
	assert_true(uid_take(&s, NOW + 2, 1) == uid_key_at(NOW + 2));
	assert_true(uid_take(&s, NOW + 2, 100000) == uid_key_at(NOW + 2) + 1);
	assert_true(uid_key_ms(s.last) == NOW + 5);
}

static void keys_of_odd_times_are_bounded(void **state)
{
	(void)state;
	assert_true(uid_key_at(-5) == 0);
	assert_true(uid_key_at(0) == 0);
	assert_true(uid_key_at(1) == 1 << 15);
	assert_true(uid_key_at(INT64_MAX) > 0);
	assert_true(uid_key_ms(uid_key_at(NOW) + 32767) == NOW);
}

static void rest_has_59_bits(void **state)
{
	uint64_t any = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		any |= uid_rest();
	assert_true(any == ((uint64_t)1 << 59) - 1);
}

static void foreign_uuids_parse_but_are_nobodys(void **state)
{
	static const char *const foreign[] = {
		"f81d4fae-7dec-11d0-a765-00a0c91e6bf6", /* version 1 */
		"919108f7-52d1-4320-9bac-f847db4148a8", /* version 4 */
		"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
		"017f22e2-79b0-7cc3-18c4-dc0c0c07398f", /* version 7 of another variant */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(foreign); i++) {
		struct uid u = {0};

		assert_int_equal(uid_parse(str_of(foreign[i]), &u), 0);
		assert_true(u.key == UID_FOREIGN);
	}
}

static void what_is_no_uuid_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
		"017f22e2079b0-7cc3-98c4-dc0c0c07398f",
		"017f22e2-79b007cc3-98c4-dc0c0c07398f",
		"017f22e2-79b0-7cc3-98c40dc0c0c07398f",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
		"-17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
		"{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
		"017f22e279b07cc398c4dc0c0c07398f0000",
		" 17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct uid u = {.key = 5};

		assert_int_equal(uid_parse(str_of(bad[i]), &u), -EINVAL);
		assert_true(u.key == 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_is_version_7),
		cmocka_unit_test(random_ids_go_there_and_back),
		cmocka_unit_test(text_order_is_key_order),
		cmocka_unit_test(keys_never_go_back),
		cmocka_unit_test(a_full_millisecond_rolls_into_the_next),
		cmocka_unit_test(keys_of_odd_times_are_bounded),
		cmocka_unit_test(rest_has_59_bits),
		cmocka_unit_test(foreign_uuids_parse_but_are_nobodys),
		cmocka_unit_test(what_is_no_uuid_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
