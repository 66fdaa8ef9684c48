/* config_table.c - the table itself, the words it uses, and checks of single texts. */
#include "app/config_table.h"

#include <string.h>

#include "base/buf.h"
#include "base/cidr.h"
#include "model/settings.h"

#define WORD_TABLE(id, ...) static const struct config_word words_##id[] = {__VA_ARGS__, {NULL, 0}}
WORD_TABLE(auto_zero, {"auto", 0});
WORD_TABLE(any_zero, {"any", 0});
WORD_TABLE(classes, {"any", CLASS_ANY}, {"transactional", CLASS_TRANSACTIONAL}, {"marketing", CLASS_MARKETING});
WORD_TABLE(auto_minus, {"auto", -1});
WORD_TABLE(inherit_zero, {"sms.receipt_wait", 0});
WORD_TABLE(answers, {"array", false}, {"object", true});
WORD_TABLE(no_receipt, {"keep", false}, {"fail", true});
WORD_TABLE(doubt, {"end", false}, {"resend", true});
WORD_TABLE(modes, {"transceiver", BIND_TRANSCEIVER}, {"transmitter+receiver", BIND_TRANSMITTER_RECEIVER});
WORD_TABLE(alphabets, {"ascii", ALPHABET_ASCII}, {"gsm7", ALPHABET_GSM7 | ALPHABET_GSM7EXT},
	   {"gsm7ext", ALPHABET_GSM7 | ALPHABET_GSM7EXT}, {"gsm7basic", ALPHABET_GSM7},
	   {"latin1", ALPHABET_LATIN1}, {"ucs2", ALPHABET_UCS2});
WORD_TABLE(accents, {"keep", ACCENTS_KEEP}, {"fold", ACCENTS_FOLD}, {"single_shift", ACCENTS_SINGLE_SHIFT});
WORD_TABLE(joins, {"udh8", JOIN_UDH8}, {"udh16", JOIN_UDH16}, {"sar", JOIN_SAR}, {"payload", JOIN_PAYLOAD},
	   {"none", JOIN_NONE});
WORD_TABLE(ids, {"either", IDS_EITHER}, {"exact", IDS_EXACT}, {"decimal", IDS_DECIMAL}, {"hex", IDS_HEX});
WORD_TABLE(flashes, {"class", FLASH_CLASS}, {"f0", FLASH_F0});
WORD_TABLE(validities, {"relative", VALIDITY_RELATIVE}, {"absolute", VALIDITY_ABSOLUTE}, {"none", VALIDITY_NONE});
WORD_TABLE(meanings, {"final", 0}, {"temporary", 0}, {"throttled", 0}, {"bad_number", 0});
WORD_TABLE(levels, {"error", 0}, {"warn", 0}, {"info", 0}, {"debug", 0});
WORD_TABLE(formats, {"text", 0}, {"json", 0});

#define WORDS(id) .words = words_##id
#define CHECK(id) .check = check_##id
#define NO_CHECK .check = NULL
#define FIELD(t, m) .at = offsetof(struct t, m), .width = sizeof(((struct t *)0)->m)

#define ROW(t, key, kind, st, field, lo, hi, def, extra, fl, text) \
	{.table = (t),                                             \
	 .name = (key),                                            \
	 .type = (kind),                                           \
	 FIELD(st, field),                                         \
	 .low = (lo),                                              \
	 .high = (hi),                                             \
	 .dflt = (def),                                            \
	 extra,                                                    \
	 .flags = (fl),                                            \
	 .help = (text)},
#define SECTION(t, key, subtable, fl, text) \
	{.table = (t), .name = (key), .type = C_SECTION, .sub = (subtable), .flags = (fl), .help = (text)},
#define TEXTS(t, key, st, field, cnt, extra, def, fl, text) \
	{.table = (t),                                      \
	 .name = (key),                                     \
	 .type = C_TEXTS,                                   \
	 FIELD(st, field),                                  \
	 .count_at = offsetof(struct st, cnt),              \
	 .low = 1,                                          \
	 .high = 1000,                                      \
	 .dflt = (def),                                     \
	 extra,                                             \
	 .flags = (fl),                                     \
	 .help = (text)},
#define LIST(t, key, st, field, cnt, el, subtable, fl, text) \
	{.table = (t),                                       \
	 .name = (key),                                      \
	 .type = C_LIST,                                     \
	 FIELD(st, field),                                   \
	 .count_at = offsetof(struct st, cnt),               \
	 .size = sizeof(struct el),                          \
	 .sub = (subtable),                                  \
	 .flags = (fl),                                      \
	 .help = (text)},
#define LATER(t, key, text) {.table = (t), .name = (key), .type = C_LATER, .help = (text)},
const struct config_key config_keys[] = {
#include "app/config.def"
};
const size_t config_key_count = COUNT_OF(config_keys);

const char *const config_table_path[CONFIG_TABLES] = {
	[ROOT] = "",
	[HTTP] = "http[].",
	[LIMITS] = "limits.",
	[OPERATOR] = "operators[].",
	[SMS] = "sms.",
	[DOUBT] = "sms.in_doubt.",
	[RETRY] = "sms.retry.",
	[MO] = "sms.mo.",
	[CONNECTION] = "sms.connections[].",
	[PROFILE] = "sms.connections[].profile.",
	[TIMERS] = "sms.connections[].timers.",
	[BREAKER] = "sms.connections[].breaker.",
	[STATUS] = "sms.connections[].statuses[].",
	[ROUTE] = "sms.routes[].",
	[VIA] = "sms.routes[].connections[].",
	[WEBHOOKS] = "webhooks.",
	[CREDIT] = "credit.",
	[PRICE] = "credit.prices[].",
	[RETENTION] = "retention.",
	[LOG] = "log.",
};

void config_print_value(const struct config_key *k, int64_t v, struct buf *out)
{
	static const struct {
		uint8_t type;
		const char *name;
		int64_t size;
	} units[] = {{C_DURATION, "d", 86400000}, {C_DURATION, "h", 3600000}, {C_DURATION, "m", 60000},
		     {C_DURATION, "s", 1000},     {C_DURATION, "ms", 1},      {C_SIZE, "GiB", 1 << 30},
		     {C_SIZE, "MiB", 1 << 20},    {C_SIZE, "KiB", 1 << 10}};

	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (units[i].type == k->type && v && v % units[i].size == 0) {
			buf_fmt(out, "%lld%s", (long long)(v / units[i].size), units[i].name);
			return;
		}
	buf_i64(out, v);
}

/* -- checks of single texts ------------------------------------------------------------------------------------------ */
static bool digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

static bool host_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
	       c == '.' || c == '_';
}

/* host:port, [IPv6]:port */
static const char *check_host_port(struct str s, int64_t lowest_port)
{
	const char *colon = s.n ? memrchr(s.p, ':', s.n) : NULL;
	struct str host = {s.p, colon ? (size_t)(colon - s.p) : 0};
	struct cidr c;
	int64_t port;

	if (!colon)
		return "has no port; write host:port";
	if (str_i64((struct str){colon + 1, (size_t)(s.p + s.n - colon - 1)}, lowest_port, 65535, &port) < 0)
		return lowest_port ? "the port must be a number from 1 to 65535" : "the port must be a number from 0 to 65535";
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		host = (struct str){host.p + 1, host.n - 2};
		if (memchr(host.p, '/', host.n) || cidr_parse(host, &c) < 0 || c.family != 6)
			return "what is in brackets must be an IPv6 address";
		return NULL;
	}
	if (!host.n || host.n > 253)
		return "has no host; write host:port";
	for (size_t i = 0; i < host.n; i++)
		if (!host_char(host.p[i]))
			return host.p[i] == ':' ? "an IPv6 address must be in brackets: [::1]:8080"
						: "the host has a character that no host has";
	return NULL;
}

const char *check_listen(struct str s) { return check_host_port(s, 0); }

const char *check_smpp(struct str s)
{
	if (!str_iskip(&s, "smpp://") && !str_iskip(&s, "smpps://"))
		return "must begin with smpp:// or smpps://";
	return check_host_port(s, 1);
}

const char *check_url(struct str s)
{
	if (!str_iskip(&s, "https://") && !str_iskip(&s, "http://"))
		return "must begin with https:// or http://";
	if (!s.n || !host_char(s.p[0]))
		return "has no host";
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || strchr("?#\"<>\\", s.p[i]))
			return "must hold neither blanks nor ? nor #";
	return NULL;
}

const char *check_store(struct str s)
{
	if (str_iskip(&s, "postgresql://") || str_iskip(&s, "postgres://"))
		return "PostgreSQL is not supported yet; write sqlite";
	return str_eqz(s, "sqlite") ? NULL : "must be sqlite";
}

const char *check_cidr(struct str s)
{
	struct cidr c;

	return cidr_parse(s, &c) < 0
		       ? "is not a network such as 10.0.0.0/8 or fd00::/8 (all bits behind the prefix 0)"
		       : NULL;
}

const char *check_prefix(struct str s)
{
	return digits(s) && s.n && s.n <= 15 ? NULL : "must be 1 to 15 digits, without +";
}

const char *check_prefix_or_empty(struct str s) { return s.n ? check_prefix(s) : NULL; }

const char *check_short_code(struct str s)
{
	return digits(s) && s.n && s.n <= 15 ? NULL : "must be 1 to 15 digits";
}

const char *check_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!host_char(s.p[i]))
			return "must consist of letters, digits, - _ and .";
	return NULL;
}
