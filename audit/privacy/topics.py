"""What the talk is of: which kind of number or date is asked for or announced."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

from audit.language.text import sounds
from audit.privacy.entities import Kind

Topic = Kind | None
"""None: numbers that are nobody's data, such as those of orders."""


class Named(NamedTuple):
    """A topic where it is named."""

    end: int
    """The character after the cue."""
    topic: Topic
    lasts: bool
    """Whether what is said in later turns may be of it: a greeting's 热线 and 工号 are not."""


_CUES: dict[Topic, str] = {
    Kind.MOBILE: "手机 电话 联系方式 联系号码 方便联系 回电 停机 来电号码 号码是 整个号 新号码 "
    "打您的 打我的 打我这个 拨打您",
    Kind.LANDLINE: "座机 固定电话 固话 区号 家里电话",
    Kind.ID_NUMBER: "身份证 证件号 证件 身份信息 驾驶证号 社保号 社保卡号 医保号 医保卡号 军官证号",
    Kind.BANK_CARD: "卡号 银行卡 储蓄卡 信用卡 工资卡 那张卡 这张卡 卡尾号 卡的尾号 卡后四位 "
    "退到卡 转到卡 账户号",
    Kind.CODE: "验证码 校验码 动态码 口令 密码 取件码 短信 收到的码",
    Kind.BIRTH: "生日 出生 哪年生 几几年 哪一年生 出生年月",
    Kind.PLATE: "车牌",
    Kind.PASSPORT: "护照",
    Kind.TRAVEL_PERMIT: "通行证 来往内地 来往大陆 回乡证 台胞证 居住证号 居留证",
    Kind.REGIONAL_ID: "香港身份证 澳门身份证 台湾身份证",
    Kind.WECHAT: "微信号 微信是 加微信 加我微信 微信ID",
    Kind.QQ: "QQ QQ号 QQ是 加QQ 加我QQ 我QQ 您QQ 的QQ 扣扣 扣扣号 企鹅号",
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
_PASSING = (
    "工号 客服热线 售后 网点 营业厅 维修点 热线 拨打 门店 总机 客服电话 投诉电话 服务电话 "
    "我们的电话 我们公司 套餐 余额 金额 费用 积分 诉求 版本 报错 网速 表数 示数 度数 "
    "血压 血糖 体温 心率 柜号 房号 桌号 床号"
)
"""What is of a company or an agent, or only spoken of: nobody is asked for it."""
_STRONG_OTHER = "拨打 维修点 网点 热线 营业厅 客服电话 服务电话 投诉电话 门店"
TAIL = ("尾号", "末四位", "后四位", "后四", "后三位", "最后四位", "后六位", "伟号")
"""What announces the end of a number."""


@cache
def _cues() -> tuple[tuple[str, int, Topic, bool], ...]:
    passing = _PASSING.split()
    return tuple(
        (sounds(word).code, len(word), topic, word not in passing)
        for topic, words in _CUES.items()
        for word in words.split()
    )


@cache
def _strong() -> tuple[str, ...]:
    return tuple(sounds(word).code for word in _STRONG_OTHER.split())


@lru_cache(maxsize=16_384)
def topics(text: str) -> tuple[Named, ...]:
    """Where topics are named in a text, by sound, in order.

    >>> [(named.end, str(named.topic)) for named in topics("身分证是，不对，我的手机")]
    [(3, 'id_number'), (12, 'mobile')]
    """
    heard = sounds(text)
    found: dict[int, tuple[int, Named]] = {}
    for code, length, topic, lasts in _cues():
        at = heard.code.find(code)
        while at >= 0:
            places = heard.positions[at // 2 : at // 2 + length]
            if at % 2 == 0 and not any(text[place] in "0123456789零〇" for place in places):
                end = places[-1] + 1
                if end not in found or found[end][0] < length:
                    found[end] = (length, Named(end, topic, lasts))
            at = heard.code.find(code, at + 1)
    return tuple(named for _, (_, named) in sorted(found.items()))


def is_public(text: str) -> bool:
    """Whether a text gives the company's own number or address."""
    code = sounds(text).code
    return any(code.find(word) >= 0 for word in _strong())
