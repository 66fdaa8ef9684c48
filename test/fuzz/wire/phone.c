/* phone.c - any octets as a telephone number; what is taken reads back as itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "wire/phone.h"

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct phone p, again;

	if (phone_read((struct str){(const char *)data, size}, &p) < 0)
		return 0;
	check(p.n >= 1 && p.n <= PHONE_MAX && strlen(p.digits) == p.n);
	if (phone_usable(&p)) {
		check(phone_destination(str_of(p.digits), &again));
		check(strcmp(again.digits, p.digits) == 0 && again.country == p.country);
		phone_canonical(&p, &again);
		check(phone_usable(&again));
	}
	return 0;
}
