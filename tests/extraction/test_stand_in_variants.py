"""More pages that stand in for a company's, each worded anew, and small pages of companies that use the same words.

All pages are invented. What is here was once taken for the other.
"""
# ruff: noqa: E501  pages stand on one line, in the letters of their language

from __future__ import annotations

import pytest

from extraction.markup import Markup
from extraction.stand_ins import Answer, judge

DOMAIN = "holzbau-maren.example"


def told(title: str, body: str, head: str = "") -> str | None:
    html = f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{body}</body></html>"
    verdict = judge(Answer(f"https://{DOMAIN}/", DOMAIN, 200, {}, Markup(html.encode())))
    return verdict and str(verdict.code)


#: Code, title, body.
SAID: list[tuple[str, str, str]] = [
    ("parked", "holzbau-maren.example", "<div id=\"main\"><h1>holzbau-maren.example</h1><ul><li><a href=\"/search?kw=0\">Carpenter Near Me</a></li><li><a href=\"/search?kw=1\">Wood Flooring</a></li><li><a href=\"/search?kw=2\">Timber Frame Homes</a></li><li><a href=\"/search?kw=3\">Kitchen Cabinets</a></li><li><a href=\"/search?kw=4\">Roof Trusses</a></li><li><a href=\"/search?kw=5\">Loft Conversions</a></li></ul><p>2026 Copyright. All Rights Reserved.</p><p>The Sponsored Listings displayed above are served automatically by a third party. Neither the service provider nor the domain owner maintain any relationship with the advertisers.</p><div class=\"footer\"><a href=\"#\" onclick=\"openPrivacy()\">Privacy Policy</a></div></div>"),
    ("for_sale", "holzbau-maren.example for sale", "<h1>holzbau-maren.example</h1><h2>Interested in this domain?</h2><form><input name=\"offer\"><input type=\"email\"><button>Submit offer</button></form><p>Powered by Efty</p>"),
    ("for_sale", "holzbau-maren.example kaufen", "<h1>holzbau-maren.example</h1><p>Sie können diese Domain jetzt kaufen.</p><p>Preis: 1.900 € zzgl. MwSt.</p><a href=\"https://elitedomains.example/x\">Zum Angebot</a>"),
    ("for_sale", "holzbau-maren.example", "<h1>holzbau-maren.example</h1><p>Ihre Wunschdomain ist verfügbar! Jetzt Kaufangebot abgeben.</p><p>Der Inhaber bietet die Domain zum Kauf an.</p>"),
    ("for_sale", "Domaine à céder", "<h1>holzbau-maren.example</h1><p>Ce nom de domaine est disponible à la vente. Faites une offre.</p>"),
    ("for_sale", "holzbau-maren.example", "<h1>El dominio holzbau-maren.example está a la venta</h1><p>Haga una oferta</p>"),
    ("for_sale", "holzbau-maren.example", "<h2>Il nome di dominio holzbau-maren.example è in vendita</h2><p>Fai un'offerta</p>"),
    ("for_sale", "holzbau-maren.example", "<h1>Domeinnaam holzbau-maren.example te koop</h1><p>Bekijk het domein op Domeinwinkel</p>"),
    ("for_sale", "域名交易", "<h1>holzbau-maren.example</h1><p>该域名可合作 / 出售，联系QQ 123456</p>"),
    ("for_sale", "ドメイン", "<h1>holzbau-maren.example</h1><p>このドメインは現在販売中です。</p>"),
    ("for_sale", "holzbau-maren.example", "<h1>도메인 holzbau-maren.example 을(를) 판매합니다</h1>"),
    ("for_sale", "holzbau-maren.example", "<h1>holzbau-maren.example eladó!</h1><p>A domain név megvásárolható.</p>"),
    ("for_sale", "holzbau-maren.example", "<h1>Domänen holzbau-maren.example säljes</h1><p>Lägg ett bud</p>"),
    ("parked", "holzbau-maren.example parkiert", "<p>holzbau-maren.example wurde parkiert. Diese Domain ist bei Hosttal registriert und aktuell nicht in Gebrauch.</p>"),
    ("default_page", "holzbau-maren.example", "<h1>Domaine réservé</h1><p>Ce nom de domaine a été réservé par l'un de nos clients chez Gandhi.net</p>"),
    ("default_page", "holzbau-maren.example", "<h1>Dominio registrato</h1><p>Il dominio holzbau-maren.example è stato registrato da un nostro cliente.</p>"),
    ("default_page", "holzbau-maren.example", "<p>Domena holzbau-maren.example jest utrzymywana na serwerach naszej firmy. Strona w przygotowaniu.</p>"),
    ("default_page", "holzbau-maren.example", "<h1>Gratulujeme, doména holzbau-maren.example byla úspěšně zaregistrována</h1><p>Zatím zde není žádný obsah.</p>"),
    ("default_page", "holzbau-maren.example", "<h1>holzbau-maren.example</h1><p>A Brand New Domain! Congratulations on registering your new domain at Porkbarrel!</p>"),
    ("default_page", "holzbau-maren.example", "<h1>Almost there!</h1><p>Your domain holzbau-maren.example is active and is using our nameservers. Take your website online.</p>"),
    ("default_page", "Welcome to Rocky Linux", "<h1>HTTP Server <strong>Test Page</strong></h1><p>This page is used to test the proper operation of an HTTP server after it has been installed on a Rocky Linux system. If you can read this page, it means that the software is working correctly.</p>"),
    ("default_page", "WAMPSERVER Homepage", "<h1>Wampserver</h1><h2>Server Configuration</h2><p>Apache Version: 2.4 PHP Version: 8.1</p>"),
    ("default_page", "holzbau-maren.example", "<h1>Apache is functioning normally</h1>"),
    ("default_page", "Success!", "<h1>Success!</h1><p>Your website holzbau-maren.example is up and running on CloudPanel. Hello World :-)</p>"),
    ("default_page", "CyberPanel Installed", "<h1>CyberPanel Installed</h1><p>Website has been created successfully.</p>"),
    ("default_page", "aaPanel", "<h1>Congratulations, the site is created successfully!</h1><p>This is the default index.html, this page is automatically generated by the system</p>"),
    ("default_page", "Congratulations!", "<h1>Félicitations ! Votre domaine holzbau-maren.example est bien créé chez OVHnuage</h1><p>Site web en construction</p>"),
    ("default_page", "Willkommen", "<h1>Herzlich Willkommen auf der Startseite Ihres Webspaces</h1><p>Diese Platzhalterseite können Sie per FTP ersetzen.</p>"),
    ("default_page", "ConfigServer", "<h1>phpinfo()</h1><table><tr><td>System</td><td>Linux web01 5.15</td></tr><tr><td>Server API</td><td>FPM/FastCGI</td></tr></table>"),
    ("default_page", "Hello World", "<h1>Hello World</h1>"),
    ("default_page", "Document", "<p>test</p>"),
    ("default_page", "Just another WordPress site – Just another WordPress site", "<header><a href=\"/\">My WordPress Blog</a></header><h1>Hello world!</h1><p>Welcome to WordPress. This is your first post. Edit or delete it, then start writing!</p><a href=\"/?p=1\">1 Comment</a><a href=\"/sample-page/\">Sample Page</a>"),
    ("default_page", "Welcome to OpenResty!", "<h1>Welcome to OpenResty!</h1><p>If you see this page, the OpenResty web platform is successfully installed and working.</p>"),
    ("default_page", "Welcome to tengine!", "<h1>Welcome to tengine!</h1><p>If you see this page, the tengine web server is successfully installed and working.</p>"),
    ("default_page", "Welcome to JBoss EAP 7", "<h1>Welcome to JBoss EAP 7</h1><p>Your Red Hat JBoss Enterprise Application Platform is running.</p>"),
    ("default_page", "Laravel", "<div><a href=\"https://laravel.com/docs\">Documentation</a><p>Laravel has wonderful documentation covering every aspect of the framework.</p><p>Laravel v10.48 (PHP v8.1)</p></div>"),
    ("default_page", "The install worked successfully! Congratulations!", "<h1>The install worked successfully! Congratulations!</h1><p>View release notes for Django 4.2. You are seeing this page because DEBUG=True is in your settings file</p>"),
    ("default_page", "Synology", "<h1>Web Station has been enabled. To finish setting up your website, please see the \"Web Service\" section of DSM Help.</h1>"),
    ("suspended", "holzbau-maren.example has expired", "<p>holzbau-maren.example expired on 11/02/2026 and is pending renewal or deletion.</p><ul><li><a href=\"/search?kw=0\">Carpenter Near Me</a></li><li><a href=\"/search?kw=1\">Wood Flooring</a></li><li><a href=\"/search?kw=2\">Timber Frame Homes</a></li><li><a href=\"/search?kw=3\">Kitchen Cabinets</a></li><li><a href=\"/search?kw=4\">Roof Trusses</a></li><li><a href=\"/search?kw=5\">Loft Conversions</a></li></ul>"),
    ("suspended", "Site bloqueado", "<h1>Site temporariamente bloqueado</h1><p>Entre em contato com o suporte da hospedagem.</p>"),
    ("suspended", "Strona niedostępna", "<h1>Usługa hostingowa wygasła</h1><p>Abonament nie został opłacony.</p>"),
    ("suspended", "Сайт", "<h1>Хостинг сайта временно приостановлен</h1><p>Необходимо пополнить баланс.</p>"),
    ("suspended", "サイト", "<h1>このアカウントは利用停止中です</h1>"),
    ("suspended", "网站已停用", "<h1>抱歉，该网站已被停用</h1><p>请联系服务商</p>"),
    ("suspended", "Website offline", "<h1>This website is currently unavailable.</h1><p>If you're the owner, please renew your hosting plan.</p>"),
    ("maintenance", "Magasin", "<p>Notre boutique est temporairement fermée pour maintenance.</p>"),
    ("maintenance", "Onderhoud", "<h1>We zijn even offline</h1><p>Onze site ondergaat momenteel onderhoud.</p>"),
    ("coming_soon", "Holzbau Maren", "<h1>Our site is almost ready</h1><p>We're putting the finishing touches on it. Countdown: 12 days</p>"),
    ("coming_soon", "Site", "<p>Sito web in fase di realizzazione</p>"),
    ("login_only", "Acceso al sistema", "<form><h3>Bienvenido</h3><input placeholder=\"Usuario\"><input type=\"password\" placeholder=\"Contraseña\"><button>Ingresar</button></form>"),
    ("captcha", "holzbau-maren.example", "<p>To continue, please type the characters below:</p><img src=\"/captcha.php\"><form><input name=\"captcha\"><button>Submit</button></form>"),
    ("soft_404", "Not here", "<nav><a href=\"/\">Home</a><a href=\"/leistungen\">Leistungen</a><a href=\"/team\">Team</a></nav><h1>We can't find the page you're looking for.</h1><a href=\"/\">Home</a>"),
    ("soft_404", "Holzbau Maren", "<nav><a href=\"/\">Home</a><a href=\"/leistungen\">Leistungen</a><a href=\"/team\">Team</a></nav><h1>Die gesuchte Seite wurde leider nicht gefunden</h1><a href=\"/\">Home</a>"),
    ("platform_page", "Site Not Found", "<h1>Site not found</h1><p>Looks like you followed a broken link or entered a URL that doesn't exist on Netlify.</p>"),
    ("platform_page", "Heroku | No such app", "<iframe src='//www.herokucdn.com/error-pages/no-such-app.html'></iframe>"),
    ("platform_page", "Heroku | Application Error", "<iframe src='//www.herokucdn.com/error-pages/application-error.html'></iframe>"),
    ("platform_page", "Shop nicht verfügbar", "<h1>Leider ist dieser Shop zurzeit nicht verfügbar.</h1>"),
    ("platform_page", "Domain Not Found", "<h1>Domain not found</h1><p>The domain is not connected to any Tilda project.</p>"),
    ("platform_page", "Project not found", "<p>The deployment could not be found on Cloudflare Pages. Nothing is here yet.</p>"),
    ("suspended", "render", "<h1>Not Found</h1><p>This service has been suspended by its owner.</p>"),
    ("platform_page", "Blogger", "<h1>Blog not found</h1><p>Sorry, the blog you were looking for does not exist. However, the name is available to register!</p>"),
    ("for_sale", "holzbau-maren.example", "<h1>HOLZBAU-MAREN.EXAMPLE is available</h1><p>This premium domain name is available for purchase. Starting bid $500.</p>"),
    ("for_sale", "For Sale", "<h2>holzbau-maren.example</h2><p>This domain name is listed for sale at $1,999. Lease to own $99/month.</p>"),
    ("for_sale", "holzbau-maren.example", "<h1>Want to buy holzbau-maren.example?</h1><form><input type=email><button>Request price</button></form>"),
    ("for_sale", "holzbau-maren.example", "<p>Haben Sie Interesse an der Domain holzbau-maren.example? Nehmen Sie Kontakt auf: makler@adressen.example</p>"),
    ("for_sale", "Domain", "<h1>Domain „holzbau-maren.example“ steht zum Verkauf</h1><p>0171 2345678</p>"),
    ("for_sale", "holzbau-maren.example", "<h1>Achetez holzbau-maren.example</h1><p>Domaine premium en vente sur notre place de marché</p>"),
    ("for_sale", "holzbau-maren.example", "<h1>www.holzbau-maren.example está en venta</h1>"),
    ("for_sale", "holzbau-maren.example", "<p>Domena holzbau-maren.example na sprzedaż. Kontakt: biuro@domeny.example</p>"),
    ("for_sale", "holzbau-maren.example", "<h1>holzbau-maren.example продается</h1><p>Цена 50 000 руб.</p>"),
    ("for_sale", "holzbau-maren.example", "<h1>Domenet holzbau-maren.example er til salgs</h1>"),
    ("parked", "holzbau-maren.example", "<h1>holzbau-maren.example</h1><p>This Web page is parked for FREE, courtesy of a registrar.</p><p>Search for domains similar to</p>"),
    ("parked", "holzbau-maren.example", "<p>The domain holzbau-maren.example is parked at Registrar Nine.</p>"),
    ("default_page", "Domeinnaam in gebruik", "<h1>holzbau-maren.example is geregistreerd bij Hostvijf</h1><p>Deze pagina is tijdelijk.</p>"),
    ("default_page", "Domain connected", "<h1>Domain successfully connected</h1><p>The owner of holzbau-maren.example has not yet published a website.</p>"),
    ("default_page", "Domain nicht konfiguriert", "<h1>Domain nicht konfiguriert</h1><p>Auf diesem Server ist für diese Domain keine Website eingerichtet.</p>"),
    ("default_page", "Home", "<h1>Hello, World!</h1>"),
    ("suspended", "Gesperrt", "<h1>Dieser Webspace ist gesperrt</h1><p>Bitte melden Sie sich beim Kundenservice.</p>"),
    ("suspended", "Sospeso", "<p>Il servizio di hosting per questo dominio è stato sospeso.</p>"),
    ("suspended", "Attention", "<h1>Website temporarily disabled</h1><p>Please contact your hosting provider</p>"),
    ("maintenance", "Be right back", "<h1>Be right back.</h1><p>We're making some improvements to the site.</p>"),
    ("login_only", "phpMyAdmin", "<form><h1>Welcome to phpMyAdmin</h1><label>Username:</label><input name=u><label>Password:</label><input type=password></form>"),
    ("bot_wall", "Zugriff", "<h1>Zugriff gesperrt</h1><p>Unser System hat automatisierte Zugriffe festgestellt.</p>"),
    ("bot_wall", "holzbau-maren.example", "<p>Please wait while we verify your browser...</p><script src=/x.js></script>"),
    ("captcha", "holzbau-maren.example", "<p>Vérification que vous n'êtes pas un robot</p><script src=/x.js></script>"),
    ("soft_404", "Error", "<nav><a href=\"/\">1</a><a href=\"/x\">2</a><a href=\"/kontakt\">Kontakt</a></nav><h1>Whoops! This page doesn't seem to exist.</h1>"),
    ("soft_404", "Erreur", "<nav><a href=\"/\">1</a><a href=\"/x\">2</a><a href=\"/kontakt\">Kontakt</a></nav><h1>Désolé, la page n'existe pas</h1>"),
    ("soft_404", "Error", "<nav><a href=\"/\">1</a><a href=\"/x\">2</a><a href=\"/kontakt\">Kontakt</a></nav><h1>Lo sentimos, la página no se encuentra</h1>"),
    ("soft_404", "Fout", "<nav><a href=\"/\">1</a><a href=\"/x\">2</a><a href=\"/kontakt\">Kontakt</a></nav><h1>Sorry, deze pagina is niet gevonden</h1>"),
    ("platform_page", "Site not published", "<h1>This site isn’t published yet</h1><p>Come back later</p>"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "title", "body"), SAID)
def test_it_says_what_it_is(code: str, title: str, body: str) -> None:
    assert told(title, body) == code


#: What the company is, title, body, head.
REAL: list[tuple[str, str, str, str]] = [
    ("domain broker with menu", "Nordic Domains – Premium domain names", "<h1>Premium domain names</h1><nav><a href=\"/domains\">Domains</a><a href=\"/sell\">Sell</a><a href=\"/about-us\">About us</a><a href=\"/contact\">Contact</a></nav><p>We broker premium domains. Buy this domain or thousands of others; every domain name is for sale by its owner and we handle escrow.</p>", ""),
    ("domain broker small", "Maren Domains", "<h1>We buy and sell domain names</h1><p>Every domain for sale comes with escrow. Write to info@holzbau-maren.example</p><nav><a href=\"/portfolio\">Portfolio</a><a href=\"/contact\">Contact</a></nav>", ""),
    ("hosting one page", "Maren Hosting", "<h1>Webhosting</h1><p>Plesk, cPanel and DirectAdmin hosting from €2. Domain parking free of charge.</p><p>Maren Hosting BV, KvK 12345678, support@holzbau-maren.example</p>", ""),
    ("registrar", "Maren Registrar", "<h1>Register your domain</h1><form><input name=q><button>Search</button></form><nav><a href=\"/prices\">Prices</a><a href=\"/transfer\">Transfer</a><a href=\"/whois\">Whois</a><a href=\"/contact\">Contact</a></nav><p>Is your domain name expired? Domain expired? Renew it now. Parked domain? Add hosting.</p>", ""),
    ("seo expired domains", "Expired domains list", "<h1>Find expired domains</h1><nav><a href=\"/pricing\">Pricing</a><a href=\"/login\">Login</a><a href=\"/blog\">Blog</a><a href=\"/contact\">Contact</a></nav><p>Every domain has expired within 24 hours. Filter by metrics.</p>", ""),
    ("ddos vendor", "DDoS protection by Maren", "<h1>DDoS protection for banks</h1><nav><a href=\"/products\">Products</a><a href=\"/company\">Company</a><a href=\"/contact\">Contact</a></nav><p>Checking your browser before accessing sites is over.</p>", ""),
    ("ddos vendor small", "DDoS Protection - Maren Security", "<h1>DDoS protection</h1><p>We protect hospitals in the Netherlands.</p><p>Phone: 020 7946 0990</p>", ""),
    ("security services", "Security Check Ltd", "<h1>Security check for homes</h1><p>Alarm systems in Kent.</p><p>Phone: 020 7946 0990</p>", ""),
    ("access control firm", "Access Denied – Access control systems", "<h1>Access denied to burglars</h1><nav><a href=\"/about\">About</a><a href=\"/services\">Services</a><a href=\"/contact\">Contact</a></nav><p>Doors, locks, readers.</p>", ""),
    ("film title", "Kino Maren", "<h1>Jetzt im Kino: Access Denied</h1><p>Heute 20:15 Uhr. Reservierung Telefon 040 1234567</p>", ""),
    ("pen tester", "Robot check", "<h1>Robot check: inspection of industrial robots</h1><p>We check robots in Bavaria.</p><p>Phone: 020 7946 0990</p>", ""),
    ("restaurant new branch opening soon", "Osteria Maren", "<h1>Osteria Maren</h1><p>Opening soon: our second restaurant in Leeds! Visit us at 12 High Street, York, YO1 7HY. Book: 01904 123456</p><nav><a href=\"/menu\">Menu</a><a href=\"/book\">Book</a></nav>", ""),
    ("coming soon instagram+address", "Bientôt", "<h1>Ouverture prochaine</h1><p>Boulangerie Maren, 12 rue des Lilas, 69003 Lyon. Tél. 04 72 00 00 00</p>", ""),
    ("maintenance firm one page", "Maintenance | Maren Facilities", "<h1>Property maintenance</h1><p>Gutters, boilers, roofs in Leeds. 0113 496 0123 call us</p>", ""),
    ("it works physiotherapy", "It works! Physiotherapy Maren", "<h1>It works! Physiotherapy that helps</h1><p>Book: 020 7946 0880 call</p><nav><a href=\"/team\">Team</a><a href=\"/prices\">Prices</a><a href=\"/contact\">Contact</a></nav>", ""),
    ("404 restaurant", "404 Restaurant", "<h1>404 - Bar &amp; Restaurant</h1><p>404 Not Found is our house cocktail.</p><nav><a href=\"/menu\">Menu</a><a href=\"/reservations\">Reservations</a><a href=\"/contact\">Contact</a><a href=\"/events\">Events</a></nav>", ""),
    ("one page hcaptcha without phone", "Maren Joinery", "<h1>Maren Joinery</h1><p>Stairs, doors and windows made in Kent by three joiners. We deliver all over the south of England and fit what we make ourselves, with a guarantee of ten years on all work.</p><form><input type=email><div class=\"h-captcha\"></div></form>", ""),
    ("short one page with recaptcha", "Maren Joinery | Stairs and doors", "<h1>Maren Joinery</h1><p>Stairs and doors from Kent.</p><form><input name=name><input type=email><textarea></textarea><div class=\"g-recaptcha\"></div><button>Send</button></form><script src='https://www.google.com/recaptcha/api.js'></script>", ""),
    ("invisible recaptcha v3 on small site", "Zahnarzt Maren", "<h1>Zahnarztpraxis Maren</h1><p>Sprechzeiten Mo-Fr 8-16 Uhr</p><script src='https://www.google.com/recaptcha/api.js?render=6L'></script>", ""),
    ("car park", "Parkhaus Maren", "<h1>Parking in Lyon</h1><p>Domain parking next to the Domaine Maren. 400 places.</p><p>Phone: 020 7946 0990</p>", ""),
    ("parking fr", "Parking Domaine des Lilas", "<h1>Parking du domaine</h1><p>Le domaine en parking gratuit. Tél. 04 72 00 00 00</p>", ""),
    ("wine estate", "Domaine Maren", "<h1>Domaine Maren</h1><p>Le domaine est à vendre ses vins au caveau. Domaine viticole en Bourgogne.</p><p>Tél. 03 80 00 00 00</p>", ""),
    ("wine domaine a vendre", "Domaine à vendre en Provence – Agence Maren", "<h1>Domaines viticoles à vendre</h1><p>Domaine à vendre, 12 ha, Bandol.</p><nav><a href=\"/vignobles\">Vignobles</a><a href=\"/châteaux\">Châteaux</a><a href=\"/contact\">Contact</a><a href=\"/agence\">Agence</a></nav>", ""),
    ("suspended ceilings", "Suspended ceilings", "<h1>Suspended ceilings Leeds</h1><p>Site suspended platforms, too.</p><p>Phone: 020 7946 0990</p>", ""),
    ("account suspended lawyer", "Account Suspended? Maren Law helps sellers", "<h1>Amazon account suspended? We get it back.</h1><nav><a href=\"/services\">Services</a><a href=\"/about-us\">About us</a><a href=\"/contact\">Contact</a></nav><p>This account has been suspended - read what to do.</p>", ""),
    ("el shop", "Μάρεν Έπιπλα", "<h1>Χειροποίητα έπιπλα</h1><p>Τηλ. 210 1234567. Σύντομα νέα συλλογή!</p>", ""),
    ("queue management firm", "Queue-it? Maren Queues", "<h1>Queue management for hospitals</h1><nav><a href=\"/about\">About</a><a href=\"/services\">Services</a><a href=\"/contact\">Contact</a></nav>", ""),
    ("robot shop", "I am not a robot – toy shop", "<h1>I'm not a robot, I'm a toy</h1><p>Toys made of beech.</p><nav><a href=\"/toys\">Toys</a><a href=\"/about-us\">About us</a><a href=\"/contact\">Contact</a></nav>", ""),
    ("prochainement cinema fr", "Cinéma Maren", "<h1>Cinéma Maren</h1><h2>Prochainement</h2><p>Trois films en mai. Tél. 04 72 00 00 00</p>", ""),
    ("nouveau site announcement", "Menuiserie Maren", "<h1>Menuiserie Maren</h1><p>Notre nouveau site arrive bientôt. Escaliers et portes à Annecy, 12 rue des Lilas 74000 Annecy.</p>", ""),
    ("wordpress developer", "WordPress maintenance – Maren", "<h1>WordPress maintenance mode? We fix it.</h1><nav><a href=\"/about\">About</a><a href=\"/services\">Services</a><a href=\"/contact\">Contact</a></nav><p>Site suspended? Website hacked?</p>", ""),
    ("tomcat trainer", "Apache Tomcat training – Maren", "<h1>Apache Tomcat courses</h1><nav><a href=\"/courses\">Courses</a><a href=\"/dates\">Dates</a><a href=\"/contact\">Contact</a></nav>", ""),
    ("own domain own word: domain is for sale note", "Holzbau Maren", "<h1>Holzbau Maren</h1><nav><a href=\"/leistungen\">Leistungen</a><a href=\"/kontakt\">Kontakt</a><a href=\"/impressum\">Impressum</a></nav><p>Unsere zweite Domain steht zum Verkauf, bei Interesse melden.</p>", ""),
    ("shop name is for sale sign", "holzbau-maren.example is open", "<h1>holzbau-maren.example – your timber shop</h1><p>Everything is for sale at our yard in Kiel. Call 0431 123456</p>", ""),
    ("interest in domain: biology", "Protein Domain Lab", "<h1>Protein domain services</h1><p>This domain is available for purchase as plasmid.</p><nav><a href=\"/plasmids\">Plasmids</a><a href=\"/about\">About</a><a href=\"/contact\">Contact</a></nav>", ""),
    ("bodyguards", "Security check", "<h1>Bodyguards Maren</h1><p>Personenschutz in Wien. +43 1 123 45 67</p>", ""),
    ("door access", "Zugriff verweigert? Schlüsseldienst Maren", "<h1>Schlüsseldienst Maren</h1><p>24 h in Graz: 0316 123456</p>", ""),
    ("blocked drains", "Blocked drains Leeds", "<h1>Your drain has been blocked?</h1><p>You have been blocked by roots? Call 0113 496 0000</p>", ""),
    ("robot maker", "Are you a robot?", "<h1>Robots for schools</h1><p>Kits and courses.</p><nav><a href=\"/kits\">Kits</a><a href=\"/about-us\">About us</a><a href=\"/contact\">Contact</a></nav>", ""),
    ("escape room", "Verify you are human – Escape room Maren", "<h1>Verify you are human</h1><p>An escape game for four in Bristol. Book 0117 496 0000</p>", ""),
    ("under construction pun", "Under Construction – toys", "<h1>Under Construction</h1><p>Wooden building blocks for children. Shop at our store: 5 Mill Lane, Bath</p>", ""),
    ("future home realtor", "Maren Homes", "<h1>Find the future home of your family</h1><p>Houses in Kent. 01227 123456</p>", ""),
    ("stay tuned guitar", "Stay Tuned Guitars", "<h1>Stay Tuned Guitars</h1><p>Guitar repair in Leeds. 0113 496 0001</p>", ""),
    ("captcha in contact page", "Kontakt – Holzbau Maren", "<h1>Kontakt</h1><form><input name=n><textarea></textarea><label>Bitte geben Sie den Sicherheitscode ein</label><img src=captcha.php><input name=c></form><nav><a href=\"/leistungen\">Leistungen</a><a href=\"/impressum\">Impressum</a></nav>", ""),
    ("contact page security question, bare", "Kontakt", "<h1>Kontakt</h1><form><input type=email><textarea></textarea><label>Sicherheitsabfrage: 3+4</label><input name=c></form>", ""),
    ("contact page en robot checkbox", "Contact us", "<h1>Contact us</h1><form><input type=email><textarea></textarea><label><input type=checkbox> I'm not a robot</label></form>", ""),
    ("ar cleaning", "مارين", "<h1>خدمات الصيانة</h1><p>تحت الصيانة الدورية للمصاعد. هاتف 04-1234567</p>", ""),
    ("nl binnenkort theater", "Theater Maren", "<h1>Theater Maren</h1><h2>Binnenkort</h2><p>Drie voorstellingen in mei, kaarten 010 1234567</p>", ""),
    ("builder fr", "Maren Construction", "<h1>Maisons en construction bois</h1><p>Jura et Doubs.</p>", ""),
    ("builder es", "Maren", "<h1>Empresa de construcción</h1><p>Obras en construcción en Sevilla y Huelva.</p>", ""),
    ("builder it", "Maren", "<h1>Case in costruzione a Como</h1><p>Impresa edile dal 1970.</p>", ""),
    ("builder pl", "Maren", "<h1>Osiedle w budowie</h1><p>Mieszkania pod Gdańskiem.</p>", ""),
    ("apps", "Maren Apps", "<h1>Apps under development since 2011</h1><p>A studio in Porto.</p>", ""),
    ("theatre ru", "Театр", "<h1>Скоро премьера</h1><p>Театр Марен, Казань.</p>", ""),
    ("flats tr", "Maren Konut", "<h1>Yakında teslim daireler</h1><p>İzmir'de 40 daire.</p>", ""),
]  # fmt: skip


@pytest.mark.parametrize(("who", "title", "body", "head"), REAL)
def test_the_same_words_on_a_companys_page(who: str, title: str, body: str, head: str) -> None:
    assert told(title, body, head) is None, who
