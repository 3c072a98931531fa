"""How much memory 10,000 emulated projects take, and what a project read costs.

    python benchmarks/emulator_scale.py

Goals: under 1 GiB resident, under 5 ms of CPU per read.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import time

from railway_saas.emulator import Emulator, Request
from railway_saas.emulator.lifecycle import deploy_service_instance
from railway_saas.emulator.structure import create_project, create_service, make_variables
from railway_saas.emulator.world import ServiceSettings

PROJECTS = 10_000
SERVICES = ("web", "postgres", "redis")
READS = 500

PROJECT_GET = """
query ProjectGet($id: String!) {
  project(id: $id) {
    id name description createdAt deletedAt workspaceId subscriptionType baseEnvironmentId primaryEnvironmentId
    environments { edges { node { id name isEphemeral
      serviceInstances { edges { node { id serviceId serviceName source { image repo }
        latestDeployment { id status deploymentStopped staticUrl instances { id status } } } } } } } }
    services { edges { node { id name icon templateId templateServiceId } } }
  }
}
"""


def build(projects: int) -> tuple[Emulator, list[str]]:
    """An emulator with so many projects, three running services in each."""
    emulator = Emulator(limits=False)
    world = emulator.world
    workspace = world.workspaces[emulator.workspace_id]
    ids: list[str] = []
    for number in range(projects):
        project = create_project(
            world, workspace, name=f"customer-{number}", description=f"instance {number}"
        )
        (environment,) = project.environments.values()
        for name in SERVICES:
            settings = ServiceSettings(image=f"{name}:latest", start_command=f"run {number}")
            variables = make_variables(world, {"PORT": "8080", "TOKEN": f"secret-{number}"})
            service = create_service(world, project, name=name, settings=settings, variables=variables)
            deploy_service_instance(world, environment.instances[service.id])
        ids.append(project.id)
    emulator.clock.advance(20)
    return emulator, ids


def read_costs_ms(emulator: Emulator, ids: list[str], reads: int = READS) -> list[float]:
    """CPU milliseconds of single project reads, through everything but sockets."""
    headers = {"authorization": f"Bearer {emulator.api_token}"}
    chosen = random.Random(1).choices(ids, k=reads)
    requests = [
        Request.post("/graphql/v2?source=bench", {"query": PROJECT_GET, "variables": {"id": one}}, headers)
        for one in chosen
    ]
    costs: list[float] = []
    for request in requests:
        begun = time.process_time_ns()
        answer = emulator.handle(request)
        costs.append((time.process_time_ns() - begun) / 1e6)
        assert b"SUCCESS" in answer.body
    return costs


def measure(projects: int = PROJECTS) -> dict[str, float]:
    """Memory of this whole process in MiB, seconds to build, and milliseconds of CPU per read."""
    begun = time.process_time()
    emulator, ids = build(projects)
    built_s = time.process_time() - begun
    costs = read_costs_ms(emulator, ids)
    return {
        "projects": projects,
        "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "build_s": built_s,
        "read_ms_median": statistics.median(costs),
        "read_ms_p95": statistics.quantiles(costs, n=20)[-1],
    }


def run() -> list[dict[str, object]]:
    """Measure in a fresh process, so that its memory is its own; one row per goal."""
    output = subprocess.run([sys.executable, __file__, "--json"], check=True, capture_output=True, text=True)
    found = json.loads(output.stdout)
    projects = f"{found['projects']:,} projects of {len(SERVICES)} services"
    return [
        {
            "what": f"emulator: memory with {projects}",
            "value": found["rss_mib"],
            "unit": "MiB",
            "goal": "< 1024",
        },
        {
            "what": "emulator: CPU per project read, median",
            "value": found["read_ms_median"],
            "unit": "ms",
            "goal": "< 5",
        },
        {
            "what": "emulator: CPU per project read, 95 %",
            "value": found["read_ms_p95"],
            "unit": "ms",
            "goal": "< 5",
        },
    ]


if __name__ == "__main__":
    if "--json" in sys.argv:
        print(json.dumps(measure()))
    else:
        for row in run():
            print(f"{row['what']}: {row['value']:.2f} {row['unit']} (goal {row['goal']})")
