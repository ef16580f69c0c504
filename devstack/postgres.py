"""A real PostgreSQL server from a wheel: found, made, started, ended."""

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import psutil

from devstack.errors import JarError, PortTakenError, ServerError
from devstack.ports import require_free
from devstack.processes import Child, Command, Identity, run_to_end
from devstack.waiting import wait_until

MAJOR = 18
USER = "holdfast"
PORT_SETTING = "HOLDFAST_POSTGRES__PORT"
_START_S = 30.0
_STOP_S = 10.0
