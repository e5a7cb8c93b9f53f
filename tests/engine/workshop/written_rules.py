"""A pack as it ships, and a rule of the company's own."""

from __future__ import annotations

PACK = """\
pack: {id: test, version: 1, owner: 测试组, title: {zh: 测试, en: Test}}
contexts:
  denial: ['(?:不会|不能)']
rules:
  # What must never be promised.
  - id: promise
    side: [model, agent]
    category: promise
    level: L3
    action: block
    name: {zh: 打包票, en: Guarantee}
    why: {zh: 不能打包票, en: No guarantees}
    advice: {zh: 删掉, en: Remove it}
    match:
      words: [包你满意]   # kept as it is written
      none_before: ['@denial']
    must_hit: [包你满意]
    must_miss: [你好, 不会包你满意]

  - id: court
    side: customer
    category: legal
    level: L4
    action: handover
    name: {zh: 起诉, en: Lawsuit}
    why: {zh: 客户要走法律程序, en: The customer goes to court}
    advice: {zh: 转人工, en: Hand over}
    script: {zh: 马上请专人联系您。, en: A colleague will contact you at once.}
    match: {words: [法庭]}
    must_hit: [法庭上见]
    must_miss: [你好]
scripts:
  - id: greeting
    name: {zh: 问候, en: Greeting}
    text: {zh: 您好，我是客服。, en: "Hello, this is service."}
    when: {words: [在吗]}
    must_hit: [在吗]
    must_miss: [你好]
    satisfied_by: [我是客服, this is service]
"""
GIFT = """\
id: own.gift
side: [model, agent]
category: promise
level: L3
action: block
name: {zh: 送礼, en: Gift}
why: {zh: 不能许诺送礼, en: No gifts}
advice: {zh: 删掉, en: Remove it}
match: {words: [送您一份礼]}
must_hit: [送您一份礼]
must_miss: [你好]
"""
