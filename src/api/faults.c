/* faults.c - collects faults of a request (faults.h). */
#include "api/faults.h"

#include <stdio.h>

void fault_add(struct faults *f, const char *field, const char *rule, ...)
{
	va_list ap;

	if (f->count++ >= FAULTS_MAX)
		return;
	snprintf(f->f[f->count - 1].field, FAULT_FIELD_MAX, "%s", field);
	va_start(ap, rule);
	vsnprintf(f->f[f->count - 1].rule, FAULT_RULE_MAX, rule, ap);
	va_end(ap);
}
