# SPDX-License-Identifier: MIT
"""The screen of a terminal, as far as ncurses speaks to an xterm, a Linux console or a vt100: what a person would see
after the bytes so far. Whatever is not of that language is kept in `unknown`: text from outside that reached the
terminal raw shows up there. Sources: ECMA-48; xterm's "Control Sequences"; terminfo(5) of these terminals."""
import re
import unicodedata

# A whole control sequence, string (OSC, DCS, ended by BEL or ST), or short escape.
CSI = re.compile(r"\x1b\[([<-?]?)([0-9;:]*)([ -/]*)([@-~])")
OSC = re.compile(r"\x1b\]([^\x07\x1b]*)(?:\x07|\x1b\\)")
DCS = re.compile(r"\x1bP((?:[^\x1b]|\x1b\x1b)*)\x1b\\")
SHORT = re.compile(r"\x1b([()*+][0A-Z]|[=>78DEHMc]|#8)")
COMPLETE_MAX = 200_000  # a longer sequence is none
LINES = dict(zip("jklmnqtuvwxa`fg~s0", "┘┐┌└┼─├┤┴┬│▒◆°±·_█"))
MODES = {"1", "3", "4", "5", "6", "7", "12", "25", "34", "45", "69", "1000", "1002", "1003", "1006", "1034", "1049", "2004"}
PLAIN_MODES = {"4", "20", "34"}


def columns_of(c):
    if unicodedata.category(c) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(c) in ("W", "F") else 1


class Screen:
    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.unknown, self.titles, self.strings = [], [], []
        self.modes, self.bells = set(), 0
        self.attributes = ()
        self.pending, self.undecoded = "", b""
        self.graphic, self.charset = False, {"(": "B", ")": "B"}
        self.last = " "
        self.clear_all()

    def clear_all(self):
        self.cells = [self.blank_row() for _ in range(self.rows)]
        self.y = self.x = 0
        self.saved = (0, 0)
        self.top, self.bottom = 0, self.rows - 1
        self.wrap_next = False

    def blank_row(self):
        return [(" ", ()) for _ in range(self.columns)]

    def resize(self, rows, columns):
        """As terminals do it that do not reflow: cut and padded at the right and the bottom."""
        self.rows, self.columns = rows, columns
        self.cells = [(row + self.blank_row())[:columns] for row in self.cells[:rows]]
        self.cells += [self.blank_row() for _ in range(rows - len(self.cells))]
        self.y, self.x = min(self.y, rows - 1), min(self.x, columns - 1)
        self.top, self.bottom, self.wrap_next = 0, rows - 1, False

    # --- what is seen ---

    @property
    def lines(self):
        return ["".join(c for c, _ in row).rstrip() for row in self.cells]

    @property
    def text(self):
        return "\n".join(self.lines)

    def find(self, word):
        """(row, column) of the word, or None; columns count cells."""
        for y, row in enumerate(self.cells):
            at, text = [], ""
            for x, (c, _) in enumerate(row):
                at += [x] * len(c)
                text += c
            if word in text:
                return y, at[text.index(word)]
        return None

    def attributes_at(self, word):
        y, x = self.find(word)
        return self.cells[y][x][1]

    # --- what comes ---

    def feed(self, data):
        data = self.undecoded + data
        try:
            text, self.undecoded = data.decode(), b""
        except UnicodeDecodeError as wrong:
            if wrong.end == len(data) and len(data) - wrong.start < 4:  # a character cut in two
                text, self.undecoded = data[:wrong.start].decode(errors="replace"), data[wrong.start:]
            else:
                text, self.undecoded = data.decode(errors="replace"), b""
                self.unknown.append(data[wrong.start:wrong.start + 8])
        text, self.pending = self.pending + text, ""
        at = 0
        while at < len(text):
            c = text[at]
            if c == "\x1b":
                used = self.escape(text, at)
                if not used:
                    self.pending = text[at:]
                    return
                at += used
                continue
            if ord(c) < 32 or 127 <= ord(c) < 160:
                self.control(c)
            else:
                self.put(c)
            at += 1

    def escape(self, text, at):
        """How many characters the sequence at `at` has; 0: it is not whole yet."""
        for form, act in ((CSI, self.csi), (OSC, self.osc), (DCS, self.dcs), (SHORT, self.short)):
            match = form.match(text, at)
            if match:
                act(match)
                return len(match.group(0))
        rest = text[at:]
        begun = re.fullmatch(r"\x1b(\[[<-?]?[0-9;:]*[ -/]*|[()*+#]|\][^\x07\x1b]*\x1b?|P(?:[^\x1b]|\x1b\x1b)*\x1b?)?", rest)
        if begun and len(rest) < COMPLETE_MAX:
            return 0
        self.unknown.append(rest[:16])
        return 1

    def control(self, c):
        if c == "\r":
            self.x, self.wrap_next = 0, False
        elif c in "\n\v\f":
            self.line_feed()
        elif c == "\b":
            self.x, self.wrap_next = max(0, self.x - 1), False
        elif c == "\t":
            self.x = min(self.columns - 1, self.x // 8 * 8 + 8)
        elif c == "\a":
            self.bells += 1
        elif c in "\x0e\x0f":
            self.graphic = c == "\x0e"
        elif c != "\0":  # padding of old terminals
            self.unknown.append(c)

    def short(self, match):
        what = match.group(1)
        if what[0] in "()":
            self.charset[what[0]] = what[1]
        elif what == "7":
            self.saved = (self.y, self.x)
        elif what == "8":
            self.y, self.x = self.saved
        elif what == "D":
            self.line_feed()
        elif what == "E":
            self.x = 0
            self.line_feed()
        elif what == "M":
            if self.y == self.top:
                self.scroll(-1)
            else:
                self.y = max(0, self.y - 1)
        elif what == "c":
            self.clear_all()
        elif what not in ("=", ">", "H"):
            self.unknown.append(match.group(0))

    def osc(self, match):
        self.strings.append(match.group(0))
        if match.group(1)[:2] in ("0;", "2;"):
            self.titles.append(match.group(1)[2:])

    def dcs(self, match):
        self.strings.append(match.group(0))

    # --- drawing ---

    def put(self, c):
        width = columns_of(c)
        if width == 0:
            y, x = self.y, self.x if self.wrap_next else self.x - 1
            while x > 0 and self.cells[y][x][0] == "":
                x -= 1
            if x >= 0:
                self.cells[y][x] = (self.cells[y][x][0] + c, self.cells[y][x][1])
            return
        if self.charset[")" if self.graphic else "("] == "0":
            c = LINES.get(c, c)
        if self.wrap_next or self.x + width > self.columns:
            self.x, self.wrap_next = 0, False
            self.line_feed()
        if "insert" in self.modes:
            self.insert(width)
        row = self.cells[self.y]
        row[self.x] = (c, self.attributes)
        if width == 2 and self.x + 1 < self.columns:
            row[self.x + 1] = ("", self.attributes)
        self.last = c
        if self.x + width >= self.columns:
            self.x, self.wrap_next = self.columns - 1, "no-wrap" not in self.modes
        else:
            self.x += width

    def line_feed(self):
        self.wrap_next = False
        if self.y == self.bottom:
            self.scroll(1)
        else:
            self.y = min(self.rows - 1, self.y + 1)

    def scroll(self, n, top=None):
        """Up by n (down when negative) within the region, from `top`."""
        top = self.top if top is None else top
        height = self.bottom + 1 - top
        region, n = self.cells[top:self.bottom + 1], max(-height, min(height, n))
        blank = [self.blank_row() for _ in range(abs(n))]
        self.cells[top:self.bottom + 1] = region[n:] + blank if n >= 0 else blank + region[:n]

    def insert(self, n):
        row = self.cells[self.y]
        row[self.x:self.x] = [(" ", self.attributes)] * n
        del row[self.columns:]

    def erase(self, y, begin, end):
        for x in range(max(0, begin), min(self.columns, end)):
            self.cells[y][x] = (" ", self.attributes)

    def csi(self, match):
        mark, numbers, middle, final = match.groups()
        given = [int(n) if n.isdigit() else 0 for n in numbers.split(";")]
        n = max(1, given[0])
        if mark == "?" and final in "hl":
            self.mode(match, numbers.split(";"), final == "h")
        elif mark == "?" and final == "c":
            pass  # the Linux console's shape of the cursor
        elif middle == "!" and final == "p":
            self.clear_all()
        elif mark == ">" and final == "m":
            pass
        elif mark or middle:
            self.unknown.append(match.group(0))
        elif final == "m":
            self.sgr(numbers)
        elif final == "r":
            self.top, self.bottom = n - 1, min(self.rows, given[1] if len(given) > 1 and given[1] else self.rows) - 1
            self.y = self.x = 0
        elif final in "hl" and all(one in PLAIN_MODES for one in numbers.split(";")):
            if "4" in numbers.split(";"):
                (self.modes.add if final == "h" else self.modes.discard)("insert")
        elif final == "t":
            pass
        else:
            self.move_or_edit(match, final, given, n)
        if final not in "mb":
            self.wrap_next = False

    def mode(self, match, numbers, on):
        for one in numbers:
            if one not in MODES:
                self.unknown.append(match.group(0))
            (self.modes.add if on else self.modes.discard)(one)
            if one == "1049":
                self.cells = [self.blank_row() for _ in range(self.rows)]
            if one == "7":
                (self.modes.discard if on else self.modes.add)("no-wrap")

    def move_or_edit(self, match, final, given, n):
        y, x, row = self.y, self.x, self.cells[self.y]
        if final in "Hf":
            y, x = n - 1, (given[1] if len(given) > 1 and given[1] else 1) - 1
        elif final in "ABCD":
            y += {"A": -n, "B": n}.get(final, 0)
            x += {"C": n, "D": -n}.get(final, 0)
        elif final in "G`":
            x = n - 1
        elif final == "d":
            y = n - 1
        elif final == "Z":
            x = max(0, (x - 1) // 8 * 8)
        elif final == "I":
            x = x // 8 * 8 + 8 * n
        elif final == "J":
            self.erase(y, x if given[0] == 0 else 0, x + 1 if given[0] == 1 else self.columns)
            for other in range(self.rows):
                if (given[0] == 0 and other > y) or (given[0] == 1 and other < y) or given[0] in (2, 3):
                    self.erase(other, 0, self.columns)
        elif final == "K":
            self.erase(y, x if given[0] == 0 else 0, x + 1 if given[0] == 1 else self.columns)
        elif final == "X":
            self.erase(y, x, x + n)
        elif final == "@":
            self.insert(n)
        elif final == "P":
            del row[x:x + n]
            row += self.blank_row()[:self.columns - len(row)]
        elif final in "LM":
            if self.top <= y <= self.bottom:
                self.scroll(-n if final == "L" else n, top=y)
        elif final in "ST":
            self.scroll(n if final == "S" else -n)
        elif final == "b":
            for _ in range(n):
                self.put(self.last)
            return
        else:
            self.unknown.append(match.group(0))
        self.y, self.x = min(max(y, 0), self.rows - 1), min(max(x, 0), self.columns - 1)

    def sgr(self, numbers):
        """Attributes as the tuple of numbers since the last reset: what matters is whether they differ."""
        words = numbers.replace(":", ";").split(";") if numbers else ["0"]
        now, at = list(self.attributes), 0
        while at < len(words):
            one, length = words[at] or "0", 1
            if one in ("38", "48"):
                length = 3 if words[at + 1:at + 2] == ["5"] else 5
            if one in ("0", "10"):
                now = [] if one == "0" else now
            else:
                now.append(";".join(words[at:at + length]))
            at += length
        self.attributes = self.reduced(now)

    @staticmethod
    def reduced(attributes):
        kept = {}
        for one in attributes:
            number = int(one.split(";")[0])
            kind = "fg" if number // 10 in (3, 9) else "bg" if number // 10 in (4, 10) else {22: 1, 24: 4, 25: 5, 27: 7}.get(number, number)
            kept.pop(kind, None)
            if number not in (22, 24, 25, 27, 39, 49):
                kept[kind] = one
        return tuple(sorted(kept.values()))
