"""Signing in by an OpenID Connect provider: authorization code flow with PKCE (decision 41).

Part of the application only where `LEADMILL_OIDC_ISSUER` is set; what needs the extra `leadmill[oidc]` is imported when
the API starts (`api.oidc.provider`), and by nobody else.
"""
