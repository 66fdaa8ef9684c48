/* send_request.c - any body as a single and as a bulk, any query: either faults, or messages within every limit, with their moments in
 * order, and drafts. The first octet chooses. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/answer.h"
#include "api/send_request.h"
#include "core/intake.h"
#include "core/schedule.h"
#include "core/snapshot.h"

/* In core's place. */
struct number_facts intake_number(const struct settings *s, struct str digits)
{
	(void)s;
	return (struct number_facts){.operator_id = 1, .reports = digits.n % 2, .routed = digits.n % 3};
}

struct refusal intake_refusal(uint32_t account, uint32_t sub_account, struct str digits)
{
	(void)account;
	(void)sub_account;
	(void)digits;
	return (struct refusal){0, 0};
}

static void check_item(const struct send_item *m)
{
	size_t text, correlation, extra, destination;

	ASSERT(utf8_valid(m->text, &text) && text <= SEND_TEXT_MAX);
	ASSERT(text || m->has_template_id || m->template_name.n || m->flow.n);
	ASSERT(utf8_valid(m->final, NULL) && utf8_valid(m->invalid, NULL));
	ASSERT(m->param_count <= 3 * SEND_PARAMS_MAX);
	ASSERT(utf8_valid(m->correlation, &correlation) && correlation <= SEND_CORRELATION_MAX);
	ASSERT(utf8_valid(m->extra, &extra) && extra <= SEND_EXTRA_MAX);
	ASSERT(utf8_valid(m->destination, &destination) && destination >= 1 && destination <= SEND_DESTINATION_MAX);
}

#define NOW ((int64_t)1790000000000)
#define VALIDITY ((int64_t)86400000)

/* Moments are in order and within the horizon; the departure is one that the window allows. */
static void check_time(const struct send_item *m, const struct draft *d)
{
	const struct times *t = &m->time.out;
	struct schedule s = {.window = m->time.window};

	ASSERT(!(m->time.window >> 24));
	ASSERT(d->expires_at == t->expires_at && d->not_before == t->not_before && d->window == m->time.window);
	if (!t->expires_at) {
		ASSERT(!m->time.window && !m->time.start_path && !m->time.expiry_path && !t->not_before);
		return;
	}
	ASSERT(!t->not_before || (t->not_before > NOW && t->not_before <= NOW + SCHEDULE_HORIZON_MS));
	ASSERT(t->departs >= MAX(NOW, t->not_before) && t->departs < NOW + 3 * SCHEDULE_HORIZON_MS);
	ASSERT(t->expires_at > MAX(NOW, t->not_before));
	ASSERT(t->expires_at <= (m->time.expiry_path ? NOW + SCHEDULE_HORIZON_MS : t->departs + VALIDITY));
	if (!m->time.window)
		return;
	s.zone = tz_get(m->time.zone);
	ASSERT(s.zone && schedule_next(&s, t->departs) == t->departs);
	tz_put(s.zone);
}

static void check_good(const struct send_request *r, struct arena *a)
{
	static const struct settings settings = {.sms.validity_ms = VALIDITY};
	static const struct sub_account sub = {.id = 1, .account = 1};
	struct draft *d;
	struct buf out = BUF_INIT;

	ASSERT(r->count >= 1 && r->count <= SEND_MESSAGES_MAX);
	d = send_drafts(r, &settings, &sub, a);
	for (size_t i = 0; i < r->count; i++) {
		check_item(&r->items[i]);
		check_time(&r->items[i], &d[i]);
		ASSERT(d[i].parts >= 1 && d[i].t.number.n <= 15);
		ASSERT(d[i].invalid || d[i].t.number.n);
	}
	answer_single(&out, false, (struct uid){1, 2}, d[0].t.correlation);
	ASSERT(!out.failed && !memmem(out.p, out.n, "errorCode", 9));
	buf_done(&out);
}

static void check_faults(const struct faults *f)
{
	struct buf out = BUF_INIT;
	struct json_doc *d;
	struct err e;

	answer_faults(&out, 400, f);
	d = json_read(out.p, out.n, &e);
	ASSERT(d);
	json_free(d);
	buf_done(&out);
}

static void check(const struct send_request *r, const struct faults *f, struct arena *a)
{
	if (f->count)
		check_faults(f);
	else
		check_good(r, a);
}

/* Templates 0 and 1, of which the first has a text with two placeholders; a flow; words; a header. */
static void find_texts(struct send_request *r, struct arena *a, struct faults *f)
{
	static char text[] = "{{a}}{{ b|digits }}", flow[] = "x", word[] = "no", head[] = "h";
	static struct text_template templates[] = {{.account = 1, .id = 0, .name = "t", .lane = 1, .text = text},
						   {.account = 1, .id = 1, .name = "T", .lane = -1, .text = flow}};
	static struct flow flows[] = {{.account = 1, .id = "14f8142d-e731-4971-8220-5a76a12c413f", .text = flow}};
	static struct forbidden_word words[] = {{1, 0, word}};
	static struct text_rule rules[] = {
		{.account = 1, .sub_account = 1, .max_length = 1000, .header = head, .footer = head}};
	static const struct texts texts = {templates, 2, flows, 1, NULL, 0, words, 1, rules, 1};
	static const struct snapshot_source src = {.texts = &texts};
	static const struct sub_account sub = {.id = 1, .account = 1};
	struct text_scope sc = {.sub = &sub};

	if (f->count)
		return;
	sc.snap = snapshot_get();
	if (!sc.snap) {
		snapshot_publish(snapshot_new(&src));
		sc.snap = snapshot_get();
	}
	send_texts(r, &sc, a, f);
	snapshot_put(sc.snap);
}

/* Marketing, by its template, has sending hours. */
static void find_times(struct send_request *r, struct arena *a, struct faults *f)
{
	static const struct account account = {.id = 1, .country = "BR"};
	static struct sub_account sub = {.id = 1, .account = 1, .zone = ZONE_OF_DESTINATION};
	static const struct settings settings = {.sms.validity_ms = VALIDITY};
	struct send_who who = {.account = &account, .sub = &sub, .settings = &settings, .now = NOW};
	struct err e;

	if (f->count)
		return;
	if (!sub.hours.set)
		ASSERT(!sending_hours_parse(STR("mon-fri=8-20 sat=9-14 quiet=12-13"), &sub.hours, &e));
	send_times(r, &who, a, f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = {0};
	struct send_request r;
	static struct faults f;
	struct err e;

	f.count = 0;
	if (!size)
		return 0;
	if (data[0] % 3 == 0) {
		static struct query_string q;
		char *p = malloc(size);

		if (!p)
			abort();
		memcpy(p, data + 1, size - 1);
		if (!query_read(p, size - 1, &q)) {
			send_read_query(&q, &a, &r, &f);
			find_texts(&r, &a, &f);
			find_times(&r, &a, &f);
			check(&r, &f, &a);
		}
		free(p);
	} else {
		struct json_doc *d = json_read((const char *)data + 1, size - 1, &e);

		if (d) {
			send_read_json(json_root(d), data[0] % 3 == 1, &a, &r, &f);
			find_texts(&r, &a, &f);
			find_times(&r, &a, &f);
			check(&r, &f, &a);
		}
		json_free(d);
	}
	arena_done(&a);
	return 0;
}
