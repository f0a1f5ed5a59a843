"""What is said where names stand, and is none: greetings around a name, titles of pages, placeholders, credits."""

from __future__ import annotations

import re

from extraction.extractors.legal_forms import has_form
from extraction.line_cache import cached_by_line
from extraction.page_words import CHARACTERS, PHRASES, fold, words_of
from extraction.scan import Hints
from extraction.text import clean

#: Longest name believed, characters, and most words in it.
MAX_NAME = 90
MAX_WORDS = 9

_CJK = r"\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3"
#: A sentence's end, that is none of an abbreviation within a name: `St. Mary's`, `Gebr. de Wit`, `A. Bakker`.
_SENTENCE = (
    "".join(
        rf"(?<!\b{word})"
        for word in "St Ste Sta Dr Mr Mrs Ms Mt Ft Jr Sr Fa Fam Prof Gebr Bros Burg Ing Dipl Inh".split()
    )
    + r"(?<!\b\w)\.\s+(?=[A-Z])"
)
_SEPARATOR = re.compile(
    r"\s+[|–—―·•»«>/~:→]+\s+|\s+-{1,2}\s+|\s*[|｜»•·∣]\s*|\s*::\s*|:\s+|\s+[–—]\s*|,\s+(?=[A-Z]|(?:uw|je|jouw|dé|hét|de|het|your|the|an?|ihre?|votre|vos|su|tu|il|voor|für|for|pour|per|para|din|dit|specialist|since|"
    rf"sinds|seit|depuis|desde|dal)\s)|{_SENTENCE}"
    rf"|[【】〖〗「」]|(?<=[{_CJK}])\s*[-_—–：]\s*|\s*[-_—–]\s*(?=[{_CJK}])"
)
#: What parts a name from what is said behind it; commas and dots are within names.
_BAR = re.compile(rf"\s+[|–—·•»:-]+\s+|\s*[|｜]\s*|:\s+|[【】]|(?<=[{_CJK}])\s*[-_—–：]\s*")
#: Words that titles of pages are made of in many languages, beside those of `page_words`; folded.
_TITLE_WORDS = frozenset(
    "home homepage start startseite startpagina accueil inicio inici pocetna pagina principal hem forside hjem "
    "etusivu uvod uvodni stranka kezdolap fooldal ana sayfa acasa prima strona glowna domu welcome willkommen "
    "bienvenue bienvenido bienvenidos benvenuti bem vindo welkom witamy valkommen velkommen index main page our "
    "us the of and und et y e i en og och to we you my me news aktuelles actualites noticias notizie nieuws "
    "aktualnosci nyheter nyheder ajankohtaista aktuality hirek haberler blog gallery galerie galeria galleria "
    "fotos photos bilder foto login anmelden datenschutz datenschutzerklarung agb privacy policy cookie cookies "
    "terms conditions faq sitemap search suche reviews testimonials referenzen references referenties portfolio "
    "projects projekte projekty projets shop store online opening hours offnungszeiten openingstijden horaires "
    "orari horario anfahrt directions route map unsere unser unseren wir uber ueber uns nos notre nous sur les "
    "des le la il lo ons onze wij wat doen nasze nasza vara vart om oss os vores vare menu speisekarte carte "
    "menukaart impressum kontakt contact service services leistungen angebot angebote offers offres "
    "aanbiedingen promotions events veranstaltungen jobs karriere free quote request get a in for book now "
    "appointment termin buchen reservierung reservation download downloads video videos links partner partners "
    "customers kunden clients klanten more info information informationen informatie legal notice mentions "
    "legales aviso privacidad politica de error 404 not found here главная контакты контакти о нас компании "
    "algemene voorwaarden leveringsvoorwaarden winkelwagen klantenservice prijslijst prijzen tarieven agenda "
    "gastenboek guestbook fotoalbum sponsors leden acties assortiment collectie werkzaamheden offerte aanvragen "
    "formulier contactformulier routebeschrijving bereikbaarheid informatie profiel historie geschiedenis "
    "disclaimer colofon contactgegevens adresgegevens agb widerruf versand zahlung kontaktformular gastebuch "
    "sprechzeiten preise conditions generales plan site tarifs condiciones termini condizioni cookiebeleid "
    "privacyverklaring vacatures medewerkers inschrijven aanmelden nieuwsbrief newsletter winkel webshop "
    "openingsuren afspraak maken overview overzicht ubersicht "
    "услуги новости каталог головна про послуги αρχικη επικοινωνια σχετικα με εμας υπηρεσιες".split()
)
#: Of those words the ones that no name begins or ends with.
_PAGES = frozenset(
    "contact contacts kontakt contacto contatti contato contactgegevens kontaktdaten openingstijden openingsuren "
    "bereikbaarheid route routebeschrijving anfahrt impressum imprint disclaimer colofon homepage website webseite "
    "home startseite startpagina accueil inicio uber over about offnungszeiten horaires agb datenschutz privacy".split()
)
_TITLES_OF_PAGES = frozenset(
    "ホーム トップページ トップ アクセス ブログ お知らせ 会社情報 会社概要 お問い合わせ お問合せ 採用情報 "
    "サービス 製品情報 事業内容 ごあいさつ 首页 首頁 主页 关于我们 關於我們 联系我们 聯絡我們 聯繫我們 产品 "
    "产品中心 产品展示 新闻中心 公司简介 公司簡介 服务 案例 在线留言 홈 회사소개 문의하기 문의 오시는길 "
    "제품소개 제품 서비스 공지사항 고객센터 갤러리".split()
)
_PLACEHOLDER = re.compile(
    r"^(?:your|my|mein|meine|ihr|ihre|votre|mon|su|mi|tu|il mio|mijn|uw|moja|min|name of|the|sample|demo|test|example|"
    r"new|a|site)?[\s_-]?(?:company|business|firm|shop|store|web ?shop|site|website|web|firmen?|unternehmen|entreprise|"
    r"empresa|organi[sz]ation|brand|blog|webseite|sitio|sito|strona|wix ?site|homepage|sida|negocio|bedrijf|firma)"
    r"[\s_-]?(?:names?|titles?|logo|here|slogan|1|ltd|inc|gmbh)?$|^lorem ipsum|^(?:untitled|unbenannt|sans titre|senza "
    r"titolo|documento sin titulo|default|new page|neue seite|coming soon|under construction|copyright.*|"
    r"all rights? reserved|rights reserved|reserved|tagline|slogan|page not found|seite nicht gefunden|none|null|"
    r"undefined|n/a|organization|template|theme|"
    r"localhost|sitename|mysite|mywebsite|admin|administrator|webmaster|user|root|editor)(?:[\s_-]?\d+|"
    r"[\s_-]document.*)?$|^(?:just another|eine weitere|ein weiterer|un altro|otro sitio|un site utilisant|nog een|"
    r"kolejna witryna|mais um) .{0,20}wordpress|^©",
    re.IGNORECASE,
)
#: Pictures' names and words for them: `cropped-logo-2.png`, `header_neu`, `IMG 0123`.
_PICTURE = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|bmp)$|^(?:cropped|img|dsc|image|bild|foto|photo|picture|screenshot)[\s_-]*\d|^cropped"
    r"|[a-z0-9]_[a-z0-9]|^[\da-f-]{8,}$|\d{5,}"
    r"|^(?:site|main|the|company|header|footer|white|black|small|mobile|default|brand|firmen|unser)?[\s_-]*"
    r"(?:logo|logotyp[eo]?|header|footer|banner|slide|slider|image|bild|icon|brand|background|picture|photo|menu|close|"
    r"arrow|spacer|loading|kopfbild|titelbild|headerbild)[\s_-]*(?:\d{1,3}|white|black|weiss|small|image|bild|neu|new|"
    r"retina|mobile|dark|light|2x)?$",
    re.IGNORECASE,
)
#: Names that stand on many companies' pages: means of payment, platforms, makers and themes of sites.
OTHERS = frozenset(
    "visa mastercard paypal klarna amex americanexpress maestro sepa applepay googlepay giropay sofort ideal "
    "bancontact dhl ups dpd gls hermes fedex trustedshops trustpilot google facebook instagram twitter x "
    "youtube linkedin pinterest tiktok whatsapp xing tripadvisor yelp provenexpert kununu cookiebot "
    "usercentrics borlabs cookieyes iubenda wordpress wix jimdo shopify elementor woocommerce googlemaps "
    "openstreetmap adobe microsoft apple appstore googleplay recaptcha bbb houzz checkatrade trustmark wixcom "
    "godaddy squarespace weebly webnode strato ionos blogger joomla drupal typo3 prestashop magento webflow "
    "astra divi avada enfold flatsome oceanwp generatepress neve kadence storefront betheme salient "
    "twentytwenty twentytwentyone twentytwentytwo twentytwentythree twentytwentyfour helloelementor bootstrap "
    "bootstrapmade colorlib html5up themeforest".split()
)
_GREETINGS = (
    r"(?:(?:terug|zurück|back|go|ga|link|return|retour|volver|torna|vers)\s)*(?:naar|zur|zum|to|à|al|alla|a)\s"
    r"(?:(?:the|de|la)\s|l')?(?:home ?page|start ?page|home|startpagina|startseite|website|accueil|page d'accueil"
    r"|inicio)(?:\s(?:of|van|von|der|de|di|du))?|"
    r"welcome to|home of|visit|about|contact"
    r"|(?:herzlich )?willkommen (?:bei|auf|im|in|zu|beim|zur)(?: (?:der|dem|den|unserer?))?"
    r"|(?:soyez les? |soyez la )?bienvenue?s? (?:chez|sur|à|au)|bienvenid[oa]s? (?:a|al|en)"
    r"|benvenut[oi] (?:su|sul|da|in|al|alla|a)|bem[- ]vindos? (?:à|ao|a|ás|às)|(?:hartelijk )?welkom (?:bij|op|in)"
    r"|witamy (?:w|na|we)|välkommen till|velkommen til|tervetuloa|vítejte (?:na|v|u)|üdvözöl(?:jük|i)? (?:a|az)"
    r"|добро пожаловать (?:в|на)|ласкаво просимо (?:до|на)|καλώς ήρθατε στ[οη]ν?|ようこそ"
)
_SITE = (
    r"(?:(?:the|der|die|den|das|dem|la|le|el|il|o|a|de|onze|unserer?|our|notre)\s)?"
    r"(?:official|offizielle[nrs]?|officiële)?\s?"
    r"(?:web ?site|web ?page|web ?seite|homepage|home page|internetseite|internetauftritt|site web|site|page|sitio web"
    r"|sito web|sito|strona|strony|online[- ]?shop|web ?shop)\s"
    r"(?:of|der|des|von|vom|de la|de l'|de|du|di|del|della|van|do|da|firmy|för|for)\s(?:(?:the|firma)\s)?"
)
_BEFORE = re.compile(rf"^(?:(?:{_GREETINGS})\s+(?:the\s)?(?:{_SITE})?|{_SITE})", re.IGNORECASE)
_BEHIND = re.compile(
    r"[\s–—|-]+(?:(?:the\s)?official|offizielle[rs]?|officiële|ufficiale|oficial|officiel(?:le)?)?\s*"
    r"(?:web ?site|web ?page|web ?seite|homepage|home page|internetseite|site officiel|"
    r"sito ufficiale|sitio oficial|site oficial|公式サイト|"
    r"公式ホームページ|公式|ホームページ|官网|官方网站|공식 ?홈페이지)$|^(?:公式)$",
    re.IGNORECASE,
)
#: Words of greetings, some of which lines have that name who bids welcome.
WELCOMES = Hints(
    "welcom willkommen bienven benvenut bem-vind bem vind welkom witamy välkommen velkommen tervetuloa vítejte üdvözöl "
    "добро ласкаво καλώς ようこそ välkomna".split()
)
_BIDS = re.compile(
    r"(.{3,60}?)\s(?:heet (?:u|je|jullie) (?:van )?(?:harte )?welkom|heißt sie (?:herzlich )?willkommen|welcomes you"
    r"|vous souhaite la bienvenue|(?:le|les|os|te) da la bienvenida|vi dà il benvenuto"
    r"|(?:önskar|hälsar) (?:dig|er|alla) välkom|byder (?:dig|jer|alle) velkommen|ønsker (?:deg|dere|alle) velkommen)",
    re.IGNORECASE,
)
#: Where a name within a sentence ends.
_NAME_ENDS = re.compile(
    r"[!?;:|•·…]|,\s|\.\s|\.$|\s[–—-]\s|\s(?:in|te|at|where|waar|wo|où|is|ist|est|the|de|het|uw|your|ihr\w{0,2}|votre)\s(?=[a-z])"
    r"|\s(?:in|te|aus|uit)\s(?=[^\W\d_]{3,20}$)"
)
_SITES = (
    "site",
    "page",
    "seite",
    "officiel",
    "ufficiale",
    "oficial",
    "公式",
    "サイト",
    "ページ",
    "网",
    "网站",
    "홈페이지",
)
_RUSSIAN_FORM = re.compile(
    r"^(?:ООО|ОАО|ЗАО|ПАО|НАО|АО|ИП|ТОВ|ПрАТ|ТОО|ЧП|ФОП)\s+[«\"„“]?([^«»\"„“”]{2,80})[»\"”“]?", re.IGNORECASE
)
_MARKS = re.compile(r"\s*[®™℠]|\s*\((?:R|TM|SM)\)")
_EDGES = " \t-–—|:;,·•\"'“”„«»®™©*!_/"
#: Who made a site, took its pictures or drew its map; before a sign of copyright.
CREDIT = re.compile(
    r"\b(?:web ?site|site|web ?design|design|template|theme|layout|photos?|fotos?|photography|images?|bilder"
    r"|bildnachweis|pictures?|icons?|map|maps|karten?(?:daten)?|kartographie|umsetzung|realisi?erung|gestaltung"
    r"|programmierung|konzept|text|texte|realisation|realisatie|réalisation|conception|création|realizzazione|diseño|realizacja|projekt|"
    r"powered|hosting|software|cms|video|illustrations?)\b[\s:&,.-]{0,4}(?:(?:by|von|und|and|&)\s?)?$",
    re.IGNORECASE,
)
#: The same before a name: `Webdesign Pixel Studio`.
CREDITED = re.compile(
    r"[\s–—|-]*(?:web ?site|site|web ?design|design|template|theme|layout|realisatie|realisation|réalisation"
    r"|realisi?erung|umsetzung|gestaltung|ontwerp|ontwikkeling|programmierung|realizzazione|diseño|realizacja|powered|hosting|made|built"
    r"|created|developed|designed|maintained)\s?(?:[:&-]\s?|by\s|von\s|door\s|par\s|da\s|por\s|(?=[A-ZÀ-Þ]))",
    re.IGNORECASE,
)
#: What makers of sites are called by.
CRAFT = re.compile(
    r"(?:web|inter)(?:design|desing|studio|media|site|sites|bureau|agentur|agency|works?|solutions?|net|active|aktiv)\b"
    r"|\bweb\b|\binternet\b|\bwww\b|\bdesigns?\b|\bdesigners?\b|\bgraphics?\b|\bhosting\b|\bwerbeagentur|\breclame|\bagence\b|\bagency\b"
    r"|\bmedia\b|\bmultimedia\b|\bpixels?\b|\binteractive\b|\bwebmaster|\bcommunicatie\b|\bdigital\b|\bcreative\b|\bsoftware\b|\bict\b|\bedv\b",
    re.IGNORECASE,
)
NOT_OWNERS = re.compile(
    r"^(?:google|openstreetmap|osm|mapbox|microsoft|here|geobasis|bkg|leaflet|maptiler|getty|istock|shutterstock|"
    r"fotolia|adobe ?stock|pixabay|unsplash|pexels|tomtom|teleatlas|wordpress|joomla|envato|theme)\b",
    re.IGNORECASE,
)


def segments(title: str) -> list[str]:
    """The parts of a title, at most eight."""
    return [part for part in _SEPARATOR.split(title) if part and part.strip()][:8]


def parts_of_name(name: str) -> list[str]:
    """A name that is written as a title is, parted; at most eight."""
    return [part for part in _BAR.split(name) if part and part.strip()][:8]


@cached_by_line
def tidy(text: str) -> str | None:
    """A text as a name: without greetings, marks and quotes; None where it can be none."""
    text = clean(text, 200).strip(_EDGES)
    text = _BEFORE.sub("", text)
    if text.lower().endswith(_SITES):
        text = _BEHIND.sub("", text)
    text = _MARKS.sub("", text).strip(_EDGES)
    if match := _RUSSIAN_FORM.match(text):
        text = match[1].strip()
    if text.endswith(".") and not has_form(text):
        text = text.rstrip(". ")
    if not 2 <= len(text) <= MAX_NAME or len(text.split()) > MAX_WORDS or _PLACEHOLDER.match(text):
        return None
    if "@" in text or "://" in text or not any(map(str.isalpha, text)) or text.lower().startswith("www."):
        return None
    return text


def bare_title(part: str) -> str:
    """A part of a title without the page's word at one of its ends: `Contact Acme Tools` → `Acme Tools`."""
    for sign in "/>":
        ends = [text for text in part.split(sign) if not is_page_title(text)]
        if len(ends) == 1:
            part = ends[0]
    words = part.split()
    while len(words) > 2 and fold(words[0]) in _PAGES:
        linked = len(words) > 3 and words[1].lower() in (
            "van",
            "von",
            "of",
            "de",
            "bij",
            "naar",
            "zu",
            "to",
            "met",
            "der",
        )
        words = words[2 if linked else 1 :]
    while len(words) > 2 and fold(words[-1]) in _PAGES:
        words = words[:-1]
    return " ".join(words)


def is_sentence(text: str) -> bool:
    """Whether most words of a text are small: a slogan rather than a name."""
    words = [word for word in text.split() if len(word) > 3 or not word.islower()]
    return len(text.split()) > 2 and 2 * sum(word[0].islower() for word in words) > len(words)


def welcomed(line: str) -> str | None:
    """The name in a line that bids welcome, where it has the look of one."""
    if (match := _BIDS.match(line)) is not None:
        text = match[1]
    elif (match := _BEFORE.match(line)) is not None:
        text = line[match.end() :]
    else:
        return None
    text = _NAME_ENDS.split(text, maxsplit=1)[0]
    words = [word for word in text.split() if len(word) > 3 or not word.islower()]
    if not words or not text[0].isalnum() or sum(word[0].islower() for word in words) * 2 > len(words):
        return None
    return None if is_page_title(text) else tidy(text)


@cached_by_line
def is_page_title(text: str) -> bool:
    """Whether a text is what any site calls its pages: `Kontakt & Anfahrt`, `Our services`, `会社概要`."""
    if text in _TITLES_OF_PAGES:
        return True
    folded = fold(text[:80])
    words = words_of(folded)
    if not words:
        return False
    if " ".join(words) in PHRASES or all(word in _TITLE_WORDS or word in PHRASES for word in words):
        return True
    return not text.isascii() and len(text) <= 12 and any(text.endswith(signs) for signs, _ in CHARACTERS)


def share_of_title_words(text: str) -> float:
    """Of a text's words those that titles of pages are made of."""
    words = words_of(fold(text[:300]))
    return sum(word in _TITLE_WORDS or word in PHRASES for word in words) / max(1, len(words))


def is_picture(alt: str) -> bool:
    """Whether a picture's text is its file's name, or says what is in it instead of a name."""
    return _PICTURE.search(alt) is not None or _LINKING.match(_BEFORE.sub("", alt)) is not None


#: What says where a picture leads: `link naar Bovag`.
_LINKING = re.compile(
    r"(?:link|naar|click|klik|klick|hier|zur?m?|ga|go|visit|besuchen|bezoek|voir|vers|lien|enlace|ir)\s"
    r"(?:naar|to|zur?m?|op|auf|here|hier|de|het|a|al|vers|our|us|on|uns|ons)\b",
    re.IGNORECASE,
)
