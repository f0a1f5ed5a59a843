"""The social networks whose profiles are read: their hosts, and what the address of a profile looks like on each."""

from __future__ import annotations

import re
from typing import NamedTuple

#: Of networks whose profiles lie on many hosts.
ANY_HOST = ""


class Form(NamedTuple):
    """What a profile's path and query may look like."""

    pattern: re.Pattern[str]
    #: The path in its shortest form, made of the pattern's groups.
    path: str
    #: A single word, that may as well be one of the network's own pages.
    bare: bool = False
    #: A person's own page, or one thing of many that its owner shows.
    doubtful: bool = False


class Network(NamedTuple):
    """How the address of a profile begins, and its forms."""

    base: str
    forms: tuple[Form, ...]


def _form(pattern: str, path: str = "{}", *, bare: bool = False, doubtful: bool = False) -> Form:
    return Form(re.compile(f"{pattern}(?=[/?#&]|$)", re.IGNORECASE), path, bare, doubtful)


_PART = r"([^/?#&\s]{1,120})"
#: Parameters of a query before the one that counts.
_MORE = r"(?:[^#]{0,200}&)?"
NETWORKS: dict[str, Network] = {
    "linkedin": Network(
        "https://www.linkedin.com/",
        (
            _form(rf"(?:company|company-beta|companies|organization)/{_PART}", "company/{}"),
            _form(rf"(showcase|school)/{_PART}", "{}/{}"),
            _form(rf"(?:in|pub)/{_PART}", "in/{}", doubtful=True),
        ),
    ),
    "facebook": Network(
        "https://www.facebook.com/",
        (
            _form(rf"(?:profile|home)\.php\?{_MORE}id=(\d{{4,20}})", "profile.php?id={}"),
            _form(rf"pages/category/[^/?#]{{1,80}}/{_PART}"),
            _form(rf"(pages|people)/(?:[^/?#]{{1,80}}/)?{_PART}/(\d{{4,20}})", "{}/{}/{}"),
            _form(r"p/([^/?#&\s]{2,120})", "p/{}"),
            _form(r"pg/([\w.%-]{2,100})"),
            _form(r"([\w.%-]{2,100})", bare=True),
        ),
    ),
    "x": Network(
        "https://x.com/",
        (
            _form(rf"intent/(?:follow|user)\?{_MORE}screen_name=@?(\w{{1,30}})"),
            _form(r"@?(\w{1,30})", bare=True),
        ),
    ),
    "instagram": Network("https://www.instagram.com/", (_form(r"(?:_u/|@)?([\w.]{2,40})", bare=True),)),
    "youtube": Network(
        "https://www.youtube.com/",
        (
            _form(r"@([\w.%-]{2,90})", "@{}"),
            _form(r"(channel|user|c)/([\w.%-]{2,90})", "{}/{}"),
            _form(rf"subscription_center\?{_MORE}add_user=([\w.-]{{2,60}})", "user/{}"),
            _form(r"([\w-]{3,60})", bare=True),
        ),
    ),
    "tiktok": Network("https://www.tiktok.com/", (_form(r"@([\w.]{2,40})", "@{}"),)),
    "pinterest": Network("https://www.pinterest.com/", (_form(r"([\w-]{3,50})", bare=True),)),
    "xing": Network(
        "https://www.xing.com/",
        (
            _form(rf"(companies|company|pages)/{_PART}", "{}/{}"),
            _form(rf"profile/{_PART}", "profile/{}", doubtful=True),
        ),
    ),
    "github": Network(
        "https://github.com/",
        (
            _form(r"orgs/([\w-]{1,40})"),
            _form(r"([\w-]{1,40})/?(?=$|\?)", bare=True),
            _form(r"([\w-]{1,40})/[\w.-]{1,100}", bare=True, doubtful=True),
        ),
    ),
    "vimeo": Network(
        "https://vimeo.com/",
        (_form(r"(channels)/([\w-]{3,40})", "{}/{}"), _form(r"(?!\d+(?:[/?]|$))([\w-]{3,40})", bare=True)),
    ),
    "threads": Network("https://www.threads.net/", (_form(r"@([\w.]{2,40})", "@{}"),)),
    "bluesky": Network("https://bsky.app/", (_form(r"profile/([\w.:-]{3,100})", "profile/{}"),)),
    "mastodon": Network(ANY_HOST, (_form(r"@(\w{1,40})", "@{}"),)),
    "telegram": Network("https://t.me/", (_form(r"s/(\w{4,40})"), _form(r"(\w{4,40})", bare=True))),
    "vk": Network("https://vk.com/", (_form(r"([\w.]{3,40})", bare=True),)),
}
#: Host → network; what lies below a host is its too.
HOSTS: dict[str, str] = {
    "linkedin.com": "linkedin",
    "facebook.com": "facebook",
    "fb.com": "facebook",
    "m.me": "facebook",
    "twitter.com": "x",
    "x.com": "x",
    "instagram.com": "instagram",
    "instagr.am": "instagram",
    "youtube.com": "youtube",
    "tiktok.com": "tiktok",
    "xing.com": "xing",
    "github.com": "github",
    "vimeo.com": "vimeo",
    "threads.net": "threads",
    "threads.com": "threads",
    "bsky.app": "bluesky",
    "t.me": "telegram",
    "telegram.me": "telegram",
    "vk.com": "vk",
    **{
        f"pinterest.{ending}": "pinterest"
        for ending in "com co.uk de fr it es pt at ch se ca jp ie nz com.au com.mx dk nl be pl ru cl ph".split()
    },
    **dict.fromkeys(
        "mastodon.social mastodon.online mastodon.world mastodon.green mastodon.art mastodon.nl mastodon.uno mas.to "
        "mstdn.social fosstodon.org hachyderm.io chaos.social norden.social troet.cafe social.tchncs.de techhub.social "
        "infosec.exchange masto.ai piaille.fr mamot.fr mastodon.com.pl ruhr.social muenchen.social nrw.social "
        "berlin.social literatur.social dresden.network bonn.social social.coop indieweb.social".split(),
        "mastodon",
    ),
    # Pages that lead on to what their query names.
    **{f"google.{ending}": "" for ending in "com de nl fr co.uk".split()},
}
#: First path parts that are the network's own pages: sharing, signing in, legal text, single posts.
NOT_PROFILES = frozenset(
    "share sharer sharer.php share.php sharearticle cws intent home home.php login login.php dialog plugins tr "
    "hashtag search i l l.php lm policies policy policy.php privacy terms tos legal help about explore p reel "
    "reels stories tv watch embed shorts live post clip playlist results feed jobs groups group events event "
    "event.php photo photo.php photos media story.php permalink.php notes oembed pin pins developers developer "
    "settings account accounts signup join features pricing topics marketplace sponsors login.jsp "
    "sharearticle.html recover ads business gaming games apps app v e t iframe_api redirect status widgets.js "
    "widgets 2008 fbml badges r.php hashtags ideas today categories source create pin-builder download downloads "
    "blog press brand brands careers directory people pages company companies who_to_follow account_suspended "
    "tweet compose messages notifications direct web ar graphql channels channel user c c/ hc support contact "
    "contact-us security enterprise trending collections orgs readme customer-stories site gist upload upgrade "
    "ondemand showcase album log_in joinchat addstickers proxy iv setlanguage away.php wall video video_ext.php "
    "premium kids music creators howyoutubeworks attribution_link opensearch signin ytkids profile profile.php "
    "public".split()
)
#: What templates carry in place of a profile.
PLACEHOLDERS = frozenset(
    "username user_name yourusername your_username your-username yourname your_name your-name yourpage your-page "
    "your_page yourprofile your-profile yourcompany your-company your_company yourbrand yourhandle your_handle "
    "pagename page-name example profile-name company-name companyname youraccount your-account yourchannel your- "
    "channel xxx xxxx undefined null none channel_id your_channel yoururl your-url yourfacebook yourtwitter "
    "channelname handle".split()
)
#: Makers of shops, sites and themes, whose own profiles stand on their customers' pages.
PLATFORMS = frozenset(
    "wix wixcom wixeducation squarespace wordpress wordpresscom wordpressdotcom wordpressorg wpengine shopify "
    "jimdo jimdode weebly godaddy joomla drupal prestashop magento webflow duda ionos 1und1 strato hostinger "
    "bigcommerce blogger elementor elegantthemes themeforest envato webnode mozello tilda tildacc facebook "
    "twitter instagram linkedin youtube pinterest tiktok google microsoft typo3 contao squareup square "
    "woocommerce automattic opencart ecwid strikingly site123 zyro onepage webador yola homestead "
    "networksolutions vistaprint hubspot mailchimp facebookapp meta metaopensource twitterdev getbootstrap twbs "
    "fontawesome jquery".split()
)
