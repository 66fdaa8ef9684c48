/* commands_run.c - how every command is run, in the server and outside of it. */
#include <sysexits.h>

#include "app/commands.h"

static int run_change(struct context *c, const struct args *a)
{
	struct err e;
	int code, r = 0;

	if (c->g)
		pthread_mutex_lock(&c->g->lock);
	code = a->command->run(c, a);
	if (c->changed)
		r = c->g ? gateway_republish(c->g, &e) : gateway_publish(c->admin, &e);
	if (c->g)
		pthread_mutex_unlock(&c->g->lock);
	return r < 0 ? complain_errno(c, r, &e) : code;
}

int command_run(struct context *c, const struct args *a)
{
	unsigned flags = a->command->flags;
	int code;

	c->json = args_has(a, OPT_JSON);
	if ((flags & CMD_SERVER) && !c->g)
		return complain(c, EX_UNAVAILABLE, "no server is running on %s", c->settings->data);
	if ((flags & CMD_STOPPED) && c->g)
		return complain(c, EX_UNAVAILABLE, "stop the server first");
	code = flags & CMD_CHANGE ? run_change(c, a) : a->command->run(c, a);
	say_flush(c);
	return code;
}
