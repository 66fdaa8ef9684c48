/* smpp_check.h - for the tests of the SMPP codec: PDUs from hex, and whether two are the same. */
#pragma once
#include "wire/smpp.h"
#include "wire_test.h"

bool same(const struct smpp_pdu *a, const struct smpp_pdu *b);
void set_length(uint8_t *p, size_t n); /* command_length */
/* Decodes hex whose command_length may be left as 00000000; returns the status. m points into keep, which is to be freed. */
uint32_t decode_hex(const char *hex, struct smpp_pdu *m, uint8_t **keep);
