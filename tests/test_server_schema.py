"""Generated requests against the server's own description of its interface."""

import pytest
from figure_runs import make_run
from hypothesis import HealthCheck, Phase, given, settings
from lab_servers import serve_lab

schemathesis = pytest.importorskip("schemathesis")
from schemathesis.specs.openapi.checks import positive_data_acceptance  # noqa: E402 - only if it is installed

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


def check_answers(schema, examples):
    """Send generated requests to every operation; each answer must be one that the description allows."""
    phases, checks = (Phase.explicit, Phase.generate), list(HealthCheck)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {"/api/predict", "/api/feedback", "/api/runs", "/api/clips"} <= {operation.path for operation in operations}
    for operation in operations:

        @settings(max_examples=examples, deadline=None, phases=phases, suppress_health_check=checks, derandomize=True)
        @given(case=operation.as_strategy())
        def send(case):
            answer = case.call()
            assert answer.status_code < 500
            case.validate_response(answer, excluded_checks=[positive_data_acceptance])  # a blank picture is refused

        send()


def test_answers_match_description(schema):
    check_answers(schema, SHORT_EXAMPLES)


@pytest.mark.slow
def test_many_answers_match_description(schema):
    check_answers(schema, LONG_EXAMPLES)
