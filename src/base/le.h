/* le.h - whole numbers as the octets that are kept on disk, the lowest first, whatever the machine. */
#pragma once
#include <stddef.h>
#include <stdint.h>

static inline void le_put(void *at, uint64_t v, size_t octets) /* octets: 1 to 8 */
{
	unsigned char *o = at;

	for (size_t i = 0; i < octets; i++)
		o[i] = (unsigned char)(v >> 8 * i);
}

static inline uint64_t le_get(const void *at, size_t octets)
{
	const unsigned char *o = at;
	uint64_t v = 0;

	for (size_t i = 0; i < octets; i++)
		v |= (uint64_t)o[i] << 8 * i;
	return v;
}
