/* vfs_lossy.h - a disk that loses what was not synced: an SQLite VFS over the default one. Registered as the new default before the
 * store is opened. Files really are written, and beside that the content that a power cut would leave is kept in memory. */
#pragma once
#include "base/rng.h"

void lossy_register(void);
/* The nth write, truncation or sync from now on fails, and so does everything after it: the power is gone. 0 = never. */
void lossy_cut_at(long n);
bool lossy_is_cut(void);
long lossy_operations(void); /* since the last start */
/* Power is back. Of each file what was synced is there; of what was not, each write is kept, dropped or torn (some of its sectors),
 * as rng says. Shared memory is gone. Only when nothing is open. */
void lossy_power_on(struct prng *rng);
/* A disk that answers syncs without doing them, to see that the test notices. */
void lossy_lie(bool lies);
/* Forgets all files; for the next folder. */
void lossy_forget(void);
