"""Which addresses may be dialled and which URLs may be handed to a proxy."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadmill.egress import SPECIAL_SUFFIXES, WEB_PORTS, parse_allow, refuse_address, refuse_target
from leadmill.ids import _suffixes

LOOPBACK = parse_allow(["127.0.0.0/8"])

PRIVATE = """
127.0.0.1 127.255.255.254 0.0.0.0 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254
100.64.0.1 192.0.0.8 192.0.0.170 192.0.2.1 192.88.99.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250
240.0.0.1 255.255.255.255
:: ::1 fe80::1 fec0::1 fc00::1 fd00:ec2::254 ff02::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254
::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 2002:7f00:1:: 2001:0:1::1 2001:db8::1 3fff::1
5f00::1 2a00:1450::5efe:7f00:1 2a00:1450::200:5efe:a00:1 100::1 fe80::1%eth0
""".split()

PUBLIC = """
8.8.8.8 1.1.1.1 93.184.216.34 172.15.0.1 172.32.0.1 192.0.1.1 223.255.255.254 ::ffff:8.8.8.8 64:ff9b::808:808
2606:4700:4700::1111 2a00:1450:4001:82b::200e 2001:4860:4860::8888
""".split()


METADATA_OF_CLOUDS = """
168.63.129.16 100.100.100.200 192.0.0.192 169.254.169.254 169.254.170.2 169.254.42.42 100.96.0.96
100.80.80.80 fd00:ec2::254 fd20:ce::254 fd00:42::42 ::ffff:168.63.129.16 64:ff9b::a83f:8110
""".split()


@pytest.mark.parametrize("address", METADATA_OF_CLOUDS)
def test_metadata_of_clouds_is_refused_unless_named_itself(address: str) -> None:
    wide = parse_allow(["0.0.0.0/0", "::/0", "168.63.129.0/24", "100.64.0.0/10", "fd00::/8"])
    for allow in ((), wide):
        assert refuse_address(address, 80, allow)
        assert refuse_target(f"http://[{address}]/" if ":" in address else f"http://{address}/", allow)
    reached = {"::ffff:168.63.129.16": "168.63.129.16", "64:ff9b::a83f:8110": "168.63.129.16"}.get(address, address)
    named = parse_allow([reached])
    assert refuse_address(address, 80, named) is None
    assert refuse_address("168.63.129.17", 80) is None


def test_no_special_suffix_is_a_public_one() -> None:
    """None of them may ever keep a company out: the list of public suffixes knows none, but arpa and onion."""
    public = {suffix for suffix in SPECIAL_SUFFIXES if _suffixes()(f"a.{suffix}").suffix}
    assert public <= {"arpa", "onion"}


@pytest.mark.parametrize("address", PRIVATE)
def test_address_of_a_special_network_is_refused(address: str) -> None:
    assert refuse_address(address, 443)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_passes_on_web_ports_only(address: str) -> None:
    assert all(refuse_address(address, port) is None for port in WEB_PORTS)
    assert "port 6379" in str(refuse_address(address, 6379))


@pytest.mark.parametrize("text", ["", "example.com", "127.1", "1.2.3.4.5", "x" * 500])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert "not an IP address" in str(refuse_address(text, 80))


def test_allowed_network_opens_any_port_and_nothing_beside_it() -> None:
    for address in ("127.0.0.1", "127.9.9.9", "::ffff:127.0.0.1", "64:ff9b::7f00:1"):
        assert refuse_address(address, 50_123, LOOPBACK) is None
    assert refuse_address("10.0.0.1", 80, LOOPBACK)
    assert refuse_address("::1", 80, LOOPBACK)
    assert refuse_address("::1", 80, parse_allow(["::1/128"])) is None


def test_allow_list_that_is_no_cidr_is_said() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        parse_allow(["nonsense"])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://１２７.0.0.1/",  # full width digits
        "http://①②⑦.⓪.⓪.①/",
        "http://8.8.8.8/",
        "http://127.0.0.1./",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/",
        "http://a.localhost:8080/",
        "http://intranet/",
        "http://printer.local/",
        "http://metadata.google.internal/",
        "http://nas.lan/",
        "http://router.home/",
        "http://x.corp/",
        "http://x.onion/",
        "http://1.0.0.127.in-addr.arpa/",
        "http://x.test/",
        "http://api.default.svc.cluster.local/",
        "http://kubernetes.default.svc/",
        "http://vault.service.consul/",
        "http://router.home.arpa/",
        "http://METADATA.google.internal./",
        "http://metadata。google。internal/",  # ideographic full stops
        "http://metadata.google.in\xadternal/",
        "http://instance-data.ec2.internal/",
        "http://metadata.tencentyun.com/",
        "http://metadata.goog/computeMetadata/v1/",
        "http://api.metadata.cloud.ibm.com/",
        "http://x.metadata.goog./",
        "http://kubernetes/",
        "http://x.invalid/",
        "http://acme.com:6379/",
        "http://user:pw@acme.com/",
        "http://acme.com@127.0.0.1/",
        "http://%31%32%37.0.0.1/",
        "http://1.2.3.4.5/",
        "http://999.1.1.1/",
        "http://-bad.com/",
        "http://a..b.com/",
        "http:///path",
        "http://[::1/",
        "http://acme.com:port/",
        "ftp://acme.com/",
        "file:///etc/passwd",
        "",
    ],
)
def test_target_that_no_proxy_is_asked_for(url: str) -> None:
    assert refuse_target(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.com/",
        "https://www.acme.co.uk/impressum?x=1",
        "http://acme.example/",
        "https://shop.acme.example:8443/",
        "https://example.com:443/",
        "http://bücher.de/",
        "http://xn--bcher-kva.de/",
        "http://acme.com.:8080/",
        "http://under_score.acme.com/",
    ],
)
def test_public_name_may_be_asked_for(url: str) -> None:
    assert refuse_target(url) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:5000/", "http://localhost:5000/", "http://a.localhost:1/"])
def test_allowed_loopback_is_a_permitted_target(url: str) -> None:
    assert refuse_target(url, LOOPBACK) is None
    assert refuse_target(url)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["dotted", "decimal", "hex", "octal", "short", "mapped"]))
def test_ipv4_is_refused_in_every_spelling(number: int, spelling: str) -> None:
    address = ipaddress.IPv4Address(number)
    a, b, c, d = address.packed
    host = {
        "dotted": str(address),
        "decimal": str(number),
        "hex": hex(number),
        "octal": f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        "short": f"{a}.{number & 0xFFFFFF}",
        "mapped": f"[::ffff:{address}]",
    }[spelling]
    assert refuse_target(f"http://{host}/")


@given(st.ip_addresses(v=4), st.integers(1, 65_535))
def test_carried_ipv4_is_judged_like_the_address_itself(address: ipaddress.IPv4Address, port: int) -> None:
    plain = refuse_address(address, port)
    for prefix in ("::ffff:", "64:ff9b::"):
        assert (refuse_address(f"{prefix}{address}", port) is None) == (plain is None)


@given(st.ip_addresses(), st.integers(1, 65_535))
def test_nothing_private_ever_passes(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> None:
    if refuse_address(address, port) is None:
        assert port in WEB_PORTS
        assert not (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified)
        assert not address.is_private or getattr(address, "ipv4_mapped", None) is not None


@given(st.text(max_size=80))
def test_any_text_gets_an_answer(text: str) -> None:
    refuse_target(text)
    refuse_target(f"http://{text}/")
    refuse_address(text, 80)
