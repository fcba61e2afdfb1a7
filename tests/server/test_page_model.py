"""The page with an IndexTTS engine: what it shows, and what its button sends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tts_server.form.marks import marked

from tests.server.running import Answer, Running
from tests.server.stage import CARD, ENGINE, Stage, engine
from tests.server.test_engine_life import until
from tests.server.test_faults import eventually
from tests.server.test_model_speech import clip, encoded
from tests.server.test_page_gate import index_of
from tests.support.hub import Hub

CALM = [0, 0, 0, 0, 0, 0, 0, 0.5]


def values(**changes: Any) -> list[Any]:
    fields = {"text": "Hello.", "engine": "auto", "voice": "auto", "language": "auto", "duration": 1.0}
    fields |= {"described": "", "alpha": 1.0, "vector": [0] * 8, "sound": ""} | changes
    vector, sound = fields.pop("vector"), fields.pop("sound")
    return [*fields.values(), *vector, sound]


def press(server: Running, **changes: Any) -> Any:
    """What stands below the sound after a click; fails when the call itself is refused."""
    session = "page1"
    call = {"data": values(**changes), "fn_index": index_of(server, "click"), "session_hash": session}
    answer: Answer = server.ask("POST", "/gradio_api/queue/join", call)
    assert answer.status == 200, answer.body
    events = server.get(f"/gradio_api/queue/data?session_hash={session}").body.decode()
    done = next(json.loads(row[6:]) for row in events.splitlines() if '"process_completed"' in row)
    return done["output"]["data"][1]


def shown(server: Running, language: str = "en") -> str:
    call = {"data": [], "fn_index": index_of(server, "load"), "session_hash": "page2"}
    answer = server.ask("POST", "/gradio_api/run/predict", call, accept_language=language)
    return str(answer.json["data"][0])


def test_the_button_speaks_with_the_engine_and_what_was_set(stage: Stage) -> None:
    stage.fill()
    stage.cards(CARD)
    server = stage.serve(wait="/startupz")
    until(server, "ready")

    assert ENGINE in press(server)
    assert press(server, vector=CALM, alpha=0.5, duration=1.5)
    told = stage.told("speak")[-1]
    assert told["emotion"] == {"kind": "vector", "vector": CALM, "alpha": 0.5}
    assert told["duration"] == 1.5
    assert press(server, described="very happy", vector=CALM)
    assert stage.told("speak")[-1]["emotion"]["text"] == "very happy"
    assert press(server, sound=encoded(clip()), voice="auto")
    assert stage.told("speak")[-1]["reference"].endswith(".wav")
    assert "espeak" in press(server, engine="espeak", vector=CALM, duration=2.0)
    assert "add up to" in press(server, vector=[1] * 8)
    assert "no sound file" in press(server, sound=encoded(b"text"))
    assert "Only the first 15 seconds" in press(server, text="TOOLONG.")
    assert "remark" not in press(server)


def test_a_value_that_no_slider_gives_is_refused(stage: Stage) -> None:
    stage.fill()
    server = stage.serve(wait="/startupz", TTS_DEVICE="cpu")
    for change in ({"vector": [2] * 8}, {"engine": "another"}, {"described": "x" * 501}, {"alpha": "high"}):
        call = {"data": values(**change), "fn_index": index_of(server, "click"), "session_hash": "page3"}
        assert server.ask("POST", "/gradio_api/queue/join", call).status == 400


def test_device_fallback_and_figures_are_shown_with_what_to_do(stage: Stage) -> None:
    stage.fill()
    stage.cards(CARD)
    stage.tell(load_error={"cuda": ["GPU-UVM", "999"]})
    server = stage.serve(wait="/startupz")
    until(server, "ready")
    english, chinese = shown(server), shown(server, "zh-CN")

    assert "Running on the CPU instead of a GPU" in english
    assert "nvidia-modprobe" in english
    assert "`" not in english + chinese
    assert "<code>" in english
    assert "正在用 CPU 代替 GPU" in chinese
    assert "显存已用 0 B / 17.2 GB" in chinese
    assert "Memory: " in english


def test_progress_and_what_is_missing_are_shown(stage: Stage) -> None:
    with Hub(stage.weights) as hub:
        hub.fail("drip", match="gpt.pth", value=1_500)
        server = stage.serve(wait=None, TTS_WEIGHTS_SOURCE=hub.url, TTS_DEVICE="cpu")
        eventually(lambda: server.process.poll() is None and _there(server), 30)
        eventually(lambda: (engine(server).get("progress") or {}).get("eta_seconds"))
        page = shown(server)

    assert "IndexTTS-2.5 is being fetched: " in page
    assert "min left" in page
    assert "espeak" in page


def _there(server: Running) -> bool:
    try:
        return server.get("/", accept="text/html").status == 200
    except OSError:
        return False


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("Run `deploykit up`, then `x`.", "Run <code>deploykit up</code>, then <code>x</code>."),
        ("`<b>` & <i>", "<code>&lt;b&gt;</code> &amp; &lt;i&gt;"),
        ("one ` alone", "one ` alone"),
        ("``", "``"),
        ("`two\nlines`", "`two\nlines`"),
    ],
)
def test_code_in_sentences_is_marked_as_such(sentence: str, shown: str) -> None:
    assert marked(sentence) == shown
