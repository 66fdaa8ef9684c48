/* admin.c: accounts and what belongs to them, kept, unique, found again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/admin.h"
#include "unit/folder.h"
#include "unit/store/admin_schema_1.h"

struct fixture {
	char path[FOLDER_MAX];
	struct admin *a;
};

static void reopen(struct fixture *f)
{
	struct err e = {""};

	admin_close(f->a);
	if (admin_open(&f->a, f->path, &e) < 0)
		fail_msg("%s", e.text);
}

static int set_up(void **state)
{
	struct fixture *f = xnew(struct fixture);

	test_folder(f->path, "admin");
	reopen(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	admin_close(f->a);
	test_folder_remove(f->path);
	free(f);
	return 0;
}

static struct admin_all load(struct fixture *f)
{
	struct admin_all all;
	struct err e = {""};

	if (admin_load(f->a, &all, &e) < 0)
		fail_msg("%s", e.text);
	return all;
}

static struct user user_named(const char *name, uint32_t account, uint32_t sub)
{
	struct user u = {.account = account, .sub_account = sub, .role = ROLE_REGULAR, .answer_object = -1};

	str_copy(u.name, sizeof(u.name), str_of(name));
	snprintf(u.email, sizeof(u.email), "%s@example.com", name);
	memset(u.token, name[0], sizeof(u.token));
	return u;
}

static void first_open_makes_the_defaults(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		struct admin_all all = load(f);

		assert_int_equal(all.account_count, 1);
		assert_string_equal(all.accounts[0].name, "default");
		assert_int_equal(all.sub_account_count, 1);
		assert_string_equal(all.sub_accounts[0].reference, "default");
		assert_int_equal(all.sub_accounts[0].account, all.accounts[0].id);
		assert_int_equal(all.user_count, 1);
		assert_true(all.users[0].system);
		assert_int_equal(all.users[0].role, ROLE_REGULAR);
		assert_int_equal(all.users[0].sub_account, all.sub_accounts[0].id);
		assert_int_equal(all.webhook_count + all.short_code_count, 0);
		admin_all_done(&all);
		reopen(f);
	}
}

static void file_is_for_the_owner_alone(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/admin.db", f->path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void ensure_makes_once(void **state)
{
	struct fixture *f = *state;
	uint32_t a = 0, again = 0, sub = 0, other = 0;
	struct admin_all all;
	struct err e;

	assert_int_equal(admin_account_ensure(f->a, STR("acme"), &a, &e), 0);
	assert_int_equal(admin_account_ensure(f->a, STR("acme"), &again, &e), 0);
	assert_int_equal(a, again);
	assert_int_equal(admin_sub_ensure(f->a, a, STR("shop"), &sub, &e), 0);
	assert_int_equal(admin_sub_ensure(f->a, a, STR("shop"), &again, &e), 0);
	assert_int_equal(sub, again);
	/* a reference is unique within its account only */
	assert_int_equal(admin_sub_ensure(f->a, 1, STR("shop"), &other, &e), 0);
	assert_int_not_equal(sub, other);
	all = load(f);
	assert_int_equal(all.account_count, 2);
	assert_int_equal(all.sub_account_count, 3);
	assert_int_equal(all.user_count, 3); /* a system user each */
	admin_all_done(&all);
}

static void bad_names_are_refused(void **state)
{
	struct fixture *f = *state;
	char long_name[NAME_MAX_BYTES + 1];
	uint32_t id;
	struct err e;
	struct user u = {.account = 1};

	memset(long_name, 'x', sizeof(long_name));
	assert_int_equal(admin_account_ensure(f->a, STR(""), &id, &e), -EINVAL);
	assert_int_equal(admin_account_ensure(f->a, (struct str){long_name, NAME_MAX_BYTES}, &id, &e), -EINVAL);
	assert_int_equal(admin_account_ensure(f->a, (struct str){long_name, NAME_MAX_BYTES - 1}, &id, &e), 0);
	assert_int_equal(admin_sub_ensure(f->a, 1, STR(""), &id, &e), -EINVAL);
	assert_int_equal(admin_sub_ensure(f->a, 999, STR("x"), &id, &e), -ENOENT);
	assert_int_equal(admin_user_add(f->a, &u, &e), -EINVAL);
	assert_int_equal(admin_short_code_assign(f->a, STR(""), 1, &e), -EINVAL);
	assert_int_equal(admin_short_code_assign(f->a, STR("1234567890123456"), 1, &e), -EINVAL);
}

static void account_and_sub_account_are_changed_by_id(void **state)
{
	struct fixture *f = *state;
	struct account a = {.id = 1,
			    .name = "acme",
			    .country = "BR",
			    .zone = "America/Manaus",
			    .default_sub = 1,
			    .allow = {"BR,PT", "55"},
			    .disabled = true};
	struct sub_account s = {.id = 1,
				.reference = "main",
				.zone = "-03:00",
				.allow = {"BR", "5511,5521"},
				.per_destination = 2,
				.per_destination_ms = 5000,
				.velocity = 7,
				.velocity_ms = 6000,
				.redact = true,
				.marketing = true,
				.resend_doubt = true,
				.resend_doubt_set = true};
	struct admin_all all;
	struct err e;

	assert_int_equal(admin_account_set(f->a, &a, &e), 0);
	assert_int_equal(sending_hours_parse(STR("mon-fri=8-20 quiet=12-13"), &s.hours, &e), 0);
	assert_int_equal(holidays_parse(STR("12-25,2027-02-09"), &s.hours, &e), 0);
	assert_int_equal(admin_sub_set(f->a, &s, &e), 0);
	a.id = s.id = 77;
	a.allow.prefixes[0] = s.allow.prefixes[0] = 'x';
	str_copy(a.name, sizeof(a.name), STR("other"));
	assert_int_equal(admin_account_set(f->a, &a, &e), -ENOENT);
	assert_int_equal(admin_sub_set(f->a, &s, &e), -ENOENT);
	all = load(f);
	assert_string_equal(all.accounts[0].name, "acme");
	assert_string_equal(all.accounts[0].country, "BR");
	assert_true(all.accounts[0].disabled);
	assert_string_equal(all.accounts[0].zone, "America/Manaus");
	assert_int_equal(all.accounts[0].default_sub, 1);
	assert_string_equal(all.sub_accounts[0].reference, "main");
	assert_string_equal(all.sub_accounts[0].zone, "-03:00");
	assert_string_equal(all.accounts[0].allow.countries, "BR,PT");
	assert_string_equal(all.accounts[0].allow.prefixes, "55");
	assert_string_equal(all.sub_accounts[0].allow.countries, "BR");
	assert_string_equal(all.sub_accounts[0].allow.prefixes, "5511,5521");
	assert_int_equal(all.sub_accounts[0].per_destination, 2);
	assert_int_equal(all.sub_accounts[0].per_destination_ms, 5000);
	assert_int_equal(all.sub_accounts[0].velocity, 7);
	assert_int_equal(all.sub_accounts[0].velocity_ms, 6000);
	assert_true(all.sub_accounts[0].redact);
	assert_true(all.sub_accounts[0].marketing && all.sub_accounts[0].resend_doubt && all.sub_accounts[0].resend_doubt_set);
	assert_memory_equal(&all.sub_accounts[0].hours, &s.hours, sizeof(s.hours));
	admin_all_done(&all);
}

static const struct user *find(const struct admin_all *all, uint32_t id)
{
	for (size_t i = 0; i < all->user_count; i++)
		if (all->users[i].id == id)
			return &all->users[i];
	return NULL;
}

static void user_is_kept_whole(void **state)
{
	struct fixture *f = *state;
	struct user u = user_named("ana", 1, 1);
	struct admin_all all;
	const struct user *got;
	struct err e;

	assert_int_equal(admin_user_add(f->a, &u, &e), 0);
	assert_true(u.id > 0);
	u.role = ROLE_ADMINISTRATOR;
	str_copy(u.zone, sizeof(u.zone), STR("Europe/Lisbon"));
	u.sub_account = 0;
	u.disabled = true;
	u.answer_object = 1;
	memcpy(u.old_token, u.token, sizeof(u.token));
	memset(u.token, 'n', sizeof(u.token));
	u.old_until = 1700000000000;
	assert_int_equal(admin_user_set(f->a, &u, &e), 0);
	reopen(f);
	all = load(f);
	got = find(&all, u.id);
	assert_non_null(got);
	assert_memory_equal(got, &u, sizeof(u));
	u.id = 999;
	str_copy(u.name, sizeof(u.name), STR("nobody"));
	u.email[0] = '\0';
	assert_int_equal(admin_user_set(f->a, &u, &e), -ENOENT);
	admin_all_done(&all);
}

static void names_and_addresses_are_unique(void **state)
{
	struct fixture *f = *state;
	struct user a = user_named("ana", 1, 1), b = user_named("bea", 1, 1), c;
	struct err e;

	assert_int_equal(admin_user_add(f->a, &a, &e), 0);
	assert_int_equal(admin_user_add(f->a, &b, &e), 0);
	c = user_named("ana", 1, 1);
	str_copy(c.email, sizeof(c.email), STR("other@example.com"));
	assert_int_equal(admin_user_add(f->a, &c, &e), -EEXIST);
	c = user_named("cleo", 1, 1);
	str_copy(c.email, sizeof(c.email), str_of(a.email));
	assert_int_equal(admin_user_add(f->a, &c, &e), -EEXIST);
	/* a name that is someone's address would sign in as either */
	c = user_named("cleo", 1, 1);
	str_copy(c.name, sizeof(c.name), str_of(a.email));
	assert_int_equal(admin_user_add(f->a, &c, &e), -EEXIST);
	str_copy(b.name, sizeof(b.name), STR("ana"));
	assert_int_equal(admin_user_set(f->a, &b, &e), -EEXIST);
	/* no address is no clash */
	for (int i = 0; i < 2; i++) {
		c = user_named(i ? "dora" : "eva", 1, 1);
		c.email[0] = '\0';
		assert_int_equal(admin_user_add(f->a, &c, &e), 0);
	}
}

static void webhook_is_one_an_owner(void **state)
{
	struct fixture *f = *state;
	struct webhook w = {.sub_account = 1, .mo_get = true, .old_secret_until = 5}, none = {0},
		       both = {.sub_account = 1, .user = 1};
	struct admin_all all;
	uint32_t id;
	struct err e;

	snprintf(w.sent, sizeof(w.sent), "https://example.com/sent");
	snprintf(w.secret, sizeof(w.secret), "whsec_x");
	snprintf(w.headers, sizeof(w.headers), "X-A: b\nX-C: d");
	assert_int_equal(admin_webhook_set(f->a, &w, &e), 0);
	id = w.id;
	snprintf(w.mo, sizeof(w.mo), "https://example.com/mo");
	assert_int_equal(admin_webhook_set(f->a, &w, &e), 0);
	assert_int_equal(w.id, id);
	assert_int_equal(admin_webhook_set(f->a, &none, &e), -EINVAL);
	assert_int_equal(admin_webhook_set(f->a, &both, &e), -EINVAL);
	w.sub_account = 0;
	w.user = 1;
	assert_int_equal(admin_webhook_set(f->a, &w, &e), 0);
	assert_int_not_equal(w.id, id);
	reopen(f);
	all = load(f);
	assert_int_equal(all.webhook_count, 2);
	assert_memory_equal(&all.webhooks[1], &w, sizeof(w));
	assert_string_equal(all.webhooks[0].mo, "https://example.com/mo");
	admin_all_done(&all);
}

static void short_code_moves_to_its_latest_owner(void **state)
{
	struct fixture *f = *state;
	struct admin_all all;
	struct err e;
	uint32_t sub;

	assert_int_equal(admin_sub_ensure(f->a, 1, STR("shop"), &sub, &e), 0);
	assert_int_equal(admin_short_code_assign(f->a, STR("28604"), 1, &e), 0);
	assert_int_equal(admin_short_code_assign(f->a, STR("28604"), sub, &e), 0);
	assert_int_equal(admin_short_code_assign(f->a, STR("28605"), 0, &e), 0);
	all = load(f);
	assert_int_equal(all.short_code_count, 2);
	assert_string_equal(all.short_codes[0].code, "28604");
	assert_int_equal(all.short_codes[0].sub_account, sub);
	admin_all_done(&all);
}

static void connection_keeps_its_number(void **state)
{
	struct fixture *f = *state;
	uint16_t a = 0, b = 0, again = 0;
	struct err e;

	assert_int_equal(admin_connection_number(f->a, STR("main"), &a, &e), 0);
	assert_int_equal(admin_connection_number(f->a, STR("backup"), &b, &e), 0);
	assert_true(a > 0 && b > 0 && a != b);
	reopen(f);
	assert_int_equal(admin_connection_number(f->a, STR("main"), &again, &e), 0);
	int hold = -1;
	assert_int_equal(admin_connection_hold(f->a, STR("main"), &hold, &e), 0);
	assert_int_equal(hold, 0);
	assert_int_equal(admin_connection_hold_set(f->a, STR("main"), 2, &e), 0);
	assert_int_equal(admin_connection_hold(f->a, STR("main"), &hold, &e), 0);
	assert_int_equal(hold, 2);
	assert_int_equal(admin_connection_hold(f->a, STR("backup"), &hold, &e), 0);
	assert_int_equal(hold, 0);
	assert_int_equal(admin_connection_hold_set(f->a, STR("nobody"), 1, &e), -ENOENT);
	assert_int_equal(again, a);
}

static void sql(struct fixture *f, const char *name, const char *text)
{
	char path[128];
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void newer_schema_is_refused(void **state)
{
	struct fixture *f = *state;
	struct admin *other = NULL;
	struct err e = {""};

	sql(f, "admin.db", "PRAGMA user_version=999");
	assert_int_equal(admin_open(&other, f->path, &e), -EPROTO);
	assert_non_null(strstr(e.text, "999"));
}

static void older_schema_is_brought_up(void **state)
{
	struct fixture *f = *state;
	struct account a = {.id = 1, .name = "default", .zone = "UTC"};
	struct admin_all all;
	char path[128];
	struct err e;

	admin_close(f->a);
	f->a = NULL;
	snprintf(path, sizeof(path), "%s/admin.db", f->path);
	assert_int_equal(unlink(path), 0);
	sql(f, "admin.db", admin_schema_1);
	reopen(f);
	all = load(f);
	assert_int_equal(all.account_count, 1);
	assert_string_equal(all.accounts[0].zone, "");
	assert_int_equal(all.user_count, 2); /* a sub-account without a system user gets one */
	admin_all_done(&all);
	assert_int_equal(admin_account_set(f->a, &a, &e), 0);
}

static void backup_is_a_whole_copy(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct admin_all all;
	uint32_t id;
	struct err e;

	assert_int_equal(admin_account_ensure(f->a, STR("acme"), &id, &e), 0);
	assert_int_equal(admin_audit(f->a, STR("root"), STR("account.add"), STR("acme"), &e), 0);
	snprintf(path, sizeof(path), "%s/copy", f->path);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/copy/admin.db", f->path);
	for (int i = 0; i < 2; i++)
		assert_int_equal(admin_backup(f->a, path, &e), 0);
	admin_close(f->a);
	snprintf(path, sizeof(path), "%s/copy", f->path);
	assert_int_equal(admin_open(&f->a, path, &e), 0);
	all = load(f);
	assert_int_equal(all.account_count, 2);
	admin_all_done(&all);
	admin_close(f->a);
	snprintf(path, sizeof(path), "%s/copy/admin.db", f->path);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/copy", f->path);
	assert_int_equal(rmdir(path), 0);
	f->a = NULL;
	reopen(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(first_open_makes_the_defaults),
		T(file_is_for_the_owner_alone),
		T(ensure_makes_once),
		T(bad_names_are_refused),
		T(account_and_sub_account_are_changed_by_id),
		T(user_is_kept_whole),
		T(names_and_addresses_are_unique),
		T(webhook_is_one_an_owner),
		T(short_code_moves_to_its_latest_owner),
		T(connection_keeps_its_number),
		T(newer_schema_is_refused),
		T(older_schema_is_brought_up),
		T(backup_is_a_whole_copy),
	};

	return cmocka_run_group_tests_name("store-admin", tests, NULL, NULL);
}
