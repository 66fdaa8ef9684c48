/* commands_mo.h - messages from handsets in pombo message show and search. */
#pragma once
#include "app/commands_find.h"
#include "app/commands_timeline.h"

/* An exit code; -ENOENT: there is no MO with that id, and nothing was said. */
int mo_show(struct context *c, struct query *q, struct uid id, const struct timeline_names *names, bool text);
/* Newest first; number: the handset's, empty = any. */
int mo_search(struct context *c, struct query *q, const struct scope *sc, const struct search *s,
	      const struct timeline_names *names);
