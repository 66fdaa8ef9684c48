#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void order_and_count(void **state)
{
	struct list l;
	struct node n[5] = {0};
	size_t seen = 0;

	(void)state;
	list_init(&l);
	assert_null(list_first(&l));
	assert_null(list_last(&l));
	assert_null(list_pop(&l));
	list_push(&l, &n[1]);
	list_push(&l, &n[3]);
	list_push_front(&l, &n[0]);
	list_insert_before(&l, &n[3], &n[2]);
	list_push(&l, &n[4]);
	assert_int_equal(l.count, 5);
	assert_ptr_equal(list_last(&l), &n[4]);
	for (struct node *x = list_first(&l); x; x = list_next(&l, x))
		assert_ptr_equal(x, &n[seen++]);
	assert_int_equal(seen, 5);
	list_remove(&l, &n[2]);
	assert_false(node_linked(&n[2]));
	assert_true(node_linked(&n[3]));
	assert_int_equal(l.count, 4);
	assert_ptr_equal(list_next(&l, &n[1]), &n[3]);
	for (seen = 0; list_pop(&l); seen++)
		;
	assert_int_equal(seen, 4);
	assert_int_equal(l.count, 0);
	assert_false(node_linked(&n[0]));
	list_push(&l, &n[2]);
	assert_ptr_equal(list_first(&l), &n[2]);
	assert_null(list_next(&l, &n[2]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_and_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
