/* commands_portability.c - the table of ported numbers: made from a file, in force at once; what it says of one number. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app/commands.h"
#include "app/number_file.h"
#include "app/number_keeper.h"
#include "base/ranges.h"
#include "core/intake.h"
#include "core/numbers.h"
#include "core/outbox.h"
#include "wire/phone.h"

struct taking {
	struct ranges_maker *maker;
	const struct settings *settings;
	size_t n;
};

static bool is_operator(const struct settings *s, int64_t id)
{
	for (size_t i = 0; i < s->operator_count; i++)
		if (s->operators[i].id == id)
			return true;
	return false;
}

static int take_range(void *ctx, uint64_t first, uint64_t last, int64_t operator_id, uint32_t line, struct err *e)
{
	struct taking *t = ctx;
	int r;

	if (!is_operator(t->settings, operator_id))
		return err_set(e, -EINVAL, "operator %lld is not in the configuration", (long long)operator_id);
	r = ranges_add(t->maker, first, last, (uint32_t)operator_id, line, e);
	t->n++;
	return r == -EINVAL ? -EIO : r;
}

static int make_table(struct context *c, const char *path, size_t *n)
{
	struct number_file_faults *faults = xnew(struct number_file_faults);
	char *to = keeper_ported_path(c->settings->data);
	struct taking t = {.settings = c->settings};
	struct err e;
	int r = ranges_make(&t.maker, to, 0, &e), code;

	if (r == 0)
		r = number_file_ported(path, take_range, &t, faults, &e);
	if (r == -EINVAL && faults->count) {
		code = complain_file(c, path, faults);
	} else {
		if (r == 0)
			r = ranges_finish(t.maker, &e);
		code = r < 0 ? complain_errno(c, r, &e) : 0;
	}
	ranges_forget(t.maker);
	*n = t.n;
	free(to);
	free(faults);
	return code;
}

int portability_import(struct context *c, const struct args *a)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	char *path = context_path(c, a->argument[0]);
	size_t n = 0;
	struct err e;
	int code, r;

	pthread_mutex_lock(&one_at_a_time);
	code = make_table(c, path, &n);
	if (code == 0) {
		r = keeper_ported_load(c->settings->data, &e);
		code = r < 0 ? complain_errno(c, r, &e) : 0;
	}
	pthread_mutex_unlock(&one_at_a_time);
	if (code == 0) {
		say(c, c->json ? "{\"read\":%zu,\"ranges\":%zu}\n" : "%zu read, %zu ranges in the table\n", n,
		    numbers_ported_count());
		code = context_audit(c, "portability.import", "file=%s read=%zu", path, n);
	}
	free(path);
	return code;
}

int portability_show(struct context *c, const struct args *a)
{
	struct carrier_told carrier;
	bool ported;
	int32_t id = 0;
	struct phone p;
	struct err e;
	int r = c->g ? 0 : keeper_ported_load(c->settings->data, &e);

	if (r < 0)
		return complain_errno(c, r, &e);
	if (phone_read(str_of(a->argument[0]), &p) < 0 || p.n < 8)
		return complain(c, EX_DATAERR, "%s: not a number with country code", a->argument[0]);
	phone_canonical(&p, &p);
	ported = numbers_ported((struct str){p.digits, p.n}, &id);
	carrier = carrier_of(c->settings, intake_number(c->settings, (struct str){p.digits, p.n}).operator_id);
	if (c->json)
		say(c, "{\"number\":\"%s\",\"ported\":%s,\"carrierId\":%d,\"carrierName\":\"%s\"}\n",
		    p.digits, ported ? "true" : "false", carrier.id, carrier.name);
	else
		say(c, "%s  %d %s  %s\n", p.digits, carrier.id, carrier.name,
		    ported ? "by the table of ported numbers" : "by its beginning");
	return EX_OK;
}
