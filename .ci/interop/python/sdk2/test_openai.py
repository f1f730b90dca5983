"""The openai package as an oracle: it reads out of our answers what it reads from the server itself."""

import json
from pathlib import Path

import openai
import pytest
from loopback import replay
from openai.types.beta.threads import Run
from pydantic import ValidationError

pytestmark = pytest.mark.filterwarnings("ignore:The Assistants API is deprecated:DeprecationWarning")

TESTDATA = Path(__file__).parents[4] / "runsapi/testdata"
ONE = {"thread_id": "thread_1", "run_id": "run_1"}
CLIENT = openai.OpenAI(api_key="sk-oracle", max_retries=0)


def runs(base_url):
    return CLIENT.with_options(base_url=base_url).beta.threads.runs


def validated(run):
    try:
        return Run.model_validate_json(run)
    except ValidationError as e:
        return e.errors(include_url=False)


def bodies(pattern):
    paths = sorted(TESTDATA.glob(pattern))
    assert paths, f"{TESTDATA} has no {pattern}"
    return pytest.mark.parametrize("body", [pytest.param(path.read_bytes(), id=path.stem) for path in paths])


@bodies("run_*.json")
def test_run_of_each_server(call, body):
    with replay(body) as (base_url, _):
        ours = call(base_url, "get_run", ONE)
        theirs = runs(base_url).retrieve(**ONE)
    with replay(ours.encode()) as (base_url, _):
        assert runs(base_url).retrieve(**ONE) == theirs
    assert validated(ours) == validated(body)


@bodies("list_*.json")
def test_list_of_each_server(call, body):
    with replay(body) as (base_url, _):
        ours = call(base_url, "list_runs", {"thread_id": "thread_1", "fields": ["*"]})
        theirs = runs(base_url).list("thread_1")
    with replay(ours.encode()) as (base_url, _):
        assert runs(base_url).list("thread_1").data == theirs.data


def test_runs_of_the_sandbox(call, sandbox):
    ours = json.loads(call(sandbox, "list_runs", {"thread_id": "thread_demo", "fields": ["*"]}))
    theirs = runs(sandbox).list("thread_demo", order="asc")
    assert [Run.model_validate(run) for run in ours["data"]] == theirs.data
    assert len(theirs.data) == 9
    for run in theirs.data:
        one = call(sandbox, "get_run", {"thread_id": "thread_demo", "run_id": run.id})
        assert Run.model_validate_json(one) == runs(sandbox).retrieve(run.id, thread_id="thread_demo")


def test_all_pages_of_the_sandbox(call, sandbox):
    ours = json.loads(call(sandbox, "list_runs", {"thread_id": "thread_long", "all": True, "order": "desc", "fields": ["*"]}))
    theirs = list(runs(sandbox).list("thread_long", order="desc"))
    assert [Run.model_validate(run) for run in ours["data"]] == theirs
    assert len(theirs) == 250


def test_wait_as_the_package_polls(call, sandbox):
    queued = {"thread_id": "thread_demo", "run_id": "run_queued"}
    theirs = runs(sandbox).poll(**queued)
    assert theirs.status == "completed"
    assert Run.model_validate_json(call(sandbox, "get_run", queued | {"wait": True})) == theirs


def test_cancel(call, sandbox):
    waiting = {"thread_id": "thread_demo", "run_id": "run_requires_action"}
    assert runs(sandbox).cancel(**waiting).status == "cancelling"
    ours = Run.model_validate_json(call(sandbox, "cancel_run", waiting | {"wait": True}))
    assert ours.status == "cancelled"
    assert ours == runs(sandbox).retrieve(**waiting)


def test_errors(call, sandbox):
    unknown = {"thread_id": "thread_demo", "run_id": "run_unknown"}
    ended = {"thread_id": "thread_demo", "run_id": "run_completed"}
    with pytest.raises(openai.NotFoundError) as not_found:
        runs(sandbox).retrieve(**unknown)
    assert not_found.value.body["message"] in call(sandbox, "get_run", unknown)
    with pytest.raises(openai.BadRequestError) as refused:
        runs(sandbox).cancel(**ended)
    assert refused.value.body["message"] in call(sandbox, "cancel_run", ended | {"force": True})
