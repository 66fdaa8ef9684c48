/* admin_texts_test.c - templates, flows, campaigns, words and rules: kept over a restart, each in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/admin_texts.h"
#include "unit/folder.h"

struct fixture {
	char path[FOLDER_MAX];
	struct admin *a;
	struct texts t;
};

static void good(int r, const struct err *e)
{
	if (r < 0)
		fail_msg("%s", e->text);
}

static void open_it(struct fixture *f)
{
	struct err e = {""};

	good(admin_open(&f->a, f->path, &e), &e);
}

static int set_up(void **state)
{
	struct fixture *f = xnew(struct fixture);

	test_folder(f->path, "texts");
	open_it(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	texts_done(&f->t);
	admin_close(f->a);
	test_folder_remove(f->path);
	free(f);
	return 0;
}

/* What is there after a restart. */
static const struct texts *again(struct fixture *f)
{
	struct err e = {""};

	admin_close(f->a);
	open_it(f);
	texts_done(&f->t);
	good(admin_texts_load(f->a, &f->t, &e), &e);
	return &f->t;
}

static char text_a[] = "Oi {{name}}", text_b[] = "Tchau";

static void templates_have_ids_of_their_account(void **state)
{
	struct fixture *f = *state;
	struct text_template t = {.account = 1, .name = "hello", .lane = TEXT_MARKETING, .text = text_a};
	const struct texts *all;
	uint32_t other;
	struct err e;

	good(admin_account_ensure(f->a, STR("other"), &other, &e), &e);
	good(admin_template_add(f->a, &t, false, &e), &e);
	assert_int_equal(t.id, 1);
	t.id = 0;
	t.lane = TEXT_OF_SUB_ACCOUNT;
	good(admin_template_add(f->a, &t, true, &e), &e);
	assert_int_equal(admin_template_add(f->a, &t, true, &e), -EEXIST);
	t.account = other;
	t.sub_account = 5;
	t.text = text_b;
	good(admin_template_add(f->a, &t, true, &e), &e);
	good(admin_template_add(f->a, &t, false, &e), &e);
	assert_int_equal(t.id, 2);
	t.account = 99;
	assert_int_equal(admin_template_add(f->a, &t, true, &e), -ENOENT);
	all = again(f);
	assert_int_equal(all->template_count, 4);
	assert_int_equal(all->templates[0].id, 0);
	assert_int_equal(all->templates[0].lane, TEXT_OF_SUB_ACCOUNT);
	assert_int_equal(all->templates[1].lane, TEXT_MARKETING);
	assert_string_equal(all->templates[1].name, "hello");
	assert_string_equal(all->templates[1].text, text_a);
	assert_int_equal(all->templates[2].account, other);
	assert_int_equal(all->templates[2].sub_account, 5);
	assert_string_equal(all->templates[2].text, text_b);
	good(admin_template_remove(f->a, 1, 0, &e), &e);
	assert_int_equal(admin_template_remove(f->a, 1, 0, &e), -ENOENT);
	assert_int_equal(again(f)->template_count, 3);
}

static void flows_are_kept(void **state)
{
	struct fixture *f = *state;
	struct flow w = {.account = 1, .sub_account = 1, .id = "14f8142d-e731-4971-8220-5a76a12c413f", .text = text_a};
	const struct texts *all;
	struct err e;

	good(admin_flow_add(f->a, &w, &e), &e);
	assert_int_equal(admin_flow_add(f->a, &w, &e), -EEXIST);
	all = again(f);
	assert_int_equal(all->flow_count, 1);
	assert_string_equal(all->flows[0].id, w.id);
	assert_string_equal(all->flows[0].text, text_a);
	assert_int_equal(all->flows[0].sub_account, 1);
	assert_int_equal(admin_flow_remove(f->a, 2, w.id, &e), -ENOENT);
	good(admin_flow_remove(f->a, 1, w.id, &e), &e);
	assert_int_equal(again(f)->flow_count, 0);
}

static void campaigns_keep_their_ids_and_none_comes_twice(void **state)
{
	struct fixture *f = *state;
	struct campaign_wish w[3] = {{1, STR("Promo"), 0, false}, {1, STR("natal"), 0, false}, {1, STR("PROMO"), 0, false}};
	const struct texts *all;
	uint32_t promo;
	struct err e;

	good(admin_campaigns_ensure(f->a, w, 3, &e), &e);
	promo = w[0].id;
	assert_int_not_equal(promo, 0);
	assert_int_equal(w[2].id, promo);
	assert_int_not_equal(w[1].id, promo);
	all = again(f);
	assert_int_equal(all->campaign_count, 2);
	assert_string_equal(all->campaigns[0].alias, "Promo");
	assert_true(all->campaigns[0].at > 0);
	w[0].id = 0;
	good(admin_campaigns_ensure(f->a, w, 1, &e), &e);
	assert_int_equal(w[0].id, promo);
	good(admin_campaign_remove(f->a, 1, STR("promo"), &e), &e);
	assert_int_equal(admin_campaign_remove(f->a, 1, STR("promo"), &e), -ENOENT);
	good(admin_campaigns_ensure(f->a, w, 1, &e), &e);
	assert_true(w[0].id > promo && w[0].id != w[1].id);
	w[1].account = 77;
	w[0].alias = STR("new");
	assert_true(admin_campaigns_ensure(f->a, w, 2, &e) < 0); /* all or none */
	assert_int_equal(again(f)->campaign_count, 2);
}

static void a_pending_campaign_is_kept_or_forgotten(void **state)
{
	struct fixture *f = *state;
	struct campaign_wish w[2] = {{1, STR("a"), 0, true}, {1, STR("b"), 0, true}}, other = {1, STR("A"), 0, true};
	struct campaign_verdict v[2];
	uint32_t a, b;
	struct err e;

	good(admin_campaigns_ensure(f->a, w, 2, &e), &e);
	a = w[0].id;
	b = w[1].id;
	assert_true(a && b && w[0].pending && w[1].pending);
	assert_int_equal(again(f)->campaign_count, 0);
	assert_int_equal(admin_campaign_remove(f->a, 1, STR("a"), &e), -ENOENT);
	good(admin_campaigns_ensure(f->a, &other, 1, &e), &e);
	assert_int_equal(other.id, a);
	assert_true(other.pending);
	v[0] = (struct campaign_verdict){a, true};
	v[1] = (struct campaign_verdict){b, false};
	good(admin_campaigns_settle(f->a, v, 2, &e), &e);
	assert_int_equal(again(f)->campaign_count, 1);
	assert_int_equal(again(f)->campaigns[0].id, a);
	/* what is there stays, and so does what is not */
	v[0].keep = false;
	good(admin_campaigns_settle(f->a, v, 2, &e), &e);
	assert_int_equal(again(f)->campaign_count, 1);
	other = (struct campaign_wish){1, STR("a"), 0, true};
	good(admin_campaigns_ensure(f->a, &other, 1, &e), &e);
	assert_false(other.pending);
	/* an id is not given again; who registers by command keeps what a request brought */
	good(admin_campaigns_ensure(f->a, &w[1], 1, &e), &e);
	assert_true(w[1].id > b && w[1].pending);
	w[1].pending = false;
	good(admin_campaigns_ensure(f->a, &w[1], 1, &e), &e);
	assert_false(w[1].pending);
	v[0].id = w[1].id;
	good(admin_campaigns_settle(f->a, v, 1, &e), &e);
	assert_int_equal(again(f)->campaign_count, 2);
	/* after a crash nobody knows, so it stays */
	w[0] = (struct campaign_wish){1, STR("c"), 0, true};
	good(admin_campaigns_ensure(f->a, w, 1, &e), &e);
	assert_int_equal(again(f)->campaign_count, 2);
	good(admin_campaigns_recover(f->a, &e), &e);
	assert_int_equal(again(f)->campaign_count, 3);
}

static void an_account_has_so_many_campaigns(void **state)
{
	struct fixture *f = *state;
	struct campaign_wish *w = xcalloc(CAMPAIGNS_MAX + 1, sizeof *w);
	char(*names)[16] = xcalloc(CAMPAIGNS_MAX + 1, sizeof *names);
	struct err e;

	for (size_t i = 0; i <= CAMPAIGNS_MAX; i++) {
		snprintf(names[i], sizeof names[i], "c%zu", i);
		w[i] = (struct campaign_wish){1, str_of(names[i]), 0, false};
	}
	good(admin_campaigns_ensure(f->a, w, CAMPAIGNS_MAX, &e), &e);
	assert_int_equal(admin_campaigns_ensure(f->a, &w[CAMPAIGNS_MAX], 1, &e), -ENOSPC);
	good(admin_campaigns_ensure(f->a, w, 1, &e), &e);
	free(w);
	free(names);
}

struct racer {
	pthread_t thread;
	struct admin *a;
	uint32_t id;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	struct campaign_wish w = {1, STR("race"), 0, false};
	struct err e;

	if (admin_campaigns_ensure(r->a, &w, 1, &e) == 0)
		r->id = w.id;
	return NULL;
}

static void at_the_same_time_they_get_one_id(void **state)
{
	struct fixture *f = *state;
	struct racer r[8];

	for (size_t i = 0; i < COUNT_OF(r); i++) {
		r[i] = (struct racer){.a = f->a};
		assert_int_equal(pthread_create(&r[i].thread, NULL, race, &r[i]), 0);
	}
	for (size_t i = 0; i < COUNT_OF(r); i++) {
		pthread_join(r[i].thread, NULL);
		assert_int_not_equal(r[i].id, 0);
		assert_int_equal(r[i].id, r[0].id);
	}
	assert_int_equal(again(f)->campaign_count, 1);
}

static void words_are_there_once_in_any_spelling(void **state)
{
	struct fixture *f = *state;
	const struct str add[] = {STR("Cassino"), STR("CASSINÓ"), STR("cartão de crédito"), STR("Cartao-de-Credito!")};
	const struct str gone[] = {STR("cassino"), STR("nothing")}, empty[] = {STR("ok"), STR("!!")};
	const struct texts *all;
	struct err e;
	size_t n;

	good(admin_words_add(f->a, 1, 0, add, COUNT_OF(add), &n, &e), &e);
	assert_int_equal(n, 2);
	good(admin_words_add(f->a, 1, 1, add, 1, &n, &e), &e);
	assert_int_equal(n, 1);
	all = again(f);
	assert_int_equal(all->word_count, 3);
	assert_string_equal(all->words[0].word, "cartão de crédito");
	assert_string_equal(all->words[1].word, "Cassino");
	assert_int_equal(all->words[2].sub_account, 1);
	assert_int_equal(admin_words_add(f->a, 1, 0, empty, 2, &n, &e), -EINVAL);
	assert_int_equal(n, 0);
	good(admin_words_remove(f->a, 1, 0, gone, 2, &n, &e), &e);
	assert_int_equal(n, 1);
	assert_int_equal(again(f)->word_count, 2);
}

static void rules_are_replaced(void **state)
{
	struct fixture *f = *state;
	struct text_rule r = {.account = 1, .sub_account = 1, .max_length = 160, .header = text_b};
	const struct texts *all;
	struct err e;

	good(admin_text_rule_set(f->a, &r, &e), &e);
	r.header = NULL;
	r.footer = text_a;
	good(admin_text_rule_set(f->a, &r, &e), &e);
	r = (struct text_rule){.account = 1, .closed_campaigns = true};
	good(admin_text_rule_set(f->a, &r, &e), &e);
	all = again(f);
	assert_int_equal(all->rule_count, 2);
	assert_true(all->rules[0].closed_campaigns);
	assert_int_equal(all->rules[1].max_length, 160);
	assert_null(all->rules[1].header);
	assert_string_equal(all->rules[1].footer, text_a);
	assert_false(all->rules[1].closed_campaigns);
}

/* A folder of the first version gets the tables. */
static void an_older_file_is_brought_up(void **state)
{
	struct fixture *f = *state;
	struct text_rule r = {.account = 1, .max_length = 5};
	char path[96];
	struct err e;
	sqlite3 *db;

	admin_close(f->a);
	f->a = NULL;
	snprintf(path, sizeof path, "%s/admin.db", f->path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DROP TABLE template; DROP TABLE flow; DROP TABLE campaign; DROP TABLE word; DROP TABLE text_rule;ALTER TABLE sub_account DROP COLUMN sending_hours; ALTER TABLE sub_account DROP COLUMN holidays; PRAGMA user_version=6",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	open_it(f);
	good(admin_text_rule_set(f->a, &r, &e), &e);
	assert_int_equal(again(f)->rules[0].max_length, 5);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(templates_have_ids_of_their_account),
		T(flows_are_kept),
		T(campaigns_keep_their_ids_and_none_comes_twice),
		T(a_pending_campaign_is_kept_or_forgotten),
		T(an_account_has_so_many_campaigns),
		T(at_the_same_time_they_get_one_id),
		T(words_are_there_once_in_any_spelling),
		T(rules_are_replaced),
		T(an_older_file_is_brought_up),
	};

	return cmocka_run_group_tests_name("store-admin-texts", tests, NULL, NULL);
}
