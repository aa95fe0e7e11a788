"""Generated requests against the server's own description of its interface."""

import pytest
from figure_runs import make_run
from hypothesis import HealthCheck, Phase, settings
from lab_servers import serve_lab

schemathesis = pytest.importorskip("schemathesis")
LONG_EXAMPLES = 200
SHORT_EXAMPLES = 5


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Address of a server that renders nothing and limits nobody."""
    clip_queue = pytest.importorskip("netcore.web.server.clip_queue", exc_type=ImportError)
    folder = tmp_path_factory.mktemp("server")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clip_queue.ClipQueue, "_render", lambda queue, clip, pool: queue._end(clip, "canceled"))
        run = make_run(folder / "runs", "made-mlp", images=20)
        with serve_lab([run], folder, requests_per_second=1e9, request_burst=1e9, max_saved_runs=0) as found:
            found[1].tasks.burst = found[1].tasks.rate = 1e9
            yield found[0]


@pytest.fixture(scope="module")
def schema(served):
    return schemathesis.openapi.from_url(f"{served}/openapi.json")


described = schemathesis.pytest.from_fixture("schema")


def options(examples):
    phases = (Phase.explicit, Phase.generate)
    checks = list(HealthCheck)
    return settings(max_examples=examples, deadline=None, phases=phases, suppress_health_check=checks, derandomize=True)


@described.parametrize()
@options(SHORT_EXAMPLES)
def test_answers_match_description(case):
    answer = case.call()
    assert answer.status_code < 500
    case.validate_response(answer)


@pytest.mark.slow
@described.parametrize()
@options(LONG_EXAMPLES)
def test_many_answers_match_description(case):
    answer = case.call()
    assert answer.status_code < 500
    case.validate_response(answer)
