"""The health pages and nothing else; a client that is slow, many or mistaken harms nobody, and fills no log."""

import asyncio
import json
import logging
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families
from unit.pages.site import Site, serve, status

GET = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
HALF = b"GET /livez HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(GET, 200, id="a page"),
        pytest.param(GET.replace(b"livez", b"readyz"), 503, id="not ready"),
        pytest.param(GET.replace(b"GET", b"HEAD"), 200, id="HEAD"),
        pytest.param(GET.replace(b"GET", b"DELETE"), 405, id="another method"),
        pytest.param(GET.replace(b"/livez", b"/"), 404, id="Faust's index"),
        pytest.param(GET.replace(b"/livez", b"/router/x/"), 404, id="Faust's router"),
        pytest.param(GET.replace(b"/livez", b"/table/"), 404, id="Faust's tables"),
        pytest.param(GET.replace(b"/livez", b"/graph"), 404, id="Faust's graph"),
        pytest.param(GET.replace(b"/livez", b"/../../etc/passwd"), 404, id="a path upwards"),
        pytest.param(GET.replace(b"/livez", b"/" + b"x" * 3000), 400, id="a long line"),
        pytest.param(GET.replace(b"x\r", b"x" * 5000 + b"\r"), 400, id="a long field"),
        pytest.param(GET.replace(b"Host", b"A: b\r\n" * 100 + b"Host"), 400, id="many fields"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS\r\n\r\n", 400, id="TLS"),
        pytest.param(b"hello\r\n\r\n", 400, id="no HTTP"),
        pytest.param(
            GET.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: x\r\n\r\n"), 400, id="size"
        ),
        pytest.param(GET.replace(b"GET", b"G\xffT"), 400, id="not ASCII"),
    ],
)
def test_each_request_gets_one_short_answer_and_no_log_line(
    sent: bytes, expected: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def body(site: Site) -> None:
        answer = await site.ask(sent)
        assert status(answer) == expected
        assert b"Traceback" not in answer
        assert b"\r\nserver:" not in answer.lower(), "it names library and version"
        assert len(answer) < 1000

    serve(body)

    assert [record for record in caplog.records if record.levelno > logging.INFO] == []
    assert len(caplog.records) <= 1, "what Faust says at the stop"


def test_pages_answer_json_and_say_why() -> None:
    async def body(site: Site) -> None:
        head, content = (await site.ask(GET.replace(b"livez", b"readyz"))).split(b"\r\n\r\n")
        assert b"application/json" in head
        assert json.loads(content) == {"ready": False, "reasons": ["model loading"]}

    serve(body)


@pytest.mark.parametrize(
    ("accept", "content_type", "parse"),
    [
        pytest.param(b"", b"text/plain; version=0.0.4; charset=utf-8", text_string_to_metric_families, id="no wish"),
        pytest.param(b"*/*", b"text/plain; version=0.0.4; charset=utf-8", text_string_to_metric_families, id="curl"),
        pytest.param(
            b"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2",
            b"application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
            openmetrics_families,
            id="Prometheus",
        ),
    ],
)
def test_metrics_come_in_the_format_that_is_asked_for_also_before_there_is_a_model(
    accept: bytes, content_type: bytes, parse: Any
) -> None:
    async def body(site: Site) -> None:
        sent = GET.replace(b"livez", b"metrics").replace(b"\r\n\r\n", b"\r\nAccept: " + accept + b"\r\n\r\n")
        head, content = (await site.ask(sent)).split(b"\r\n\r\n")
        assert status(head) == 200
        assert b"\r\nContent-Type: " + content_type + b"\r\n" in head
        families = {family.name: family for family in parse(content.decode())}
        assert families["sentiment_worker_received_messages"].samples[0].value == 0
        assert not families["sentiment_worker_batch_token_limit"].samples
        assert "process_cpu_seconds" in families

    serve(body)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"G", id="one byte"),
        pytest.param(HALF, id="half of the head"),
        pytest.param(b"GET /reads HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf", id="half of the body"),
    ],
)
def test_who_does_not_finish_a_request_is_cut_off(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def body(site: Site) -> None:
        assert await site.ask(sent) == b""

    serve(body, client_seconds=0.2)
    assert [record for record in caplog.records if record.exc_info] == []


def test_a_body_that_is_not_what_its_head_says_is_the_clients_mistake(caplog: pytest.LogCaptureFixture) -> None:
    async def body(site: Site) -> None:
        head = b"GET /reads HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
        assert status(await site.ask(head + b"nope")) == 400

    serve(body)
    assert [record for record in caplog.records if record.exc_info] == []


def test_sending_a_little_now_and_then_does_not_help() -> None:
    async def body(site: Site) -> None:
        reader, writer = await site.connect(HALF)
        answer = asyncio.create_task(reader.read())
        async with asyncio.timeout(20):
            while not answer.done():
                writer.write(b"A: b\r\n")
                await asyncio.sleep(0.02)
        writer.close()
        assert isinstance(answer.exception(), ConnectionResetError) or answer.result() == b""

    serve(body, client_seconds=0.2)


def test_who_does_not_take_the_answer_is_cut_off() -> None:
    async def body(site: Site) -> None:
        _reader, writer = await site.connect(GET.replace(b"livez", b"large"), limit=1000)
        await site.until(lambda: len(site.server.connections) == 1)
        await site.until(lambda: not site.server.connections)
        writer.close()

    serve(body, client_seconds=0.2)


def test_a_page_may_take_longer_than_its_client_may() -> None:
    async def body(site: Site) -> None:
        reader, writer = await site.connect(GET.replace(b"livez", b"waits"))
        assert b"200" not in await site.ask(HALF), "the time is over"
        site.go_on.set()
        assert status(await asyncio.wait_for(reader.read(), 20)) == 200
        writer.close()

    serve(body, client_seconds=0.2)


def test_a_probe_gets_through_200_connections_that_are_held_open() -> None:
    async def body(site: Site) -> None:
        held = [await site.connect(HALF) for _ in range(200)]
        assert status(await site.ask(GET)) == 200
        assert len(site.server.connections) <= 64
        for _, writer in held:
            writer.close()

    serve(body, client_seconds=600)


def test_connections_beyond_the_limit_are_closed_while_all_others_are_answered() -> None:
    async def body(site: Site) -> None:
        answered = [await site.connect(GET.replace(b"livez", b"waits")) for _ in range(3)]
        await site.until(lambda: sum(its.request is not None for its in site.server.connections) == 3)
        assert await site.ask(GET) == b""
        site.go_on.set()
        for reader, writer in answered:
            assert status(await asyncio.wait_for(reader.read(), 20)) == 200
            writer.close()

    serve(body, client_seconds=600, limit=3)


def test_of_pipelined_requests_the_first_is_answered() -> None:
    async def body(site: Site) -> None:
        answer = await site.ask(GET * 1000)
        assert answer.count(b"HTTP/1.1 200") == 1

    serve(body)


def test_a_body_that_no_page_reads_is_not_waited_for() -> None:
    async def body(site: Site) -> None:
        sent = GET.replace(b"\r\n\r\n", b"\r\nContent-Length: 1000000000\r\n\r\n") + b"x" * 1000
        assert status(await site.ask(sent)) == 200

    serve(body, client_seconds=600)


def test_a_page_that_fails_shows_no_traceback_and_logs_one(caplog: pytest.LogCaptureFixture) -> None:
    async def body(site: Site) -> None:
        for _ in range(20):
            answer = await site.ask(GET.replace(b"livez", b"broken"))
            assert status(answer) == 500
            assert b"LookupError" not in answer

    serve(body)

    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["broken on purpose"]


def test_a_stop_does_not_wait_for_clients() -> None:
    async def body(site: Site) -> None:
        held = [await site.connect(sent) for sent in (b"", HALF, GET.replace(b"livez", b"waits"))]
        await site.until(lambda: any(its.request for its in site.server.connections))
        assert not any(writer.is_closing() for _, writer in held)

    async def stopped() -> None:
        await asyncio.wait_for(asyncio.to_thread(serve, body, client_seconds=600), 30)

    asyncio.run(stopped())


def test_connections_are_forgotten_when_they_end() -> None:
    async def body(site: Site) -> None:
        _reader, writer = await site.connect()
        await site.until(lambda: len(site.server.connections) == 1)
        writer.close()
        await site.until(lambda: not site.server.connections)

    serve(body)
