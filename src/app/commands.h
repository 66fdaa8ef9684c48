/* commands.h - the table of commands (commands.def) and of their options (commands_options.def): what main.c runs, what the server
 * runs for the control socket, and what help and man pages are printed from. */
#pragma once
#include "app/context.h"

enum command_flag {
	CMD_ADMIN = 1,     /* needs accounts, users, webhooks */
	CMD_CHANGE = 2,    /* changes them: one at a time, new snapshot after it */
	CMD_STORE = 4,     /* reads messages */
	CMD_SERVER = 8,    /* works only beside a running server */
	CMD_STOPPED = 16,  /* works only without one; no store is opened for it */
	CMD_LOCAL = 32,    /* stays in this process, settings are not read for it */
	CMD_RAW = 64,      /* reads its own options */
	CMD_NUMBERS = 256, /* block and opt-out lists */
	CMD_LATER = 128,   /* documented, but not built yet: refused by name */
};

#define OPTION(id, name, value, help) OPT_##id,
enum option_id {
#include "app/commands_options.def"
	OPTION_COUNT
};
#undef OPTION

struct option_row {
	const char *name, *value, *help; /* value NULL: a switch */
};
extern const struct option_row option_rows[OPTION_COUNT];

#define ARGUMENTS_MAX 8
#define LISTED_MAX 16 /* times an option that may be repeated is taken */
struct args {
	const struct command *command;
	const char *value[OPTION_COUNT]; /* NULL: not given; flags: "" */
	const char *listed[LISTED_MAX];  /* every --header */
	size_t listed_count;
	const char *argument[ARGUMENTS_MAX];
	size_t count;
	bool help;
};

struct command {
	const char *group, *verb; /* verb NULL: the group is the command */
	const char *arguments;    /* in the synopsis */
	unsigned min, max;        /* arguments */
	const char *options;      /* names, blanks between; ! = must be given, ~ = not supported yet */
	unsigned flags;
	int (*run)(struct context *c, const struct args *a); /* returns an exit code of sysexits.h */
	int (*raw)(int argc, char **argv);                   /* CMD_RAW: argv[0] is the command's own name */
	const char *help;
};
extern const struct command commands[];
extern const size_t command_count;

/* The command that argv[0] (and argv[1]) name; *used = how many words that took. NULL with e filled. */
const struct command *command_find(int argc, const char *const *argv, int *used, struct err *e);
/* Reads what follows the command's words. 0, or an exit code with e filled: EX_USAGE, or EX_UNAVAILABLE for an option that is not
 * supported yet. ret borrows argv. */
int args_read(struct args *ret, const struct command *cmd, int argc, const char *const *argv, struct err *e) MUST;
bool args_has(const struct args *a, enum option_id id);
/* Runs it in a context whose parts are open: checks what it needs, takes the lock, publishes what it changed. */
int command_run(struct context *c, const struct args *a);

void command_name(const struct command *cmd, struct buf *out); /* "user add" */
void help_all(struct buf *out);
bool help_group(struct buf *out, const char *group); /* false: there is none */
void help_command(struct buf *out, const struct command *cmd);
/* Man page in man(7) macros: pombo(1) when group is NULL, else pombo-GROUP(1). */
bool help_man(struct buf *out, const char *group);
void help_groups(struct buf *out); /* names, one a line */

/* The commands, by file. */
int serve_command(struct context *c, const struct args *a); /* serve.c */
int check_command(struct context *c, const struct args *a);
int user_add(struct context *c, const struct args *a); /* commands_user.c */
int user_list(struct context *c, const struct args *a);
int user_disable(struct context *c, const struct args *a);
int user_enable(struct context *c, const struct args *a);
int user_token(struct context *c, const struct args *a);
int user_set(struct context *c, const struct args *a);
int account_add(struct context *c, const struct args *a); /* commands_account.c */
int account_change(struct context *c, const struct args *a);
int account_disable(struct context *c, const struct args *a);
int account_enable(struct context *c, const struct args *a);
int account_list(struct context *c, const struct args *a);
int sub_account_add(struct context *c, const struct args *a); /* commands_sub_account.c */
int sub_account_change(struct context *c, const struct args *a);
int sub_account_list(struct context *c, const struct args *a);
int short_code_assign(struct context *c, const struct args *a);
int short_code_list(struct context *c, const struct args *a);
int template_add(struct context *c, const struct args *a); /* commands_texts.c */
int template_list(struct context *c, const struct args *a);
int template_show(struct context *c, const struct args *a);
int template_remove(struct context *c, const struct args *a);
int flow_add(struct context *c, const struct args *a);
int flow_list(struct context *c, const struct args *a);
int flow_show(struct context *c, const struct args *a);
int flow_remove(struct context *c, const struct args *a);
int words_add(struct context *c, const struct args *a); /* commands_words.c */
int words_remove(struct context *c, const struct args *a);
int words_list(struct context *c, const struct args *a);
int words_import(struct context *c, const struct args *a);
int words_export(struct context *c, const struct args *a);
int campaign_add(struct context *c, const struct args *a);
int campaign_list(struct context *c, const struct args *a);
int campaign_remove(struct context *c, const struct args *a);
int keyword_add(struct context *c, const struct args *a); /* commands_keyword.c */
int keyword_remove(struct context *c, const struct args *a);
int keyword_list(struct context *c, const struct args *a);
int webhook_change(struct context *c, const struct args *a); /* commands_webhook.c */
int webhook_list(struct context *c, const struct args *a);
int webhook_dead(struct context *c, const struct args *a); /* commands_webhook_dead.c */
int webhook_replay(struct context *c, const struct args *a);
int webhook_test(struct context *c, const struct args *a); /* commands_webhook_test.c */
int message_show(struct context *c, const struct args *a); /* commands_message.c */
int message_search(struct context *c, const struct args *a);
int message_cancel(struct context *c, const struct args *a); /* commands_control.c */
int message_pause(struct context *c, const struct args *a);
int message_orders(struct context *c, const struct args *a);
int message_resume(struct context *c, const struct args *a);
int receipt_parked(struct context *c, const struct args *a);
int numbers_add(struct context *c, const struct args *a); /* commands_numbers.c */
int numbers_remove(struct context *c, const struct args *a);
int numbers_list(struct context *c, const struct args *a);
int numbers_show(struct context *c, const struct args *a);
int numbers_import(struct context *c, const struct args *a);
int numbers_export(struct context *c, const struct args *a);
struct number_file_faults;
int complain_file(struct context *c, const char *path, const struct number_file_faults *f);
int portability_import(struct context *c, const struct args *a); /* commands_portability.c */
int portability_show(struct context *c, const struct args *a);
int send_command(struct context *c, const struct args *a);    /* commands_send.c */
int connection_list(struct context *c, const struct args *a); /* commands_connection.c */
/* commands_protect.c: options that several commands take. 0 or an exit code, told. */
bool protect_given(const struct args *a);
int protect_allow(struct context *c, const struct args *a, struct allow_list *l);
int protect_rules(struct context *c, const struct args *a, struct sub_account *sub);
void protect_allow_json(struct buf *b, const struct allow_list *l); /* members, each with a comma before it */
void protect_json(struct buf *b, const struct sub_account *sub);
void protect_text(struct buf *b, const struct sub_account *sub);
int connection_pause(struct context *c, const struct args *a);
int connection_resume(struct context *c, const struct args *a);
int connection_drain(struct context *c, const struct args *a);
int number_export(struct context *c, const struct args *a); /* commands_number_data.c */
int number_erase(struct context *c, const struct args *a);
int credit_add(struct context *c, const struct args *a); /* commands_credit.c */
int credit_set(struct context *c, const struct args *a);
int credit_limit(struct context *c, const struct args *a);
int credit_show(struct context *c, const struct args *a);
int credit_list(struct context *c, const struct args *a);
int credit_ledger(struct context *c, const struct args *a);
int store_backup(struct context *c, const struct args *a); /* commands_store.c */
int store_restore_command(struct context *c, const struct args *a);
int store_check(struct context *c, const struct args *a);
int bench_command(int argc, char **argv);              /* commands_bench.c */
int help_run(struct context *c, const struct args *a); /* commands_help.c */
