"""The gateway and the workers of a case, as processes to be started."""

from bench.stack.environment import HERE, Place
from devstack.ports import free_port
from devstack.programs import Listener, Program

_GATEWAY_PORT = "HOLDFAST_GATEWAY__PORT"
_GATEWAY_ADMIN_PORT = "HOLDFAST_GATEWAY__ADMIN_PORT"
_WORKER_ADMIN_PORT = "HOLDFAST_WORKERS__ADMIN_PORT"


def gateway_of(place: Place) -> Program:
    """The one gateway."""
    port, internal = free_port(), free_port()
    listener = Listener(
        host=HERE,
        port=port,
        ready_path="/ready",
        port_setting=_GATEWAY_PORT,
        internal_port=internal,
    )
    ports = {_GATEWAY_PORT: str(port), _GATEWAY_ADMIN_PORT: str(internal)}
    return _program(place, "gateway", "gateway", listener, ports)


def workers_of(place: Place) -> list[Program]:
    """As many workers as the shape says."""
    programs = []
    for number in range(1, place.shape.workers + 1):
        port = free_port()
        listener = Listener(
            host=HERE,
            port=port,
            ready_path="/ready",
            port_setting=_WORKER_ADMIN_PORT,
            internal_port=port,
        )
        ports = {_WORKER_ADMIN_PORT: str(port)}
        programs.append(_program(place, f"worker-{number}", "workers", listener, ports))
    return programs


def _program(
    place: Place, name: str, module: str, listener: Listener, ports: dict[str, str]
) -> Program:
    return Program(
        name,
        module=module,
        listener=listener,
        env={**place.environment(), **ports},
        log=place.folder / f"{name}.log",
        # Where no `.env` lies.
        cwd=place.folder,
    )
