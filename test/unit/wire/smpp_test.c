/* smpp_test.c - the SMPP codec: both ways for every PDU, cut and mutated input, streams in drips. */
#include "smpp_check.h"
#include "smpp_golden.h"

#include "base/rng.h"

TEST(every_pdu_decodes_to_its_members)
{
	for (size_t i = 0; i < COUNT_OF(golden); i++) {
		struct smpp_pdu m;
		uint8_t *p;
		uint32_t r = decode_hex(golden[i].hex, &m, &p);

		if (r || !same(&m, &golden[i].pdu))
			fail_msg("%s: status 0x%x", golden[i].name, r);
		assert_string_equal(smpp_command_name(m.id), golden[i].name);
		free(p);
	}
}

TEST(every_pdu_encodes_to_its_octets)
{
	for (size_t i = 0; i < COUNT_OF(golden); i++) {
		struct buf b = BUF_INIT;

		assert_int_equal(smpp_encode(&golden[i].pdu, &b), 0);
		assert_buf_hex(&b, golden[i].hex);
		buf_done(&b);
	}
}

/* What decodes must be what it encodes to. */
static void check_again(const uint8_t *p, size_t n, const struct smpp_pdu *m, bool octets)
{
	struct buf b = BUF_INIT;
	struct smpp_pdu again;

	if (smpp_encode(m, &b) == 0) {
		if (octets) {
			assert_int_equal(b.n, n);
			assert_memory_equal(b.p, p, n);
		}
		assert_int_equal(smpp_decode((const uint8_t *)b.p, b.n, &again), 0);
		if (!smpp_is_response(m->id) || !m->status)
			assert_true(same(m, &again));
	}
	buf_clear(&b);
	smpp_print(m, &b);
	assert_true(b.n > 0);
	assert_true(utf8_valid(buf_view(&b), NULL));
	buf_done(&b);
}

TEST(a_cut_pdu_is_refused_and_its_header_kept)
{
	for (size_t i = 0; i < COUNT_OF(golden); i++) {
		const struct golden *g = &golden[i];
		size_t n;
		uint8_t *p = unhex(g->hex, &n);

		for (size_t cut = 0; cut < n; cut++) {
			uint8_t *exact = malloc(cut ? cut : 1);
			struct smpp_pdu m;
			uint32_t r;

			assert_non_null(exact);
			memcpy(exact, p, cut);
			if (cut >= SMPP_HEADER) {
				assert_int_equal(smpp_decode(exact, cut, &m), SMPP_RINVCMDLEN); /* length says more */
				set_length(exact, cut);
			}
			r = smpp_decode(exact, cut, &m);
			if (cut < SMPP_HEADER) {
				assert_int_equal(r, SMPP_RINVCMDLEN);
			} else {
				assert_int_equal(m.id, g->pdu.id);
				assert_int_equal(m.seq, g->pdu.seq);
				assert_int_equal(m.status, g->pdu.status);
			}
			if (r == 0) /* a cut between two TLVs leaves a whole PDU; responses are taken without body */
				check_again(exact, cut, &m, !smpp_is_response(m.id));
			free(exact);
		}
		free(p);
	}
}

TEST(mutations_never_read_outside_and_decode_to_what_encodes)
{
	struct prng r;
	struct smpp_pdu m;

	prng_seed(&r, 20261122);
	for (int round = 0; round < 40000; round++) {
		size_t n;
		uint8_t *p = unhex(golden[prng_below(&r, COUNT_OF(golden))].hex, &n);

		for (uint64_t k = 1 + prng_below(&r, 4); k > 0; k--) {
			size_t at = 4 + prng_below(&r, n - 4);

			p[at] = (uint8_t)(prng_below(&r, 3) ? prng_u64(&r) : p[at] ^ (1u << prng_below(&r, 8)));
		}
		if (smpp_decode(p, n, &m) == 0)
			check_again(p, n, &m, false);
		free(p);
	}
}

TEST(a_stream_in_drips_gives_the_same_pdus)
{
	struct buf stream = BUF_INIT;
	size_t have = 0, found = 0, start = 0, len;

	for (size_t i = 0; i < COUNT_OF(golden); i++)
		assert_int_equal(smpp_encode(&golden[i].pdu, &stream), 0);
	for (have = 0; have <= stream.n; have++) {
		uint8_t *exact = malloc(have - start + 1);
		enum smpp_framing f;

		assert_non_null(exact);
		memcpy(exact, stream.p + start, have - start);
		f = smpp_frame(exact, have - start, 4096, &len);
		assert_int_not_equal(f, SMPP_FRAME_BROKEN);
		assert_true(len >= SMPP_HEADER);
		if (f == SMPP_FRAME_OK) {
			struct smpp_pdu m;

			assert_int_equal(smpp_decode(exact, len, &m), 0);
			assert_true(same(&m, &golden[found].pdu));
			found++;
			start += len;
		}
		free(exact);
	}
	assert_int_equal(found, COUNT_OF(golden));
	assert_int_equal(start, stream.n);
	buf_done(&stream);
}

TEST(a_length_out_of_bounds_breaks_the_stream)
{
	static const struct {
		const char *hex;
		size_t max;
		enum smpp_framing want;
	} c[] = {
		{"", 100, SMPP_FRAME_MORE},
		{"000000", 100, SMPP_FRAME_MORE},
		{"0000000f", 100, SMPP_FRAME_BROKEN},
		{"00000000", 100, SMPP_FRAME_BROKEN},
		{"00000010", 100, SMPP_FRAME_MORE},
		{"00000064", 100, SMPP_FRAME_MORE},
		{"00000065", 100, SMPP_FRAME_BROKEN},
		{"ffffffff", 1 << 20, SMPP_FRAME_BROKEN},
		{"47455420", 1 << 16, SMPP_FRAME_BROKEN}, /* "GET " */
		{"00000010 00000015 00000000 0000000d 0000", 100, SMPP_FRAME_OK},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		size_t n, len;
		uint8_t *p = unhex(c[i].hex, &n);

		assert_int_equal(smpp_frame(p, n, c[i].max, &len), c[i].want);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(every_pdu_decodes_to_its_members),
		RUN(every_pdu_encodes_to_its_octets),
		RUN(a_cut_pdu_is_refused_and_its_header_kept),
		RUN(mutations_never_read_outside_and_decode_to_what_encodes),
		RUN(a_stream_in_drips_gives_the_same_pdus),
		RUN(a_length_out_of_bounds_breaks_the_stream),
	};

	return cmocka_run_group_tests_name("smpp", tests, NULL, NULL);
}
