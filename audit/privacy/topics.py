"""The topic of the conversation: which type of number or date is asked for or announced."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

from audit.language.text import sounds
from audit.privacy.entities import EntityType

Topic = EntityType | None
"""None: numbers that are not personal data, such as order numbers."""


class TopicMention(NamedTuple):
    """A mention of a topic."""

    end: int
    """The character after the cue."""
    topic: Topic
    lasts: bool
    """Whether the topic may apply to later turns; that of 热线 or 工号 in a greeting does not."""


_CUES: dict[Topic, str] = {
    EntityType.MOBILE: "手机 电话 联系方式 联系号码 方便联系 回电 停机 来电号码 号码是 "
    "整个号 新号码 打您的 打我的 打我这个 拨打您",
    EntityType.LANDLINE: "座机 固定电话 固话 区号 家里电话",
    EntityType.ID_NUMBER: "身份证 证件号 证件 身份信息 驾驶证号 社保号 社保卡号 "
    "医保号 医保卡号 军官证号",
    EntityType.BANK_CARD: "卡号 银行卡 储蓄卡 信用卡 工资卡 那张卡 这张卡 卡尾号 卡的尾号 卡后四位 "
    "退到卡 转到卡 账户号",
    EntityType.CODE: "验证码 校验码 动态码 口令 密码 取件码 短信 收到的码",
    EntityType.BIRTH: "生日 出生 哪年生 几几年 哪一年生 出生年月",
    EntityType.PLATE: "车牌",
    EntityType.PASSPORT: "护照",
    EntityType.TRAVEL_PERMIT: "通行证 来往内地 来往大陆 回乡证 台胞证 居住证号 居留证",
    EntityType.REGIONAL_ID: "香港身份证 澳门身份证 台湾身份证",
    EntityType.WECHAT: "微信号 微信是 加微信 加我微信 微信ID",
    EntityType.QQ: "QQ QQ号 QQ是 加QQ 加我QQ 我QQ 您QQ 的QQ 扣扣 扣扣号 企鹅号",
    None: (
        "订单 单号 流水 工单 受理号 受理编号 编号 编码 序列号 型号 户号 保单 运单 表号 工号 "
        "客服热线 "
        "售后 网点 营业厅 维修点 热线 拨打 诉求 税号 积分 套餐 余额 金额 费用 条码 货号 "
        "机身 单子是 "
        "版本 门店 总机 客服电话 投诉电话 服务电话 我们的电话 我们公司 "
        "报案号 案号 赔案 就诊号 就诊卡 就诊卡号 病历号 病案号 住院号 门诊号 预约号 挂号单 排队号 "
        "床号 货架号 提货码 券码 兑换码 邀请码 柜号 房号 桌号 学号 批号 档案号 报告号 检测号 "
        "合同号 凭证号 设备号 会员号 会员卡号 水卡 电卡 气卡 交通卡号 桩号 发票号 发票号码 版号 "
        "表数 示数 度数 血压 血糖 体温 心率 "
        "分机 内线 故障码 错误码 错误代码 故障代码 报错 读数 表底 批次 票号 车次 航班 端口 网速"
    ),
}
_PASSING_MENTIONS = (
    "工号 客服热线 售后 网点 营业厅 维修点 热线 拨打 门店 总机 客服电话 投诉电话 服务电话 "
    "我们的电话 我们公司 套餐 余额 金额 费用 积分 诉求 版本 报错 网速 表数 示数 度数 "
    "血压 血糖 体温 心率 柜号 房号 桌号 床号"
)
"""Topics of numbers that belong to a company or an agent, or that customers are not asked for."""
_HOTLINE_WORDS = "拨打 维修点 网点 热线 营业厅 客服电话 服务电话 投诉电话 门店"
TAIL_CUES = ("尾号", "末四位", "后四位", "后四", "后三位", "最后四位", "后六位", "伟号")
"""What announces the end of a number."""


@cache
def _cues() -> tuple[tuple[str, int, Topic, bool], ...]:
    passing = _PASSING_MENTIONS.split()
    return tuple(
        (sounds(word).code, len(word), topic, word not in passing)
        for topic, words in _CUES.items()
        for word in words.split()
    )


@cache
def _hotline_codes() -> tuple[str, ...]:
    return tuple(sounds(word).code for word in _HOTLINE_WORDS.split())


@lru_cache(maxsize=16_384)
def topics(text: str) -> tuple[TopicMention, ...]:
    """Mentions of topics in a text, by sound, in order.

    >>> [(mention.end, str(mention.topic)) for mention in topics("身分证是，不对，我的手机")]
    [(3, 'id_number'), (12, 'mobile')]
    """
    transcribed = sounds(text)
    found: dict[int, tuple[int, TopicMention]] = {}
    for code, length, topic, lasts in _cues():
        at = transcribed.code.find(code)
        while at >= 0:
            places = transcribed.positions[at // 2 : at // 2 + length]
            if at % 2 == 0 and not any(text[place] in "0123456789零〇" for place in places):
                end = places[-1] + 1
                if end not in found or found[end][0] < length:
                    found[end] = (length, TopicMention(end, topic, lasts))
            at = transcribed.code.find(code, at + 1)
    return tuple(mention for _, (_, mention) in sorted(found.items()))


def is_public(text: str) -> bool:
    """Whether a text gives the company's own number or address."""
    code = sounds(text).code
    return any(code.find(word) >= 0 for word in _hotline_codes())
