"""How people are called in Chinese."""

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏"
    "苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫雷龙黎史陶贺毛郝顾龚邵万"
    "覃武钱戴严莫孔向常汤康易乔赖文樊兰殷施温颜芦葛安倪章鲁俞聂关洪左柏岳"
)
"""The surnames of nine in ten people, the commonest first."""

TITLES = ("先生", "女士", "小姐", "老师", "经理", "主任", "工程师", "师傅", "总", "同学", "阿姨")
"""What follows a surname."""
