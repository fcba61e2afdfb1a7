"""Start, probes, lists and metrics."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

from deploy_kit.data import table
from tests.server.running import ROOT, Running, free_port

PROBE = ROOT / "images/server/tts_server/probe.py"


def test_live_is_answered_at_once_and_speech_before_the_page_is_there(launch) -> None:
    server: Running = launch(wait="/livez")
    server.until("/readyz")

    assert server.say("Hello.").status == 200
    assert server.get("/startupz").status == 503, "the page takes seconds; speech must not wait for it"


def test_live_answers_quickly_while_the_page_is_being_imported(launch) -> None:
    server: Running = launch(wait="/readyz")
    slowest, start = 0.0, time.monotonic()
    while server.get("/startupz").status != 200:
        began = time.monotonic()
        assert server.get("/livez").status == 200
        slowest = max(slowest, time.monotonic() - began)

    assert slowest < (time.monotonic() - start) / 2, "it waited for the import"


def test_before_the_api_is_there_a_program_hears_503_and_a_person_sees_a_page(launch) -> None:
    server: Running = launch(wait="/livez")
    person = server.get("/", accept="text/html", accept_language="zh-CN")

    assert person.status == 503
    assert person.headers["retry-after"]
    assert "正在启动" in person.body.decode()
    server.until("/startupz", seconds=60)
    assert server.get("/", accept="text/html").status == 200


def test_ready_names_device_engine_and_fallback(service: Running) -> None:
    answer = service.get("/readyz")

    assert answer.status == 200
    assert answer.json["state"] == "ready"
    assert (answer.json["auto"], answer.json["device"], answer.json["fallback"]) == ("espeak", "cpu", None)
    assert answer.json["engines"]["espeak"]["state"] == "ready"


def test_ready_is_strict_about_a_model(service: Running) -> None:
    assert service.get("/readyz?model=espeak").status == 200
    assert service.get("/readyz?model=indextts-2.5").status == 404


def test_the_aliases_of_the_probes(service: Running) -> None:
    assert service.get("/healthz").json == service.get("/livez").json
    health, ready = service.get("/health"), service.get("/readyz")
    assert (health.status, health.json.keys()) == (ready.status, ready.json.keys())  # memory in use may differ


def test_the_ledger_of_the_start_is_complete(service: Running) -> None:
    ledger = service.get("/startupz").json

    assert ledger["done"] is True
    assert [(step["name"], step["state"]) for step in ledger["steps"]] == [
        (name, "done") for name in ("preflight", "worker", "api", "webui")
    ]
    assert ledger["findings"] == []


def test_folders_that_cannot_be_written_are_findings_and_no_crash(launch, tmp_path: Path) -> None:
    server: Running = launch(TTS_OUTPUTS=str(tmp_path / "missing"), TTS_CACHE_HUB="/proc/1/fdinfo", TTS_LOCALE="zh")

    codes = {row["code"]: row["severity"] for row in server.get("/startupz").json["findings"]}
    assert codes == {"HOST-OUTPUTS-READ-ONLY": "warning", "CACHE-READ-ONLY": "warning"}
    assert "不可写" in server.text()
    assert server.say("Hello. " * 1400).status == 200, "long sound goes to the temporary folder instead"


def test_models_and_voices_are_listed_as_openai_does(service: Running) -> None:
    models = service.get("/v1/models").json
    voices = service.get("/v1/audio/voices").json["voices"]

    assert models["object"] == "list"
    assert [row["id"] for row in models["data"]] == ["auto", "espeak"]
    assert {row["object"] for row in models["data"]} == {"model"}
    assert service.get("/v1/models/espeak").json["id"] == "espeak"
    assert [row["id"] for row in voices] == [row["id"] for row in table("espeak")["voices"]]
    assert all(row["name"] and row["language"] in ("en", "zh") for row in voices)


def test_every_metric_of_the_table_is_served_and_no_other(service: Running) -> None:
    service.say("Hello.")
    body = service.get("/metrics").body.decode()
    families = dict(re.findall(r"^# TYPE (\S+) (\S+)$", body, re.MULTILINE))

    wanted = {row["name"]: row["type"] for row in table("metrics").values()}
    served = {name: kind for name, kind in families.items() if not name.endswith("_created")}
    assert served == wanted


def test_a_request_is_counted(service: Running) -> None:
    names = [
        'tts_requests_total{model="espeak",outcome="ok"}',
        'tts_characters_total{model="espeak"}',
        'tts_audio_seconds_total{model="espeak"}',
        "tts_first_audio_seconds_count",
        'tts_real_time_factor_count{model="espeak"}',
    ]
    before = [service.metric(name) for name in names]
    service.say("Hello there.")
    after = [service.metric(name) for name in names]

    assert [b - a for a, b in zip(before[:2], after[:2])] == [1, len("Hello there.")]
    assert all(b > a for a, b in zip(before, after))


def test_the_health_check_of_the_image_needs_nothing_but_python(service: Running) -> None:
    def probe(listen: str) -> int:
        command = [sys.executable, "-I", "-S", str(PROBE)]
        return subprocess.run(command, env={"TTS_LISTEN": listen}, check=False, capture_output=True).returncode

    assert probe(f"0.0.0.0:{service.port}") == 0
    assert probe(f"127.0.0.1:{service.port}") == 0
    assert probe(f"127.0.0.1:{free_port()}") == 1


def test_the_openapi_document_describes_the_endpoint(service: Running) -> None:
    body = service.get("/openapi.json").json["paths"]["/v1/audio/speech"]["post"]["requestBody"]

    schema = body["content"]["application/json"]["schema"]
    assert schema["required"] == ["input"]
    assert schema["properties"]["speed"]["minimum"] == 0.25


def test_the_page_is_there_in_both_languages_and_names_no_other_host(service: Running) -> None:
    page = service.get("/", accept="text/html").body.decode()

    assert "IndexTTS" in page
    assert "朗读" in page
    loaded = re.findall(r"""(?:src|href)=["']?(https?://[^"'\s>]+)""", page)
    assert loaded == []


def test_the_service_costs_next_to_nothing_while_nobody_asks(service: Running) -> None:
    def woken() -> int:
        """How often its threads went to sleep: each waking costs, whatever the machine."""
        states = Path(f"/proc/{service.process.pid}/task").glob("*/status")
        rows = (row for one in states for row in one.read_text().splitlines())
        return sum(int(row.split()[1]) for row in rows if row.startswith("voluntary"))

    before = woken()
    time.sleep(3)

    assert (woken() - before) / 3 < 200, "a thousand, when a queue is polled every millisecond"


def test_a_wrong_setting_ends_the_start_with_a_sentence(launch) -> None:
    for settings in (
        {"TTS_QUEUE": "many"},
        {"TTS_MAX_CHARS": "0"},
        {"TTS_LOG_LEVEL": "loud"},
        {"TTS_LISTEN": "nowhere"},
    ):
        server: Running = launch(wait=None, **settings)
        assert server.process.wait(10) == 2
        assert server.text().startswith(f"CONFIG-SERVICE: {next(iter(settings))}")
        assert "Traceback" not in server.text()


def test_a_taken_port_ends_the_start_with_a_sentence(launch, service: Running) -> None:
    server: Running = launch(wait=None, TTS_LISTEN=f"127.0.0.1:{service.port}")

    assert server.process.wait(10) == 4
    assert server.text().startswith("HOST-LISTEN")
