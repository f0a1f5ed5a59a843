"""E-mail addresses that sites hide from machines, put into attributes or scripts, or only seem to show."""

from __future__ import annotations

import base64
import codecs

import pytest

from extraction.extractors import emails

PLAIN = "kontor@fjellvik.no"
UMLAUTS = "bäckerei-söhnke.de".encode("idna").decode()


def found(page):
    return {finding.value for finding in emails.find(page)}


def in_base64(text):
    return base64.b64encode(text.encode()).decode()


def in_hex(text, key=0x5A):
    return bytes([key, *(byte ^ key for byte in text.encode())]).hex()


def typo3(text, key):
    runs = ((0x2B, 0x3A), (0x40, 0x5A), (0x61, 0x7A))

    def turned(sign):
        for first, last in runs:
            if first <= ord(sign) <= last:
                return chr(first + (ord(sign) - first + key) % (last - first + 1))
        return sign

    return "".join(map(turned, text))


REFERENCES = "".join(f"&#{ord(sign)};" for sign in PLAIN)
PERCENT = "".join(f"%{ord(sign):02x}" for sign in PLAIN)
JOOMLA = """<script>
<!--
var prefix = '&#109;a' + 'i&#108;' + '&#116;o'; var addy7 = 'k&#111;ntor' + '&#64;';
addy7 = addy7 + 'fj&#101;llvik' + '&#46;' + 'no';
document.write('<a ' + 'href=' + '\\'' + prefix + ':' + addy7 + '\\'>');
//-->
</script>"""
CHARACTERS = ",".join(str(ord(sign)) for sign in PLAIN)
CODES = ",".join(str(ord(sign)) for sign in f'<a href="mailto:{PLAIN}">x</a>')


@pytest.mark.parametrize(
    "markup",
    [
        # references and percent signs
        f"<p>{REFERENCES}",
        f'<a href="mailto:{PERCENT}">x</a>',
        f'<a href="&#109;ailto:{REFERENCES}">x</a>',
        # backwards, by data or by CSS
        f'<a href="#" data-unscramble="{PLAIN[::-1]}">show</a>',
        f'<p>Mail: <span style="unicode-bidi:bidi-override;direction:rtl">{PLAIN[::-1]}</span>',
        f'<bdo dir="rtl">{PLAIN[::-1]}</bdo>',
        f'<a href="mailto:{PLAIN[::-1]}">x</a>',
        # ROT13, base64, hexadecimal, one over the other
        f'<a data-enc-email="{codecs.encode("kontor[at]fjellvik.no", "rot13")}">x</a>',
        f'<a data-email="{codecs.encode(PLAIN, "rot13")}">x</a>',
        f'<a data-mail-encoded="{in_base64(PLAIN)}">x</a>',
        f'<a data-email-b64="{in_base64("mailto:" + PLAIN)}">x</a>',
        f'<a data-email-b64="{in_base64(PLAIN[::-1])}">x</a>',
        f'<a data-cloaked="{PLAIN.encode().hex()}">x</a>',
        f'<span data-cfemail="{in_hex(PLAIN + "?subject=Hei").upper()}">[email&#160;protected]</span>',
        f'<a href="/cdn-cgi/l/email-protection#{in_hex(PLAIN)}">x</a>',
        # TYPO3, CryptX
        f"<a href=\"javascript:linkTo_UnCryptMailto('{typo3('mailto:' + PLAIN, 2)}');\">x</a>",
        f'<a href="javascript:linkTo_UnCryptMailto(%27{typo3("mailto:" + PLAIN, -3)}%27);">x</a>',
        f'<a href="#" data-mailto-token="{typo3("mailto:" + PLAIN, 7)}" data-mailto-vector="7">x</a>',
        f"<a href=\"javascript:DeCryptX('{''.join(chr(ord(sign) + 1) for sign in PLAIN)}')\">x</a>",
        f"<a href=\"javascript:DeCryptX('{''.join('2' + chr(ord(sign) + 2) for sign in PLAIN)}')\">x</a>",
        # Joomla
        f'<joomla-hidden-mail first="{in_base64("kontor")}" last="{in_base64("fjellvik.no")}"></joomla-hidden-mail>',
        JOOMLA,
        # in parts
        '<a data-user="kontor" data-domain="fjellvik.no">x</a>',
        '<a data-name="kontor" data-domain="fjellvik" data-tld="no" onclick="mailTo(this)">x</a>',
        '<a data-user="rotnok" data-website="on.kivllejf">x</a>',
        # simple scripts
        "<a onclick=\"location.href='mailto:' + 'kontor' + '@' + 'fjellvik.no'\">x</a>",
        "<script>var u = 'kontor', h = 'fjellvik.no'; document.write(u + '@' + h)</script>",
        "<script>var m = 'kontor'; m += '\\x40'; m += location.hostname; show(m);</script>",
        f"<script>document.write(String.fromCharCode({CODES}))</script>",
        f"<script>var codes=[{CHARACTERS}]; for (c of codes) s += String.fromCharCode(c)</script>",
        f"<script>el.href = atob('{in_base64('mailto:' + PLAIN)}')</script>",
        f"<script>x.innerHTML = '{PLAIN[::-1]}'.split('').reverse().join('')</script>",
        "<script>x.textContent = ['kontor', 'fjellvik.no'].join('@')</script>",
        "<script>x.href = 'mailto:kontor[at]fjellvik.no'.replace('[at]', '@')</script>",
        "<script>x.href = 'mailto:kontor[at]fjellvik.no'.replace(/\\[at\\]/g, '@')</script>",
        f"<script>document.write(unescape('{PERCENT}'))</script>",
        f"<script>rot13('{codecs.encode('mailto:' + PLAIN, 'rot13')}')</script>",
        "<script>writeMail('kontor', 'fjellvik', 'no')</script>",
        "<SCRIPT>sendmail('fjellvik.no', 'kontor')</SCRIPT>",
        f'<script>window.site = {{"email": "{PLAIN}"}}</script>',
        # attributes and fall-backs
        f'<img src="m.gif" alt="{PLAIN}">',
        f'<abbr title="Skriv til {PLAIN}">post</abbr>',
        f'<button aria-label="Mail: {PLAIN}">x</button>',
        f'<div data-props=\'{{"contact": "{PLAIN}"}}\'></div>',
        f'<map><area shape="rect" href="mailto:{PLAIN}?subject=Hei" alt="Mail"></map>',
        f"<noscript><p>Skriv til <b>{PLAIN}</b></p></noscript>",
        # links as people write them
        f'<a href="{PLAIN}">x</a>',
        f'<a href="http://mailto:{PLAIN}">x</a>',
        f'<a href="mail:{PLAIN}">x</a>',
        '<a href="mailto:kontor(at)fjellvik.no">x</a>',
        # spelled, also before the sign
        "<p>kontor (at) fjellvik (dot) no",
        "<p>kontor [ät] fjellvik [punkt] no",
        "<p>kontor(arroba)fjellvik(punto)no",
        "<p>kontor [chiocciola] fjellvik [punto] no",
        "<p>kontor [arobase] fjellvik [point] no",
        "<p>kontor (apenstaartje) fjellvik (punt) no",
        "<p>kontor (małpa) fjellvik (kropka) no",
        "<p>kontor<i class='fa fa-at'></i>fjellvik.no",
        "<p>kontor _at_ fjellvik _dot_ no",
        "<p>kontor *at* fjellvik.no",
        "<p>kontor＠fjellvik．no",
        "<p>kontor (zavináč) fjellvik (tečka) no",
        "<p>kontor (snabel-a) fjellvik (prikk) no",
        "<p>kontor(собака)fjellvik(точка)no",
        "<p>kontor &lt;at&gt; fjellvik.no",
        "<p>5041 XY___kontor(@)fjellvik.no___+47",
        "<p>kontor@fjellvik[dot]no",
        "<p>kontor＠fjellvik.no",
        'kontor<img src="at.png" alt="@">fjellvik.no',
        "<p>kontor@NOSPAM.fjellvik.no",
        "<p>kontorREMOVETHIS@fjellvik.no",
        "<p>kont&shy;or@fjell&#8203;vik.no",
        "<p>kontor<!-- x -->@<wbr>fjellvik.no",
    ],
)
def test_a_hidden_address_is_read(document, markup):
    assert found(document(f"<body><p>Fjellvik</p>{markup}", domain="fjellvik.no")) == {PLAIN}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ina[dot]berg[at]fjellvik[dot]no", "ina.berg@fjellvik.no"),
        ("ina (punkt) berg (at) post (punkt) fjellvik (punkt) no", "ina.berg@post.fjellvik.no"),
        ("ina at fjellvik dot co dot uk", "ina@fjellvik.co.uk"),
    ],
)
def test_dots_are_spelled_before_and_behind_the_sign(document, text, expected):
    assert found(document(f"<p>{text}")) == {expected}


@pytest.mark.parametrize(
    "markup",
    [
        "<p>E-Mail: post@bäckerei-söhnke.de",
        '<a href="mailto:post@b%C3%A4ckerei-s%C3%B6hnke.de">x</a>',
        "<p>post (at) bäckerei-söhnke.de",
        f"<p>post@{UMLAUTS}",
    ],
)
def test_an_international_domain_is_given_as_dns_spells_it(document, markup):
    assert found(document(markup)) == {f"post@{UMLAUTS}"}


def test_other_scripts_end_an_address(document):
    assert found(document("<p>邮箱post@fjellvik.com电话 123, お問い合わせ：info@fjellvik.jpまで")) == {
        "post@fjellvik.com",
        "info@fjellvik.jp",
    }


@pytest.mark.parametrize(
    "markup",
    [
        'kontor<span style="display:none">nospam</span>@fjellvik.no',
        'kontor@<b style="display: none">null.</b>fjellvik.no',
        "kontor<i hidden>xyz</i>@fjellvik.no",
        "<style>.hp { color: red; display: none }</style>kontor<span class=hp>x</span>@fjellvik.no",
        '<p>kontor@fjellvik.no</p><a style="display:none" href="mailto:trap@fjellvik.no">x</a>',
        '<p>kontor@fjellvik.no <span style="visibility:hidden">trap@fjellvik.no</span></p>',
    ],
)
def test_a_hidden_decoy_is_never_glued_in(document, markup):
    assert found(document(f"<body><p>Mail: {markup}</p>", domain="fjellvik.no")) == {PLAIN}


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="/i/hero@2x.png" alt="hero@2x.zip" title="team@3x.photo">',
        '<script>init({dsn: "https://9f8e7d6c5b4a39281706f5e4d3c2b1a0@o77.ingest.sentry.io/5"})</script>',
        '<script>init({dsn: "https://public@errors.fjellvik.no/5"})</script>',
        '<script>var theme = {author: "maker@themes-of-others.com"}</script>',
        "<script>/* by maker@fjellvik.no */ // maker@fjellvik.no\n</script>",
        "<script>var a = 'kontor' + '@' + unknown() + '.no'</script>",
        '<input placeholder="navn@fjellvik.no"><input type=hidden value="kontor@fjellvik.no">',
        "<p>ihre.adresse@fjellvik.no, vorname.nachname@fjellvik.no, post@ihre-domain.de",
        "<p>votre.nom@fjellvik.no, info@votredomaine.fr, jouwnaam@fjellvik.no, hallo@voorbeeld.nl",
        '<script src="https://cdn.fjellvik.no/npm/swiper@8.4.min.js"></script><p>npm i swiper@8.4.7',
        '<a data-user="17" data-domain="x">x</a><a data-email="true" data-host="fjellvik.no">x</a>',
        '<a data-cfemail="5a091517171f081a090e1f0814">x</a><a data-mail="bm8gYWRkcmVzcw==">x</a>',
        "<p>See us [at] www.fjellvik.no, more info at fjellvik.no",
        '<a href="https://kart.no/@59.9,10.7">x</a><a href="https://sosial.no/@fjellvik.no">x</a>',
        "<!-- old: kontor@fjellvik.no --><p>x",
    ],
)
def test_what_only_looks_like_an_address(document, markup):
    assert found(document(f"<body><p>Fjellvik</p>{markup}", domain="fjellvik.no")) == set()


def test_of_several_readings_one_on_the_own_domain_counts(document):
    """ROT13 turns `.se` into `.fr`, a domain as good as any."""
    cloaked = codecs.encode("post@havsro.se", "rot13")
    assert cloaked.endswith(".fr")
    assert found(document(f'<a data-mail="{cloaked}">x</a>', domain="havsro.se")) == {"post@havsro.se"}
