#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

static void the_top_is_the_least(void **state)
{
	struct heap h = {0};
	struct heap_node n[4] = {0};

	(void)state;
	assert_null(heap_top(&h));
	heap_push(&h, &n[0], 30);
	heap_push(&h, &n[1], -10);
	heap_push(&h, &n[2], 20);
	heap_push(&h, &n[3], INT64_MAX);
	assert_ptr_equal(heap_top(&h), &n[1]);
	heap_remove(&h, &n[1]);
	assert_int_equal(n[1].index, 0);
	assert_ptr_equal(heap_top(&h), &n[2]);
	heap_remove(&h, &n[0]);
	heap_remove(&h, &n[2]);
	assert_ptr_equal(heap_top(&h), &n[3]);
	heap_remove(&h, &n[3]);
	heap_remove(&h, &n[3]); /* no effect */
	assert_null(heap_top(&h));
	heap_push(&h, &n[0], 1);
	heap_done(&h);
	assert_int_equal(n[0].index, 0);
}

static void assert_shape(const struct heap *h)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->a[i]->index != i + 1 || (i && h->a[(i - 1) / 2]->at > h->a[i]->at))
			fail_msg("position %zu", i);
	}
}

static void random_pushes_and_removals_keep_the_order(void **state)
{
	enum { N = 3000 };
	static struct heap_node n[N];
	struct heap h = {0};
	struct prng r;
	size_t held = 0;

	(void)state;
	prng_seed(&r, 1);
	for (int round = 0; round < 100000; round++) {
		struct heap_node *x = &n[prng_below(&r, N)];

		if (x->index) {
			heap_remove(&h, x);
			held--;
		} else {
			heap_push(&h, x, (int64_t)prng_below(&r, 500)); /* many equal keys */
			held++;
		}
		assert_int_equal(h.n, held);
		if (round % 1000 == 0)
			assert_shape(&h);
	}
	assert_shape(&h);
	for (int64_t last = INT64_MIN; heap_top(&h); held--) {
		struct heap_node *top = heap_top(&h);

		assert_true(top->at >= last);
		last = top->at;
		heap_remove(&h, top);
	}
	assert_int_equal(held, 0);
	heap_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_top_is_the_least),
		cmocka_unit_test(random_pushes_and_removals_keep_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
