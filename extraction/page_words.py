"""The words by which sites name their pages, in the languages we meet most: one table for each kind of page.

All entries are lower case and folded (`fold`): no accents, ß as ss, ø as o. Umlauts therefore occur in both
spellings that addresses use, `uber uns` and `ueber uns`. `PHRASES` must be met as whole words, `STEMS` may
begin a word (`kontaktformular`), `CHARACTERS` may stand anywhere (scripts that write no spaces).
"""

from __future__ import annotations

import re
import unicodedata

#: Kinds of pages worth having for a lead, most telling first.
KINDS = ("contact", "imprint", "about", "team", "careers", "pricing", "products")

_PHRASES = {
    "contact": """
        contact|contact us|contacts|contactus|get in touch|reach us|find us|locations|offices|kontakt|kontakte
        |kontaktieren sie uns|anfahrt|standorte|nous contacter|contactez nous|nous trouver|contacto|contactanos
        |contactenos|contatti|contattaci|dove siamo|sedi|contactgegevens|neem contact op|contato|contactos
        |contate nos|fale conosco|napisz do nas|kontakta oss|kontakt oss|kontakt os|kontaktujte nas|ota yhteytta
        |yhteystiedot|kapcsolat|iletisim|kontakty|контакты|контакти|επικοινωνια
        |contact details|talk to us|contacto y ubicacion|contactenos|fale connosco|contacte nos|contacte|contacta ns
        |skontaktuj sie z nami|skontaktuj sie|kontakt z nami|napiste nam|kontaktni informace|elerhetoseg
        |elerhetosegek|elerhetosegeink|kapcsolatfelvetel|contactati ne|date de contact|за контакти|връзка с нас
        |bize ulasin|bize yazin|iletisim bilgileri|связаться с нами|свяжитесь с нами|обратная связь|зв язатися з нами
        |зв яжіться з нами|звязатися з нами|ta kontakt|ta kontakt med oss|kontakta|kontaktuppgifter|kontaktinfo
        |kontaktandmed|vota uhendust|kontaktid|sazinies ar mums|sazinieties ar mums|kontakti|susisiekite|kontaktai
        |kontaktirajte nas|lien he|hubungi kami|dean teagmhail linn|wegbeschreibung|lageplan
        |so finden sie uns|so erreichen sie uns|plan d acces|como llegar|donde estamos|ons bereiken
        |find vej|hitta hit""",
    "imprint": """
        imprint|impressum|legal notice|legal notices|legal information|legal info|company information
        |mentions legales|informations legales|aviso legal|informacion legal|note legali|informazioni legali
        |dati societari|colofon|bedrijfsgegevens|informacoes legais|nota prawna|dane firmy|rattslig information
        |juridisk information|virksomhedsoplysninger|firmadaten|anbieterkennzeichnung|legal
        |company details|legal details|terms and legal|legal and privacy|rechtliches|pflichtangaben|offenlegung
        |rechtliche hinweise|rechtliche angaben|rechtlicher hinweis|dati aziendali|dati legali|dane rejestrowe|реквизиты
        |реквізити|impresszum|ceginformacio|cegadatok|impresum|impressum datenschutz|pravni informace|pravne informacie
        |pravne obavijesti|informatii legale|date firma|informacao legal|termos legais|virksomhedsinformation
        |foretagsinformation|firmainformasjon|yritystiedot|rekisteriseloste|kunye|yasal bilgiler|yasal uyari
        |νομικες πληροφοριες""",
    "about": """
        about|about us|aboutus|who we are|our story|our company|company|our history|history|profile|company profile
        |uber uns|ueber uns|uber mich|ueber mich|wir uber uns|wir ueber uns|unternehmen|firma|das unternehmen|profil
        |firmengeschichte|geschichte|a propos|qui sommes nous|notre histoire|entreprise|societe|la societe
        |l entreprise|sobre nosotros|quienes somos|nosotros|la empresa|empresa|nuestra historia|acerca de
        |chi siamo|azienda|l azienda|la nostra storia|over ons|over mij|wie zijn wij|wie we zijn|ons verhaal
        |sobre nos|quem somos|a empresa|sobre|o nas|o firmie|o spolecnosti|om oss|om os|om foretaget|om
        |hvem er vi|virksomheden|yritys|meista|rolunk|hakkimizda|despre noi|о компании|о нас|про нас""",
    "team": """
        team|our team|the team|meet the team|our people|people|leadership|management|management team|staff|board
        |unser team|das team|mitarbeiter|ansprechpartner|geschaftsfuhrung|geschaeftsfuehrung|notre equipe|equipe
        |l equipe|direction|equipo|nuestro equipo|il team|il nostro team|lo staff|ons team|medewerkers
        |nossa equipe|a equipa|equipa|zespol|nasz zespol|vart team|medarbetare|medarbejdere|vores team
        |ansatte|henkilosto|nas tym""",
    "careers": """
        careers|career|jobs|job|join us|join our team|vacancies|work with us|work for us|open positions|we are hiring
        |hiring|karriere|stellenangebote|stellen|offene stellen|jobs karriere|ausbildung|arbeiten bei uns|carrieres
        |carriere|recrutement|nous rejoindre|rejoignez nous|emploi|emplois|trabaja con nosotros|empleo|carreras
        |lavora con noi|carriera|posizioni aperte|werken bij|vacatures|vacature|trabalhe conosco|carreiras
        |recrutamento|kariera|praca|oferty pracy|karriar|lediga jobb|jobba hos oss|jobba|ledige stillinger|ledige jobs
        |job og karriere|tyopaikat|rekry|avoimet tyopaikat|kariyer|вакансии""",
    "pricing": """
        pricing|prices|price list|plans|plans and pricing|rates|fees|preise|preisliste|tarife|kosten|tarifs|tarif
        |nos tarifs|prix|precios|tarifas|prezzi|listino prezzi|tariffe|prijzen|tarieven|precos|planos|cennik|ceny
        |priser|prislista|prisliste|hinnat|hinnasto|fiyatlar|arak|preturi|цены""",
    "products": """
        products|product|our products|services|our services|solutions|what we do|shop|store|catalog|catalogue
        |offerings|produkte|produkt|leistungen|unsere leistungen|dienstleistungen|losungen|loesungen|sortiment
        |angebot|produits|nos produits|nos services|prestations|productos|servicios|soluciones|prodotti|servizi
        |soluzioni|producten|diensten|oplossingen|produtos|servicos|solucoes|produkty|uslugi|oferta|rozwiazania
        |produkter|tjanster|losningar|ydelser|tjenester|tuotteet|palvelut|termekek|urunler|hizmetler|sluzby
        |продукция|услуги""",
}

#: Beginnings that say the kind whatever follows. Short ones would match other words: none is under seven letters.
STEMS = (
    ("kontaktform", "contact"),
    ("contactform", "contact"),
    ("impressum", "imprint"),
    ("ueberuns", "about"),
    ("uberuns", "about"),
    ("quisommes", "about"),
    ("quienessomos", "about"),
    ("chisiamo", "about"),
    ("overons", "about"),
    ("ansprechpartner", "team"),
    ("stellenangebot", "careers"),
    ("stellenausschreib", "careers"),
    ("jobangebot", "careers"),
    ("karriere", "careers"),
    ("recruit", "careers"),
    ("preislist", "pricing"),
    ("dienstleistung", "products"),
)

CHARACTERS = (
    ("お問い合わせ", "contact"),
    ("お問合せ", "contact"),
    ("联系我们", "contact"),
    ("聯絡我們", "contact"),
    ("문의", "contact"),
    ("問合", "contact"),
    ("联系方式", "contact"),
    ("联络我们", "contact"),
    ("聯繫我們", "contact"),
    ("연락처", "contact"),
    ("오시는길", "contact"),
    ("오시는 길", "contact"),
    ("اتصل بنا", "contact"),
    ("تواصل معنا", "contact"),
    ("تماس با ما", "contact"),
    ("צור קשר", "contact"),
    ("יצירת קשר", "contact"),
    ("ติดต่อเรา", "contact"),
    ("संपर्क", "contact"),
    ("사업자정보", "imprint"),
    ("特定商取引", "imprint"),
    ("会社概要", "about"),
    ("会社案内", "about"),
    ("企業情報", "about"),
    ("关于我们", "about"),
    ("關於我們", "about"),
    ("회사소개", "about"),
    ("採用", "careers"),
    ("招聘", "careers"),
    ("채용", "careers"),
    ("料金", "pricing"),
    ("製品", "products"),
    ("产品", "products"),
)

#: Sections whose pages are articles: a word in their titles says nothing about the page.
ARTICLES = frozenset(
    "blog blogs news newsroom press presse article articles artikel aktuelles actualites noticias notizie nieuws "
    "noticia story stories post posts insights magazine magazin events event tag tags category author archive "
    "wiki forum faq help support docs podcast".split()
)

#: Pages that hold nothing about a company and are never asked for.
NEVER = frozenset(
    "login logout signin signup register cart checkout basket warenkorb panier anmelden wp-login wp-admin admin "
    "account my-account mein-konto wishlist compare search suche print rss feed xmlrpc cgi-bin".split()
)

#: Where sites of a language have such pages when no link says so, the likeliest first.
WELL_KNOWN: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {"contact": ("/contact", "/contact-us")},
    "de": {"imprint": ("/impressum",), "contact": ("/kontakt",)},
    "fr": {"contact": ("/contact",), "imprint": ("/mentions-legales",)},
    "es": {"contact": ("/contacto",), "imprint": ("/aviso-legal",)},
    "it": {"contact": ("/contatti",)},
    "nl": {"contact": ("/contact",)},
    "pt": {"contact": ("/contato", "/contacto")},
    "pl": {"contact": ("/kontakt",)},
    "cs": {"contact": ("/kontakt", "/kontakty")},
    "sk": {"contact": ("/kontakt", "/kontakty")},
    "sv": {"contact": ("/kontakt", "/kontakta-oss")},
    "da": {"contact": ("/kontakt",)},
    "no": {"contact": ("/kontakt", "/kontakt-oss")},
    "fi": {"contact": ("/yhteystiedot",)},
    "hu": {"contact": ("/kapcsolat",)},
    "ro": {"contact": ("/contact",)},
    "tr": {"contact": ("/iletisim",)},
    "ru": {"contact": ("/contacts", "/kontakty")},
}
WELL_KNOWN |= {"nb": WELL_KNOWN["no"], "nn": WELL_KNOWN["no"]}

#: The language of a site that does not say it, by the ending of its domain.
WELL_KNOWN_BY_DOMAIN = {ending: ending for ending in "de fr es it nl pt pl sk no fi hu ro ru tr".split()}
WELL_KNOWN_BY_DOMAIN |= {"at": "de", "ch": "de", "li": "de", "be": "nl", "mx": "es", "ar": "es", "br": "pt"}
WELL_KNOWN_BY_DOMAIN |= {"cz": "cs", "se": "sv", "dk": "da"}

PHRASES: dict[str, str] = {}
for _kind, _text in _PHRASES.items():
    for _phrase in _text.split("|"):
        PHRASES.setdefault(" ".join(_phrase.split()), _kind)

_FOLD = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "ł": "l", "đ": "d", "ı": "i", "œ": "oe"})
_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Lower case without accents."""
    text = text.lower()
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKD", text.translate(_FOLD))
    return "".join(c for c in text if not unicodedata.combining(c))


def words_of(text: str) -> list[str]:
    """The words of a folded text."""
    return _WORD.findall(text)


#: `CHARACTERS` as they stand in a folded text: voiced kana, Hangul and vowel signs are not written so there.
FOLDED_CHARACTERS = tuple((fold(signs), kind) for signs, kind in CHARACTERS)
