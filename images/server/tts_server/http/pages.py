"""Two small pages that need no framework: type the key; wait for the start."""

from __future__ import annotations

import html

from deploy_kit.messages import Catalogue

HTML = "text/html; charset=utf-8"

_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:95vh;margin:0}
main{width:min(22rem,88vw)}h1{font-size:1.5rem;margin:0 0 .3rem}p{margin:.2rem 0 1rem;opacity:.8}
input,button{font:inherit;width:100%;box-sizing:border-box;padding:.7rem .9rem;border-radius:.6rem}
input{border:1px solid #8888}.wrong{color:#dc2626;opacity:1}
button{margin-top:.7rem;background:#4f46e5;color:#fff;border:0;font-weight:600;cursor:pointer}
"""


def login(locale: str, *, wrong: bool = False) -> bytes:
    """The form that asks for the key."""
    say = Catalogue(locale)
    note = f'<p class="wrong" role="alert">{html.escape(say("server.login.wrong"))}</p>' if wrong else ""
    label = html.escape(say("server.login.label"))
    text, hint, button = (html.escape(say(f"server.login.{part}")) for part in ("text", "hint", "button"))
    form = (
        f'<p>{text}<br><small>{hint}</small></p>{note}<form method="post" action="/login">'
        f'<input type="password" name="key" required autofocus aria-label="{label}" placeholder="{label}" '
        f'autocomplete="current-password"><button>{button}</button></form>'
    )
    return _page(locale, say("server.login.title"), form)


def waiting(locale: str, state: str) -> bytes:
    """What a browser sees before the page is there: ``starting`` reloads itself, ``failed`` does not."""
    say = Catalogue(locale)
    text = f"<p>{html.escape(say(f'server.{state}.text'))}</p>"
    reload = '<meta http-equiv="refresh" content="1">' if state == "starting" else ""
    return _page(locale, say(f"server.{state}.title"), text, reload)


def _page(locale: str, title: str, body: str, head: str = "") -> bytes:
    title = html.escape(title)
    return (
        f'<!doctype html><html lang="{locale}"><head><meta charset="utf-8"><title>{title}</title>{head}'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    ).encode()
