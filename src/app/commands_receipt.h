/* commands_receipt.h - see commands_receipt.c. */
#pragma once
const char *receipt_word(int state); /* "DELIVRD", ...; "" when unknown */
