/* config.h - one connection's settings as the channel keeps them: copied, checked, addresses taken apart. */
#pragma once
#include "channel/sms/status.h"
#include "core/channel.h"
#include "wire/receipt.h"
#include "wire/split.h"

struct ssl_ctx_st;
struct sms_host {
	bool tls;
	bool numeric; /* an IP address: no look-up, no SNI */
	char *name;   /* without brackets */
	uint16_t port;
	char *url; /* as written, for people */
};
struct sms_config {
	char *name;
	uint16_t number;
	enum hold hold;
	struct sms_host *hosts;
	size_t host_count;
	struct ssl_ctx_st *tls; /* NULL when no host wants it */
	char *system_id, *password, *system_type, *service_type;
	char *source; /* sender of messages that name none; "" = none */
	enum bind_mode mode;
	unsigned binds;                 /* links; pairs of links for transmitter and receiver */
	unsigned window;                /* parts outstanding per bind */
	int64_t rate;                   /* parts a second, 0 = no limit */
	struct profile_setting profile; /* its texts are the two above, not owned here */
	enum id_notation notation;
	struct smpp_timers timers; /* all > 0 */
	struct status_rule *rules;
	size_t rule_count;
	char **short_codes;
	size_t short_code_count;
	bool tls_verify;
	char *tls_ca;
};
/* 0; -EINVAL with words in e. */
int sms_config_new(struct sms_config **ret, const struct settings *s, const struct connection_setting *c,
		   struct err *e) MUST;
void sms_config_free(struct sms_config *c); /* NULL ok */
/* The binds that a has can serve b as well: same hosts, account and number of links. */
bool sms_config_same_links(const struct sms_config *a, const struct sms_config *b);
