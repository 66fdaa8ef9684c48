/* commands_protect.c - what protects numbers and money: rules of accounts and sub-accounts about where, how much and how long. */
#include <ctype.h>
#include <string.h>
#include <sysexits.h>

#include "app/commands.h"
#include "app/commands_find.h"

/* A list with commas into out[ALLOW_MAX_BYTES], upper case; "none" empties it. */
static int read_list(struct context *c, const struct args *a, enum option_id option, const char *what,
		     bool (*usable)(struct str word), char *out)
{
	const char *v = a->value[option];
	char list[ALLOW_MAX_BYTES];
	size_t n = v ? strlen(v) : 0;

	if (!v)
		return 0;
	if (strcmp(v, "none") == 0) {
		out[0] = '\0';
		return 0;
	}
	for (const char *p = v;; p++) {
		size_t len = strcspn(p, ",");

		if (!usable((struct str){p, len}))
			return complain(c, EX_DATAERR, "--%s: %s, with commas between; or none",
					option_rows[option].name, what);
		p += len;
		if (!*p)
			break;
	}
	if (n >= sizeof list)
		return complain(c, EX_DATAERR, "--%s: %s, with commas between, at most %d octets; or none",
				option_rows[option].name, what, ALLOW_MAX_BYTES - 1);
	for (size_t i = 0; i <= n; i++)
		list[i] = (char)toupper((unsigned char)v[i]);
	memcpy(out, list, n + 1);
	return 0;
}

static bool is_country(struct str w)
{
	return w.n == 2 && isalpha((unsigned char)w.p[0]) && isalpha((unsigned char)w.p[1]);
}

static bool is_prefix(struct str w)
{
	for (size_t i = 0; i < w.n; i++)
		if (!isdigit((unsigned char)w.p[i]))
			return false;
	return w.n >= 1 && w.n <= 15;
}

bool protect_given(const struct args *a)
{
	return args_has(a, OPT_ALLOW_COUNTRIES) || args_has(a, OPT_ALLOW_PREFIXES) ||
	       args_has(a, OPT_PER_DESTINATION) || args_has(a, OPT_VELOCITY) || args_has(a, OPT_REDACT) ||
	       args_has(a, OPT_NO_REDACT);
}

int protect_allow(struct context *c, const struct args *a, struct allow_list *l)
{
	int r = read_list(c, a, OPT_ALLOW_COUNTRIES, "codes of ISO 3166 such as BR", is_country, l->countries);

	return r ? r
		 : read_list(c, a, OPT_ALLOW_PREFIXES, "beginnings of numbers with country code, digits only",
			     is_prefix, l->prefixes);
}

int protect_rules(struct context *c, const struct args *a, struct sub_account *sub)
{
	int r = protect_allow(c, a, &sub->allow);

	if (r == 0)
		r = find_rate(c, a, OPT_PER_DESTINATION, &sub->per_destination, &sub->per_destination_ms);
	if (r == 0)
		r = find_rate(c, a, OPT_VELOCITY, &sub->velocity, &sub->velocity_ms);
	if (r == 0 && args_has(a, OPT_REDACT) && args_has(a, OPT_NO_REDACT))
		return complain(c, EX_USAGE, "--redact and --no-redact contradict each other");
	if (args_has(a, OPT_REDACT) || args_has(a, OPT_NO_REDACT))
		sub->redact = args_has(a, OPT_REDACT);
	return r;
}

/* ["BR","PT"]; the words hold nothing that JSON would want escaped. */
static void list_json(struct buf *b, const char *name, const char *list)
{
	const char *comma = "";

	buf_fmt(b, ",\"%s\":[", name);
	for (const char *p = list; *p; comma = ",") {
		size_t n = strcspn(p, ",");

		buf_fmt(b, "%s\"%.*s\"", comma, (int)n, p);
		p += n + (p[n] == ',');
	}
	buf_putc(b, ']');
}

void protect_allow_json(struct buf *b, const struct allow_list *l)
{
	list_json(b, "allowCountries", l->countries);
	list_json(b, "allowPrefixes", l->prefixes);
}

static void rate_json(struct buf *b, const char *name, uint32_t n, int64_t ms)
{
	buf_fmt(b, ",\"%s\":", name);
	if (!n) {
		buf_puts(b, "null");
		return;
	}
	buf_putc(b, '"');
	print_rate(b, n, ms);
	buf_putc(b, '"');
}

void protect_json(struct buf *b, const struct sub_account *sub)
{
	protect_allow_json(b, &sub->allow);
	rate_json(b, "perDestination", sub->per_destination, sub->per_destination_ms);
	rate_json(b, "velocity", sub->velocity, sub->velocity_ms);
	buf_fmt(b, ",\"redact\":%s", sub->redact ? "true" : "false");
}

void protect_text(struct buf *b, const struct sub_account *sub)
{
	if (sub->allow.countries[0] || sub->allow.prefixes[0])
		buf_fmt(b, "  allowed: %s%s%s", sub->allow.countries,
			sub->allow.countries[0] && sub->allow.prefixes[0] ? "," : "", sub->allow.prefixes);
	if (sub->per_destination) {
		buf_puts(b, "  per destination: ");
		print_rate(b, sub->per_destination, sub->per_destination_ms);
	}
	if (sub->velocity) {
		buf_puts(b, "  velocity: ");
		print_rate(b, sub->velocity, sub->velocity_ms);
	}
	if (sub->redact)
		buf_puts(b, "  redacted once final");
}
