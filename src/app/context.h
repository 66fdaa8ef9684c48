/* context.h - what a command works with. The same command runs inside the server, for the control socket, and in a process of its
 * own when no server is running; it sees no difference but g. One thread at a time. */
#pragma once
#include "app/gateway.h"
#include "base/buf.h"
#include "core/query.h"

struct context {
	struct gateway *g;               /* the running server; NULL: there is none */
	const char *file;                /* configuration as named; NULL: the default */
	const struct settings *settings; /* borrowed in the server */
	struct settings *own_settings;
	struct admin *admin;
	struct number_keeper *numbers;
	struct store *store;
	struct query *query; /* opened by context_query() */
	bool json;           /* asked for by --json */
	bool changed;        /* accounts, users or webhooks changed: publish them */
	const char *cwd;     /* folder that relative paths start from */
	char actor[64];      /* who, for the audit log */
	const char *name;    /* of the command, before error messages */
	/* Where output goes: whole UTF-8 lines, or pieces of lines. */
	void (*write)(void *ctx, bool error, struct str text);
	bool (*gone)(void *ctx); /* whoever asked is not there any more, or the server ends: stop soon */
	void *ctx;
	struct buf out; /* not written yet */
	int folder;     /* descriptor that holds the folder's lock; -1 none */
};
/* Beside no server: settings, lock of the data folder, and by flags (enum command_flag) admin data and store. Returns 0 or an
 * exit code, already told. c->file, write are set. */
int context_open(struct context *c, unsigned flags) MUST;
/* The same on top of a running gateway. */
void context_borrow(struct context *c, struct gateway *g);
void context_done(struct context *c);

/* Reads c->file (or the default) into c->own_settings. 0 or an exit code, faults told. */
int context_settings(struct context *c) MUST;
const char *context_file(const char *given); /* the configuration that counts */

void say(struct context *c, const char *fmt, ...) PRINTF_LIKE(2, 3); /* standard output */
void say_flush(struct context *c);
/* One line on standard error, "pombo user add: ..."; returns code. */
int complain(struct context *c, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The exit code for an error of a lower room. */
int complain_errno(struct context *c, int error, const struct err *e);
bool context_gone(const struct context *c);
/* A path as the asker meant it; the caller frees. */
char *context_path(const struct context *c, const char *path) MUST;
/* NULL when it cannot be opened (told, *code set). */
struct query *context_query(struct context *c, int *code);
/* Writes one line of the audit log; a failure is told. 0 or an exit code. */
int context_audit(struct context *c, const char *action, const char *fmt, ...) PRINTF_LIKE(3, 4);
