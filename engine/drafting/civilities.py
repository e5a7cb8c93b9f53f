"""Messages that ask nothing: a greeting, thanks, a farewell, or no word at all."""

from __future__ import annotations

import re

# What may also be an answer to the agent's question ("好的", "ok", "yes") is left out.
_CIVILITIES = (
    "您好|你好|亲|哈喽|嗨|早上好|上午好|中午好|下午好|晚上好|早安|晚安"
    "|非常感谢|太感谢|万分感谢|十分感谢|感谢|多谢|谢谢|谢了|谢|唔该|辛苦|麻烦|再见|拜拜|回头见"
    "|hi there|hi|hello|hey|good (?:morning|afternoon|evening|night)"
    "|thank (?:you|u)|thanks|thx|cheers|many thanks|much appreciated|goodbye|bye bye|bye"
)
_NOTHING_ELSE = (
    "没(?:有)?(?:别的|其他|其它|什么)(?:事|问题)(?:情)?|没事|(?:那就|那|就)?先?这样"
    "|that s all|that is all|nothing else|no (?:more|other|further) questions"
)
_AROUND = "您|你|们|啊|呀|哈|啦|了|哦|噢|呢|so much|very much|a lot|a million|again"
# Possessive: no second way of reading a run of 谢 is ever tried.
_NOTHING_ASKED = re.compile(rf"(?:(?>{_CIVILITIES}|{_NOTHING_ELSE}|{_AROUND})\s*+)*+")
_SIGNS = re.compile(r"[^\w\s]|_")
_LONGEST = 60


def asks_nothing(message: str) -> bool:
    """Whether `message` is made of civilities and signs alone; such a one needs no evidence.

    Question marks make it a question all the same: "你好？" may well mean "is anybody there?".
    """
    if len(message) > _LONGEST:
        return not message.strip()
    if "?" in message or "？" in message:
        return False
    words = " ".join(_SIGNS.sub(" ", message).casefold().split())
    return _NOTHING_ASKED.fullmatch(words) is not None
