/* fault.h - named points at which a test makes something fail. Compiled in only with -Dfaults=true (POMBO_FAULTS); otherwise
 * FAULT() is the constant false. Set by environment: POMBO_FAULTS="store.sync:3,store.write:10+" = the 3rd call fails once,
 * the 10th and all later ones fail. "name:kill3" ends the process with SIGKILL at the 3rd call. */
#pragma once
#include "base/util.h"

#ifdef POMBO_FAULTS
bool fault_hit(const char *name);
void fault_set(const char *spec); /* replaces all; NULL or "" clears */
/* The same, and only what this thread calls counts: no helper thread takes the fault that was meant for the caller. */
void fault_set_here(const char *spec);
#define FAULT(name) fault_hit(name)
#else
#define FAULT(name) false
#endif
