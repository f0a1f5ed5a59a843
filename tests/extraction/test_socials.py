"""Profiles on social networks: which addresses name one, whose it is, and which of several is the company's."""

from __future__ import annotations

import pytest

from extraction.extractors import socials
from extraction.extractors.socials import profile_of


def of(*pages):
    """Network → profile of a company with these pages."""
    found = [finding for page in pages for finding in socials.find(page)]
    return {f.field.partition(":")[2]: f.value for f in socials.settle(found, pages[0].core)}


@pytest.mark.parametrize(
    ("href", "profile"),
    [
        ("//facebook.com/acmetools/", "https://www.facebook.com/acmetools"),
        ("https://de-de.facebook.com/acmetools/reviews?ref=x", "https://www.facebook.com/acmetools"),
        ("https://www.facebook.com/pg/acmetools/about/", "https://www.facebook.com/acmetools"),
        ("https://www.facebook.com/pages/Acme/12345678?ref=hl", "https://www.facebook.com/pages/Acme/12345678"),
        ("https://www.facebook.com/pages/category/Bakery/Acme-1012/", "https://www.facebook.com/Acme-1012"),
        (
            "https://www.facebook.com/profile.php?ref=a&id=100012345",
            "https://www.facebook.com/profile.php?id=100012345",
        ),
        ("https://www.facebook.com/people/Acme/100012345/", "https://www.facebook.com/people/Acme/100012345"),
        ("https://www.facebook.com/p/Acme-100012345/", "https://www.facebook.com/p/Acme-100012345"),
        ("https://m.me/acmetools", "https://www.facebook.com/acmetools"),
        ("http://www.twitter.com/#!/AcmeTools", "https://x.com/AcmeTools"),
        ("https://twitter.com/#%21/acmetools", "https://x.com/acmetools"),
        (
            "https://www.facebook.com/pages/Leeds-UK/Acme/12345678",
            "https://www.facebook.com/pages/Acme/12345678",
        ),
        ("https://twitter.com/@acme", "https://x.com/acme"),
        ("https://twitter.com/intent/follow?ref_src=x&screen_name=acme", "https://x.com/acme"),
        ("https://x.com/intent/user?screen_name=acme&x=1", "https://x.com/acme"),
        ("https://de.linkedin.com/company/acme-tools/about/?x=1", "https://www.linkedin.com/company/acme-tools"),
        ("https://www.linkedin.com/company-beta/12345/", "https://www.linkedin.com/company/12345"),
        ("https://www.linkedin.com/showcase/acme-pumps", "https://www.linkedin.com/showcase/acme-pumps"),
        ("https://www.linkedin.com/school/acme/", "https://www.linkedin.com/school/acme"),
        ("https://youtube.com/@acme?sub_confirmation=1", "https://www.youtube.com/@acme"),
        ("https://www.youtube.com/channel/UCabc/videos", "https://www.youtube.com/channel/UCabc"),
        ("https://www.youtube.com/c/acme", "https://www.youtube.com/c/acme"),
        ("https://www.youtube.com/user/acme#p/u", "https://www.youtube.com/user/acme"),
        ("https://instagram.com/_u/acme?igshid=1", "https://www.instagram.com/acme"),
        ("https://www.tiktok.com/@acme?lang=de", "https://www.tiktok.com/@acme"),
        ("https://www.pinterest.it/acmetools/board", "https://www.pinterest.it/acmetools"),
        ("https://www.xing.com/companies/acmegmbh", "https://www.xing.com/companies/acmegmbh"),
        ("https://www.xing.com/pages/acmegmbh", "https://www.xing.com/pages/acmegmbh"),
        ("https://github.com/orgs/acme/repositories", "https://github.com/acme"),
        ("https://vimeo.com/channels/acme", "https://vimeo.com/channels/acme"),
        ("https://www.threads.com/@acme", "https://www.threads.net/@acme"),
        ("https://bsky.app/profile/acme.com", "https://bsky.app/profile/acme.com"),
        ("https://mastodon.social/@acme", "https://mastodon.social/@acme"),
        ("https://t.me/s/acmetools", "https://t.me/acmetools"),
        # Written by people, or behind a page that leads on.
        ("www.facebook.com/acme", "https://www.facebook.com/acme"),
        ("http://https://www.facebook.com/acme", "https://www.facebook.com/acme"),
        ("https://www.facebook.com/acme%20", "https://www.facebook.com/acme"),
        (
            "https://l.facebook.com/l.php?u=https%3A%2F%2Fwww.instagram.com%2Facme%2F&h=1",
            "https://www.instagram.com/acme",
        ),
        ("https://www.google.com/url?q=https://www.facebook.com/acme&sa=D", "https://www.facebook.com/acme"),
        *(
            (href, None)
            for href in (
                "https://www.facebook.com/sharer/sharer.php?u=x",
                "https://www.facebook.com/share.php?u=x",
                "https://www.facebook.com/dialog/feed?x=1",
                "https://www.facebook.com/tr?id=123456&ev=PageView",
                "https://www.facebook.com/groups/123",
                "https://www.facebook.com/events/123456",
                "https://www.facebook.com/hashtag/acme",
                "https://www.facebook.com/",
                "https://www.facebook.com/yourpage",
                "https://twitter.com/intent/tweet?text=x&url=y",
                "https://twitter.com/share?text=x&via=someone",
                "https://twitter.com/hashtag/acme",
                "https://twitter.com/username",
                "https://www.linkedin.com/shareArticle?mini=true&url=x",
                "https://www.linkedin.com/cws/share?url=x",
                "https://www.linkedin.com/groups/123",
                "https://pinterest.com/pin/create/button/?url=x",
                "https://www.youtube.com/watch?v=1",
                "https://www.youtube.com/embed/abc",
                "https://www.youtube.com/playlist?list=x",
                "https://youtu.be/abc",
                "https://www.instagram.com/p/abc/",
                "https://www.instagram.com/explore/tags/acme",
                "https://www.xing.com/app/user?op=share&url=x",
                "https://vimeo.com/12345678",
                "https://t.me/share/url?url=x",
                "https://t.me/+491701234567",
                "https://wa.me/491701234567",
                "https://whatsapp.com/channel/0029VaA",
                "https://evil.com/?https://instagram.com/x",
                "https://notfacebook.com/acme",
                "mailto:info@facebook.com",
                "/facebook.com/acme",
            )
        ),
    ],
)
def test_what_an_address_names(href: str, profile: str | None) -> None:
    found = profile_of(href)
    assert (found.url if found else None) == profile


def links(*hrefs: str) -> str:
    return "".join(f'<p><a href="{href}">x</a>' for href in hrefs)


def test_posts_people_and_software_are_the_companys_where_they_are_called_like_it(document) -> None:
    own = document(
        links(
            "https://www.linkedin.com/in/acme-tools-99b12345/",
            "https://twitter.com/acmetools/status/123",
            "https://github.com/acme-tools/drill",
        )
    )
    assert of(own) == {
        "linkedin": "https://www.linkedin.com/in/acme-tools-99b12345",
        "x": "https://x.com/acmetools",
        "github": "https://github.com/acme-tools",
    }
    others = document(
        links(
            "https://www.linkedin.com/in/jane-doe",
            "https://twitter.com/somebody/status/123",
            "https://github.com/jquery/jquery",
            "https://www.instagram.com/customer/reel/abc/",
        )
    )
    assert of(others) == {}


def test_a_company_comes_before_its_people(document) -> None:
    page = document(links("https://www.linkedin.com/in/acmetools", "https://www.linkedin.com/company/12345"))
    assert of(page) == {"linkedin": "https://www.linkedin.com/company/12345"}


def test_of_several_the_one_called_alike_or_linked_everywhere(document) -> None:
    def page(*hrefs: str, path: str = "/"):
        return document(links(*hrefs), path=path)

    assert of(page("https://facebook.com/partner", "https://facebook.com/AcmeTools.Leeds")) == {
        "facebook": "https://www.facebook.com/AcmeTools.Leeds"
    }
    everywhere = [
        page("https://instagram.com/thewrench", "https://instagram.com/bobspage" if not n else "/", path=f"/{n}")
        for n in range(3)
    ]
    assert of(*everywhere) == {"instagram": "https://www.instagram.com/thewrench"}
    team = page(*(f"https://instagram.com/person{n}" for n in range(6)))
    assert of(team) == {}
    offices = [page(f"https://instagram.com/office{n}", path=f"/{n}") for n in range(4)]
    assert of(*offices)["instagram"] in {f"https://www.instagram.com/office{n}" for n in range(4)}


def test_who_made_the_site_and_what_it_runs_on_are_others(document) -> None:
    page = document(
        """<p>Website by <a href="https://www.facebook.com/pixelstudio">Pixel Studio</a>
        <p>Realisatie: <a href="https://www.instagram.com/pixelstudio">Pixel Studio</a>
        <p><a href="https://www.facebook.com/wix">f</a><a href="https://twitter.com/WordPress">t</a>"""
    )
    assert of(page) == {}
    assert of(document(links("https://www.facebook.com/wix"), domain="wix.com")) == {
        "facebook": "https://www.facebook.com/wix"
    }


def test_links_on_parts_of_a_picture(document) -> None:
    html = (
        "<img src=follow.gif usemap=#follow><map name=follow><area coords=0,0,9,9 href='http://www.facebook.com/acmetools'>"
        "<AREA coords=9,0,18,9 href=' http://twitter.com/AcmeTools'><area href='http://www.facebook.com/sharer.php?u=x'>"
        "<area nohref><area href='/contact'></map>"
    )
    assert of(document(html)) == {"facebook": "https://www.facebook.com/acmetools", "x": "https://x.com/AcmeTools"}


def test_what_a_widget_of_facebook_shows(document) -> None:
    assert of(document('<div class="fb-page" data-href="https://www.facebook.com/acme.leeds"></div>')) == {
        "facebook": "https://www.facebook.com/acme.leeds"
    }
    src = "https://www.facebook.com/plugins/page.php?href=https%3A%2F%2Fwww.facebook.com%2Facme.leeds&amp;tabs=timeline"
    assert of(document(f'<iframe src="{src}"></iframe>')) == {"facebook": "https://www.facebook.com/acme.leeds"}
    assert of(document('<div class="fb-like" data-href="https://acme-tools.com"></div>facebook.com/')) == {}


def test_what_the_company_declares_comes_first(document) -> None:
    page = document(
        """<script type="application/ld+json">{"@type": "Organization", "name": "Acme Tools", "sameAs":
        ["https://www.facebook.com/thewrench", "https://twitter.com/intent/tweet?x"],
        "founder": {"@type": "Person", "name": "J", "sameAs": "https://x.com/jdoe"}}</script>"""
        + links("https://facebook.com/another")
    )
    assert of(page) == {"facebook": "https://www.facebook.com/thewrench"}
