"""Words and characters that distinguish names from other words."""

from __future__ import annotations

import re

HAN = "[一-鿿]"
"""A Chinese character, in a regular expression."""
TITLES = "先生|女士|小姐|阿姨|大姐|大哥|大爷|叔叔|太太|同学"
UNMISTAKABLE = (
    "仝冼亓缪佘邝邬褚戚谌喻奚滕卞禹臧庞阮闵娄刁骆霍虞昝裘嵇邢裴荀甄芮羿靳汲邴糜隗宓郗栾钭詹郜蓟蔺胥莘翟逄冉"
    "郦璩濮扈郏晏瞿阎庾暨殳夔厍晁訾阚蒯逯鄢佟佴笪佀祎酆恽缑綦郄撖仉眭蹇侴仉芈"
)
"""Rare surnames that begin almost no other word."""
FOREIGN = frozenset(
    "阿艾爱安奥巴白班邦贝比边宾玻波伯勃布才采查朝楚次措达大戴丹旦当道德登狄迪蒂丁顿多杜敦额恩尔法凡菲费芬丰佛弗夫福"
    "嘎盖甘冈高戈格根古瓜哈海汉汗翰豪和合赫亨洪胡华怀霍基吉季加佳嘉贾江杰捷金卡康考柯科可克肯库昆拉腊来莱兰朗劳勒雷"
    "蕾里丽利力莉莲林琳龙鲁卢路伦罗洛马玛麦迈曼梅美门蒙孟米密明莫默姆木穆那娜纳奈南内尼尼妮宁努诺欧帕潘佩朋皮平珀普"
    "其奇齐契恰强乔切琴琼曲让热仁日荣如瑞若撒萨塞赛桑瑟森沙莎珊尚舍申圣诗史士丝斯思苏索塔泰坦汤唐特提天图托娃瓦旺威"
    "维韦魏温文翁沃乌西希锡喜夏香谢辛兴修雅亚娅扬央雍尤约扎泽增詹张照珍芝治智中仲朱卓孜宗佐依伊古买吐吾库尕拜帖再都苏珠培群逊肉祖贡色"
)
"""The characters used to transliterate names of other languages."""
NOT_A_NAME = re.compile(
    "^(?:户名|户主|业主|妈妈|爸爸|联系人|收[件货]人|高血|高考|残疾|党员|门卫|未成年|国际|代收|代办|成[别谐]|安排|为空|经常|常年|对|是|好|没|莫得|冇|可|行|我|你|您|他|她|那|这|有|不|请|谢谢|方便|安装|任何|于是|常常|向来|金额|高兴|"
    "马上|明白|知道|等|嗯|喂|已经|怎么|什么|麻烦|一样|还是|就是|也是|人|应该|关于|何时|何况|连接|全部|"
    "时间|以前|小学|大学|中学|高中|初中|现在|刚才|先|后|昨天|今天|明天|多少|为什么|家里|姓|叫|单位|公司|个人|平台|前台|顾客|经理|师傅|领导|主管|老板|司机|全家|商家|车子|物业|水电|时候|国家|公安|银行|管理|管家|经销)"
)
NOT_A_BARE_NAME = re.compile(
    rf"(?:{TITLES}|师傅|[区市县省镇乡村城湾园苑庭府郡墅院路街店号楼栋层室费卡机器柜箱单型款版色元块钱网站局行社厂队部门过到装等完分秒天月年日次个件人叫])$|"
    "^.州|^(?:高[烧热温速中一二三血]|白天|常年|金额|方面|温度|安全|安排|安心|严重|任务|施工|马桶|白色|黄色|"
    "余额|万一|江苏|江西|江东|石家|成都|金融|陶瓷|石材|毛病|钱款|高峰|高层|文件|方案|程序|路由|何必|时效)"
)
"""Not names, although they begin with a surname."""
FUNCTION = re.compile("[的了吗呢啊吧么什我你他她这那哪不没有是在来去要就都还也很能可以上下]")


def is_foreign(text: str) -> bool:
    """Whether at most one in five characters is unusual in transliterated names."""
    letters = [character for character in text if character not in "·. "]
    unusual = sum(character not in FOREIGN for character in letters)
    return unusual * 5 <= len(letters)
