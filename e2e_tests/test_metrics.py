"""The internal listeners: what a process tells whoever runs it, and nobody else."""

from prometheus_client.parser import text_string_to_metric_families

from e2e_tests.answers import refused
from e2e_tests.client import Client
from e2e_tests.system import System
from tests.eventually import eventually

TRANSFERS = 20


async def metrics(internal: Client) -> dict[str, dict[str, float]]:
    """The values of each metric by its label `step` or `outcome`, summed over the rest."""
    text = await internal.text("/metrics")
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            label = sample.labels.get("step", sample.labels.get("outcome", ""))
            values = found.setdefault(sample.name, {})
            values[label] = values.get(label, 0.0) + sample.value
    return found


async def test_the_public_port_has_no_metrics(client: Client):
    assert refused(await client.call("GET", "/metrics")) == (404, "not_found")


async def test_gateway_and_worker_count_what_they_run_and_send(system: System):
    client, worker = await system.start_gateway(), await system.start_worker()
    alice, bob = await client.member(EUR="100.00"), await client.member()
    for _ in range(TRANSFERS):
        assert (await client.transfer(alice, bob, "1.00")).status == 202
    await system.drained()
    at_gateway = await system.internal(system.gateways[0])
    at_worker = await system.internal(worker)

    async def all_sent() -> bool:
        # A sender counts once the broker has said its word, which may be after the end.
        sent = (await metrics(at_gateway))["holdfast_messages_total"]["sent"]
        return sent >= TRANSFERS

    await eventually(all_sent)
    gateway, steps = await metrics(at_gateway), await metrics(at_worker)

    assert gateway["holdfast_lane_items_total"]["try"] >= TRANSFERS
    assert gateway["holdfast_lane_items_total"]["move"] == 1
    assert gateway["holdfast_lane_batches_total"]["move"] == 1
    assert gateway["holdfast_lane_running_seconds_total"]["try"] > 0
    assert gateway["holdfast_messages_total"]["dropped"] == 0
    # Each is debited, confirmed and settled.
    assert steps["holdfast_lane_items_total"]["steps"] >= 3 * TRANSFERS
    assert steps["holdfast_lane_batches_total"]["steps"] > 0
    assert steps["holdfast_lane_depth"]["steps"] == 0
    assert steps["holdfast_lane_transient_errors_total"]["steps"] == 0
    # It reads all confirms itself.
    assert steps["holdfast_messages_total"]["sent"] == 0
    for found in (gateway, steps):
        assert found["process_cpu_seconds_total"][""] > 0
        assert found["process_resident_memory_bytes"][""] > 0


async def test_internal_listeners_tell_whether_their_process_works(system: System):
    await system.start_gateway()
    worker = await system.start_worker()
    gateway, at_worker = await system.internal(system.gateways[0]), await system.internal(worker)

    for internal in (gateway, at_worker):
        assert internal.base.startswith("http://127.0.0.1:")
        alive = await internal.call("GET", "/health")
        assert (alive.status, alive.body["status"]) == (200, "alive")
        ready = await internal.call("GET", "/ready")
        assert (ready.status, ready.body["status"]) == (200, "ready")
        assert await internal.status("/v1/me") == 404
