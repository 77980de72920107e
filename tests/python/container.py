"""Holds what can be held about the compose file without a container engine: `container.py COMPOSE SCHEMA`.

The schema is the one of the Compose specification. Prints one line per finding; exits 1 when there is one."""

import json
import sys

import jsonschema
import yaml


def findings(compose, schema):
    validator = jsonschema.Draft7Validator(schema)
    for error in validator.iter_errors(compose):
        yield f"schema: {'/'.join(map(str, error.absolute_path))}: {error.message}"
    services = compose.get("services", {})
    for name, service in services.items():
        yield from of_service(name, service, services)
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0] if isinstance(volume, str) else volume.get("source", "")
            if source not in compose.get("volumes", {}):
                yield f"{name}: the volume {source} is not a named one"


def of_service(name, service, services):
    health = service.get("healthcheck", {})
    if health.get("disable") or health.get("test") == ["NONE"]:
        yield f"{name}: its health check is off, and `up --wait` fails"
    depends = service.get("depends_on", {})
    if isinstance(depends, list):
        yield f"{name}: depends_on waits only for a start; name a condition"
        depends = {}
    for other, how in depends.items():
        if how.get("condition") != "service_healthy":
            yield f"{name}: waits for {other} without service_healthy"
        if not services.get(other, {}).get("healthcheck", {}).get("test"):
            yield f"{name}: waits for the health of {other}, which has no health check of its own"
    for key, value in {
        "restart": "always",
        "stop_grace_period": "30s",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
    }.items():
        if service.get(key) != value:
            yield f"{name}: {key} is not {value}"
    if service.get("logging", {}).get("driver") != "local":
        yield f"{name}: its logs are not rotated"
    for port in service.get("ports", []):
        if not str(port).startswith("127.0.0.1:"):
            yield f"{name}: the port {port} is open to other machines"


def main(compose, schema):
    with open(compose, encoding="utf-8") as file:
        compose = yaml.safe_load(file)
    with open(schema, encoding="utf-8") as file:
        schema = json.load(file)
    found = list(findings(compose, schema))
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
