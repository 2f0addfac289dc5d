"""Korean place names in Latin letters: the Revised Romanization (문화체육관광부 고시) with its sound changes.

For dongs and districts that carry no official English name in our data. The unit of a place is set
off by a hyphen and does not sound into its neighbour: 중리동 is Jungni-dong.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_FIRST_SYLLABLE: Final = 0xAC00
_LAST_SYLLABLE: Final = 0xD7A3
_INITIALS: Final = "g kk n d tt r m b pp s ss - j jj ch k t p h".split()
_VOWELS: Final = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split()
# Final consonants as they sound before a pause …
_FINALS: Final = "- k k k n n n t l k m l l l p l m p p t t ng t t k t p t".split()
# … and the letter they hand over to a following vowel: (what stays, what moves).
_LINKED: Final = (
    ("", ""), ("", "g"), ("", "kk"), ("k", "s"), ("", "n"), ("n", "j"), ("", "n"), ("", "d"), ("", "r"), ("l", "g"),
    ("l", "m"), ("l", "b"), ("l", "s"), ("l", "t"), ("l", "p"), ("", "r"), ("", "m"), ("", "b"), ("p", "s"),
    ("", "s"), ("", "ss"), ("ng", ""), ("", "j"), ("", "ch"), ("", "k"), ("", "t"), ("", "p"), ("", ""),
)  # fmt: skip
_SILENT: Final = 11  # ㅇ as an initial
_NASAL: Final = {"k": "ng", "t": "n", "p": "m"}
_UNITS: Final = {
    "동": "dong", "읍": "eup", "면": "myeon", "리": "ri", "가": "ga", "로": "ro",
    "구": "gu", "군": "gun", "시": "si", "도": "do",
}  # fmt: skip


@lru_cache(maxsize=8192)
def place_name(korean: str) -> str:
    """A place name romanised and capitalised: 대흥동 → Daeheung-dong, 유성구 → Yuseong-gu.

    Characters that are no Hangul syllables stay as they are; "" gives "".
    """
    stem, unit = korean[:-1], _UNITS.get(korean[-1:])
    if not stem or not unit:
        return romanize(korean).capitalize()
    return f"{romanize(stem).capitalize()}-{unit}"


def romanize(korean: str) -> str:
    """One word in lower-case Latin letters, by sound."""
    syllables = [_split(character) for character in korean]
    written = []
    for position, syllable in enumerate(syllables):
        if syllable is None:
            written.append(korean[position])
            continue
        before = syllables[position - 1] if position else None
        after = syllables[position + 1] if position + 1 < len(syllables) else None
        written.append(_initial(before, syllable) + _VOWELS[syllable[1]] + _final(syllable, after))
    return "".join(written)


def _split(character: str) -> tuple[int, int, int] | None:
    code = ord(character)
    if not _FIRST_SYLLABLE <= code <= _LAST_SYLLABLE:
        return None
    initial, rest = divmod(code - _FIRST_SYLLABLE, 21 * 28)
    return initial, *divmod(rest, 28)


def _initial(before: tuple[int, int, int] | None, syllable: tuple[int, int, int]) -> str:
    letter = _INITIALS[syllable[0]]
    final = before[2] if before else 0
    if letter == "-":
        return _LINKED[final][1] if final else ""
    ended = _FINALS[final]
    if letter == "r" and final:
        # ㄴ and ㄹ before ㄹ sound ll; every other final turns it into n.
        return "l" if ended in "nl" else "n"
    return "l" if letter == "n" and ended == "l" else letter


def _final(syllable: tuple[int, int, int], after: tuple[int, int, int] | None) -> str:
    ended = _FINALS[syllable[2]]
    if ended == "-":
        return ""
    if after is None:
        return ended
    if after[0] == _SILENT:
        return _LINKED[syllable[2]][0]
    following = _INITIALS[after[0]]
    if following in ("n", "m", "r"):
        if ended == "n" and following == "r":
            return "l"
        return _NASAL.get(ended, ended)
    return ended
