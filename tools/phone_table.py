#!/usr/bin/env python3
"""Prints src/wire/phone_plan.def: which numbers of the world can be mobile, and whose time they keep.

    tools/phone_table.py [METADATA [ZONE.TAB]] >src/wire/phone_plan.def

METADATA is metadata.max.json of the npm package libphonenumber-js (default: where `npm ci` in test/oracle puts it), ZONE.TAB the one
of tzdata. The patterns of each country calling code become one automaton over the digits of the national number: all patterns of all
its countries side by side, made deterministic, labelled with what libphonenumber's rules make of the set that matches, and
merged from the leaves, which is enough because no number is endless. What cannot be mobile needs no states, so little is left.
"""
import collections
import json
import pathlib
import sys

try:  # Python 3.11 on
    import re._constants as op
    import re._parser as parser
except ImportError:
    import sre_constants as op
    import sre_parse as parser

ROOT = pathlib.Path(__file__).resolve().parent.parent
METADATA = ROOT / "test/oracle/node_modules/libphonenumber-js/metadata.max.json"
ZONES = "/usr/share/zoneinfo/zone.tab"
DIGITS_MAX = 15  # E.164
ANY = 0x3FF

# Fields of a country in that file, by place.
CALLING_CODE, PATTERN, LENGTHS, TRUNK, LEADING, TYPES = 0, 2, 3, 5, 10, 11
FIXED, MOBILE = 0, 1  # places in TYPES
GENERAL, LEADS = "general", "leading"

# zone.tab names a country's zones in an order of geography; where the first is not where most people live, this one is.
MAIN_ZONE = {"AU": "Australia/Sydney", "BR": "America/Sao_Paulo", "CA": "America/Toronto", "FM": "Pacific/Pohnpei",
             "RU": "Europe/Moscow", "UA": "Europe/Kyiv", "UZ": "Asia/Tashkent"}
# Countries of the numbering plan that ISO 3166, and with it zone.tab, does not know.
OTHER_ZONE = {"AC": "Atlantic/St_Helena", "TA": "Atlantic/St_Helena", "XK": "Europe/Belgrade"}
# Area codes of Brazil (Anatel, Plano Geral de Codigos Nacionais) by first digits of the state's; others keep Sao Paulo's time.
BRAZIL = {"63": "America/Araguaina", "65": "America/Cuiaba", "66": "America/Cuiaba", "67": "America/Campo_Grande",
          "68": "America/Rio_Branco", "69": "America/Porto_Velho", "71": "America/Bahia", "73": "America/Bahia",
          "74": "America/Bahia", "75": "America/Bahia", "77": "America/Bahia", "79": "America/Maceio", "81": "America/Recife",
          "82": "America/Maceio", "83": "America/Fortaleza", "84": "America/Fortaleza", "85": "America/Fortaleza",
          "86": "America/Fortaleza", "87": "America/Recife", "88": "America/Fortaleza", "89": "America/Fortaleza",
          "91": "America/Belem", "92": "America/Manaus", "93": "America/Santarem", "94": "America/Belem",
          "95": "America/Boa_Vista", "96": "America/Belem", "97": "America/Manaus", "98": "America/Fortaleza",
          "99": "America/Fortaleza"}


class Nfa:
    """Patterns as one automaton with empty moves; a pattern's last state carries its tag."""

    def __init__(self):
        self.empty, self.moves, self.tags = [], [], {}

    def state(self):
        self.empty.append([])
        self.moves.append([])
        return len(self.empty) - 1

    def add(self, pattern, tag, then_anything=False):
        first = self.state()
        last = self.sequence(parser.parse(pattern), first)
        if then_anything:
            self.moves[last].append((ANY, last))
        self.tags[last] = tag
        return first

    def sequence(self, items, at):
        for what, arg in items:
            at = self.item(what, arg, at)
        return at

    def item(self, what, arg, at):
        if what is op.LITERAL:
            return self.digit(at, 1 << (arg - ord("0")))
        if what is op.IN:
            return self.digit(at, self.members(arg))
        if what is op.SUBPATTERN:
            return self.sequence(arg[3], at)
        end = self.state()
        if what is op.BRANCH:
            for branch in arg[1]:
                begin = self.state()
                self.empty[at].append(begin)
                self.empty[self.sequence(branch, begin)].append(end)
            return end
        if what is op.MAX_REPEAT and arg[1] <= DIGITS_MAX:
            least, most, body = arg
            for i in range(most + 1):
                if i >= least:
                    self.empty[at].append(end)
                if i < most:
                    at = self.sequence(body, at)
            return end
        raise ValueError(f"a pattern uses {what}, which this script does not know")

    @staticmethod
    def members(items):
        mask = 0
        for what, arg in items:
            if what is op.LITERAL:
                mask |= 1 << (arg - ord("0"))
            elif what is op.RANGE:
                mask |= sum(1 << (c - ord("0")) for c in range(arg[0], arg[1] + 1))
            elif what is op.CATEGORY and arg is op.CATEGORY_DIGIT:
                mask |= ANY
            else:
                raise ValueError(f"a set uses {what}, which this script does not know")
        return mask

    def digit(self, at, mask):
        to = self.state()
        self.moves[at].append((mask, to))
        return to

    def closure(self, states):
        seen, todo = set(states), list(states)
        while todo:
            for to in self.empty[todo.pop()]:
                if to not in seen:
                    seen.add(to)
                    todo.append(to)
        return frozenset(seen)


class Plan:
    def __init__(self, metadata):
        self.countries = metadata["countries"]
        self.states = {}  # (label, targets) -> number; 0 leads nowhere
        roots = {code: self.automaton(names, DIGITS_MAX - len(code))
                 for code, names in metadata["country_calling_codes"].items()}
        self.root = self.trie("", roots)

    def merged(self, label, targets):
        if label is None and not any(targets):
            return 0
        return self.states.setdefault((label, targets), len(self.states) + 1)

    def trie(self, prefix, roots):
        if prefix in roots:
            return roots[prefix]
        if len(prefix) == 3:
            return 0
        return self.merged(None, tuple(self.trie(prefix + str(d), roots) for d in range(10)))

    def field(self, name, place):
        row = self.countries[name]
        return (row[place] if place < len(row) else None) or None

    def automaton(self, names, longest):
        nfa, start, known = Nfa(), [], {}
        for name in names:
            start.append(nfa.add(self.field(name, PATTERN), (name, GENERAL)))
            if self.field(name, LEADING):
                start.append(nfa.add(self.field(name, LEADING), (name, LEADS), then_anything=True))
            for i, kind in enumerate(self.field(name, TYPES) or []):
                if kind and kind[0]:
                    start.append(nfa.add(kind[0], (name, i)))

        def walk(states, depth):
            if (states, depth) not in known:
                label = self.label(names, {nfa.tags[s] for s in states if s in nfa.tags}, depth)
                targets = [0] * 10
                for d in range(10 if depth < longest else 0):
                    to = {t for s in states for mask, t in nfa.moves[s] if mask >> d & 1}
                    if to:
                        targets[d] = walk(nfa.closure(to), depth + 1)
                known[states, depth] = self.merged(label, tuple(targets))
            return known[states, depth]

        return walk(nfa.closure(start), 0)

    def label(self, names, tags, length):
        """The first country whose leading digits or, where it has none, whose types fit owns the number."""
        for name in names:
            own = {tag for owner, tag in tags if owner == name}
            kind = self.kind(name, own, length)
            if len(names) == 1 or (LEADS in own if self.field(name, LEADING) else kind):
                return (name, kind) if kind in ("MOBILE", "MAYBE") else None
        return None

    def kind(self, name, own, length):
        types = self.field(name, TYPES) or []

        def fits(i):
            return i in own and length in (types[i][1] if len(types[i]) > 1 and types[i][1] else self.field(name, LENGTHS))

        if GENERAL not in own:
            return None
        mobile = types[MOBILE] if len(types) > MOBILE else None
        if fits(FIXED):  # a plan that has no pattern of its own for mobiles does not tell them from land lines
            return "MAYBE" if not mobile or mobile[0] == "" or fits(MOBILE) else "OTHER"
        if mobile and fits(MOBILE):
            return "MOBILE"
        return "OTHER" if any(kind and fits(i) for i, kind in enumerate(types)) else None


def read_zones(path):
    zones = {}
    for line in open(path):
        if not line.startswith("#"):
            name, _, zone = line.rstrip("\n").split("\t")[:3]
            zones.setdefault(name, zone)
    return {**zones, **OTHER_ZONE, **MAIN_ZONE}


def lines(items, per_line):
    items = list(items)
    for i in range(0, len(items), per_line):
        print("\t" + " ".join(items[i:i + per_line]))


def main():
    package = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else METADATA)
    plan = Plan(json.loads(package.read_text()))
    zones = read_zones(sys.argv[2] if len(sys.argv) > 2 else ZONES)
    version = json.loads((package.parent / "package.json").read_text())["version"]
    names = sorted(plan.countries)
    # Breadth first, so that states that follow each other lie close together.
    rows = {number: key for key, number in plan.states.items()}
    order, todo = {0: 0}, collections.deque([plan.root])
    while todo:
        state = todo.popleft()
        if state not in order:
            order[state] = len(order)
            todo.extend(t for t in rows[state][1] if t)
    print("/* phone_plan.def - written by tools/phone_table.py from libphonenumber-js %s and tzdata's zone.tab; do not edit. */" % version)
    print("#ifdef COUNTRY /* name, calling code, trunk prefix (0 = none), zone where most people live */")
    for name in names:
        trunk = plan.field(name, TRUNK) or plan.field(main_country(plan, name), TRUNK) or ""
        print('COUNTRY(%s, %s, "%s", "%s")' % (name, plan.field(name, CALLING_CODE), trunk, zones[name]))
    print("#endif")
    print("#ifdef BRAZIL_ZONE /* area code, zone where it is not Sao Paulo's */")
    lines(('BRAZIL_ZONE(%s, "%s")' % pair for pair in sorted(BRAZIL.items())), 3)
    print("#endif")
    edges, states = [], []
    for state in sorted(order, key=order.get):
        label, targets = rows.get(state, (None, ()))
        states.append("STATE(%d, %s)" % (len(edges), "%s(%s)" % (label[1], label[0]) if label else "NONE"))
        ways = collections.OrderedDict()
        for digit, to in enumerate(targets):
            if to:
                ways[to] = ways.get(to, 0) | 1 << digit
        edges += ["EDGE(0x%03x, %d)" % (mask, order[to]) for to, mask in ways.items()]
    print("#ifdef EDGE /* digits as a set, state they lead to */")
    lines(edges, 6)
    print("#endif")
    print("#ifdef STATE /* its first edge, what a number is that ends here; state 0 leads nowhere, in 1 every number begins */")
    lines(states, 5)
    print("#endif")


def main_country(plan, name):
    """The first of those that share its calling code and know a trunk prefix."""
    code = plan.field(name, CALLING_CODE)
    sharing = (n for n in plan.countries if plan.field(n, CALLING_CODE) == code and plan.field(n, TRUNK))
    return next(sharing, name)


sys.setrecursionlimit(10000)
main()
