#!/usr/bin/env python3
"""Writes src/model/zones.def: the time zone of a country, and of a number by its country (Brazil: area) code.

tools/zones.py [--check]. Zones of countries with one zone come from the tz database's zone.tab; for those with several the one in which
most people live is named here. Calling codes are ITU-T E.164's assignments.
"""
import pathlib
import sys

ZONE_TAB = pathlib.Path("/usr/share/zoneinfo/zone.tab")
OUT = pathlib.Path(__file__).resolve().parent.parent / "src/model/zones.def"

MAIN = dict(line.split() for line in """AR America/Argentina/Buenos_Aires
AQ Antarctica/McMurdo
AU Australia/Sydney
BR America/Sao_Paulo
CA America/Toronto
CD Africa/Kinshasa
CL America/Santiago
CN Asia/Shanghai
CY Asia/Nicosia
DE Europe/Berlin
EC America/Guayaquil
ES Europe/Madrid
FM Pacific/Pohnpei
GL America/Nuuk
ID Asia/Jakarta
KI Pacific/Tarawa
KZ Asia/Almaty
MH Pacific/Majuro
MN Asia/Ulaanbaatar
MX America/Mexico_City
MY Asia/Kuala_Lumpur
NZ Pacific/Auckland
PF Pacific/Tahiti
PG Pacific/Port_Moresby
PS Asia/Gaza
PT Europe/Lisbon
RU Europe/Moscow
UA Europe/Kyiv
UM Pacific/Wake
US America/New_York
UZ Asia/Tashkent
VN Asia/Ho_Chi_Minh""".splitlines())

CODES = """US 1|RU 7|EG 20|ZA 27|GR 30|NL 31|BE 32|FR 33|ES 34|HU 36|IT 39|RO 40|CH 41|AT 43|GB 44|DK 45|SE 46|NO 47|PL 48|DE 49|PE 51|
MX 52|CU 53|AR 54|BR 55|CL 56|CO 57|VE 58|MY 60|AU 61|ID 62|PH 63|NZ 64|SG 65|TH 66|JP 81|KR 82|VN 84|CN 86|TR 90|IN 91|PK 92|AF 93|LK 94|
MM 95|IR 98|SS 211|MA 212|DZ 213|TN 216|LY 218|GM 220|SN 221|MR 222|ML 223|GN 224|CI 225|BF 226|NE 227|TG 228|BJ 229|MU 230|LR 231|SL 232|
GH 233|NG 234|TD 235|CF 236|CM 237|CV 238|ST 239|GQ 240|GA 241|CG 242|CD 243|AO 244|GW 245|IO 246|SC 248|SD 249|RW 250|ET 251|SO 252|DJ 253|
KE 254|TZ 255|UG 256|BI 257|MZ 258|ZM 260|MG 261|RE 262|ZW 263|NA 264|MW 265|LS 266|BW 267|SZ 268|KM 269|SH 290|ER 291|AW 297|FO 298|GL 299|
GI 350|PT 351|LU 352|IE 353|IS 354|AL 355|MT 356|CY 357|FI 358|BG 359|LT 370|LV 371|EE 372|MD 373|AM 374|BY 375|AD 376|MC 377|SM 378|VA 379|
UA 380|RS 381|ME 382|HR 385|SI 386|BA 387|MK 389|CZ 420|SK 421|LI 423|FK 500|BZ 501|GT 502|SV 503|HN 504|NI 505|CR 506|PA 507|PM 508|HT 509|
GP 590|BO 591|GY 592|EC 593|GF 594|PY 595|MQ 596|SR 597|UY 598|CW 599|TL 670|NR 674|PG 675|TO 676|SB 677|VU 678|FJ 679|PW 680|WF 681|CK 682|
NU 683|WS 685|KI 686|NC 687|TV 688|PF 689|TK 690|FM 691|MH 692|KP 850|HK 852|MO 853|KH 855|LA 856|BD 880|TW 886|MV 960|LB 961|JO 962|SY 963|
IQ 964|KW 965|SA 966|YE 967|OM 968|PS 970|AE 971|IL 972|BH 973|QA 974|BT 975|MN 976|NP 977|TJ 992|TM 993|AZ 994|GE 995|KG 996|UZ 998|
KZ 76|KZ 77|YT 269|BS 1242|BB 1246|AI 1264|AG 1268|VG 1284|VI 1340|KY 1345|BM 1441|GD 1473|TC 1649|JM 1658|MS 1664|MP 1670|GU 1671|AS 1684|
SX 1721|LC 1758|DM 1767|VC 1784|PR 1787|DO 1809|DO 1829|DO 1849|TT 1868|KN 1869|JM 1876|PR 1939"""

# Brazil by area code (Anatel); all others have Brasilia's time.
AREAS = {"America/Rio_Branco": "68", "America/Porto_Velho": "69", "America/Manaus": "92 97", "America/Boa_Vista": "95",
         "America/Cuiaba": "65 66", "America/Campo_Grande": "67", "America/Belem": "91 94 96", "America/Santarem": "93",
         "America/Araguaina": "63", "America/Fortaleza": "83 84 85 86 88 89 98 99", "America/Recife": "81 87",
         "America/Maceio": "79 82", "America/Bahia": "71 73 74 75 77"}


def countries():
    found = {}
    for line in ZONE_TAB.read_text().splitlines():
        if line and not line.startswith("#"):
            cc, _, zone = line.split("\t")[:3]
            found.setdefault(cc, []).append(zone)
    for cc, zones in found.items():
        if cc in MAIN and MAIN[cc] not in zones:
            sys.exit(f"{MAIN[cc]} is not among the zones of {cc}")
        if cc not in MAIN and len(zones) > 1:
            sys.exit(f"{cc} has several zones, none is named: {zones}")
    return {cc: MAIN.get(cc, zones[0]) for cc, zones in found.items()}


def table():
    zones = countries()
    prefixes = {}
    for entry in CODES.replace("\n", "").split("|"):
        cc, code = entry.split()
        prefixes.setdefault(code, zones[cc])
    for zone, areas in AREAS.items():
        for area in areas.split():
            prefixes["55" + area] = zone
    out = ["/* Made by tools/zones.py: the zone of a country (ISO 3166), and of a number by how it begins. Sorted as strcmp() does. */"]
    out += [f'ZONE_COUNTRY("{cc}", "{zones[cc]}")' for cc in sorted(zones)]
    out += [f'ZONE_PREFIX("{p}", "{prefixes[p]}")' for p in sorted(prefixes)]
    return "\n".join(out) + "\n"


def main():
    if "--check" in sys.argv[1:]:
        sys.exit(0 if OUT.read_text() == table() else f"{OUT} is not what tools/zones.py makes")
    OUT.write_text(table())


main()
