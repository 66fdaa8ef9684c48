/* number_list.h - lists of numbers that are not written to: block lists of companies, opt-outs of recipients. */
#pragma once
#include "base/util.h"

enum number_list {                         /* stored: append only */
		   LIST_BLOCK_ACCOUNT = 1, /* owner: account; ends in 203 */
		   LIST_BLOCK_SUB = 2,     /* owner: sub-account; 203 */
		   LIST_OPT_OUT = 3,       /* owner: sub-account; 204 */
		   NUMBER_LISTS = 4,
};
enum number_source { /* who put the number there; stored: append only */
		     FROM_COMMAND,
		     FROM_IMPORT,
		     FROM_MO,
		     FROM_API,
		     NUMBER_SOURCES,
};
const char *number_source_name(int source); /* "command"; "unknown" */
int number_source_parse(struct str name);   /* -1: none of them */

#define NUMBER_WHY_MAX 255 /* octets of UTF-8 */
/* One change of a list. A number is the integer of its canonical digits (wire/phone.h), so that every spelling is one. */
struct number_change {
	uint8_t list; /* enum number_list */
	bool on;      /* onto the list, or off it */
	uint32_t owner;
	uint64_t number;
	int64_t at;     /* since when, wall ms */
	uint8_t source; /* enum number_source */
	struct str why; /* reason or proof, at most NUMBER_WHY_MAX octets; borrowed */
};
uint64_t number_read(struct str digits);     /* 0: no digits, or more than 15 */
void number_print(char out[24], uint64_t n); /* digits, terminated */
