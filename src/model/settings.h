/* settings.h - the configuration as plain structs: filled by app/config.c from the YAML file by the key table app/config.def,
 * read by everybody, changed by nobody. Durations in ms, sizes in bytes. Texts are owned by the settings. */
#pragma once
#include "base/util.h"

struct listen_setting {
	char *listen;            /* "127.0.0.1:8080", "[::]:8443"; port 0 = any free one */
	char *certificate, *key; /* files, NULL = plain */
};
struct operator_setting {
	int64_t id;
	char *name;
	bool delivery_reports;
	char **prefixes;
	size_t prefix_count;
	int64_t receipt_wait_ms; /* 0: sms.receipt_wait */
};
struct price_setting {
	char *prefix;  /* digits; "" = every number */
	int64_t units; /* a part */
};
enum accents { ACCENTS_KEEP, ACCENTS_FOLD, ACCENTS_SINGLE_SHIFT };
enum join { JOIN_UDH8, JOIN_UDH16, JOIN_SAR, JOIN_PAYLOAD, JOIN_NONE };
enum ids_way { IDS_EITHER, IDS_EXACT, IDS_DECIMAL, IDS_HEX }; /* of the receipts, as against the responses */
enum flash_way { FLASH_CLASS /* 0x10, 0x18 */, FLASH_F0 /* 0xF0 */ };
enum validity_way { VALIDITY_RELATIVE, VALIDITY_ABSOLUTE, VALIDITY_NONE };
enum bind_mode { BIND_TRANSCEIVER, BIND_TRANSMITTER_RECEIVER };
#define ALPHABET_ASCII 1u
#define ALPHABET_GSM7 2u
#define ALPHABET_GSM7EXT 4u
#define ALPHABET_LATIN1 8u
#define ALPHABET_UCS2 16u
struct profile_setting {
	unsigned alphabets; /* ALPHABET_*; in the file gsm7 means both GSM7 and GSM7EXT, gsm7basic the first alone */
	enum accents accents;
	enum join join;
	enum ids_way ids;
	int source_ton, source_npi; /* -1 = auto: alphanumeric 5/0, short code 3/0, E.164 1/1 */
	int dest_ton, dest_npi;
	enum flash_way flash;
	enum validity_way validity;
	char *service_type; /* "" by default */
	char *system_type;
};
struct smpp_timers {
	int64_t bind_ms, response_ms, enquire_link_ms, throttle_ms, reconnect_ms, reconnect_max_ms;
};
struct smpp_status_rule { /* vendor statuses: what 0x400 and the like mean on this connection */
	int64_t status;
	char *means; /* "final", "temporary", "throttled", "bad_number" */
};
struct breaker_setting { /* when a connection counts as sick, and how it is tried again */
	int64_t errors;  /* percent of answers; 0 = never for errors */
	int64_t least;   /* answers in the window before errors are judged */
	int64_t window_ms;
	int64_t timeouts; /* in a row; 0 = never for time-outs */
	int64_t pause_ms, pause_max_ms;
	int64_t probes; /* attempts that must go well before it is well again; so many at a time */
};
/* What the operator said about a connection; outlives restarts. DRAINED: unbound besides. */
enum hold { HOLD_NONE, HOLD_PAUSED, HOLD_DRAINED };
struct connection_setting {
	char *name;
	uint16_t number; /* stable number of the name, from store/admin.h; filled by app before anyone reads it */
	enum hold hold; /* the same */
	char **smpp;    /* smpp://host:port or smpps://host:port, tried in turn */
	size_t smpp_count;
	char *system_id, *password; /* password_file is read into password */
	char *source;               /* sender when the message names none; "" = first short code */
	char *tls_ca;               /* file; NULL = system's */
	bool tls_verify;
	int64_t operator_id; /* 0 = none */
	int64_t binds;
	enum bind_mode mode;
	int64_t window; /* parts outstanding per bind */
	int64_t rate;   /* parts a second over all binds; 0 = no limit */
	struct profile_setting profile;
	struct smpp_timers timers;
	struct breaker_setting breaker;
	struct smpp_status_rule *statuses;
	size_t status_count;
};
struct route_connection {
	char *name;
	int64_t weight; /* default 1; 0 = only on failure */
};
enum route_class { CLASS_ANY, CLASS_TRANSACTIONAL, CLASS_MARKETING };
struct route_setting {
	char *prefix;           /* digits; "" = every number */
	int64_t operator_id;    /* 0 = of any operator */
	char *sub_account;      /* reference, or account/reference; NULL = of any */
	enum route_class class; /* of messages */
	struct route_connection *connections;
	size_t connection_count;
};
struct settings {
	char *file;  /* where it came from */
	char *data;  /* data folder */
	char *store; /* "sqlite" */
	struct listen_setting *http;
	size_t http_count;
	char *public_url;       /* NULL = none */
	char **trusted_proxies; /* CIDR */
	size_t trusted_proxy_count;
	struct {
		int64_t requests_per_second, status_queries_per_second;        /* per IP; 0 = none */
		int64_t user_requests_per_second, account_requests_per_second; /* 0 = none */
		int64_t connections, connections_per_ip;
		int64_t body, inflight; /* bytes */
		int64_t request_deadline_ms, idle_ms;
	} limits;
	bool answer_object; /* send_sms_answer: object */
	struct operator_setting *operators;
	size_t operator_count;
	struct {
		struct connection_setting *connections;
		size_t connection_count;
		int64_t doubt_wait_ms;
		bool doubt_resend;
		int64_t receipt_wait_ms;
		bool no_receipt_fails;                                   /* 104 instead of staying at 2 */
		int64_t validity_ms;                                     /* default 24 h */
		int64_t retry_delay_ms, retry_delay_max_ms, retry_tries; /* fail-over budget */
		struct route_setting *routes;
		size_t route_count;
		char **short_codes;
		size_t short_code_count;
		char **mobile_prefixes; /* mobiles whatever the numbering plans say */
		size_t mobile_prefix_count;
		struct {
			int64_t part_wait_ms;        /* for the rest of a long MO */
			int64_t duplicate_window_ms; /* in which the same again may be the carrier's repetition */
			int64_t replies_per_hour; /* of keywords, from one short code to one handset */
			char **opt_out, **opt_in; /* words */
			size_t opt_out_count, opt_in_count;
		} mo;
	} sms;
	struct {
		struct price_setting *prices; /* longest prefix wins; none: 1 */
		size_t price_count;
	} credit;
	struct {
		char **allow; /* CIDR of private targets that are permitted */
		size_t allow_count;
		int64_t timeout_ms;                    /* 10 s */
		int64_t retry_first_ms, retry_max_ms;  /* 5 s, 6 h */
		int64_t give_up_ms, give_up_client_ms; /* 3 d, 1 d */
		int64_t per_endpoint;                  /* calls under way at once to one owner's receiver */
		int64_t total;                         /* calls under way at once */
		char *ca;                              /* extra CA file for receivers; NULL = system's */
	} webhooks;
	struct {
		int64_t status_ms;  /* statuses and lists: 3 d */
		int64_t message_ms; /* time line and search: 90 d */
		int64_t mo_ms;      /* incoming messages: 5 d */
	} retention;
	struct {
		char *level;  /* error, warn, info, debug */
		char *format; /* text, json */
	} log;
	int64_t http_threads;
	int64_t memory; /* budget of deliveries held in RAM, bytes */
};
void settings_free(struct settings *s); /* NULL ok */
