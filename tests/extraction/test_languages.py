"""The language of a company's pages: by their text, above all the home page's, against what templates declare."""

from __future__ import annotations

import pytest

from extraction.extractors import languages

#: Language → (what stands in its menus, a sentence).
SPOKEN = {
    "nl": (
        "Home Over ons Diensten Contact Openingstijden Tarieven Nieuws",
        "Welkom bij kapsalon Hier. Bel ons voor een afspraak, wij knippen dames en heren.",
    ),
    "de": (
        "Startseite Leistungen Über uns Kontakt Impressum Datenschutz",
        "Wir backen jeden Morgen Brot für die ganze Stadt und liefern auch nach Hause.",
    ),
    "en": (
        "Home About us Services Gallery Contact Blog",
        "We bake bread every morning for the whole town and deliver to your home.",
    ),
    "pl": (
        "Strona główna Oferta O nas Kontakt Polityka prywatności",
        "Codziennie rano pieczemy chleb dla całego miasta i dostarczamy do domu.",
    ),
    "fr": (
        "Accueil Nos services Qui sommes-nous Contact Mentions légales",
        "Nous cuisons le pain chaque matin pour toute la ville et nous livrons à domicile.",
    ),
    "it": (
        "Home Chi siamo Servizi Contatti Dove siamo",
        "Ogni mattina cuociamo il pane per tutta la città e consegniamo a domicilio.",
    ),
    "es": (
        "Inicio Nosotros Servicios Contacto Aviso legal",
        "Cada mañana horneamos pan para toda la ciudad y lo llevamos a su casa.",
    ),
    "pt": (
        "Início Sobre nós Serviços Contato",
        "Todas as manhãs assamos pão para toda a cidade e entregamos em sua casa.",
    ),
    "sv": ("Hem Om oss Tjänster Kontakta oss", "Vi bakar bröd varje morgon åt hela staden och levererar även hem."),
    "da": ("Forside Om os Ydelser Kontakt os", "Vi bager brød hver morgen til hele byen og leverer også hjem."),
    "nb": (
        "Hjem Om oss Tjenester Kontakt oss",
        "Vi baker brød hver morgen for hele byen og leverer også hjem til deg.",
    ),
    "fi": (
        "Etusivu Meistä Palvelut Yhteystiedot",
        "Leivomme leipää joka aamu koko kaupungille ja toimitamme myös kotiin.",
    ),
    "cs": ("Úvod O nás Služby Kontakt Ceník", "Každé ráno pečeme chléb pro celé město a rozvážíme ho až domů."),
    "hu": (
        "Kezdőlap Rólunk Szolgáltatások Kapcsolat",
        "Minden reggel kenyeret sütünk az egész városnak, és házhoz is szállítunk.",
    ),
    "tr": (
        "Ana Sayfa Hakkımızda Hizmetler İletişim",
        "Her sabah bütün şehir için ekmek pişiriyor ve eve teslim ediyoruz.",
    ),
    "ro": ("Acasă Despre noi Servicii Contact", "Coacem pâine în fiecare dimineață pentru tot orașul și livrăm acasă."),
    "ja": ("ホーム 会社概要 お問い合わせ", "毎朝、町のみなさまにパンを焼いてお届けしています。"),
    "zh": ("首页 关于我们 产品 联系我们", "我们每天早上为全城烘焙面包并送货上门。"),
    "ko": ("홈 회사소개 문의하기", "우리는 매일 아침 온 도시를 위해 빵을 굽습니다."),
    "ru": ("Главная О компании Услуги Контакты", "Каждое утро мы печём хлеб для всего города и доставляем на дом."),
    "uk": ("Головна Про нас Послуги Контакти", "Щоранку ми печемо хліб для всього міста і доставляємо додому."),
    "el": ("Αρχική Σχετικά Επικοινωνία", "Κάθε πρωί ψήνουμε ψωμί για όλη την πόλη."),
}
#: Too little to tell Danish from Norwegian, or Ukrainian from Macedonian, against what is declared.
SHORT = ("da", "uk")


def language_of(*pages):
    settled = languages.settle([finding for page in pages for finding in languages.find(page)], None)
    return settled.value if settled else None


@pytest.mark.parametrize("declared", ["", "en", "de", "xx", "{language}"])
@pytest.mark.parametrize("language", SPOKEN)
def test_what_is_written_counts(document, language, declared):
    menu, sentence = SPOKEN[language]
    head = f'<html lang="{declared}"><title>Acme Tools</title>'
    items = "".join(f"<li>{word}" for word in menu.split())
    if language not in SHORT:
        assert language_of(document(head + items)) == language
    assert language_of(document(f"{head}<p>{sentence}")) == language
    assert language_of(document(f"{head}{items}<p>{sentence}<p>{sentence}<p>{sentence}")) == language


@pytest.mark.parametrize(
    ("declared", "language"),
    [("de", "de"), ("en-US", "en"), ("pt_BR", "pt"), ("ger", "de"), ("jp", "ja"), ("zh-Hant-TW", "zh"), ("no", "nb")],
)
def test_what_is_declared_counts_where_little_is_written(document, declared, language):
    assert language_of(document(f'<html lang="{declared}"><p>Acme')) == language


def test_the_home_page_decides(document):
    dutch, english = SPOKEN["nl"][1], SPOKEN["en"][1]
    home = document(f'<html lang="en"><p>{dutch} {dutch}')
    others = [document(f'<html lang="en"><p>{english} {english}', path=f"/en/{n}", kind="about") for n in range(4)]
    assert language_of(*others, home) == "nl"
    assert (
        language_of(document('<html lang="nl"><p>Welkom'), document('<html lang="en"><p>x', path="/en", kind="other"))
        == "nl"
    )


@pytest.mark.parametrize(
    "html",
    [
        # What widgets say, names, other languages' names for themselves and one sentence for guests.
        f'<html lang="nl"><p>To view Google Maps, enable JavaScript by changing your browser.<p>{SPOKEN["nl"][1]}',
        f'<html lang="nl"><li>English</li><li>Deutsch</li><li>Русский</li><li>日本語</li><p>{SPOKEN["nl"][1]}',
        f'<html lang="nl"><p>{SPOKEN["nl"][1]} {SPOKEN["nl"][1]}<p>{SPOKEN["ru"][1]}',
        '<html lang="nl"><li>Black & Decker BDCDC18K</li><li>Makita DHP453 Combi Drill</li><li>Bosch Professional</li>',
        f"<p>{SPOKEN['nl'][1]} {SPOKEN['nl'][1]}<p>We use cookies to make this site better for you and for all of us.",
    ],
)
def test_what_does_not_make_a_page_foreign(document, html):
    assert language_of(document(html)) == "nl"


def test_a_page_without_words_has_no_language(document):
    assert language_of(document("<p>Acme")) is None
    assert language_of(document("<p>020 7946 0018 info@acme.com https://acme.com")) is None
