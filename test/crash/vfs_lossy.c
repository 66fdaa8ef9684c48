/* A disk that loses what was not synced. One lock: SQLite calls from several threads. */
#include "vfs_lossy.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR 512

struct change {
	bool truncates;
	int64_t at; /* the new size, when it truncates */
	size_t n;
	char *p;
};
struct disk_file {
	struct disk_file *next;
	char *path;
	char *synced; /* content that is safe */
	size_t n;
	struct change *pending;
	size_t pending_n, pending_cap;
};
struct lossy_file {
	sqlite3_file base;
	struct disk_file *disk; /* NULL for temporary files */
};

static sqlite3_vfs *real, lossy;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct disk_file *files;
static long operations, cut_at;
static bool cut, lying;

static struct lossy_file *of(sqlite3_file *f) { return (struct lossy_file *)(void *)f; }
static sqlite3_file *under(sqlite3_file *f) { return (sqlite3_file *)(void *)(of(f) + 1); }

/* -- what would be left ------------------------------------------------------------------------------------------------ */

static void resize(struct disk_file *d, size_t n)
{
	if (n > d->n) {
		d->synced = xrealloc(d->synced, n, 1);
		memset(d->synced + d->n, 0, n - d->n);
	}
	d->n = n;
}

static void apply(struct disk_file *d, const struct change *c, size_t from, size_t to)
{
	if (c->truncates) {
		resize(d, (size_t)c->at);
		return;
	}
	if ((size_t)c->at + to > d->n)
		resize(d, (size_t)c->at + to);
	memcpy(d->synced + c->at + from, c->p + from, to - from);
}

static void clear_pending(struct disk_file *d)
{
	for (size_t i = 0; i < d->pending_n; i++)
		free(d->pending[i].p);
	d->pending_n = 0;
}

static void add_pending(struct disk_file *d, struct change c)
{
	if (d->pending_n == d->pending_cap) {
		d->pending_cap = d->pending_cap ? 2 * d->pending_cap : 16;
		d->pending = xrealloc(d->pending, d->pending_cap, sizeof(*d->pending));
	}
	d->pending[d->pending_n++] = c;
}

/* A file that was there before it was first opened is safe as it is. */
static struct disk_file *file_named(const char *path)
{
	struct disk_file *d = files;
	int fd;

	while (d && strcmp(d->path, path) != 0)
		d = d->next;
	if (d)
		return d;
	d = xnew(struct disk_file);
	d->path = xstrdup(path);
	d->next = files;
	files = d;
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		off_t size = lseek(fd, 0, SEEK_END);

		resize(d, size > 0 ? (size_t)size : 0);
		if (d->n && pread(fd, d->synced, d->n, 0) != (ssize_t)d->n)
			d->n = 0;
		close(fd);
	}
	return d;
}

static void survive(struct disk_file *d, const struct change *c, struct prng *rng)
{
	switch (prng_below(rng, 4)) {
	case 0: return;
	case 1:
		for (size_t at = 0; !c->truncates && at < c->n; at += SECTOR)
			if (prng_below(rng, 2))
				apply(d, c, at, MIN(at + SECTOR, c->n));
		return;
	default: apply(d, c, 0, c->n);
	}
}

static void write_out(const struct disk_file *d)
{
	int fd = open(d->path, O_WRONLY | O_TRUNC);

	if (fd < 0)
		return; /* deleted, and that stays */
	ASSERT(d->n == 0 || write(fd, d->synced, d->n) == (ssize_t)d->n);
	close(fd);
}

void lossy_power_on(struct prng *rng)
{
	pthread_mutex_lock(&lock);
	for (struct disk_file *d = files; d; d = d->next) {
		size_t n = strlen(d->path);

		for (size_t i = 0; i < d->pending_n; i++)
			survive(d, &d->pending[i], rng);
		clear_pending(d);
		if (cut)
			write_out(d);
		if (n > 4 && strcmp(d->path + n - 3, ".db") == 0) {
			char *shm = xcalloc(n + 8, 1);

			memcpy(shm, d->path, n);
			memcpy(shm + n, "-shm", 5);
			(void)unlink(shm);
			free(shm);
		}
	}
	cut = false;
	cut_at = operations = 0;
	pthread_mutex_unlock(&lock);
}

void lossy_forget(void)
{
	while (files) {
		struct disk_file *d = files;

		files = d->next;
		clear_pending(d);
		free(d->pending);
		free(d->synced);
		free(d->path);
		free(d);
	}
	cut = false;
	cut_at = operations = 0;
}

void lossy_cut_at(long n)
{
	pthread_mutex_lock(&lock);
	cut_at = n ? operations + n : 0;
	pthread_mutex_unlock(&lock);
}

bool lossy_is_cut(void)
{
	bool is;

	pthread_mutex_lock(&lock);
	is = cut;
	pthread_mutex_unlock(&lock);
	return is;
}

long lossy_operations(void)
{
	long n;

	pthread_mutex_lock(&lock);
	n = operations;
	pthread_mutex_unlock(&lock);
	return n;
}

void lossy_lie(bool lies) { lying = lies; }

/* -- the VFS ------------------------------------------------------------------------------------------------------------ */

/* Counts an operation; true when the power is gone. With the lock. */
static bool no_power(void)
{
	operations++;
	cut |= cut_at && operations >= cut_at;
	return cut;
}

static int lossy_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct disk_file *d = of(f)->disk;
	bool gone;

	pthread_mutex_lock(&lock);
	gone = no_power();
	if (d && (!gone || operations == cut_at)) {
		struct change c = {.at = at, .n = (size_t)n, .p = xcalloc(1, (size_t)n)};

		memcpy(c.p, p, (size_t)n);
		add_pending(d, c); /* the one it was cut at may have got through */
	}
	pthread_mutex_unlock(&lock);
	return gone ? SQLITE_IOERR_WRITE : under(f)->pMethods->xWrite(under(f), p, n, at);
}

static int lossy_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	struct disk_file *d = of(f)->disk;
	bool gone;

	pthread_mutex_lock(&lock);
	gone = no_power();
	if (d && !gone)
		add_pending(d, (struct change){.truncates = true, .at = n});
	pthread_mutex_unlock(&lock);
	return gone ? SQLITE_IOERR_TRUNCATE : under(f)->pMethods->xTruncate(under(f), n);
}

/* Nothing is really synced: the power is not, either. */
static int lossy_sync(sqlite3_file *f, int flags)
{
	struct disk_file *d = of(f)->disk;
	bool gone;

	(void)flags;
	pthread_mutex_lock(&lock);
	gone = no_power();
	if (d && !gone && !lying) {
		for (size_t i = 0; i < d->pending_n; i++)
			apply(d, &d->pending[i], 0, d->pending[i].n);
		clear_pending(d);
	}
	pthread_mutex_unlock(&lock);
	return gone ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int lossy_close(sqlite3_file *f) { return under(f)->pMethods->xClose(under(f)); }
static int lossy_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return under(f)->pMethods->xRead(under(f), p, n, at);
}
static int lossy_size(sqlite3_file *f, sqlite3_int64 *n)
{
	return under(f)->pMethods->xFileSize(under(f), n);
}
static int lossy_lock(sqlite3_file *f, int level) { return under(f)->pMethods->xLock(under(f), level); }
static int lossy_unlock(sqlite3_file *f, int level) { return under(f)->pMethods->xUnlock(under(f), level); }
static int lossy_reserved(sqlite3_file *f, int *held)
{
	return under(f)->pMethods->xCheckReservedLock(under(f), held);
}
static int lossy_control(sqlite3_file *f, int op, void *arg)
{
	return under(f)->pMethods->xFileControl(under(f), op, arg);
}
static int lossy_sector(sqlite3_file *f)
{
	(void)f;
	return SECTOR;
}
static int lossy_traits(sqlite3_file *f)
{
	(void)f;
	return 0; /* no promise at all */
}
static int lossy_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **p)
{
	return under(f)->pMethods->xShmMap(under(f), page, size, extend, p);
}
static int lossy_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return under(f)->pMethods->xShmLock(under(f), at, n, flags);
}
static void lossy_shm_barrier(sqlite3_file *f) { under(f)->pMethods->xShmBarrier(under(f)); }
static int lossy_shm_unmap(sqlite3_file *f, int drop)
{
	return under(f)->pMethods->xShmUnmap(under(f), drop);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = lossy_close,
	.xRead = lossy_read,
	.xWrite = lossy_write,
	.xTruncate = lossy_truncate,
	.xSync = lossy_sync,
	.xFileSize = lossy_size,
	.xLock = lossy_lock,
	.xUnlock = lossy_unlock,
	.xCheckReservedLock = lossy_reserved,
	.xFileControl = lossy_control,
	.xSectorSize = lossy_sector,
	.xDeviceCharacteristics = lossy_traits,
	.xShmMap = lossy_shm_map,
	.xShmLock = lossy_shm_lock,
	.xShmBarrier = lossy_shm_barrier,
	.xShmUnmap = lossy_shm_unmap,
};

static int lossy_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	int rc;

	(void)v;
	of(f)->disk = NULL;
	pthread_mutex_lock(&lock);
	if (name)
		of(f)->disk = file_named(name);
	pthread_mutex_unlock(&lock);
	rc = real->xOpen(real, name, under(f), flags, out);
	f->pMethods = under(f)->pMethods ? &methods : NULL;
	return rc;
}

/* A deletion that was done before the cut stays done. */
static int lossy_delete(sqlite3_vfs *v, const char *name, int sync_dir)
{
	struct disk_file *d;
	bool gone;

	(void)v;
	(void)sync_dir;
	pthread_mutex_lock(&lock);
	gone = no_power();
	d = gone ? NULL : file_named(name);
	if (d) {
		clear_pending(d);
		d->n = 0;
	}
	pthread_mutex_unlock(&lock);
	return gone ? SQLITE_IOERR_DELETE : real->xDelete(real, name, 0);
}

void lossy_register(void)
{
	real = sqlite3_vfs_find(NULL);
	lossy = *real;
	lossy.pNext = NULL;
	lossy.zName = "lossy";
	lossy.szOsFile = (int)sizeof(struct lossy_file) + real->szOsFile;
	lossy.xOpen = lossy_open;
	lossy.xDelete = lossy_delete;
	sqlite3_vfs_register(&lossy, 1);
}
