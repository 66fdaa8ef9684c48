/* routes.c - the table of endpoints. */
#include "api/routes.h"

static const struct route routes[] = {
#define ROUTE(path, methods, allow, flags, run, finish, sent) \
	{{path, sizeof(path) - 1}, methods, flags, allow, run, finish, sent},
#include "api/routes.def"
#undef ROUTE
};

const struct route *route_find(struct str path)
{
	for (size_t i = 0; i < COUNT_OF(routes); i++)
		if (str_eq(routes[i].path, path))
			return &routes[i];
	return NULL;
}
