"""The wordings by which a customer leans on what was said before, in Chinese and English.

Tables only; `queries` weighs them. All patterns meet folded text: lower case, half width,
simplified characters.
"""

from __future__ import annotations

import re

from msgspec import Struct


class Cue(Struct, frozen=True):
    """A wording and what it adds to how much a turn leans on earlier ones.

    `back`: it reaches behind the topic at hand. `first`: it reaches for the very first one.
    `empty`: it names nothing itself, so it is left out of the query.
    """

    pattern: re.Pattern[str]
    weight: float
    back: bool = False
    first: bool = False
    empty: bool = True


def _cue(
    *patterns: str, weight: float, back: bool = False, first: bool = False, empty: bool = True
) -> Cue:
    return Cue(re.compile("|".join(patterns)), weight, back or first, first, empty)


_UNIT = r"[个种样些件台款边单事次回张条把套双部辆本瓶箱盒项笔批]"
_SAID = r"(?:我|你|您|咱)?(?:们)?(?:说|问|提|讲|聊|谈|咨询|讨论|反映|报)(?:到|过|起)?(?:的|了)?"
_THING = rf"(?:那|这)?{_UNIT}?(?:问题|事情|事儿|情况|话题|东西)?"
_EARLIER = r"(?:刚才|刚刚|刚|前面|上面|先前|早先|之前|方才|头先|原来)"
# A pointing word before one of these stands for the thing itself ("那个要钱吗"); before anything
# else it only accompanies a noun ("那个优惠").
_ALONE = (
    r"(?=\s*(?:$|[,.!?。、~;:]|[的了吗呢呀吧啊是要能会可有没怎咋还行多什啥需得该算到收免用最也都就在我你您"
    r"一]|大概|具体))"
)
_ENGLISH_ALONE = (
    r"(?=\s*(?:$|[,.!?]|(?:is|was|does|do|did|cost|costs|work|will|would|can|apply|take|in|for|too|"
    r"as|with|count|include|mean|free)\b))"
)

CUES = (
    # Behind the topic at hand.
    _cue(rf"(?:最|一)开始(?:{_SAID})?{_THING}|最初(?:{_SAID})?{_THING}", weight=0.9, first=True),
    _cue(
        r"\b(?:the|my) (?:very )?first (?:one|question|issue|problem|point|thing)\b",
        weight=0.9,
        first=True,
    ),
    _cue(
        rf"{_EARLIER}(?:那|这|{_SAID}){_THING}",
        rf"(?:那|这)(?:刚才|刚刚|前面|之前)(?:{_SAID})?{_THING}",
        r"再?(?:回到|说回|话说回来|回过头来?|言归正传|接着(?:刚才|前面|之前|说)|继续(?:说|刚才|前面))",
        weight=0.9,
        back=True,
    ),
    _cue(r"^(?:那|还是|再)?(?:刚才|刚刚|前面|之前|上面)", weight=0.6, back=True),
    _cue(
        r"\b(?:back to|going back|returning to|earlier|previous(?:ly)?)\b",
        r"\b(?:said|asked|told me) before\b",
        r"\b(?:as )?(?:i|we|you) (?:just )?(?:said|mentioned|asked|talked|were talking|were saying)"
        r"(?: about)?\b",
        r"\b(?:the other (?:one|question|issue)|original (?:question|issue|problem))\b",
        weight=0.9,
        back=True,
    ),
    # The topic at hand.
    _cue(
        r"上述|[这那]种?(?:情况|事情|事儿|问题)|(?:你|您|你们)(?:说|讲|提到)的[那这]?[个种些]?",
        weight=0.9,
    ),
    _cue(rf"[那这]{_UNIT}{_ALONE}", weight=0.9),
    _cue(rf"[那这]{_UNIT}", weight=0.3),
    _cue(r"它们?|同上|一样的|同样的?", weight=0.4),
    _cue(
        r"\b(?:that|this|the same|the latter|the former)"
        r"(?: (?:one|thing|case|issue|problem|question))?" + _ENGLISH_ALONE,
        weight=0.6,
    ),
    _cue(r"\b(?:it|they|them|those|these|one|ones)\b", weight=0.35),
    _cue(
        r"^(?:and|so|then|but|ok(?:ay)?,? (?:so|and)|what about|how about|what if|even if|or)\b",
        weight=0.35,
    ),
    _cue(
        r"^(?:那么?|所以|然后|可是|但是?|不过|万一|要是|如果|还|也|或者|是不是|就是|因为)",
        weight=0.35,
        empty=False,
    ),
    _cue(r"呢\s*[?。!~]*$|的话", weight=0.25, empty=False),
    _cue(r"也(?=可以|能|行|要|算|是|有|支持|包|得)", weight=0.4, empty=False),
    _cue(
        r"^(?:还有(?:呢|吗|没有|什么|别的)?|别的呢|其他的?呢|具体(?:点|呢|怎么)?|为什么|为啥|真的(?:吗|假的)?|确定吗)",
        weight=0.5,
    ),
    _cue(
        r"^(?:why|really|are you sure|anything else|such as|like what|how so|since when)\b",
        weight=0.5,
    ),
    # Away from it.
    _cue(
        r"对了|顺便|另外|换个(?:问题|话题)|再(?:问|咨询)(?:一?下|个|一个)?(?:别的|其他)?|还想问|突然想起|插一句|先问|先不管",
        weight=-0.4,
    ),
    _cue(
        r"\b(?:by the way|btw|(?:another|one more|the other|different) (?:question|thing|topic))\b",
        r"\b(?:unrelated|separately)\b|\balso,",
        weight=-0.4,
    ),
    _cue(r"你们(?:店|家|公司|这里|那里|那边|几点)|\byou guys\b", weight=-0.2, empty=False),
)

ASKING = re.compile(
    r"[?吗呢么]|怎|咋|如何|多少|多久|几|什么|啥|哪|谁|能不|可不|是不|有没|要不要|行不|不$"
    r"|\b(?:how|what|when|where|which|who|why|can|could|do|does|did|is|are|will|would|should)\b"
)
# A question of the agent's that asks for nothing.
CLOSING = re.compile(
    r"(?:还有|还需要|别的|其他).{0,8}(?:帮|效劳|服务|问题|需要)|anything else|help you"
)

# Where one of these stands before a pause or an end, it is courtesy: "好的，…", not "好的耳机".
COURTESY = re.compile(
    r"(?:你好|您好|哈喽|嗨|早上好|上午好|下午好|晚上好|晚安|在吗|在不在|在么|有人吗|人呢|亲|亲亲|客服"
    r"|麻烦(?:了|你了|您了)?|谢谢(?:你|您|啦|了|你们|哈)?|多谢|感谢|辛苦(?:了|你了|您了)?"
    r"|好(?:的|吧|哒|滴|嘞|呀)?|行(?:吧|的)?|可以(?:的)?|嗯+|哦+|噢+|喔+|算了|等下|等等"
    r"|知道了|明白了?|了解了?|懂了|清楚了|收到|没事了?|没问题|再见|拜拜|先这样|不用了"
    r"|请问(?:一下|下)?|想问(?:一下|下)|问(?:一下|下)|我想(?:咨询|问)(?:一下|下)?"
    r"|ok|okay|hello|hi|hey|thanks?(?: (?:you|a lot|so much|very much))?"
    r"|thank you(?: (?:so|very) much)?|cheers|great|lovely|cool|nice|awesome|got it"
    r"|i see|understood|good (?:morning|afternoon|evening)|bye|sure|fine|perfect|alright|there"
    r"|excuse me|yes|no)"
    r"(?![a-z])[\s,.!?。、~;:]*"
)
OPENINGS = ("你好", "您好", "请问", "想问", "问", "我想", "hello", "hi", "hey")

# Questions and fillers that fit any subject: they say how something is asked, not about what.
GENERIC = re.compile(
    r"多少钱?|多久|多长|多大|几天|几个|几点|几号|几次|什么|时候|怎么(?:样|办|弄|算|收|说)?"
    r"|咋(?:样|办|整|弄|算)?|怎样|如何|为什么|为啥|哪里|哪儿|哪个|可以|能不能|行不行|是不是|有没有|会不会"
    r"|要不要|用不用|需不需要|需要|收不收|收费|免费|要钱|花钱|费用|价格|价钱|便宜|贵|钱|办理|办|弄|搞|操作|处理"
    r"|步骤|流程|手续|条件|要求|时间|期限|截止|开始|结束|具体|详细|麻烦|问题|情况|事情|事|东西|意思|区别|告诉|介绍"
    r"|说|讲|问|提|知道|明白|今天|明天|现在|大概|一般|一起|一块|同时|包括|包含|适用|支持|必须|一定|真|确定|超过|够|自己|别|其他"
    r"|时|后|前|上|里|中|来|去|做|算|收|用|到|多|少|久|行|对|号"
    r"|\b(?:costs?|prices?|much|many|long|fees?|charged?|charges|free|pay|need|works?|happens?"
    r"|appl(?:y|ies)|again|means?|time|days?|weeks?|things?|problems?|issues?|questions?|details?|tell"
    r"|know|explain|still|too|also|sure|only|now|later|takes?|include[sd]?|cover(?:ed|s)?|same|else"
    r"|want|like|ok|okay|about|say|said|talk|talking|mention(?:ed)?|ask(?:ed)?|forgot)\b"
)
