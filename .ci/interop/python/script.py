"""What the agents are made to do, and what their model must have seen in the end."""

import json

TURNS = (
    [("list_runs", {"thread_id": "thread_demo", "status": ["active"], "order": "desc", "limit": 1, "fields": ["id"]})],
    [("get_run", {"thread_id": "thread_demo", "run_id": "run_queued", "wait": True, "fields": ["usage"]})],
    [("cancel_run", {"thread_id": "thread_demo", "run_id": "run_in_progress", "wait": True, "fields": ["id"]})],
    [
        ("get_run", {"thread_id": "thread_demo", "run_id": "run_unknown"}),
        ("get_run", {"thread_id": "thread_demo", "run_id": "run_failed", "fields": ["temperature"]}),
    ],
    "The thread is free.",
)


def check(model):
    assert sorted(model.offered()) == ["cancel_run", "get_run", "list_runs"]
    active, waited, cancelled, unknown, failed = model.results()
    assert json.loads(active)["data"] == [{"id": "run_queued", "status": "queued"}]
    assert json.loads(waited)["status"] == "completed"
    assert json.loads(waited)["usage"]["total_tokens"] == 500
    assert json.loads(cancelled) == {"id": "run_in_progress", "status": "cancelled"}
    assert "No run found with id 'run_unknown'" in unknown
    assert json.loads(failed) == {"id": "run_failed", "status": "failed", "temperature": 1.0}
