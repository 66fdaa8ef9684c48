/* admin_accounts.c - changes to accounts and to what belongs to them in admin.db: sub-accounts, users, webhooks, short codes, keywords. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "store/admin_impl.h"

int admin_account_ensure(struct admin *a, struct str name, uint32_t *id, struct err *e)
{
	int64_t n = 0;
	int r;

	if (!name.n || name.n >= NAME_MAX_BYTES)
		return err_set(e, -EINVAL, "account: a name has 1 to %d bytes", NAME_MAX_BYTES - 1);
	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "account", NULL, e, "INSERT INTO account (name) VALUES (?1) ON CONFLICT DO NOTHING", "t", name);
	if (r == 0)
		r = admin_run(a, "account", &n, e, "SELECT id FROM account WHERE name=?1", "t", name);
	pthread_mutex_unlock(&a->lock);
	*id = (uint32_t)n;
	return r;
}

/* Each sub-account has a system user that outlives people: regular, without a token until one is made for it. */
static int system_user(struct admin *a, uint32_t account, uint32_t sub, struct err *e)
{
	char name[64];

	snprintf(name, sizeof name, "system-%u", sub);
	return admin_run(a, "system user", NULL,
			 e, "INSERT INTO user (account,sub_account,name,role,system) VALUES (?1,?2,?3,?4,1) ON CONFLICT DO NOTHING",
			 "iizi", (int64_t)account, (int64_t)sub, name, (int64_t)ROLE_REGULAR);
}

int admin_sub_ensure(struct admin *a, uint32_t account, struct str reference, uint32_t *id, struct err *e)
{
	int64_t n = 0;
	int r;

	if (!reference.n || reference.n >= NAME_MAX_BYTES)
		return err_set(e, -EINVAL, "sub-account: a reference has 1 to %d bytes", NAME_MAX_BYTES - 1);
	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "sub-account", NULL, e,
		      "INSERT INTO sub_account (account,reference) VALUES (?1,?2) ON CONFLICT DO NOTHING",
		      "it", (int64_t)account, reference);
	if (r == 0)
		r = admin_run(a, "sub-account", &n, e, "SELECT id FROM sub_account WHERE account=?1 AND reference=?2",
			      "it", (int64_t)account, reference);
	if (r == 0)
		r = system_user(a, account, (uint32_t)n, e);
	pthread_mutex_unlock(&a->lock);
	*id = (uint32_t)n;
	return r;
}

int admin_sub_set(struct admin *a, const struct sub_account *s, struct err *e)
{
	char hours[SENDING_HOURS_TEXT], holidays[HOLIDAYS_TEXT];
	int r;

	sending_hours_text(&s->hours, hours);
	holidays_text(&s->hours, holidays);
	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "sub-account", NULL, e,
		      "UPDATE sub_account SET "
		      "reference=?2,marketing=?3,resend=?4,resend_set=?5,zone=?6,per_destination=?7,per_"
		      "destination_ms=?8,velocity=?9,velocity_ms=?10,"
		      "allow_countries=?11,allow_prefixes=?12,redact=?13,sending_hours=?14,holidays=?15 "
		      "WHERE id=?1",
		      "iziiiziiiizzizz", (int64_t)s->id, s->reference, (int64_t)s->marketing,
		      (int64_t)s->resend_doubt, (int64_t)s->resend_doubt_set, s->zone,
		      (int64_t)s->per_destination, s->per_destination_ms, (int64_t)s->velocity, s->velocity_ms,
		      s->allow.countries, s->allow.prefixes, (int64_t)s->redact, hours, holidays);
	r = admin_changed(a, r, "sub-account", e);
	pthread_mutex_unlock(&a->lock);
	return r;
}

int admin_account_set(struct admin *a, const struct account *c, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "account", NULL, e, "UPDATE account SET name=?2,country=?3,disabled=?4,zone=?5,default_sub=?6,allow_countries=?7,allow_prefixes=?8 WHERE id=?1",
		      "izzizizz", (int64_t)c->id, c->name, c->country, (int64_t)c->disabled, c->zone,
		      (int64_t)c->default_sub, c->allow.countries, c->allow.prefixes);
	r = admin_changed(a, r, "account", e);
	pthread_mutex_unlock(&a->lock);
	return r;
}

/* A name must not be another's e-mail address either: both sign in. */
static int user_clash(struct admin *a, const struct user *u, struct err *e)
{
	int64_t n = 0;
	int r = admin_run(a, "user", &n, e, "SELECT count(*) FROM user WHERE id<>?1 AND (name IN (?2,?3) OR (email<>'' AND email IN (?2,?3)))",
			  "izz", (int64_t)u->id, u->name, u->email[0] ? u->email : u->name);

	return r < 0 ? r : n ? err_set(e, -EEXIST, "user: that name or e-mail exists already") : 0;
}

int admin_user_add(struct admin *a, struct user *u, struct err *e)
{
	int64_t n = 0;
	int r;

	if (!u->name[0])
		return err_set(e, -EINVAL, "user: the name is empty");
	pthread_mutex_lock(&a->lock);
	r = user_clash(a, u, e);
	if (r == 0)
		r = admin_run(a, "user", NULL, e, "INSERT INTO user (account,sub_account,name,email,role,disabled,system,answer,token,zone) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
			      "iizniiiihz", (int64_t)u->account, (int64_t)u->sub_account, u->name,
			      str_of(u->email), (int64_t)u->role, (int64_t)u->disabled, (int64_t)u->system,
			      (int64_t)u->answer_object, u->token, u->zone);
	if (r == 0)
		r = admin_run(a, "user", &n, e, "SELECT last_insert_rowid()", "");
	pthread_mutex_unlock(&a->lock);
	u->id = (uint32_t)n;
	return r;
}

int admin_user_set(struct admin *a, const struct user *u, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = user_clash(a, u, e);
	if (r == 0)
		r = admin_run(
			a, "user", NULL, e,
			"UPDATE user SET "
			"account=?2,sub_account=?3,name=?4,email=?5,role=?6,disabled=?7,system=?8,answer=?9,"
			"token=?10,old_token=?11,"
			"old_until=?12,zone=?13 WHERE id=?1",
			"iiizniiiihhiz", (int64_t)u->id, (int64_t)u->account, (int64_t)u->sub_account,
			u->name, str_of(u->email), (int64_t)u->role, (int64_t)u->disabled, (int64_t)u->system,
			(int64_t)u->answer_object, u->token, u->old_token, u->old_until, u->zone);
	r = admin_changed(a, r, "user", e);
	pthread_mutex_unlock(&a->lock);
	return r;
}

int admin_webhook_set(struct admin *a, struct webhook *w, struct err *e)
{
	int64_t n = 0;
	int r;

	if (!w->sub_account == !w->user)
		return err_set(e, -EINVAL, "webhook: it belongs to a user or to a sub-account");
	pthread_mutex_lock(&a->lock);
	r = admin_run(
		a, "webhook", NULL, e,
		"INSERT INTO webhook "
		"(sub_account,user,sent,delivered,mo,mo_get,secret,old_secret,old_secret_until,basic_user,"
		"basic_password,headers)"
		" VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12) ON CONFLICT (sub_account,user) DO UPDATE "
		"SET sent=excluded.sent,"
		"delivered=excluded.delivered,mo=excluded.mo,mo_get=excluded.mo_get,secret=excluded.secret,"
		"old_secret=excluded.old_secret,"
		"old_secret_until=excluded.old_secret_until,basic_user=excluded.basic_user,basic_password="
		"excluded.basic_password,headers=excluded.headers",
		"iizzzizzizzz", (int64_t)w->sub_account, (int64_t)w->user, w->sent, w->delivered, w->mo,
		(int64_t)w->mo_get, w->secret, w->old_secret, w->old_secret_until, w->basic_user,
		w->basic_password, w->headers);
	if (r == 0)
		r = admin_run(a, "webhook", &n, e, "SELECT id FROM webhook WHERE sub_account=?1 AND user=?2",
			      "ii", (int64_t)w->sub_account, (int64_t)w->user);
	pthread_mutex_unlock(&a->lock);
	w->id = (uint32_t)n;
	return r;
}

int admin_short_code_assign(struct admin *a, struct str code, uint32_t sub_account, struct err *e)
{
	int r;

	if (!code.n || code.n >= sizeof((struct short_code *)0)->code)
		return err_set(e, -EINVAL, "short code: 1 to 15 characters");
	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "short code", NULL,
		      e, "INSERT INTO short_code VALUES (?1,?2) ON CONFLICT (code) DO UPDATE SET sub_account=excluded.sub_account",
		      "ti", code, (int64_t)sub_account);
	pthread_mutex_unlock(&a->lock);
	return r;
}

int admin_keyword_set(struct admin *a, struct keyword *k, struct err *e)
{
	int64_t id = 0;
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_run(
		a, "keyword", &id, e,
		"INSERT INTO keyword (short_code,normal,word,account,sub_account,action,text) VALUES "
		"(?1,?2,?3,?4,?5,?6,?7)"
		" ON CONFLICT (short_code,normal) DO UPDATE SET word=excluded.word,account=excluded.account,"
		"sub_account=excluded.sub_account,action=excluded.action,text=excluded.text RETURNING id",
		"zzziiiz", k->short_code, k->normal, k->word, (int64_t)k->account, (int64_t)k->sub_account,
		(int64_t)k->action, k->text);
	pthread_mutex_unlock(&a->lock);
	k->id = (uint32_t)id;
	return r;
}

int admin_keyword_remove(struct admin *a, uint32_t id, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_changed(a, admin_run(a, "keyword", NULL, e, "DELETE FROM keyword WHERE id=?1", "i", (int64_t)id),
			  "keyword", e);
	pthread_mutex_unlock(&a->lock);
	return r;
}
