/* commands_receipt.c - the word of a receipt's state. Alone here, because wire/receipt.h and model/settings.h both name an
 * enum id_notation, and everything else about commands needs the settings. */
#include "app/commands_receipt.h"

#include "wire/receipt.h"

const char *receipt_word(int state) { return receipt_state_word((enum receipt_state)state); }
