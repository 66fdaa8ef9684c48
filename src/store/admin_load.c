/* admin_load.c - everything in admin.db that snapshots are made from, but for texts, read at once. */
#include <pthread.h>
#include <stdlib.h>

#include "store/admin_impl.h"

static struct str column_text(sqlite3_stmt *q, int column)
{
	const char *p = (const char *)sqlite3_column_text(q, column);

	return (struct str){p, p ? (size_t)sqlite3_column_bytes(q, column) : 0};
}

static void read_account(sqlite3_stmt *q, void *row)
{
	struct account *r = row;

	r->id = (uint32_t)sqlite3_column_int64(q, 0);
	admin_column_text(q, 1, r->name, sizeof r->name);
	admin_column_text(q, 2, r->country, sizeof r->country);
	r->disabled = sqlite3_column_int(q, 3);
	admin_column_text(q, 4, r->zone, sizeof r->zone);
	r->default_sub = (uint32_t)sqlite3_column_int64(q, 5);
	admin_column_text(q, 6, r->allow.countries, sizeof r->allow.countries);
	admin_column_text(q, 7, r->allow.prefixes, sizeof r->allow.prefixes);
}

static void read_sub(sqlite3_stmt *q, void *row)
{
	struct sub_account *r = row;

	r->id = (uint32_t)sqlite3_column_int64(q, 0);
	r->account = (uint32_t)sqlite3_column_int64(q, 1);
	admin_column_text(q, 2, r->reference, sizeof r->reference);
	r->marketing = sqlite3_column_int(q, 3);
	r->resend_doubt = sqlite3_column_int(q, 4);
	r->resend_doubt_set = sqlite3_column_int(q, 5);
	admin_column_text(q, 6, r->zone, sizeof r->zone);
	r->per_destination = (uint32_t)sqlite3_column_int64(q, 7);
	r->per_destination_ms = sqlite3_column_int64(q, 8);
	r->velocity = (uint32_t)sqlite3_column_int64(q, 9);
	r->velocity_ms = sqlite3_column_int64(q, 10);
	admin_column_text(q, 11, r->allow.countries, sizeof r->allow.countries);
	admin_column_text(q, 12, r->allow.prefixes, sizeof r->allow.prefixes);
	r->redact = sqlite3_column_int(q, 13);
	/* What is there was checked when it was set. */
	(void)!sending_hours_parse(column_text(q, 14), &r->hours, NULL);
	(void)!holidays_parse(column_text(q, 15), &r->hours, NULL);
}

static void read_user(sqlite3_stmt *q, void *row)
{
	struct user *r = row;

	r->id = (uint32_t)sqlite3_column_int64(q, 0);
	r->account = (uint32_t)sqlite3_column_int64(q, 1);
	r->sub_account = (uint32_t)sqlite3_column_int64(q, 2);
	admin_column_text(q, 3, r->name, sizeof r->name);
	admin_column_text(q, 4, r->email, sizeof r->email);
	r->role = (uint8_t)sqlite3_column_int(q, 5);
	r->disabled = sqlite3_column_int(q, 6);
	r->system = sqlite3_column_int(q, 7);
	r->answer_object = (int8_t)sqlite3_column_int(q, 8);
	admin_column_hash(q, 9, r->token);
	admin_column_hash(q, 10, r->old_token);
	r->old_until = sqlite3_column_int64(q, 11);
	admin_column_text(q, 12, r->zone, sizeof r->zone);
}

static void read_webhook(sqlite3_stmt *q, void *row)
{
	struct webhook *r = row;

	r->id = (uint32_t)sqlite3_column_int64(q, 0);
	r->sub_account = (uint32_t)sqlite3_column_int64(q, 1);
	r->user = (uint32_t)sqlite3_column_int64(q, 2);
	admin_column_text(q, 3, r->sent, sizeof r->sent);
	admin_column_text(q, 4, r->delivered, sizeof r->delivered);
	admin_column_text(q, 5, r->mo, sizeof r->mo);
	r->mo_get = sqlite3_column_int(q, 6);
	admin_column_text(q, 7, r->secret, sizeof r->secret);
	admin_column_text(q, 8, r->old_secret, sizeof r->old_secret);
	r->old_secret_until = sqlite3_column_int64(q, 9);
	admin_column_text(q, 10, r->basic_user, sizeof r->basic_user);
	admin_column_text(q, 11, r->basic_password, sizeof r->basic_password);
	admin_column_text(q, 12, r->headers, sizeof r->headers);
}

static void read_code(sqlite3_stmt *q, void *row)
{
	struct short_code *r = row;

	admin_column_text(q, 0, r->code, sizeof r->code);
	r->sub_account = (uint32_t)sqlite3_column_int64(q, 1);
}

static void read_keyword(sqlite3_stmt *q, void *row)
{
	struct keyword *r = row;

	r->id = (uint32_t)sqlite3_column_int64(q, 0);
	admin_column_text(q, 1, r->short_code, sizeof r->short_code);
	admin_column_text(q, 2, r->normal, sizeof r->normal);
	admin_column_text(q, 3, r->word, sizeof r->word);
	r->account = (uint32_t)sqlite3_column_int64(q, 4);
	r->sub_account = (uint32_t)sqlite3_column_int64(q, 5);
	r->action = (uint8_t)sqlite3_column_int(q, 6);
	admin_column_text(q, 7, r->text, sizeof r->text);
}

int admin_load(struct admin *a, struct admin_all *ret, struct err *e)
{
	int r;

	*ret = (struct admin_all){0};
	pthread_mutex_lock(&a->lock);
	r = admin_read_all(a, "SELECT id,name,country,disabled,zone,default_sub,allow_countries,allow_prefixes FROM account ORDER BY id",
			   sizeof *ret->accounts, read_account, (void **)&ret->accounts, &ret->account_count, e);
	if (r == 0)
		r = admin_read_all(a, "SELECT id,account,reference,marketing,resend,resend_set,zone,per_destination,per_destination_ms,velocity,velocity_ms,allow_countries,allow_prefixes,redact,sending_hours,holidays FROM sub_account ORDER BY id",
				   sizeof *ret->sub_accounts, read_sub, (void **)&ret->sub_accounts,
				   &ret->sub_account_count, e);
	if (r == 0)
		r = admin_read_all(a, "SELECT id,account,sub_account,name,email,role,disabled,system,answer,token,old_token,old_until,zone FROM user ORDER BY id",
				   sizeof *ret->users, read_user, (void **)&ret->users, &ret->user_count, e);
	if (r == 0)
		r = admin_read_all(
			a,
			"SELECT "
			"id,sub_account,user,sent,delivered,mo,mo_get,secret,old_secret,old_secret_"
			"until,basic_user,basic_password,headers"
			" FROM webhook ORDER BY id",
			sizeof *ret->webhooks, read_webhook, (void **)&ret->webhooks, &ret->webhook_count, e);
	if (r == 0)
		r = admin_read_all(a, "SELECT code,sub_account FROM short_code ORDER BY code", sizeof *ret->short_codes,
				   read_code, (void **)&ret->short_codes, &ret->short_code_count, e);
	if (r == 0)
		r = admin_read_all(a, "SELECT id,short_code,normal,word,account,sub_account,action,text FROM keyword ORDER BY short_code,normal",
				   sizeof *ret->keywords, read_keyword, (void **)&ret->keywords,
				   &ret->keyword_count, e);
	pthread_mutex_unlock(&a->lock);
	if (r < 0)
		admin_all_done(ret);
	return r;
}

void admin_all_done(struct admin_all *all)
{
	free(all->accounts);
	free(all->sub_accounts);
	free(all->users);
	free(all->webhooks);
	free(all->short_codes);
	free(all->keywords);
	*all = (struct admin_all){0};
}
