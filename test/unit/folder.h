/* folder.h - a folder of its own for a test, gone with all that is in it afterwards. */
#pragma once
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"

#define FOLDER_MAX 64

/* Makes /tmp/pombo-WHAT-...; ends the program when it cannot. */
static inline void test_folder(char path[FOLDER_MAX], const char *what)
{
	snprintf(path, FOLDER_MAX, "/tmp/pombo-%.30s-XXXXXX", what);
	ASSERT(mkdtemp(path));
}

/* With its files and folders. */
static inline void test_folder_remove(const char *path)
{
	DIR *dir = opendir(path);

	for (struct dirent *d; dir && (d = readdir(dir));)
		if (d->d_type != DT_DIR) {
			(void)unlinkat(dirfd(dir), d->d_name, 0);
		} else if (d->d_name[0] != '.') {
			char inner[512];

			snprintf(inner, sizeof(inner), "%.240s/%.240s", path, d->d_name);
			test_folder_remove(inner);
		}
	if (dir)
		closedir(dir);
	(void)rmdir(path);
}
