/* Injected faults below SQLite, in builds with -Dfaults=true only: a VFS over the default one whose writes and syncs of day files
 * fail at the fault points store.write (disk full) and store.sync. */
#include "store/sqlite.h"

#include "base/fault.h"

#ifdef POMBO_FAULTS
#include <stdlib.h>
#include <string.h>

struct shim_file {
	sqlite3_file base;
	bool day;            /* a day file or its WAL */
	sqlite3_file *under; /* right behind this struct */
};
static sqlite3_vfs *under;
static sqlite3_vfs shim;

static sqlite3_file *below(sqlite3_file *f) { return ((struct shim_file *)(void *)f)->under; }
static bool counts(sqlite3_file *f) { return ((struct shim_file *)(void *)f)->day; }

static int shim_close(sqlite3_file *f) { return below(f)->pMethods->xClose(below(f)); }
static int shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return below(f)->pMethods->xRead(below(f), p, n, at);
}
static int shim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	if (counts(f) && FAULT("store.write"))
		return SQLITE_FULL;
	return below(f)->pMethods->xWrite(below(f), p, n, at);
}
static int shim_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	return below(f)->pMethods->xTruncate(below(f), n);
}
static int shim_sync(sqlite3_file *f, int flags)
{
	if (counts(f) && FAULT("store.sync"))
		return SQLITE_IOERR_FSYNC;
	return below(f)->pMethods->xSync(below(f), flags);
}
static int shim_size(sqlite3_file *f, sqlite3_int64 *n) { return below(f)->pMethods->xFileSize(below(f), n); }
static int shim_lock(sqlite3_file *f, int level) { return below(f)->pMethods->xLock(below(f), level); }
static int shim_unlock(sqlite3_file *f, int level) { return below(f)->pMethods->xUnlock(below(f), level); }
static int shim_reserved(sqlite3_file *f, int *held)
{
	return below(f)->pMethods->xCheckReservedLock(below(f), held);
}
static int shim_control(sqlite3_file *f, int op, void *arg)
{
	return below(f)->pMethods->xFileControl(below(f), op, arg);
}
static int shim_sector(sqlite3_file *f) { return below(f)->pMethods->xSectorSize(below(f)); }
static int shim_traits(sqlite3_file *f) { return below(f)->pMethods->xDeviceCharacteristics(below(f)); }
static int shim_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **p)
{
	return below(f)->pMethods->xShmMap(below(f), page, size, extend, p);
}
static int shim_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return below(f)->pMethods->xShmLock(below(f), at, n, flags);
}
static void shim_shm_barrier(sqlite3_file *f) { below(f)->pMethods->xShmBarrier(below(f)); }
static int shim_shm_unmap(sqlite3_file *f, int drop) { return below(f)->pMethods->xShmUnmap(below(f), drop); }

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = shim_close,
	.xRead = shim_read,
	.xWrite = shim_write,
	.xTruncate = shim_truncate,
	.xSync = shim_sync,
	.xFileSize = shim_size,
	.xLock = shim_lock,
	.xUnlock = shim_unlock,
	.xCheckReservedLock = shim_reserved,
	.xFileControl = shim_control,
	.xSectorSize = shim_sector,
	.xDeviceCharacteristics = shim_traits,
	.xShmMap = shim_shm_map,
	.xShmLock = shim_shm_lock,
	.xShmBarrier = shim_shm_barrier,
	.xShmUnmap = shim_shm_unmap,
};

static int shim_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct shim_file *s = (struct shim_file *)(void *)f;
	int rc;

	(void)v;
	s->under = (sqlite3_file *)(void *)(s + 1);
	s->day = name && strstr(name, "/day-") != NULL;
	rc = under->xOpen(under, name, s->under, flags, out);
	s->base.pMethods = s->under->pMethods ? &methods : NULL;
	return rc;
}

static void shim_register(void)
{
	under = sqlite3_vfs_find(NULL);
	shim = *under; /* all but opening is the default's own */
	shim.pNext = NULL;
	shim.zName = "pombo";
	shim.szOsFile = (int)sizeof(struct shim_file) + under->szOsFile;
	shim.xOpen = shim_open;
	sqlite3_vfs_register(&shim, 0);
}

const char *sqlite_vfs(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, shim_register);
	return "pombo";
}
#else
const char *sqlite_vfs(void) { return NULL; }
#endif
