/* account.h - who may do what: accounts, sub-accounts, users, webhooks, short codes. Read-only copies travel in a snapshot
 * (core/snapshot.h); the store's admin part owns the truth. */
#pragma once
#include "model/sending_hours.h"

#define NAME_MAX_BYTES 128
#define ZONE_OF_DESTINATION "destination" /* a sub-account's time zone: that of the number */
#define TOKEN_HASH 32
#define ZONE_MAX_BYTES 64 /* a tz database name, or an offset such as +03:00 */
enum role { ROLE_REGULAR, ROLE_ADMINISTRATOR, ROLE_PLATFORM };
const char *role_name(int role); /* "regular", ... */
int role_parse(struct str s);    /* -1 when unknown */

#define ALLOW_MAX_BYTES 512
struct allow_list { /* what may be reached; both empty: everything, else what one of them names */
	char countries[ALLOW_MAX_BYTES]; /* "BR,PT": ISO 3166 alpha-2 */
	char prefixes[ALLOW_MAX_BYTES];  /* "5511,351": digits with country code */
};
struct account {
	uint32_t id;
	char name[NAME_MAX_BYTES];
	char country[3];           /* ISO 3166 alpha-2 or "" */
	char zone[ZONE_MAX_BYTES]; /* time zone; "" = that of the country */
	uint32_t default_sub; /* sub-account of an administrator's requests that name none; 0 = the one called default */
	struct allow_list allow;
	bool disabled;
};
struct sub_account {
	uint32_t id, account;
	char reference[NAME_MAX_BYTES]; /* unique within the account */
	char zone[ZONE_MAX_BYTES];      /* time zone; "" = the account's */
	bool marketing;                 /* class */
	uint32_t per_destination;       /* marketing messages to one number in the period; 0 = any number */
	int64_t per_destination_ms;
	uint32_t velocity; /* messages in the period; 0 = any number */
	int64_t velocity_ms;
	bool redact;                /* texts go once a message is final */
	struct allow_list allow;    /* beside the account's: both must cover a number */
	bool resend_doubt;          /* in doubt: resend instead of end */
	bool resend_doubt_set;      /* false: the configuration's sms.in_doubt.then decides */
	struct sending_hours hours; /* of its marketing messages */
};
struct user {
	uint32_t id, account, sub_account; /* sub_account 0 for administrators and platform */
	char name[NAME_MAX_BYTES];
	char email[NAME_MAX_BYTES];
	char zone[ZONE_MAX_BYTES]; /* time zone; "" = the sub-account's */
	uint8_t role;
	bool disabled, system;
	int8_t answer_object;                /* -1: server's default; 0 array; 1 object */
	unsigned char token[TOKEN_HASH];     /* SHA-256 of the token */
	unsigned char old_token[TOKEN_HASH]; /* valid until old_until */
	int64_t old_until;                   /* wall ms; 0 = no old one */
};
#define URL_MAX_BYTES 2048
#define SECRET_MAX 128
/* A set of call-backs of one owner. The user's wins over the sub-account's, key by key, for what that user sent. */
struct webhook {
	uint32_t id;
	uint32_t sub_account, user;                                            /* exactly one is not 0 */
	char sent[URL_MAX_BYTES], delivered[URL_MAX_BYTES], mo[URL_MAX_BYTES]; /* "" = none */
	bool mo_get;
	char secret[SECRET_MAX];     /* whsec_... */
	char old_secret[SECRET_MAX]; /* also signs until old_secret_until */
	int64_t old_secret_until;
	char basic_user[NAME_MAX_BYTES], basic_password[NAME_MAX_BYTES]; /* "" = none */
	char headers[1024]; /* extra "Name: value" lines, \n between; checked when set */
};
/* What a word at the beginning of an MO does. */
enum keyword_action { KEYWORD_OPT_OUT, KEYWORD_OPT_IN, KEYWORD_ROUTE, KEYWORD_REPLY, KEYWORD_ACTIONS };
const char *keyword_action_name(int action); /* "opt-out", ... */
int keyword_action_parse(struct str s);      /* -1 when unknown */
#define KEYWORD_TEXT_MAX 640                 /* characters */
struct keyword {
	uint32_t id;
	uint32_t account, sub_account; /* sub_account 0: whose the MO is */
	uint8_t action;                /* enum keyword_action */
	char short_code[24];
	char word[NAME_MAX_BYTES];   /* as it was given */
	char normal[NAME_MAX_BYTES]; /* as it is compared: base/words.h */
	char text[KEYWORD_TEXT_MAX * 4 + 1];
};
struct short_code {
	char code[16];
	uint32_t sub_account; /* 0: not assigned */
};
