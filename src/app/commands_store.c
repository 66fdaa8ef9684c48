/* commands_store.c - copies of the data, and whether they are sound. A backup is a folder: the store's files and admin.db. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/commands.h"

/* What a failed or killed backup left; it holds files only. */
static void remove_folder(const char *path)
{
	DIR *dir = opendir(path);

	if (!dir)
		return;
	for (struct dirent *d; (d = readdir(dir));) /* NOLINT(concurrency-mt-unsafe): a stream of our own */
		(void)unlinkat(dirfd(dir), d->d_name, 0);
	closedir(dir);
	(void)rmdir(path);
}

/* Both parts are made under another name, so that a folder with the final name is a whole backup. */
static int backup_as(struct context *c, const char *path, const char *begun)
{
	char *admin = NULL, *partial = NULL;
	struct err e;
	int r;

	if (access(path, F_OK) == 0)
		return complain(c, EX_CANTCREAT, "%s exists already", path);
	if (asprintf(&admin, "%s/admin.db", begun) < 0 || asprintf(&partial, "%s.partial", begun) < 0)
		return complain(c, EX_OSERR, "no memory");
	remove_folder(begun);
	remove_folder(partial); /* the store's own name for what it has not finished */
	free(partial);
	r = c->store->ops->backup(c->store, begun, &e);
	if (r == 0)
		r = admin_backup(c->admin, admin, &e);
	free(admin);
	if (r == 0 && rename(begun, path) < 0)
		r = err_set(&e, -errno, "%s: %s", path, strerrordesc_np(errno));
	if (r < 0) {
		remove_folder(begun);
		return complain_errno(c, r, &e);
	}
	return EX_OK;
}

int store_backup(struct context *c, const struct args *a)
{
	char *path = context_path(c, a->argument[0]), *begun = NULL;
	struct buf b = BUF_INIT;
	int code;

	while (strlen(path) > 1 && path[strlen(path) - 1] == '/')
		path[strlen(path) - 1] = '\0';
	code = asprintf(&begun, "%s.unfinished", path) < 0 ? EX_OSERR : backup_as(c, path, begun);
	if (code == EX_OK && c->json) {
		buf_json(&b, str_of(path));
		say(c, "{\"backup\":%s}\n", buf_cstr(&b));
		buf_done(&b);
	} else if (code == EX_OK) {
		say(c, "%s\n", path);
	}
	if (code == EX_OK)
		code = context_audit(c, "store.backup", "path=%s", path);
	free(begun);
	free(path);
	return code;
}

int store_restore_command(struct context *c, const struct args *a)
{
	char *path = context_path(c, a->argument[0]);
	struct err e;
	int r = store_restore(path, c->settings->data, &e);

	if (r == 0)
		say(c, c->json ? "{\"restored\":true}\n" : "restored\n");
	free(path);
	return r == -ENOTEMPTY ? complain(c, EX_CANTCREAT, "%s", e.text)
	       : r < 0         ? complain_errno(c, r, &e)
			       : EX_OK;
}

int store_check(struct context *c, const struct args *a)
{
	struct buf report = BUF_INIT, b = BUF_INIT;
	struct err e = {""};
	int r = c->store->ops->check(c->store, &report, &e);

	(void)a;
	if (c->json) {
		buf_json(&b, buf_view(&report));
		say(c, "{\"sound\":%s,\"report\":%s}\n", r == 0 ? "true" : "false", buf_cstr(&b));
	} else {
		say(c, "%s%s", buf_cstr(&report), r == 0 ? "ok\n" : "");
	}
	buf_done(&report);
	buf_done(&b);
	return r == 0 ? EX_OK : complain(c, EX_DATAERR, "%s", e.text[0] ? e.text : "the store is damaged");
}
