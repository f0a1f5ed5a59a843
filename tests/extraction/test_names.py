"""The name of a company: what repeats over its pages and stands where names stand, however titles are filled."""

from __future__ import annotations

import pytest

from extraction.extractors import legal_names, names

PATHS = (("/", "home"), ("/contact", "contact"), ("/about", "about"), ("/services", "other"), ("/news", "other"))


def name_of(document, domain: str, *htmls: str) -> str | None:
    """The name settled of a site whose pages these are: home, contact, about, others."""
    pages = [
        document(html, domain=domain, path=path, kind=kind) for html, (path, kind) in zip(htmls, PATHS, strict=False)
    ]
    found = [f for page in pages for find in (names.find, legal_names.find) for f in find(page)]
    name, _ = names.settle(found, domain)
    return name.value if name else None


def titled(*titles: str, foot: str = "", head: str = "") -> list[str]:
    return [
        f"<title>{title}</title>{head}<p>Words of this page, number {n}.<footer>{foot}</footer>"
        for n, title in enumerate(titles)
    ]


@pytest.mark.parametrize(
    ("domain", "titles", "foot", "name"),
    [
        # The page or a keyword before the company, or behind it; the domain says little.
        (
            "sdl.co.uk",
            ("Dentist in Leeds | Smith Dental", "Contact | Smith Dental", "About us | Smith Dental"),
            "",
            "Smith Dental",
        ),
        ("sdl.co.uk", ("Smith Dental - Home", "Smith Dental - Contact", "Smith Dental - Our team"), "", "Smith Dental"),
        (
            "holzwurm24.de",
            ("Startseite – Tischlerei Voß", "Kontakt – Tischlerei Voß", "Leistungen – Tischlerei Voß"),
            "",
            "Tischlerei Voß",
        ),
        (
            "mv-bouw.nl",
            ("Home | Aannemer De Vries", "Over ons | Aannemer De Vries", "Onze diensten | Aannemer De Vries"),
            "",
            "Aannemer De Vries",
        ),
        (
            "bdm.fr",
            (
                "Accueil - Boulangerie du Marché",
                "Nous contacter - Boulangerie du Marché",
                "Qui sommes-nous - Boulangerie du Marché",
            ),
            "",
            "Boulangerie du Marché",
        ),
        (
            "cdsol.es",
            ("Inicio | Carpintería del Sol", "Contacto | Carpintería del Sol", "Quiénes somos | Carpintería del Sol"),
            "",
            "Carpintería del Sol",
        ),
        (
            "off-r.it",
            ("Home - Officina Rossi", "Contatti - Officina Rossi", "Chi siamo - Officina Rossi"),
            "",
            "Officina Rossi",
        ),
        (
            "pp-lx.pt",
            ("Início | Padaria Pereira", "Contactos | Padaria Pereira", "Sobre nós | Padaria Pereira"),
            "",
            "Padaria Pereira",
        ),
        (
            "dw24.pl",
            ("Strona główna - Drukarnia Wrona", "Kontakt - Drukarnia Wrona", "O nas - Drukarnia Wrona"),
            "",
            "Drukarnia Wrona",
        ),
        ("sjostad.nu", ("Hem | Bageri Lind", "Kontakta oss | Bageri Lind", "Om oss | Bageri Lind"), "", "Bageri Lind"),
        (
            "bkol.dk",
            ("Forside | Bageriet Kolding", "Kontakt | Bageriet Kolding", "Om os | Bageriet Kolding"),
            "",
            "Bageriet Kolding",
        ),
        (
            "vrana24.cz",
            ("Úvod | Tiskárna Vrána", "Kontakt | Tiskárna Vrána", "O nás | Tiskárna Vrána"),
            "",
            "Tiskárna Vrána",
        ),
        (
            "fekete24.hu",
            ("Kezdőlap | Fekete Pékség", "Kapcsolat | Fekete Pékség", "Rólunk | Fekete Pékség"),
            "",
            "Fekete Pékség",
        ),
        (
            "kf34.com.tr",
            ("Ana Sayfa | Kara Fırın", "İletişim | Kara Fırın", "Hakkımızda | Kara Fırın"),
            "",
            "Kara Fırın",
        ),
        (
            "lyp.fi",
            ("Etusivu | Leipomo Lehto", "Yhteystiedot | Leipomo Lehto", "Meistä | Leipomo Lehto"),
            "",
            "Leipomo Lehto",
        ),
        (
            "pek24.ru",
            ("Главная | Пекарня Ворона", "Контакты | Пекарня Ворона", "О компании | Пекарня Ворона"),
            "",
            "Пекарня Ворона",
        ),
        ("suwa.jp", ("静見茶園｜諏訪のお茶", "お問い合わせ｜静見茶園", "会社概要｜静見茶園"), "", "静見茶園"),
        ("qscy.cn", ("首页-青石茶业", "联系我们-青石茶业", "关于我们-青石茶业"), "", "青石茶业"),
        (
            "qscy.cn",
            ("青石茶业有限公司_高山绿茶_茶叶批发", "联系我们_青石茶业有限公司", "关于我们_青石茶业有限公司"),
            "",
            "青石茶业",
        ),
        ("pan24.kr", ("홈 | 까마귀빵집", "문의하기 | 까마귀빵집", "회사소개 | 까마귀빵집"), "", "까마귀빵집"),
        # A title that changes in all but one part; the part in the middle.
        (
            "abc24.com",
            (
                "Roofs in Reno – Copper Line – Since 1990",
                "Gutters – Copper Line – Since 1990",
                "Prices – Copper Line – Since 1990",
            ),
            "© 2020 Copper Line",
            "Copper Line",
        ),
        # Colon, comma, a slogan.
        ("fernwaerts-reisen.de", ("Fernwärts: Wanderreisen für kleine Gruppen", "Fernwärts: Kontakt"), "", "Fernwärts"),
        ("hofladen-mueller.de", ("Frisches vom Feld – Hofladen Müller", "Anfahrt"), "", "Hofladen Müller"),
        # The domain is keywords; the site calls itself otherwise.
        (
            "dentist-leeds.co.uk",
            ("Dentist Leeds | Private Dentist Leeds", "Contact | Dentist Leeds", "Implants | Dentist Leeds"),
            '<a href="/">Smith Dental</a> © 2024 Smith Dental. All rights reserved.',
            "Smith Dental",
        ),
        (
            "schluesseldienst-berlin.de",
            ("Schlüsseldienst Berlin – schnell und günstig", "Kontakt"),
            '<a href="/">Meisterbetrieb Krause</a><p>© Meisterbetrieb Krause',
            "Meisterbetrieb Krause",
        ),
    ],
)
def test_what_repeats_is_the_name_and_what_changes_the_page(document, domain, titles, foot, name):
    assert name_of(document, domain, *titled(*titles, foot=foot)) == name


def test_a_title_that_goes_on_from_another_pages_counts_for_that(document) -> None:
    titles = ("Drives | Quillo", "Quillo is the award winning maker of drives", "Quillo Europe Contact Information")
    assert name_of(document, "qxz.com", *titled(*titles)) == "Quillo"


@pytest.mark.parametrize(
    ("domain", "html", "name"),
    [
        # Welcome, and words around the name.
        ("acme-tools.com", "<title>Welcome to Acme Tools!</title>", "Acme Tools"),
        ("atl.com", "<title>Welcome to the official website of Acme Tools</title>", "Acme Tools"),
        ("atl.com", "<title>Acme Tools - Official Website</title>", "Acme Tools"),
        ("tv-kiel.de", "<title>Willkommen bei Tischlerei Voß</title>", "Tischlerei Voß"),
        ("tv-kiel.de", "<title>Herzlich willkommen auf der Website der Tischlerei Voß</title>", "Tischlerei Voß"),
        ("kap.nl", "<title>Welkom bij Kapsalon Hier</title>", "Kapsalon Hier"),
        ("bdm.fr", "<title>Bienvenue chez Boulangerie du Marché</title>", "Boulangerie du Marché"),
        ("bdm.fr", "<title>Boulangerie du Marché - Site officiel</title>", "Boulangerie du Marché"),
        ("cds.es", "<title>Bienvenidos a Carpintería del Sol</title>", "Carpintería del Sol"),
        ("ofr.it", "<title>Benvenuti su Officina Rossi | Sito ufficiale</title>", "Officina Rossi"),
        ("ppl.pt", "<title>Bem-vindo à Padaria Pereira</title>", "Padaria Pereira"),
        ("dw.pl", "<title>Witamy w Drukarnia Wrona</title>", "Drukarnia Wrona"),
        ("bl.se", "<title>Välkommen till Bageri Lind</title>", "Bageri Lind"),
        ("bk.dk", "<title>Velkommen til Bageriet Kolding</title>", "Bageriet Kolding"),
        ("suwa.jp", "<title>【公式】静見茶園｜諏訪のお茶</title>", "静見茶園"),
        ("suwa.jp", "<title>静見茶園 公式サイト</title>", "静見茶園"),
        # Marks, forms, quotes, cases.
        ("copperline.com", "<title>CopperLine® | Roofs</title>", "CopperLine"),
        ("copperline.com", "<title>COPPER LINE™ – Roofs</title><p>© 2021 Copper Line, LLC", "Copper Line"),
        ("wrona.ru", "<title>Главная</title><p>© ООО «Ворона»", "Ворона"),
        ("acme.co.jp", "<title>トップページ | 株式会社アクメ</title>", "アクメ"),
        ("marchal.nl", "<title>marchal serrebouw</title><p>© 2020 Marchal Serrebouw", "Marchal Serrebouw"),
        # Letters that a domain spells otherwise.
        ("baeckerei-suess.de", "<title>Brot und mehr | Bäckerei Süß</title>", "Bäckerei Süß"),
        ("moellerbryggeri.dk", "<title>Øl fra Fyn | Møller Bryggeri</title>", "Møller Bryggeri"),
        ("pekarnya-vorona.ru", "<title>Хлеб каждый день | Пекарня Ворона</title>", "Пекарня Ворона"),
        ("fournos-lefki.gr", "<title>Ψωμί κάθε μέρα | Φούρνος Λευκή</title>", "Φούρνος Λευκή"),
        # Placeholders, themes and pictures' names.
        (
            "acme-tools.com",
            '<title>Home</title><meta property="og:site_name" content="My Site"><h1>Acme Tools</h1>',
            "Acme Tools",
        ),
        (
            "atl.com",
            '<title>Home | Mysite</title><a href="/"><img alt="Acme Tools" src="x.png"></a><p>© Acme Tools',
            "Acme Tools",
        ),
        (
            "atl.com",
            (
                '<title>Acme Tools</title><div id="logo"><img alt="Logo" src="a.png">'
                '<img alt="header" src="b.png"><img alt="cropped-acme-2.png" src=logo.png></div>'
            ),
            "Acme Tools",
        ),
        (
            "atl.com",
            (
                '<title>Acme Tools</title><meta name="application-name" content="Astra">'
                '<meta name="author" content="Pixel Studio">'
            ),
            "Acme Tools",
        ),
        ("atl.com", "<title>Acme Tools – Just another WordPress site</title>", "Acme Tools"),
        ("tv.de", "<title>Tischlerei Voß – Eine weitere WordPress-Website</title>", "Tischlerei Voß"),
        (
            "atl.com",
            (
                '<title>Acme Tools</title><img src="/logos/visa.png" alt="Visa">'
                '<img src="/logos/pp.png" alt="PayPal"><img src="/logos/t.png" alt="Trusted Shops">'
            ),
            "Acme Tools",
        ),
        # Agency, theme and platform in the last line.
        ("atl.com", "<title>Acme Tools</title><p>Website © Pixel Studio", "Acme Tools"),
        (
            "atl.com",
            "<title>Acme Tools</title><p>© 2024 Acme Tools · Website by Pixel Studio · Powered by Presswork",
            "Acme Tools",
        ),
        (
            "tv.de",
            "<title>Tischlerei Voß</title><p>Webdesign: © Agentur Pixel<p>© 2024 Tischlerei Voß",
            "Tischlerei Voß",
        ),
        ("atl.com", "<title>Acme Tools</title><p>Theme by Nimbus Themes<p>Copyright 2024", "Acme Tools"),
        # Sentence ends do not make a name.
        (
            "bestpaint.com",
            (
                "<title>Miller Decorators</title><a href='/'>Miller Decorators</a>"
                "<p>We are the Best. Paint is our life. The Best. Paint on.<p>© Miller Decorators"
            ),
            "Miller Decorators",
        ),
        # A whole title as name of the site; a keyword as the declared one's tail.
        (
            "atl.com",
            (
                "<title>Drills | Acme Tools</title>"
                '<meta property="og:site_name" content="Acme Tools | Drills and saws in Leeds">'
            ),
            "Acme Tools",
        ),
        ("atl.com", '<title>x</title><img class="logo" alt="Acme Tools | Drills and saws" src="a.png">', "Acme Tools"),
        # An address in place of a name.
        ("atl.com", '<title>Acme Tools</title><meta property="og:site_name" content="atl.com">', "Acme Tools"),
        ("tuinstunt.nl", "<title>TuinStunt.nl - tuinmeubelen</title>", "TuinStunt"),
        # Abbreviations end no sentence; accents that domains leave out.
        ("stanneshoeve.nl", "<title>Welkom op St. Annes Hoeve. Camping</title>", "St. Annes Hoeve"),
        ("gebr-wit.nl", "<title>Gebr. de Wit. Grondwerk</title>", "Gebr. de Wit"),
        ("talleresgomez.es", "<title>Taller</title><p>Talleres Gómez arregla su coche", "Talleres Gómez"),
        ("fenster-mueller.de", "<title>Fenster</title><p>Bei Fenster Müller, seit 1950", "Fenster Müller"),
        # A trade and where, in the title alone.
        ("vogel-hb.de", "<title>Maler in Bremen</title><img src=a.png id=logo alt='Malerei Vogel'>", "Malerei Vogel"),
        ("olsen-as.dk", "<title>Maler i Aarhus</title><p>© Malermester Olsen ApS", "Malermester Olsen"),
        (
            "zahn-dr-berg.de",
            "<title>Zahnarzt Mainz – Praxis Dr. Berg</title><p>Rheinstr. 3<br>55116 Mainz",
            "Praxis Dr. Berg",
        ),
        # Before its register number, before the firm in brackets, before a trade in a long title; at a title's end.
        ("vrs-hmm.nl", "<title>Welkom</title><p>Van Rijn Sloten | KvK 27312345 | Hoofdweg 5", "Van Rijn Sloten"),
        ("qxz.com", "<title>Recreational Vehicles</title><p>© Bob's Center (Haller RV Sales, Inc.)", "Bob's Center"),
        ("baliseauto.com", "<title>Balise Car Dealers and Service in Maine</title>", "Balise"),
        (
            "shop-qpt.co.uk",
            "<title>Carbide Inserts for Mills Quill Production Tools</title><p>Web Shop for Quill Production Tools Ltd",
            "Quill Production Tools",
        ),
        # Brands that are sold, a federation, a form's labels, menus, the maker's signature.
        (
            "autohaus24.com",
            "<title>Home</title><h1>Lindner Cars</h1>"
            + "".join(
                f"<img src=/logos/{n}.png alt={brand}>" for n, brand in enumerate(("Kestrel", "Merlin", "Osprey"))
            ),
            "Lindner Cars",
        ),
        (
            "qxz.com",
            "<title>Company</title><h1>Lindner Cars</h1><p>Company Name<p>Phone Number<p>E-mail",
            "Lindner Cars",
        ),
        (
            "qxz.com",
            "<title>Company</title><h1>Lindner Cars</h1><ul><li>Company<li><a href=/p>Press Room</a></ul>",
            "Lindner Cars",
        ),
        ("qxz.nl", "<title>De Knip</title><meta name=copyright content='KWX www.kwxdesign.example'>", "De Knip"),
        # Nothing but the domain.
        ("acme-tools.com", "<title>Untitled Document</title>", "Acme Tools"),
        ("acmetools.com", "<title>www.acmetools.com</title>", "Acmetools"),
        ("mueller-und-sohn.de", "<title>Startseite</title><p>Willkommen", "Mueller und Sohn"),
    ],
)
def test_a_single_page(document, domain, html, name):
    assert name_of(document, domain, html) == name
