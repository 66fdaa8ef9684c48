/* commands_bench.c - pombo bench: hands over to the load generator, a program of its own so that the gateway does not carry it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/commands.h"

int bench_command(int argc, char **argv)
{
	/* Beside the installed program, and in the build folder. */
	static const char *const places[] = {"../libexec/pombo/load", "../lib/pombo/load", "../../bench/load"};
	char self[4096], path[8192];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	(void)argc;
	self[MAX(n, 0)] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; slash && i < COUNT_OF(places); i++) {
		snprintf(path, sizeof path, "%s/%s", self, places[i]);
		execv(path, argv);
		if (errno != ENOENT && errno != ENOTDIR) {
			fprintf(stderr, "pombo bench: %s: %s\n", path, strerrordesc_np(errno));
			return EX_OSERR;
		}
	}
	fprintf(stderr, "pombo bench: the load generator is not installed; it is built from the sources: "
			"make bench\n");
	return EX_UNAVAILABLE;
}
