"""What a question asks for and what a sentence offers, told by cue words: a time, a price, a place.

A question like 「多久能到」 has no word in common with 「2到3天送达」; that one asks for a time and
the other holds one is what they share. Which offer goes with which wish is not said here but learnt
(`engine.knowledge.reranking`).
"""

from __future__ import annotations

import re
from typing import Final

_WISHES: Final = {
    "price": r"多少钱|几块|几钱|多少|贵|价|收费|要钱|花钱|费|how much|cost|price|fee|charge|pay",
    "time": r"多久|几天|几时|啥时|什么时候|何时|几号|多长|来得及|等|赶|还没|现在才"
    r"|how long|when|days|time|soon|late|yet|still",
    "place": r"哪里|哪儿|在哪|地址|去哪|where|address",
    "leave": r"能不能|可以|能.{0,6}吗|行不行|行吗|可不可|让不让|成不|中不"
    r"|can i|could|may i|allowed|is it ok|possible",
    "way": r"怎么|咋|如何|怎样|how do|how can|how to",
    "thing": r"什么|啥|哪些|what|which",
    "reason": r"为什么|为啥|凭什么|凭啥|咋回事|why",
    "person": r"谁|who",
    "papers": r"带|材料|证件|资料|凭证|bring|document|proof|id\b",
    "money back": r"退|赔|补|refund|return|compens|back",
    "change": r"取消|不想|不要|改|cancel|change",
    "damage": r"坏|破|碎|裂|掉|漏|响|不动|不亮|没反应|失灵|broken|crack|damage|fault|not work",
    "family": r"孩子|小孩|娃|宝宝|老人|爸|妈|爷|奶|child|kid|son|daughter|mother|father|mum|dad",
    "both ways": r"还是|或者|要么|\bor\b",
    "workings": r"忽略|无视|指令|提示词|系统|内部|后台|扮演|假装|你现在是|规则"
    r"|prompt|instruction|ignore|internal|system|pretend|you are now|rules",
    "others": r"别的客户|其他客户|别人的|人家的|隔壁|某某"
    r"|another customer|someone else|other customer",
    "worry": r"急|怕|担心|万一|怎么办|咋办|咋整|worried|afraid|urgent|what if",
}
_OFFERS: Final = {
    "number": r"\d",
    "price": r"\d.{0,3}元|元/|块|费|£|\$|€|\d%|价",
    "time": r"\d.{0,4}(?:天|日|小时|分钟|个月|年|工作日)|day|hour|week|month|minute|点",
    "refusal": r"不|无|未|没|勿|not|no |n't|never|without",
    "condition": r"如|若|须|需|凡|的话|if|must|need|only",
    "leave": r"可|能|支持|may|can",
    "money back": r"退|赔|补|refund|return|compens",
    "free": r"免费|免|free",
    "damage": r"损|坏|故障|质量|破|damage|fault|broken",
    "papers": r"凭|证|携带|提供|材料|bring|proof|document|id\b",
    "change": r"取消|改|变更|cancel|change",
    "age": r"儿童|孩子|老人|岁|婴|child|age|year old",
    "place": r"门店|柜台|地址|前台|到店|store|branch|desk|online|app",
}
WISHES: Final = tuple(re.compile(cues, re.IGNORECASE) for cues in _WISHES.values())
OFFERS: Final = tuple(re.compile(cues, re.IGNORECASE) for cues in _OFFERS.values())


def cues_in(text: str, cues: tuple[re.Pattern[str], ...]) -> list[float]:
    """1 for each of `cues` that `text` holds, else 0."""
    return [float(cue.search(text) is not None) for cue in cues]
