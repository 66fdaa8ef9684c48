/* split.h - a text as the parts that go on the air, and back. 3GPP TS 23.040 section 9.2.3.24 (user data header),
 * SMPP 3.4 sections 5.3.2.22-24 (SAR), 5.3.2.32 (message_payload). Texts are valid UTF-8 in NFC. */
#pragma once
#include "wire/gsm_text.h"
#include "wire/smpp.h"

enum split_join {
	SPLIT_UDH8,    /* header with 8-bit reference, 05 00 03 rr nn ii */
	SPLIT_UDH16,   /* header with 16-bit reference, 06 08 04 rr rr nn ii */
	SPLIT_SAR,     /* sar_* TLVs; the SMSC makes the header */
	SPLIT_PAYLOAD, /* one PDU with message_payload; the SMSC splits */
	SPLIT_NONE,    /* separate messages that begin with "(1/2) " */
};
enum split_alphabet {                    /* bits of split_options.alphabets */
		      SPLIT_ASCII = 1,   /* data_coding 1, 160/153 */
		      SPLIT_GSM7 = 2,    /* data_coding 0, GSM default alphabet, 160/153 */
		      SPLIT_GSM7EXT = 4, /* besides: its extension table; without SPLIT_GSM7 means both */
		      SPLIT_LATIN1 = 8,  /* data_coding 3, 140/134 */
		      SPLIT_UCS2 = 16,   /* data_coding 8, 70/67 */
};
#define SPLIT_ALPHABETS \
	(SPLIT_GSM7 | SPLIT_GSM7EXT | SPLIT_UCS2) /* what api.md's default "gsm7, ucs2" means */
enum split_flash {
	SPLIT_FLASH_OFF,
	SPLIT_FLASH_CLASS,   /* data_coding 0x10, 0x18 */
	SPLIT_FLASH_F0,      /* data_coding 0xF0; UCS-2: 0x18 */
	SPLIT_FLASH_SUBUNIT, /* dest_addr_subunit = 1; also used with Latin-1 and ASCII, which have no class */
};
struct split_options {
	unsigned alphabets; /* 0 = SPLIT_ALPHABETS */
	enum split_join join;
	enum split_flash flash;
	bool fold; /* accents become bare letters where that keeps the text out of UCS-2 */
	/* A national single shift table where that keeps the text out of UCS-2, tried before folding; needs SPLIT_GSM7EXT. Every
	 * part then has a header, with 155 septets alone, 149 with an 8-bit reference. Where the SMSC makes the parts (SPLIT_SAR,
	 * SPLIT_PAYLOAD) its header and this one would be two, so only what fits one part gets it. */
	bool shift;
	uint16_t ref; /* reference number; only the low 8 bits with SPLIT_UDH8 and SPLIT_SAR */
};
#define SPLIT_PARTS_MAX 255

struct split_count {
	unsigned parts;               /* as handset and bill count them; 1 for an empty text */
	unsigned pdus;                /* submit_sm needed: parts, or 1 with SPLIT_PAYLOAD */
	enum split_alphabet alphabet; /* the one used: SPLIT_GSM7EXT when an escape occurs */
	enum gsm_shift shift;
	size_t units; /* septets, octets or UTF-16 units of the whole text (without marks of SPLIT_NONE) */
};
/* What split_text() would make, in one pass, without allocating (except when folding changes the text). 0, -E2BIG: over
 * SPLIT_PARTS_MAX parts (ret is filled, parts being the true number). */
int split_count(struct str text, const struct split_options *o, struct split_count *ret);

struct split_part {
	const uint8_t *p; /* header included; inside the split's buffers */
	size_t n;
	size_t udh; /* octets of the header at p, 0 when none */
};
struct split { /* zero it before first use; may be reused for the next text */
	struct split_part *part;
	unsigned n, cap;
	struct buf raw;    /* the whole text in its alphabet */
	struct buf octets; /* the parts, where they are not simply raw */
	enum split_alphabet alphabet;
	enum split_join join; /* SPLIT_NONE when there is one part, except SPLIT_PAYLOAD for one that is too long for short_message */
	enum gsm_shift shift; /* its table is announced in every part's header */
	uint16_t ref;
	uint8_t data_coding;
	uint8_t esm_class; /* bits to add: SMPP_ESM_UDHI or 0 */
	uint8_t subunit;   /* dest_addr_subunit to send, 0 = none */
	bool lossy;        /* some character had no place in the alphabets and became '?' */
};
int split_text(struct str text, const struct split_options *o, struct split *ret) MUST; /* 0; -E2BIG over SPLIT_PARTS_MAX */
/* Sets data_coding, esm_class, short_message or payload, SAR and subunit members of m for part i; borrows s's octets. */
void split_fill(const struct split *s, unsigned i, struct smpp_pdu *m);
void split_done(struct split *s);

/* The other direction: what a submit_sm or deliver_sm says. */
struct sms_part {
	bool joined; /* one of several parts; else ref 0, total 1, seq 1 */
	bool wide;   /* ref has 16 bits (UDH 08 or SAR) */
	bool flash;
	bool binary;  /* 8-bit data: the text is Latin-1's reading of it */
	bool damaged; /* something could not be read: bad header, lone surrogate, ... */
	uint16_t ref;
	uint8_t total, seq; /* 1 <= seq <= total */
	unsigned alphabet;  /* enum split_alphabet, 0 for binary */
	size_t units;       /* length in that alphabet, header not counted */
};
/* Appends the text of m (short_message or message_payload) as valid UTF-8 to out. data_coding 0 and unknown ones mean
 * dflt (SPLIT_GSM7EXT, SPLIT_LATIN1, SPLIT_ASCII). A malformed header leaves joined false and the text whole. */
void sms_read(const struct smpp_pdu *m, enum split_alphabet dflt, struct buf *out, struct sms_part *ret);
