/* faults.h - what is wrong with a request, field by field, for the 400 that answers it. */
#pragma once
#include "base/util.h"

#define FAULTS_MAX 20
#define FAULT_FIELD_MAX 64
#define FAULT_RULE_MAX 192
struct fault {
	char field[FAULT_FIELD_MAX]; /* "messages[3].messageText"; "" = the request as a whole */
	char rule[FAULT_RULE_MAX];   /* "longer than 1280 characters"; valid UTF-8 */
};
struct faults {
	unsigned count; /* all that were found; the first FAULTS_MAX are kept */
	struct fault f[FAULTS_MAX];
};
void fault_add(struct faults *f, const char *field, const char *rule, ...) PRINTF_LIKE(3, 4);
