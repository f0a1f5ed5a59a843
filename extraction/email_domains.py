"""Mail providers where anyone may have an address: what tells a firm's own mail from a free mailbox."""

from __future__ import annotations

FREE = frozenset(
    "gmail.com googlemail.com yahoo.com yahoo.co.uk yahoo.de yahoo.fr yahoo.it yahoo.es yahoo.ca "
    "yahoo.com.au yahoo.com.br yahoo.co.in "
    "yahoo.co.jp ymail.com rocketmail.com hotmail.com hotmail.co.uk hotmail.de hotmail.fr hotmail.it "
    "hotmail.es outlook.com "
    "outlook.de outlook.fr live.com live.co.uk live.nl live.fr msn.com aol.com aim.com icloud.com "
    "me.com mac.com gmx.de gmx.net "
    "gmx.at gmx.ch gmx.com web.de t-online.de freenet.de arcor.de posteo.de mailbox.org online.de "
    "mail.com proton.me "
    "protonmail.com protonmail.ch tutanota.com tutanota.de tuta.io zoho.com yandex.ru yandex.com "
    "mail.ru bk.ru inbox.ru list.ru "
    "rambler.ru qq.com 163.com 126.com sina.com foxmail.com naver.com daum.net hanmail.net orange.fr "
    "wanadoo.fr free.fr "
    "laposte.net sfr.fr libero.it virgilio.it tiscali.it alice.it tin.it btinternet.com "
    "btopenworld.com sky.com talktalk.net "
    "virginmedia.com ntlworld.com blueyonder.co.uk comcast.net verizon.net att.net sbcglobal.net "
    "bellsouth.net cox.net "
    "charter.net earthlink.net rogers.com sympatico.ca shaw.ca telus.net bigpond.com bigpond.net.au "
    "optusnet.com.au xtra.co.nz "
    "ziggo.nl kpnmail.nl planet.nl hetnet.nl home.nl telenet.be skynet.be bluewin.ch uol.com.br "
    "bol.com.br terra.com.br "
    "rediffmail.com wp.pl o2.pl onet.pl interia.pl seznam.cz email.cz centrum.cz abv.bg ukr.net "
    "fastmail.com hey.com "
    "hushmail.com telia.com online.no".split()
)
