"""Made-up policies in any number, always the same ones: text to fill a knowledge base with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

SECTIONS = 10


def _each(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_THINGS = _each(
    "电饭煲 洗碗机 吸尘器 加湿器 空气净化器 烤箱 豆浆机 电风扇 取暖器 挂烫机 投影仪 路由器 台灯 "
    "床垫 沙发 书桌 儿童车 行李箱 运动鞋 羽绒服 雨伞 保温杯 炒锅 菜刀 拖把 毛巾 宠物粮 猫砂 "
    "奶粉 咖啡机 话费套餐 宽带 会员卡 年票 旅游团 酒店订单 机票 车险 体检卡 健身课"
)
_CHANNELS = _each("网上商城 门店 电话客服 小程序 团购页面 上门服务 合作商户 自提点")
_EVENTS = _each(
    "到货后发现破损 超过约定时间没有送到 安装时缺少零件 型号与订单不符 使用中突然断电 噪音明显偏大 "
    "需要更换收货人 付款成功但没有生成订单 重复扣款 发票信息填错 优惠没有生效 赠品漏发 想提前解约 "
    "要求改期 预约后临时取消 忘记密码无法登录 账号被他人使用 需要补开证明 包装被拆过 说明书丢失"
)
_ACTIONS = _each(
    "由{channel}先行登记，{days}个工作日内给出处理结果 凭订单号和照片申请，审核通过后退回{money}元 "
    "免费更换一次，更换后的保修从收到当天重新计算 由工程师上门检测，检测费{money}元 "
    "按实付金额的{percent}%补偿，最高不超过{money}元 保留{days}天，逾期由系统自动取消 "
    "补寄缺少的部分，运费由商家承担 可在{channel}改期一次，第二次起每次收取{money}元 "
    "核对身份后当场办理，带好证件原件 转交专人跟进，{days}小时内电话回复"
)
_LIMITS = _each(
    "定制商品除外。 节假日顺延。 每个订单限用一次。 与其他优惠不同享。 偏远地区另行通知。 "
    "以签收时间为准。 企业客户按合同执行。 需在购买后{days}天内提出。"
)
_ENGLISH = (
    "If a {thing} arrives late by more than {days} days, we refund {percent}% of the fee.",
    "A {thing} can be exchanged once within {days} days; bring the receipt and the box.",
    "Repairs of a {thing} cost {money} yuan outside the warranty, parts not included.",
    "To change the date of a {thing}, call us at least {days} hours ahead.",
    "Deposits for a {thing} are held for {days} days and returned to the card used.",
    "Members pay {percent}% less for a {thing} on the first weekend of each month.",
)
_ENGLISH_THINGS = _each("kettle sofa mattress ticket booking parcel router heater lamp suitcase")


def write_documents(folder: Path, number: int, *, seed: int = 7) -> list[Path]:
    """`number` Markdown documents of ten sections each, below `folder`; equal for equal seeds."""
    folder.mkdir(parents=True, exist_ok=True)
    random = Random(seed)
    written = []
    for place in range(number):
        path = folder / f"policy-{place:04}.md"
        path.write_text("\n".join(_document(random, place)), encoding="utf-8")
        written.append(path)
    return written


def questions(number: int, *, seed: int = 11) -> list[str]:
    """`number` questions such as customers ask about these documents."""
    random = Random(seed)
    return [
        f"{random.choice(_THINGS)}{random.choice(_EVENTS)}，{random.choice(_CHANNELS)}能处理吗"
        for _ in range(number)
    ]


def _document(random: Random, place: int) -> Iterator[str]:
    thing = random.choice(_THINGS)
    yield f"---\ntitle: {thing}服务规定{place + 1}\n---"
    for section in range(SECTIONS):
        event = random.choice(_EVENTS)
        yield f"\n## {section + 1} {event}\n"
        if section % 5 == 4:
            yield " ".join(_english(random) for _ in range(3))
        else:
            yield "".join(_chinese(random, thing, event) for _ in range(3))


def _chinese(random: Random, thing: str, event: str) -> str:
    sentence = f"在{{channel}}购买的{thing}，{event}的，{random.choice(_ACTIONS)}。"
    if random.random() < 0.5:
        sentence += random.choice(_LIMITS)
    return _filled(sentence, random)


def _english(random: Random) -> str:
    return _filled(random.choice(_ENGLISH), random)


def _filled(sentence: str, random: Random) -> str:
    return sentence.format(
        channel=random.choice(_CHANNELS),
        thing=random.choice(_ENGLISH_THINGS),
        days=random.randint(1, 90),
        money=random.randint(1, 999),
        percent=random.randint(1, 60),
    )
