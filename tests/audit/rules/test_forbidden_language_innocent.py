"""What polite agents say near forbidden wording: none of it may be an accusation."""

import pytest

from audit.rulebooks import Rulebook
from audit.rules import forbidden_language
from audit.types import Verdict
from tests.calls import found_by

INNOCENT = [
    "您好，请问有什么可以帮您？",
    "请问还有什么可以帮助您的吗？",
    "请您提供一下您收到的验证码的后四位。",
    "短信验证码的有效期是五分钟。",
    "您可以自己去营业厅办理，也可以在网上办理。",
    "您也可以在手机营业厅自己查询话费。",
    "这个问题我需要跟后台确认一下再回复您。",
    "这个我不太清楚，我帮您查询一下，请您稍等。",
    "不知道您现在方便接电话吗？",
    "请问您知不知道您的宽带账号？",
    "您不知道密码也没关系，我帮您重置。",
    "如果还是不行的话，您再给我们打电话。",
    "光猫有毛病的话，我们会免费给您更换。",
    "线路上有点毛病，师傅明天上午过去维修。",
    "你们应该收到我们的短信通知了。",
    "你们应该是在二楼机房吧？",
    "移动数据现在还是不行吗？",
    "电信的同事会跟您联系。",
    "对不起，由于条件所限，目前这方面的工作我们暂时还不能满足您的需要，请您原谅。",
    "对不起，请您大声一点，好吗？",
    "对不起，您的电话没有声音，请您换一部电话再次打来，好吗？再见。",
    "您的声音太小，请您拿起话筒说话好吗？",
    "没有别的事的话我就先挂了，谢谢您，再见。",
    "两个套餐随便您选，都可以。",
    "您刚才说的这件事我已经记录下来了。",
    "您的意见我们会反馈给相关部门，谢谢您指出我们工作中的不足。",
    "我们正在排查，待原因查明后将及时向您反馈。",
    "我把问题带回去，让客户经理和您联系。",
    "师傅下班之前会给您打电话。",
    "今天下班之前给您答复，可以吗？",
    "明天上午我再跟您联系。",
    "您先别着急，我马上帮您处理。",
    "我理解您的心情，非常抱歉给您带来不便。",
    "说明书上有图示，我一步一步教您操作。",
    "您看一下说明书的第三页，我在电话里给您讲。",
    "您需要找哪个部门，我帮您转接。",
    "我帮您联系一下他们，让他们给您回电话。",
    "这个不属于我们的服务范围，不过我可以帮您转到相关部门。",
    "滚动的字幕在屏幕下面。",
    "您把机顶盒的电源关一下再打开。",
    "投诉电话是一零零一零，您可以随时拨打。",
    "您对我们的服务有意见可以告诉我。",
    "我没有听清楚，麻烦您再说一遍好吗？",
    "您讲得很清楚，我都记下来了。",
    "不是说您操作有问题，是系统正在升级。",
    "您要是不方便，我们改天再约。",
    "一共是三百六十元，没有其他费用了。",
    "请您不要挂机，我帮您查一下。",
]

GUILTY = [
    "你问我，我去问谁啊？",
    "刚才不是跟你说过了吗，还问。",
    "这事不归我管，你找别人去。",
    "说明书上都写着呢，自己去看。",
    "都快下班了，你明天再打吧。",
    "我方没有问题，你自己查查吧。",
    "有意见你去告好了。",
    "我就这态度，怎么了？",
    "你不懂就叫个懂的人来。",
    "你的事情我们解决不了，你去找别的部门。",
    "随便你去投诉。",
    "再不说话我就挂了啊。",
    "喂，你倒是说话呀。",
    "你他妈的有完没完？",
    "你是不是有病啊？",
]


@pytest.mark.parametrize("sentence", INNOCENT)
def test_polite_words_are_no_accusation(sentence: str, make_call, book: Rulebook) -> None:
    (finding,) = found_by(forbidden_language.RULE, make_call([("A", sentence)]), book)
    assert finding.verdict is Verdict.PASS, (finding.clause_id, finding.meant)


@pytest.mark.parametrize("sentence", GUILTY)
def test_forbidden_words_are_found(sentence: str, make_call, book: Rulebook) -> None:
    (finding,) = found_by(forbidden_language.RULE, make_call([("A", sentence)]), book)
    assert finding.verdict is Verdict.FAIL


@pytest.mark.parametrize("sentence", GUILTY)
def test_a_customer_may_say_so(sentence: str, make_call, book: Rulebook) -> None:
    call = make_call([("A", "您好"), ("C", sentence)])
    assert [f.verdict for f in found_by(forbidden_language.RULE, call, book)] == [Verdict.PASS]
