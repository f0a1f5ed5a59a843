"""What a site runs on, and what it only shows, mentions, links to or takes from others."""

from __future__ import annotations

import pytest

from extraction.enrichers import technologies
from extraction.markup_places import SAMPLES, Places


def names(page):
    return sorted(finding.value for finding in technologies.ENRICHER.look(page))


@pytest.mark.parametrize(
    "html",
    [
        "<pre><code>&lt;script&gt;Shopify.theme = {}&lt;/script&gt;</code></pre>",
        "<pre><div data-mage-init='{}'></div></pre>",
        "<code>_gaq.push(['_setAccount'])</code>",
        "<textarea><script src='https://cdn.shopify.com/s/theme.js'></script></textarea>",
        "<p>We moved from Shopify.theme to fbq( and gtm.start",
        "<!-- <script src='https://cdn.shopify.com/s/theme.js'></script> -->",
        '<script type=\'application/ld+json\'>{"sameAs": "https://plausible.io/acme"}</script>',
        '<script type="application/json">{"text": "Shopify.theme"}</script>',
        "<a href='https://www.shopify.com/'>Shopify</a>",
        "<img src='https://cdn.shopify.com/s/files/partner-logo.png'>",
        "<img src='https://partner.com/wp-content/uploads/logo.png'>",
        "<script src='https://widget.partner.com/wp-content/plugins/woocommerce/a.js'>",
        "<script src='https://cdn.jsdelivr.net/npm/x/plugins/woocommerce/a.min.js'>",
        "<script src='https://cdn.jsdelivr.net/npm/x/matomo.js'>",
        "<link rel='alternate' href='https://blog.myshopify.com/feed'>",
        "<table><tr><td>_ga<td>Google Analytics<tr><td>js.hs-scripts.com</table>",
        "<a href='https://maps.google.de/?q=Aalen'>Karte</a>",
        "<p>Performance optimized by W3 Total Cache",
    ],
)
def test_what_is_only_shown_is_not_in_use(document, html):
    assert [name for name in names(document(html)) if name != "jsDelivr"] == []


@pytest.mark.parametrize(
    ("html", "name"),
    [
        ("<script src='https://cdn.shopify.com/s/theme.js'></script>", "Shopify"),
        ("<script><!--\nvar Shopify = {}; Shopify.theme = {};\n//--></script>", "Shopify"),
        ("<script><!--\nf()</script><script src='//www.google-analytics.com/urchin.js'></script>", "Google Analytics"),
        ("<script>(function(){s.src='//static.hotjar.com/c/hotjar-'})</script>", "Hotjar"),
        ("<iframe src='https://maps.google.de/maps?q=Aalen&output=embed'></iframe>", "Google Maps"),
        ("<iframe src='https://www.google.co.uk/maps/embed?pb=1'></iframe>", "Google Maps"),
        ("<iframe src=https://google.com/maps/d/embed?mid=1></iframe>", "Google Maps"),
        ("<iframe data-src='https://www.google.com/maps/embed?pb=1'></iframe>", "Google Maps"),
        ("<script src='https://stats.acme-tools.com/piwik.js'></script>", "Matomo"),
        ("<img src='https://stats.acme-tools.com/matomo.php?idsite=1'>", "Matomo"),
        ("<script>var _paq = []; _paq.push(['trackPageView'])</script>", "Matomo"),
        ("<script src='https://cdnjs.cloudflare.com/ajax/libs/jquery/3.7.1/jquery.min.js'></script>", "jQuery"),
        ("<link rel='stylesheet' href='https://d1.cloudfront.net/wp-content/themes/x.css'>", "WordPress"),
        ("<link rel=stylesheet href='/min/?f=/wp-content/themes/x.css'>", "WordPress"),
        ("<img src='/wp-content/uploads/a.png'>", "WordPress"),
        ("<meta name=generator content='WordPress 6.4'><meta name='generator' content='Elementor 3.18'>", "Elementor"),
        ("<meta content='Neos 8' name='generator'>", "Neos"),
        ("<meta name=generator content='Hugo 0.110'>", "Hugo"),
        ("<!-- This site is optimized with the Yoast SEO plugin v21 -->", "Yoast SEO"),
        ("<!-- This website is powered by TYPO3 - inspiring people to share! -->", "TYPO3"),
        ("<div data-mage-init='{}'></div>", "Magento"),
        ("<preview><script src='https://plausible.io/js/script.js'></script>", "Plausible"),
    ],
)
def test_what_runs_is_seen(document, html, name):
    assert name in names(document(html))


@pytest.mark.parametrize(
    ("html", "kind"),
    [
        (b"<p title='x'>", "tag"),
        (b"<p>x</p>", "shown"),
        (b"a < b x", "shown"),
        (b"<script>x</script>", "script"),
        (b"<script src='x'>", "tag"),
        (b"<script type='application/ld+json'>x", "shown"),
        (b"<!-- x -->", "comment"),
        (b"<!-- a --><script>x", "script"),
        (b"<script>a</script>x", "shown"),
        (b"<pre><i x></pre>", "shown"),
        (b"<pre></pre><i x>", "tag"),
        (b"<style><!--</style><i x>", "tag"),
    ],
)
def test_places_of_markup(html, kind):
    assert Places(html, html.lower(), [mark.word for mark in SAMPLES(html.lower())]).kind(html.index(b"x")) == kind
