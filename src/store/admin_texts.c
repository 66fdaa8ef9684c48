/* admin_texts.c - see admin_texts.h. */
#include "store/admin_texts.h"

#include <errno.h>
#include <string.h>

#include "base/time.h"
#include "base/words.h"
#include "store/admin_impl.h"

/* -- reading -------------------------------------------------------------------------------------------------------- */

static void read_template(sqlite3_stmt *q, void *row)
{
	struct text_template *r = row;

	r->account = (uint32_t)sqlite3_column_int64(q, 0);
	r->id = sqlite3_column_int64(q, 1);
	r->sub_account = (uint32_t)sqlite3_column_int64(q, 2);
	admin_column_text(q, 3, r->name, sizeof r->name);
	r->lane = (int8_t)sqlite3_column_int(q, 4);
	r->text = admin_column_dup(q, 5);
}

static void read_flow(sqlite3_stmt *q, void *row)
{
	struct flow *r = row;

	r->account = (uint32_t)sqlite3_column_int64(q, 0);
	admin_column_text(q, 1, r->id, sizeof r->id);
	r->sub_account = (uint32_t)sqlite3_column_int64(q, 2);
	r->text = admin_column_dup(q, 3);
}

static void read_campaign(sqlite3_stmt *q, void *row)
{
	struct campaign *r = row;

	r->id = (uint32_t)sqlite3_column_int64(q, 0);
	r->account = (uint32_t)sqlite3_column_int64(q, 1);
	r->alias = admin_column_dup(q, 2);
	r->at = sqlite3_column_int64(q, 3);
}

static void read_word(sqlite3_stmt *q, void *row)
{
	struct forbidden_word *r = row;

	r->account = (uint32_t)sqlite3_column_int64(q, 0);
	r->sub_account = (uint32_t)sqlite3_column_int64(q, 1);
	r->word = admin_column_dup(q, 2);
}

static void read_rule(sqlite3_stmt *q, void *row)
{
	struct text_rule *r = row;

	r->account = (uint32_t)sqlite3_column_int64(q, 0);
	r->sub_account = (uint32_t)sqlite3_column_int64(q, 1);
	r->max_length = (uint32_t)sqlite3_column_int64(q, 2);
	r->header = admin_column_dup(q, 3);
	r->footer = admin_column_dup(q, 4);
	r->closed_campaigns = sqlite3_column_int(q, 5);
}

int admin_texts_load(struct admin *a, struct texts *t, struct err *e)
{
	int r;

	*t = (struct texts){0};
	pthread_mutex_lock(&a->lock);
	r = admin_read_all(a, "SELECT account,id,sub_account,name,lane,text FROM template ORDER BY account,sub_account,id",
			   sizeof *t->templates, read_template, (void **)&t->templates, &t->template_count, e);
	if (r == 0)
		r = admin_read_all(a, "SELECT account,id,sub_account,text FROM flow ORDER BY account,sub_account,id",
				   sizeof *t->flows, read_flow, (void **)&t->flows, &t->flow_count, e);
	if (r == 0)
		r = admin_read_all(a, "SELECT id,account,alias,at FROM campaign WHERE pending=0 ORDER BY account,id",
				   sizeof *t->campaigns, read_campaign, (void **)&t->campaigns, &t->campaign_count, e);
	if (r == 0)
		r = admin_read_all(a, "SELECT account,sub_account,word FROM word ORDER BY account,sub_account,normal",
				   sizeof *t->words, read_word, (void **)&t->words, &t->word_count, e);
	if (r == 0)
		r = admin_read_all(a, "SELECT account,sub_account,max_length,header,footer,closed FROM text_rule ORDER BY account,sub_account",
				   sizeof *t->rules, read_rule, (void **)&t->rules, &t->rule_count, e);
	pthread_mutex_unlock(&a->lock);
	if (r < 0)
		texts_done(t);
	return r;
}

/* -- templates and flows -------------------------------------------------------------------------------------------- */

int admin_template_add(struct admin *a, struct text_template *t, bool id_given, struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&a->lock);
	if (!id_given)
		r = admin_run(a, "template", &t->id, e, "SELECT coalesce(max(max(id),0),0)+1 FROM template", "");
	if (r == 0)
		r = admin_run(a, "template", NULL,
			      e, "INSERT INTO template (account,id,sub_account,name,lane,text) VALUES (?1,?2,?3,?4,?5,?6)",
			      "iiizit", (int64_t)t->account, t->id, (int64_t)t->sub_account, t->name,
			      (int64_t)t->lane, str_of(t->text));
	pthread_mutex_unlock(&a->lock);
	return r;
}

int admin_template_remove(struct admin *a, uint32_t account, int64_t id, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "template", NULL, e, "DELETE FROM template WHERE account=?1 AND id=?2", "ii",
		      (int64_t)account, id);
	r = admin_changed(a, r, "template", e);
	pthread_mutex_unlock(&a->lock);
	return r;
}

int admin_flow_add(struct admin *a, const struct flow *f, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "flow", NULL, e, "INSERT INTO flow (account,id,sub_account,text) VALUES (?1,?2,?3,?4)",
		      "izit", (int64_t)f->account, f->id, (int64_t)f->sub_account, str_of(f->text));
	pthread_mutex_unlock(&a->lock);
	return r;
}

int admin_flow_remove(struct admin *a, uint32_t account, const char *id, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "flow", NULL, e, "DELETE FROM flow WHERE account=?1 AND id=?2", "iz", (int64_t)account, id);
	r = admin_changed(a, r, "flow", e);
	pthread_mutex_unlock(&a->lock);
	return r;
}

/* -- campaigns ------------------------------------------------------------------------------------------------------ */

static int ensure_one(struct admin *a, struct campaign_wish *w, struct err *e)
{
	static const char find[] = "SELECT id FROM campaign WHERE account=?1 AND alias=?2";
	int64_t account = w->account, id = 0, count = 0, pending = 0;
	int r = admin_run(a, "campaign", &id, e, find, "it", account, w->alias);

	if (r == -ENOENT) {
		r = admin_run(a, "campaign", &count, e, "SELECT count(*) FROM campaign WHERE account=?1", "i", account);
		if (r == 0 && count >= CAMPAIGNS_MAX)
			return err_set(e, -ENOSPC, "the account has %d campaigns already", CAMPAIGNS_MAX);
		if (r == 0)
			r = admin_run(a, "campaign", NULL, e,
				      "INSERT INTO campaign (account,alias,at,pending) VALUES (?1,?2,?3,?4)",
				      "itii", account, w->alias, wall_ms(), (int64_t)w->pending);
		if (r == 0)
			r = admin_run(a, "campaign", &id, e, find, "it", account, w->alias);
	} else if (r == 0 && !w->pending) {
		r = admin_run(a, "campaign", NULL, e, "UPDATE campaign SET pending=0 WHERE id=?1 AND pending", "i", id);
	}
	if (r == 0)
		r = admin_run(a, "campaign", &pending, e, "SELECT pending FROM campaign WHERE id=?1", "i", id);
	if (r == 0 && id > UINT32_MAX)
		r = err_set(e, -ENOSPC, "there were more campaigns than there are numbers for them");
	w->id = (uint32_t)id;
	w->pending = pending != 0;
	return r;
}

int admin_campaigns_ensure(struct admin *a, struct campaign_wish *w, size_t n, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_begin(a, e);
	if (r == 0) {
		for (size_t i = 0; i < n && r == 0; i++)
			r = ensure_one(a, &w[i], e);
		r = admin_end(a, r, e);
	}
	pthread_mutex_unlock(&a->lock);
	return r;
}

int admin_campaigns_settle(struct admin *a, const struct campaign_verdict *v, size_t n, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_begin(a, e);
	if (r == 0) {
		for (size_t i = 0; i < n && r == 0; i++)
			r = admin_run(a, "campaign", NULL, e,
				      v[i].keep ? "UPDATE campaign SET pending=0 WHERE id=?1 AND pending"
						: "DELETE FROM campaign WHERE id=?1 AND pending",
				      "i", (int64_t)v[i].id);
		r = admin_end(a, r, e);
	}
	pthread_mutex_unlock(&a->lock);
	return r;
}

int admin_campaigns_recover(struct admin *a, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "campaign", NULL, e, "UPDATE campaign SET pending=0 WHERE pending", "");
	pthread_mutex_unlock(&a->lock);
	return r;
}

int admin_campaign_remove(struct admin *a, uint32_t account, struct str alias, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "campaign", NULL, e, "DELETE FROM campaign WHERE account=?1 AND alias=?2 AND NOT pending",
		      "it", (int64_t)account, alias);
	r = admin_changed(a, r, "campaign", e);
	pthread_mutex_unlock(&a->lock);
	return r;
}

/* -- forbidden words ------------------------------------------------------------------------------------------------ */

static int count_words(struct admin *a, uint32_t account, uint32_t sub_account, struct err *e)
{
	int64_t n = 0;
	int r = admin_run(a, "words", &n, e, "SELECT count(*) FROM word WHERE account=?1 AND sub_account=?2",
			  "ii", (int64_t)account, (int64_t)sub_account);

	if (r == 0 && n > WORDS_MAX)
		r = err_set(e, -ENOSPC, "words: a list has at most %d", WORDS_MAX);
	return r;
}

static int change_word(struct admin *a, const char *sql, bool with_word, uint32_t account,
		       uint32_t sub_account, struct str word, size_t *done, struct err *e)
{
	struct buf normal = BUF_INIT;
	int r;

	words_normal(&normal, word);
	if (!normal.n)
		r = err_set(e, -EINVAL, "words: one has no letter and no digit");
	else if (with_word)
		r = admin_run(a, "words", NULL, e, sql, "iitt", (int64_t)account, (int64_t)sub_account,
			      buf_view(&normal), word);
	else
		r = admin_run(a, "words", NULL, e, sql, "iit", (int64_t)account, (int64_t)sub_account, buf_view(&normal));
	if (r == 0)
		*done += (size_t)sqlite3_changes(a->db);
	buf_done(&normal);
	return r;
}

static int change_words(struct admin *a, const char *sql, bool adding, uint32_t account, uint32_t sub_account,
			const struct str *words, size_t n, size_t *done, struct err *e)
{
	int r;

	*done = 0;
	pthread_mutex_lock(&a->lock);
	r = admin_begin(a, e);
	if (r == 0) {
		for (size_t i = 0; i < n && r == 0; i++)
			r = change_word(a, sql, adding, account, sub_account, words[i], done, e);
		if (r == 0 && adding)
			r = count_words(a, account, sub_account, e);
		r = admin_end(a, r, e);
	}
	pthread_mutex_unlock(&a->lock);
	if (r < 0)
		*done = 0;
	return r;
}

int admin_words_add(struct admin *a, uint32_t account, uint32_t sub_account, const struct str *words,
		    size_t n, size_t *done, struct err *e)
{
	return change_words(a, "INSERT INTO word (account,sub_account,normal,word) VALUES (?1,?2,?3,?4) ON CONFLICT DO NOTHING",
			    true, account, sub_account, words, n, done, e);
}

int admin_words_remove(struct admin *a, uint32_t account, uint32_t sub_account, const struct str *words,
		       size_t n, size_t *done, struct err *e)
{
	return change_words(a, "DELETE FROM word WHERE account=?1 AND sub_account=?2 AND normal=?3", false,
			    account, sub_account, words, n, done, e);
}

/* -- rules ---------------------------------------------------------------------------------------------------------- */

int admin_text_rule_set(struct admin *a, const struct text_rule *t, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "text rule", NULL, e,
		      "INSERT INTO text_rule (account,sub_account,max_length,header,footer,closed) VALUES "
		      "(?1,?2,?3,?4,?5,?6)"
		      " ON CONFLICT (account,sub_account) DO UPDATE SET max_length=excluded.max_length,"
		      "header=excluded.header,footer=excluded.footer,closed=excluded.closed",
		      "iiitti", (int64_t)t->account, (int64_t)t->sub_account, (int64_t)t->max_length,
		      str_of(t->header), str_of(t->footer), (int64_t)t->closed_campaigns);
	pthread_mutex_unlock(&a->lock);
	return r;
}
